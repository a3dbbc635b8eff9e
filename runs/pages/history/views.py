"""The run history: of all apps, or of one; the same for machines."""

import time
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseStopPolling, push_url

from nodes.http import HtmxHttpRequest, render_region, wants_fragment
from runs.access import ReadRequest, refusal, session_or_read_key, signed_in
from runs.json.run import ListedRunJson, run_json
from runs.json.values import iso_time
from runs.lookup import app_or_404
from runs.models import App, Run
from runs.pages.history.columns import chosen_columns, column_choices
from runs.pages.history.completions import completions
from runs.pages.history.facet_counts import FirstSearchPage, first_search_page_from
from runs.pages.history.facets import Facets, facets_json, facets_of
from runs.pages.history.figures import histogram, run_sums, run_sums_json, time_range
from runs.pages.history.listing import list_name, list_runs
from runs.pages.history.live import news_since, watch_from, watch_of
from runs.pages.history.tables import ChangedRunTable, RunTable, empty_history, order_links
from runs.pages.saved_views.forms import offered_views
from runs.paging import PAGE_SIZE, BadCursor, page_size
from runs.query.fields import FIELDS, LANGUAGE
from runs.query.form import more_filters
from runs.query.matching import shows_transport
from runs.query.run_filters import RunFilters
from runs.search import hits_json

REGION = "run-results"
SEARCHED = "searched"
# A search goes on by itself until the page shows so many runs.
ENOUGH_FOUND = PAGE_SIZE
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
    """Answer with the page, or for htmx with a part of it: its news, its facets, completions of
    what is typed, the table of another page of the list, or all below the heading."""
    context |= {"filters": filters, "path": request.path}
    if wants_fragment(request) and "live" in request.GET:
        return history_news(request, filters, context)
    if wants_fragment(request) and "complete" in request.GET:
        context = {"completions": completions(filters)}
        return render_region(request, page_template, "history/_completions.html", context)
    if wants_fragment(request) and "facets" in request.GET:
        context |= {"problems": filters.sentences, "facets": facets_of_request(request, filters)}
        return render_region(request, page_template, "history/_facets.html", context)
    if wants_fragment(request) and "figures" in request.GET:
        context |= figures_context(filters)
        return render_region(request, page_template, "history/_figures.html", context)
    context |= results_context(request, filters)
    target = request.htmx.target if wants_fragment(request) else None
    if target == SEARCHED and "table" in context:
        context |= {"is_continued": True}
        return render_region(request, page_template, "history/_searched_update.html", context)
    part = "history/_results_update.html"
    if target != REGION:
        context |= surroundings_context(request, filters, context.get("first_page"))
        part = "history/_list_update.html"
    response = render_region(request, page_template, part, context)
    patch_vary_headers(response, ["HX-Target"])
    return (
        push_url(response, history_address(request, filters))
        if wants_fragment(request)
        else response
    )


def results_context(request: HttpRequest, filters: RunFilters) -> dict[str, Any]:
    """Return the context of _results.html: the table and its page, or what is wrong."""
    if not filters.is_valid():
        return {"problems": filters.problems}
    try:
        listing = list_runs(Run.objects.for_list(), filters, request.GET.get("after", ""))
    except BadCursor as problem:
        return {"problems": [str(problem)]}
    page, search = listing.page, listing.search
    columns = chosen_columns(request)
    is_first_search_page = search and page.first
    shown = len(page.rows) + (shown_before(request) if search else 0)
    empty = None
    if not page.rows:
        empty = empty_history(filters, request.path, search, page.first, shown)
    return {
        "page": page,
        "search": search,
        "shown": shown,
        "goes_on_by_itself": shown < ENOUGH_FOUND,
        "table": RunTable(
            page.rows,
            list_query=list_query(filters),
            columns=columns,
            heading_links=order_links(filters),
            empty=empty,
            exclude=("app",) if filters.only_app else (),
        ),
        "left_out_href": left_out_href(filters),
        "watch": watch_of(filters, page, int(time.time())),
        "first_page": FirstSearchPage([run.pk for run in page.rows], page.next)
        if is_first_search_page
        else None,
    }


def list_query(filters: RunFilters) -> str:
    """Return what the links to the runs of a list name it by: a query string, or ""."""
    name = list_name(filters)
    return f"?{urlencode({'list': name})}" if name else ""


def left_out_href(filters: RunFilters) -> str:
    """Return the address of the runs that the list leaves out because they are calls of a transport
    alone; "" where there are none."""
    if shows_transport(filters.query):
        return ""
    if not Run.objects.left_out().for_app(filters.only_app).exists():
        return ""
    return filters.href(filters.query.plus(LANGUAGE.parse("is:transport")[0].terms[0]))


