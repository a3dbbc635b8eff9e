"""The inbox: what machines sent, what of it was refused, and sending that again."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from nodes.http import HtmxHttpRequest, render_region
from runs.access import ReadRequest, refusal, session_or_read_key
from runs.json.inbox import ReceivedRequestJson, RefusedRecordJson
from runs.json.values import iso_time
from runs.models import Note, ReceivedRequest, RefusedRecord, Run
from runs.pages.inbox.tables import RequestTable
from runs.pages.producers.documents import documents
from runs.paging import BadCursor, Order, Page, page_of
from runs.recording.receiving.replay import replay

NEWEST = Order("received_at")
# So many records are sent again by one click.
REPLAYED_AT_ONCE = 500
FAILED = "failed"
COUNTED = 1_000


class BadChoice(ValueError):
    """A filter that this list does not have."""


@require_safe
def request_list(request: HtmxHttpRequest) -> HttpResponse:
    """Recent requests, and what to do when there are none."""
    newest = ReceivedRequest.objects.for_list().first()
    context: dict[str, Any] = {
        "tab": "requests",
        "only": request.GET.get("only", ""),
        "base_url": request.build_absolute_uri("/")[:-1],
        "producers": documents().values(),
        "last_failed": ReceivedRequest.objects.for_list().failed().first(),
        "needs_help": newest is None or newest.status >= 400,
        "waiting_notes": Note.objects.waiting()[:COUNTED].count(),
    }
    try:
        page = _requests(request)
        context |= {"page": page, "table": RequestTable(_with_runs(page.rows))}
    except (BadCursor, BadChoice) as problem:
        context["problem"] = str(problem)
    return render_region(request, "inbox/requests.html", "inbox/_requests.html", context)


@require_safe
def refused_list(request: HtmxHttpRequest) -> HttpResponse:
    """Refused records, each with its reason and how it came."""
    context: dict[str, Any] = {"tab": "refused"}
    try:
        rows = RefusedRecord.objects.for_list()
        context["page"] = page_of(rows, NEWEST, request.GET.get("after", ""))
    except BadCursor as problem:
        context["problem"] = str(problem)
    return render_region(request, "inbox/refused.html", "inbox/_refused.html", context)


@require_safe
def refused_raw(request: HttpRequest, record_id: int) -> HttpResponse:
    """The raw record as a file."""
    record = RefusedRecord.objects.defer("body").filter(pk=record_id).first()
    if record is None:
        raise Http404("This refused record is not kept any more.")
    response = HttpResponse(record.raw, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="refused-{record.pk}.json"'
    return response


@require_POST
def refused_replay(request: HttpRequest, record_id: int) -> HttpResponse:
    _staff_only(request)
    record = RefusedRecord.objects.select_related("key__app").filter(pk=record_id).first()
    if record is None:
        raise Http404("This refused record is not kept any more.")
    if reason := replay(record):
        messages.error(request, f"Refused again: {reason}")
    else:
        messages.success(request, "The record is taken.")
    return redirect("inbox-refused")


@require_POST
def refused_replay_all(request: HttpRequest) -> HttpResponse:
    """Send again whatever can be, oldest first."""
    _staff_only(request)
    rows = RefusedRecord.objects.replayable().select_related("key__app")
    found = rows.order_by("received_at", "id")[:REPLAYED_AT_ONCE]
    reasons = [replay(record) for record in found.iterator()]
    taken = reasons.count("")
    say = messages.success if taken == len(reasons) else messages.warning
    say(request, f"{taken} of {len(reasons)} records are taken now.")
    return redirect("inbox-refused")


@require_safe
@session_or_read_key
def request_list_twin(request: ReadRequest) -> HttpResponse:
    """A key that is bound to an app is told what came with keys of that app."""
    try:
        page = _requests(request)
    except (BadCursor, BadChoice) as problem:
        return refusal(400, str(problem))
    told = [_request_json(row) for row in page.rows]
    return JsonResponse({"requests": told, "next": _following(request, page)})


@require_safe
@session_or_read_key
def refused_list_twin(request: ReadRequest) -> HttpResponse:
    rows = RefusedRecord.objects.for_list().of_app(request.only_app)
    try:
        page = page_of(rows, NEWEST, request.GET.get("after", ""))
    except BadCursor as problem:
        return refusal(400, str(problem))
    told = [_refused_json(row) for row in page.rows]
    return JsonResponse({"refused": told, "next": _following(request, page)})


def _requests(request: HttpRequest) -> Page[ReceivedRequest]:
    only = request.GET.get("only", "")
    if only not in ("", FAILED):
        raise BadChoice(f"“{only[:40]}” is not a choice: there is “{FAILED}”, or all.")
    rows = ReceivedRequest.objects.for_list().of_app(getattr(request, "only_app", None))
    return page_of(rows.failed() if only else rows, NEWEST, request.GET.get("after", ""))


def _with_runs(rows: Sequence[ReceivedRequest]) -> list[tuple[ReceivedRequest, list[Run]]]:
    """Each request with those of its runs that are still there."""
    ids = {UUID(run_id) for row in rows for run_id in row.run_ids}
    shown = ("name", "inputs_preview", "app__name")
    runs = Run.objects.select_related("app").only(*shown).in_bulk(ids)
    return [
        (row, [runs[UUID(run_id)] for run_id in row.run_ids if UUID(run_id) in runs])
        for row in rows
    ]


def _following(request: HttpRequest, page: Page[Any]) -> str | None:
    if not page.next:
        return None
    query = request.GET.copy()
    query["after"] = page.next
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def _request_json(row: ReceivedRequest) -> ReceivedRequestJson:
    return {
        "id": row.pk,
        "received_at": iso_time(row.received_at),
        "door": row.door,
        "key": row.key.name if row.key else None,
        "user_agent": row.user_agent or None,
        "content_type": row.content_type or None,
        "status": row.status,
        "error": row.error or None,
        "size": row.size,
        "duration_us": row.duration_us,
        "records": row.records,
        "refused": row.refused,
        "duplicates": row.duplicates,
        "late": row.late,
        "orphans": row.orphans,
        "run_count": row.run_count,
        "runs": row.run_ids,
    }


def _refused_json(row: RefusedRecord) -> RefusedRecordJson:
    return {
        "id": row.pk,
        "received_at": iso_time(row.received_at),
        "request": row.request_id,
        "door": row.door,
        "key": row.key.name if row.key else None,
        "user_agent": row.user_agent or None,
        "reason": row.reason,
        "replayed_at": iso_time(row.replayed_at),
        "raw_beginning": row.head,
    }


def _staff_only(request: HttpRequest) -> None:
    if not request.user.is_staff:
        raise PermissionDenied("Only staff send refused records again.")
