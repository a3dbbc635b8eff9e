"""The run history: of all apps, or of one; the same for machines."""

import time
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseStopPolling, push_url

from nodes.http import HtmxHttpRequest, render_region, wants_fragment
from runs.access import ReadRequest, refusal, session_or_read_key, signed_in
from runs.json.execution import moment
from runs.json.records import run_json
from runs.lookup import app_or_404
from runs.models import App, Run
from runs.pages.history.facet_counts import Shown, shown_from
from runs.pages.history.facets import Facets, facets_json, facets_of
from runs.pages.history.listing import listing
from runs.pages.history.live import news, watch_from, watch_of
from runs.pages.history.tables import ChangedRows, RunTable
from runs.pages.saved_views.forms import offered
from runs.paging import BadCursor
from runs.query.fields import FIELDS
from runs.query.form import more_filters
from runs.query.run_filters import RunFilters
from runs.search import hits_json

REGION = "run-results"
APPS_TO_CHOOSE = 500


@require_safe
def run_list(request: HtmxHttpRequest) -> HttpResponse:
    return history(request, "history/history.html", RunFilters(request.GET), {})


@require_safe
def app_runs(request: HtmxHttpRequest, slug: str) -> HttpResponse:
    app = app_or_404(slug)
    filters = RunFilters(request.GET, app=app)
    return history(request, "history/app.html", filters, {"app": app, "tab": "runs"})


def history(
    request: HtmxHttpRequest, page_template: str, filters: RunFilters, context: dict[str, Any]
) -> HttpResponse:
    """The page, or a part of it for htmx: its news, its facets, the table of another page of the
    list, or all below the heading."""
    context |= {"filters": filters, "path": request.path}
    if wants_fragment(request) and "live" in request.GET:
        return live(request, filters, context)
    if wants_fragment(request) and "facets" in request.GET:
        context |= {"problems": filters.sentences, "facets": counted(request, filters)}
        return render_region(request, page_template, "history/_facets.html", context)
    context |= listed(request, filters)
    part = "history/_results_update.html"
    if not wants_fragment(request) or request.htmx.target != REGION:
        context |= around(request, filters, context.get("shown"))
        part = "history/_list_update.html"
    response = render_region(request, page_template, part, context)
    patch_vary_headers(response, ["HX-Target"])
    return push_url(response, address(request, filters)) if wants_fragment(request) else response


def listed(request: HttpRequest, filters: RunFilters) -> dict[str, Any]:
    """The table and its page, or what is wrong."""
    if not filters.is_valid():
        return {"problems": filters.sentences}
    try:
        told = listing(Run.objects.for_list(), filters, request.GET.get("after", ""))
    except BadCursor as problem:
        return {"problems": [str(problem)]}
    return {
        "page": told.page,
        "found": told.found,
        "table": RunTable(told.page.rows, exclude=("app",) if filters.only_app else ()),
        "watch": watch_of(filters, told.page, int(time.time())),
        "shown": Shown([run.pk for run in told.page.rows], told.page.next)
        if told.found and told.page.first
        else None,
    }


def counted(request: HtmxHttpRequest, filters: RunFilters) -> Facets:
    """The facets, as a page asks for them that tells what it has found."""
    try:
        return facets_of(filters, shown_from(request.GET))
    except BadCursor:
        return facets_of(filters)


def around(request: HtmxHttpRequest, filters: RunFilters, shown: Shown | None) -> dict[str, Any]:
    """What stands above and beside the table."""
    views = offered(signed_in(request), filters)
    told: dict[str, Any] = {
        "fields": FIELDS,
        "more": more_filters(filters.query, with_app=filters.only_app is None),
        "views": views,
        "is_saved": any(one.active for one in views),
    }
    if filters.only_app is None:
        told["apps"] = App.objects.in_use().order_by("name")[:APPS_TO_CHOOSE]
    if "facets" in request.GET:
        told["facets"] = facets_of(filters, shown)
    return told


def live(request: HtmxHttpRequest, filters: RunFilters, context: dict[str, Any]) -> HttpResponse:
    """What is new since the page was written; the last answer ends the polling."""
    try:
        told = (
            news(filters, watch_from(request.GET), int(time.time())) if filters.is_valid() else None
        )
    except BadCursor:
        told = None
    rows = ChangedRows(told.rows, exclude=("app",) if filters.only_app else ()) if told else None
    context |= {"news": told, "watch": told and told.watch, "table": rows}
    response = render_region(request, "", "history/_live_update.html", context)
    return response if told and told.watch else stop_polling(response)


def stop_polling(response: HttpResponse) -> HttpResponse:
    stop = HttpResponseStopPolling(response.content)
    stop["Vary"] = response["Vary"]
    return stop


def address(request: HttpRequest, filters: RunFilters, after: str = "") -> str:
    """This list's address without empty filters."""
    query = filters.as_told(after=after or request.GET.get("after", ""))
    return f"{request.path}?{query}" if query else request.path


@require_safe
@session_or_read_key
def run_list_json(request: ReadRequest) -> HttpResponse:
    filters = RunFilters(request.GET, readable_by=request.only_app)
    if not filters.is_valid():
        return refusal(400, " ".join(filters.sentences))
    runs = Run.objects.for_list().with_sources().for_app(request.only_app)
    try:
        told = listing(runs, filters, request.GET.get("after", ""))
    except BadCursor as problem:
        return refusal(400, str(problem))
    base_url = request.build_absolute_uri("/")[:-1]
    page, found = told.page, told.found
    rows = [
        run_json(run, base_url) | {"hits": hits_json(run.hits, base_url) if found else None}  # type: ignore[attr-defined]
        for run in page.rows
    ]
    following = base_url + address(request, filters, page.next) if page.next else None
    until = moment(found.looked_until) if found else None
    return JsonResponse({"runs": rows, "next": following, "searched_until": until})


@require_safe
@session_or_read_key
def facets_twin(request: ReadRequest) -> HttpResponse:
    filters = RunFilters(request.GET, readable_by=request.only_app)
    if not filters.is_valid():
        return refusal(400, " ".join(filters.sentences))
    return JsonResponse(
        facets_json(facets_of(filters), request.build_absolute_uri(reverse("runs")))
    )
