"""Runs as files: downloads for those who may read runs, uploads for staff."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from runs.access import ReadRequest, refusal, session_or_read_key
from runs.exports.formats import RUN_SET_FORMATS, SINGLE_RUN_FORMATS, ExportFormat, gzipped
from runs.lookup import run_or_404
from runs.models import Run
from runs.pages.history.listing import each_run
from runs.query.run_filters import RunFilters
from runs.recording.importing.run_files.reader import RunFileReport, import_file
from runs.recording.storing import inbox

# How many times the size of the largest upload a compressed one may unpack to.
UNPACKED = 10
SHOWN_RUNS = 20


@require_safe
@session_or_read_key
def run_set(request: ReadRequest, form: str, gz: str = "") -> HttpResponse:
    """Send all runs that match the filters as one file."""
    parameters = request.GET.copy()
    parameters.pop("values", None)
    filters = RunFilters(parameters, readable_by=request.only_app)
    if not filters.is_valid():
        return refusal(400, " ".join(filters.sentences))
    runs = Run.objects.for_list().with_sources().for_app(request.only_app)
    name = f"waylog-runs-{timezone.localtime():%Y%m%d-%H%M%S}.{form}{gz}"
    return _download(request, RUN_SET_FORMATS[form], each_run(runs, filters), name)


@require_safe
@session_or_read_key
def single_run(request: ReadRequest, run_id: UUID, form: str, gz: str = "") -> HttpResponse:
    run = run_or_404(run_id, request.only_app)
    return _download(request, SINGLE_RUN_FORMATS[form], [run], f"run-{run.id}.{form}{gz}")


def _download(
    request: ReadRequest, form: ExportFormat, runs: Iterable[Run], name: str
) -> HttpResponse:
    """Stream a file while it is written. It is a download also where a browser could show it,
    because the content security policy of this site would block the styles of an exported page."""
    values = request.GET.get("values", "")
    if values not in ("", "whole"):
        return refusal(400, "“values” is “whole” or nothing.")
    write = (form.write_whole or form.write) if values else form.write
    pieces = write(runs, request.build_absolute_uri("/")[:-1])
    gz = name.endswith(".gz")
    response = StreamingHttpResponse(
        () if request.method == "HEAD" else gzipped(pieces) if gz else pieces,
        content_type="application/gzip" if gz else form.content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
    return response  # type: ignore[return-value]


@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """Show the page that takes a file; import what was uploaded and report the result."""
    if not request.user.is_staff:
        raise PermissionDenied("Only staff can import runs.")
    if request.method != "POST":
        return _import_page(request, 200)
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        return _import_page(request, 400, problem="Choose a file first.")
    if (file.size or 0) > settings.WAYLOG_MAX_BODY:
        limit = f"{settings.WAYLOG_MAX_BODY >> 20} MB"
        problem = f"The file is larger than {limit}. Import it with manage.py import_runs."
        return _import_page(request, 413, problem=problem)
    sender = inbox.Sender(request.path, user_agent=f"upload by {request.user.get_username()}")
    try:
        report = import_file(file, sender, most=UNPACKED * settings.WAYLOG_MAX_BODY)
    except DatabaseError:
        problem = "The database is not available now. What was read so far is kept; try again."
        return _import_page(request, 503, problem=problem)
    status = 400 if report.refused and not report.runs else 200
    return _import_page(request, status, report)


def _import_page(
    request: HttpRequest, status: int, report: RunFileReport | None = None, problem: str = ""
) -> HttpResponse:
    context: dict[str, Any] = {"limit": settings.WAYLOG_MAX_BODY >> 20, "problem": problem}
    if report:
        ids = sorted(report.runs)[:SHOWN_RUNS]
        runs = Run.objects.for_list().filter(pk__in=ids)
        context |= {"report": report, "runs": runs, "more": len(report.runs) - len(ids)}
    return render(request, "files/import.html", context, status=status)
