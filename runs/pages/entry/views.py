"""Addresses that other programs link to: a producer's id, a project's name, a health probe."""

import logging

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from runs.access import ReadRequest, session_or_read_key
from runs.lookup import printable
from runs.models import App, Run
from runs.pages.run import views

log = logging.getLogger(__name__)


def run_by_source_id_or_404(source_id: str, only_app: App | None = None) -> Run:
    """Return the newest run that has a producer's id; Http404 with a sentence when there is
    none."""
    if "\0" not in source_id:
        runs = Run.objects.for_list().with_sources().for_app(only_app)
        if run := runs.with_source_id(source_id).first():
            return run
    raise Http404(f"No run has the id “{printable(source_id)}”.")


@require_safe
def run_by_source(request: HttpRequest, source_id: str) -> HttpResponse:
    return redirect(run_by_source_id_or_404(source_id))


@require_safe
@session_or_read_key
def run_by_source_twin(request: ReadRequest, source_id: str) -> HttpResponse:
    """Return what the run's own address returns."""
    run = run_by_source_id_or_404(source_id, request.only_app)
    return views.run_twin(request, run.pk)


@require_safe
@session_or_read_key
def run_by_source_markdown(request: ReadRequest, source_id: str) -> HttpResponse:
    run = run_by_source_id_or_404(source_id, request.only_app)
    return views.run_markdown(request, run.pk)


@require_safe
def project(request: HttpRequest) -> HttpResponse:
    """Redirect Dify's “View” link for a Phoenix project to the app of that name or slug."""
    return _app_named(request.GET.get("redirect_project_name", "").strip())


@require_safe
def langfuse_project(request: HttpRequest, name: str) -> HttpResponse:
    """Redirect the link to a Langfuse project to the app that the client's public key named, or,
    with `/traces/<trace id>` after the project's id, to the run."""
    name, _, trace_id = name.partition("/traces/")
    return redirect(run_by_source_id_or_404(trace_id.strip("/"))) if trace_id else _app_named(name)


def _app_named(name: str) -> HttpResponse:
    if not name:
        return redirect("apps")
    if "\0" not in name and (app := App.objects.known_as(name).first()):
        return redirect(app)
    raise Http404(
        f"There is no app “{printable(name)}” yet. It appears when its first run arrives."
    )


@require_safe
@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        log.exception("The database does not answer.")
        return HttpResponse(
            "The database does not answer.\n", status=503, content_type="text/plain"
        )
    return HttpResponse("ok\n", content_type="text/plain")
