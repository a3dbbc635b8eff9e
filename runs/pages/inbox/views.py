"""The inbox: the requests that producers sent, the records that were refused, and their replay."""

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
from runs.pages.inbox.tables import NO_FAILED_REQUESTS, RefusedRecordTable, RequestTable
from runs.pages.producers.documents import documents
from runs.paging import BadCursor, Order, Page, page_of
from runs.recording.receiving.replay import replay

NEWEST_FIRST = Order("received_at")
MAX_REPLAYED = 500  # refused records that one click replays
FAILED = "failed"
MAX_WAITING_COUNTED = 1_000


class UnknownFilter(ValueError):
    """The parameter `only` names no filter of this list."""


@require_safe
def request_list(request: HtmxHttpRequest) -> HttpResponse:
    """List recent requests; where there are none, or the newest failed, show how to send some."""
    newest = ReceivedRequest.objects.for_list().first()
    context: dict[str, Any] = {
        "tab": "requests",
        "only": request.GET.get("only", ""),
        "base_url": request.build_absolute_uri("/")[:-1],
        "producers": documents().values(),
        "last_failed": ReceivedRequest.objects.for_list().failed().first(),
        "needs_help": newest is None or newest.status >= 400,
        "waiting_notes": Note.objects.waiting()[:MAX_WAITING_COUNTED].count(),
    }
    try:
        page = _request_page(request)
        empty = NO_FAILED_REQUESTS if context["only"] or not page.first else None
        context |= {
            "page": page,
            "table": RequestTable(_requests_with_runs(page.rows), empty=empty),
        }
    except (BadCursor, UnknownFilter) as problem:
        context["problem"] = str(problem)
    return render_region(request, "inbox/requests.html", "inbox/_requests.html", context)


@require_safe
def refused_list(request: HtmxHttpRequest) -> HttpResponse:
    """List refused records, each with its reason and the request that brought it."""
    context: dict[str, Any] = {"tab": "refused"}
    try:
        rows = RefusedRecord.objects.for_list()
        page = page_of(rows, NEWEST_FIRST, request.GET.get("after", ""))
        context |= {"page": page, "table": RefusedRecordTable(page.rows)}
    except BadCursor as problem:
        context["problem"] = str(problem)
    return render_region(request, "inbox/refused.html", "inbox/_refused.html", context)


@require_safe
def refused_raw(request: HttpRequest, record_id: int) -> HttpResponse:
    """Download the record as it was received."""
    record = RefusedRecord.objects.defer("body").filter(pk=record_id).first()
    if record is None:
        raise Http404("This refused record is no longer kept.")
    response = HttpResponse(record.raw, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="refused-{record.pk}.json"'
    return response


@require_POST
def refused_replay(request: HttpRequest, record_id: int) -> HttpResponse:
    _require_staff(request)
    record = RefusedRecord.objects.select_related("key__app").filter(pk=record_id).first()
    if record is None:
        raise Http404("This refused record is no longer kept.")
    if reason := replay(record):
        messages.error(request, f"Refused again: {reason}")
    else:
        messages.success(request, "The record was accepted.")
    return redirect("inbox-refused")


@require_POST
def refused_replay_all(request: HttpRequest) -> HttpResponse:
    """Replay up to MAX_REPLAYED refused records, oldest first."""
    _require_staff(request)
    rows = RefusedRecord.objects.replayable().select_related("key__app")
    records = rows.order_by("received_at", "id")[:MAX_REPLAYED]
    reasons = [replay(record) for record in records.iterator()]
    accepted = reasons.count("")
    add_message = messages.success if accepted == len(reasons) else messages.warning
    add_message(request, f"{accepted} of {len(reasons)} records were accepted.")
    return redirect("inbox-refused")


@require_safe
@session_or_read_key
def request_list_twin(request: ReadRequest) -> HttpResponse:
    """List requests as JSON. A key bound to an app reads those that came with keys of that app."""
    try:
        page = _request_page(request)
    except (BadCursor, UnknownFilter) as problem:
        return refusal(400, str(problem))
    rows = [_received_request_json(row) for row in page.rows]
    return JsonResponse({"requests": rows, "next": _next_inbox_url(request, page)})


@require_safe
@session_or_read_key
def refused_list_twin(request: ReadRequest) -> HttpResponse:
    records = RefusedRecord.objects.for_list().of_app(request.only_app)
    try:
        page = page_of(records, NEWEST_FIRST, request.GET.get("after", ""))
    except BadCursor as problem:
        return refusal(400, str(problem))
    rows = [_refused_record_json(row) for row in page.rows]
    return JsonResponse({"refused": rows, "next": _next_inbox_url(request, page)})


def _request_page(request: HttpRequest) -> Page[ReceivedRequest]:
    """Return the page of requests that the parameters `only` and `after` choose. Raises
    UnknownFilter, BadCursor."""
    only = request.GET.get("only", "")
    if only not in ("", FAILED):
        raise UnknownFilter(f"“only” can be “{FAILED}” or absent, not “{only[:40]}”.")
    rows = ReceivedRequest.objects.for_list().of_app(getattr(request, "only_app", None))
    return page_of(rows.failed() if only else rows, NEWEST_FIRST, request.GET.get("after", ""))


def _requests_with_runs(rows: Sequence[ReceivedRequest]) -> list[tuple[ReceivedRequest, list[Run]]]:
    """Return each request with those of its runs that still exist."""
    ids = {UUID(run_id) for row in rows for run_id in row.run_ids}
    fields = ("name", "inputs_preview", "app__name")
    runs = Run.objects.select_related("app").only(*fields).in_bulk(ids)
    return [
        (row, [runs[UUID(run_id)] for run_id in row.run_ids if UUID(run_id) in runs])
        for row in rows
    ]


def _next_inbox_url(request: HttpRequest, page: Page[Any]) -> str | None:
    """Return the absolute URL of the next page with the same filter, None after the last page."""
    if not page.next:
        return None
    query = request.GET.copy()
    query["after"] = page.next
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def _received_request_json(row: ReceivedRequest) -> ReceivedRequestJson:
    return {
        "id": row.pk,
        "received_at": iso_time(row.received_at),
        "door": row.door,
        "key": row.key.name if row.key else None,
        "user_agent": row.user_agent or None,
        "content_type": row.content_type or None,
        "status": row.status,
        "error": row.error or None,
        "remarks": row.remarks,
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


def _refused_record_json(row: RefusedRecord) -> RefusedRecordJson:
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


def _require_staff(request: HttpRequest) -> None:
    if not request.user.is_staff:
        raise PermissionDenied("Only staff can replay refused records.")
