"""Lists the runs that match the filters, page by page or all of them, in an order or as a search
finds them."""

from collections.abc import Iterator
from dataclasses import dataclass

from runs.models import Run
from runs.models.run import RunQuerySet
from runs.paging import PAGE_SIZE, Page, page_of
from runs.query.run_filters import RunFilters
from runs.search import SearchResult, find

RUNS_AT_ONCE = 100


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
    result = find(
        filters.filtered(runs),
        filters.search_terms,
        after,
        size,
        since=filters.since,
        until=filters.until,
    )
    return RunListing(Page(result.rows, result.next, not after), result)


def each_run(runs: RunQuerySet, filters: RunFilters) -> Iterator[Run]:
    """Yield all runs that match, in bounded memory."""
    after = ""
    while True:
        page = list_runs(runs, filters, after, RUNS_AT_ONCE).page
        yield from page.rows
        if not page.next:
            return
        after = page.next
