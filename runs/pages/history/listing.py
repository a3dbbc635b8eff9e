"""Lists the runs that match the filters, page by page or all of them, in an order or as a search
finds them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from runs.models import Run
from runs.models.run import RunQuerySet
from runs.paging import PAGE_SIZE, Page, page_of, row_before
from runs.query.address import NEWEST
from runs.query.run_filters import RunFilters
from runs.search import SearchResult
from runs.search.limits import DEFAULT_LIMITS

RUNS_AT_ONCE = 100
MAX_LIST_NAME = 2_000  # characters
# The run that a search lists before another is looked for among so many, for so long.
MAX_FOUND_BEFORE, SECONDS_BEFORE = 200, 0.2


@dataclass(frozen=True, slots=True)
class RunListing:
    """`search` is the result of the search that the page shows; None where no words are searched
    for."""

    page: Page[Run]
    search: SearchResult | None = None


def list_runs(
    runs: RunQuerySet, filters: RunFilters, after: str = "", size: int = PAGE_SIZE
) -> RunListing:
    """Return a page of the runs that match valid filters. Raises BadCursor."""
    if not filters.search_terms:
        return RunListing(page_of(filters.filtered_parts(runs), filters.ordering, after, size))
    result = filters.find(runs, after, size)
    return RunListing(Page(result.rows, result.next, not after), result)


@dataclass(frozen=True, slots=True)
class ListNeighbours:
    """The runs before and after a run in a list, None at its ends; `address` is that of the list.
    `previous_known`: whether the run before could be looked for."""

    address: str
    previous: Run | None
    following: Run | None
    previous_known: bool = True


def list_name(filters: RunFilters) -> str:
    """Return the query string that names this list to the pages of its runs; "" for all runs of one
    app, which are neighbours anyway."""
    query = filters.as_query_string()
    if filters.only_app:
        return f"{query}&{urlencode({'app': filters.only_app.slug})}" if query else ""
    return query or urlencode({"order": NEWEST})


def neighbours_in_list(run: Run, name: str) -> ListNeighbours | None:
    """Return the neighbours of a run in the list of that name (see `list_name`); None for no list
    that could be read."""
    filters = RunFilters(QueryDict(name)) if 0 < len(name) <= MAX_LIST_NAME else None
    if filters is None or not filters.is_valid():
        return None
    runs = Run.objects.for_link()
    following = list_runs(runs, filters, filters.ordering.cursor(run), 1).page.rows
    address = f"{reverse('runs')}?{name}"
    if filters.search_terms:
        previous, is_known = _found_before(runs, run, filters)
    else:
        previous, is_known = row_before(filters.filtered_parts(runs), filters.ordering, run), True
    return ListNeighbours(address, previous, following[0] if following else None, is_known)


def _found_before(runs: RunQuerySet, run: Run, filters: RunFilters) -> tuple[Run | None, bool]:
    """Return the run that a search lists before `run`, and whether it could be looked for: a search
    goes from the newest run on, and may take too long."""
    since = max(filter(None, (filters.since, run.started_at)))
    result = filters.find(
        runs.filter(started_at__gte=since),
        size=MAX_FOUND_BEFORE,
        since=since,
        limits=replace(DEFAULT_LIMITS, seconds=SECONDS_BEFORE),
    )
    ids = [row.pk for row in result.rows]
    if run.pk in ids:
        at = ids.index(run.pk)
        return (result.rows[at - 1] if at else None), True
    return None, False


def each_run(runs: RunQuerySet, filters: RunFilters) -> Iterator[Run]:
    """Yield all runs that match, in bounded memory."""
    after = ""
    while True:
        page = list_runs(runs, filters, after, RUNS_AT_ONCE).page
        yield from page.rows
        if not page.next:
            return
        after = page.next