def shown_before(request: HttpRequest) -> int:
    """Return how many runs a search had found before the page that is asked for."""
    count = request.GET.get("shown", "")
    return int(count) if count.isascii() and count.isdecimal() and len(count) < 10 else 0


def facets_of_request(request: HtmxHttpRequest, filters: RunFilters) -> Facets:
    """Count the facets for a page that says in its request which runs its search found."""
    try:
        return facets_of(filters, first_search_page_from(request.GET))
    except BadCursor:
        return facets_of(filters)


def figures_context(filters: RunFilters) -> dict[str, Any]:
    """Return the context of _figures.html; without figures for filters that cannot be applied."""
    if not filters.is_valid():
        return {"problems": filters.sentences}
    sums = run_sums(filters)
    return {"sums": sums, "histogram": histogram(sums, filters)}


def surroundings_context(
    request: HtmxHttpRequest, filters: RunFilters, first_page: FirstSearchPage | None
) -> dict[str, Any]:
    """Return the context of everything above and beside the table."""
    views = offered_views(signed_in(request), filters)
    columns = chosen_columns(request)
    context: dict[str, Any] = {
        "fields": FIELDS,
        "column_choices": column_choices(columns, with_app=filters.only_app is None),
        "time_range": time_range(filters),
        "more": more_filters(LANGUAGE, filters.query, with_app=filters.only_app is None),
        "views": views,
        "is_saved": any(view.active for view in views),
    }
    if filters.only_app is None:
        context["apps"] = App.objects.in_use().order_by("name")[:APPS_TO_CHOOSE]
    if "facets" in request.GET:
        context["facets"] = facets_of(filters, first_page)
    if "figures" in request.GET:
        context |= figures_context(filters)
    return context


def history_news(
    request: HtmxHttpRequest, filters: RunFilters, context: dict[str, Any]
) -> HttpResponse:
    """Answer with what is new since the page was written; the last answer ends the polling."""
    news = table = None
    if filters.is_valid():
        with suppress(BadCursor):
            news = news_since(filters, watch_from(request.GET), int(time.time()))
    if news:
        table = ChangedRunTable(
            news.rows,
            list_query=list_query(filters),
            columns=chosen_columns(request),
            exclude=("app",) if filters.only_app else (),
        )
    context |= {"news": news, "watch": news and news.watch, "table": table}
    response = render_region(request, "", "history/_live_update.html", context)
    return response if news and news.watch else stop_polling(response)


def stop_polling(response: HttpResponse) -> HttpResponse:
    stop = HttpResponseStopPolling(response.content)
    stop["Vary"] = response["Vary"]
    return stop


def history_address(request: HttpRequest, filters: RunFilters, after: str = "") -> str:
    """Return the list's address without empty filters."""
    query = filters.as_query_string(after=after or request.GET.get("after", ""))
    return f"{request.path}?{query}" if query else request.path


@require_safe
@session_or_read_key
def run_list_twin(request: ReadRequest) -> HttpResponse:
    filters = RunFilters(request.GET, readable_by=request.only_app)
    if not filters.is_valid():
        return refusal(400, " ".join(filters.sentences))
    runs = Run.objects.for_list().with_sources().for_app(request.only_app)
    try:
        size = page_size(request.GET.get("limit", ""))
        listing = list_runs(runs, filters, request.GET.get("after", ""), size)
    except BadCursor as problem:
        return refusal(400, str(problem))
    base_url = request.build_absolute_uri("/")[:-1]
    page, search = listing.page, listing.search
    rows: list[ListedRunJson] = [
        {**run_json(run, base_url), "hits": hits_json(run.hits, base_url) if search else None}  # type: ignore[attr-defined]
        for run in page.rows
    ]
    following = base_url + history_address(request, filters, page.next) if page.next else None
    until = iso_time(search.searched_until) if search else None
    return JsonResponse({"runs": rows, "next": following, "searched_until": until})


@require_safe
@session_or_read_key
def sums_twin(request: ReadRequest) -> HttpResponse:
    filters = RunFilters(request.GET, readable_by=request.only_app)
    if not filters.is_valid():
        return refusal(400, " ".join(filters.sentences))
    return JsonResponse(run_sums_json(run_sums(filters)))


@require_safe
@session_or_read_key
def facets_twin(request: ReadRequest) -> HttpResponse:
    filters = RunFilters(request.GET, readable_by=request.only_app)
    if not filters.is_valid():
        return refusal(400, " ".join(filters.sentences))
    return JsonResponse(
        facets_json(facets_of(filters), request.build_absolute_uri(reverse("runs")))
    )
