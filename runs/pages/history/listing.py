"""A page of the history, and all of it: in an order of its own, or what a search finds."""

from collections.abc import Iterator
from dataclasses import dataclass

from runs.models import Run
from runs.models.run import RunQuerySet
from runs.paging import PAGE_SIZE, Page, page_of
from runs.query.run_filters import RunFilters
from runs.search import Found, find

RUNS_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Listing:
    """`found`: what the search says of itself; None where no words are looked for."""

    page: Page[Run]
    found: Found | None = None


def listing(
    runs: RunQuerySet, filters: RunFilters, after: str = "", size: int = PAGE_SIZE
) -> Listing:
    """A page of what valid filters let through. Raises BadCursor."""
    if not filters.terms:
        return Listing(page_of(filters.apply(runs), filters.ordering, after, size))
    since, until = filters.since, filters.until
    found = find(filters.narrowed(runs), filters.terms, after, size, since=since, until=until)
    return Listing(Page(found.rows, found.next, not after), found)


def each_run(runs: RunQuerySet, filters: RunFilters) -> Iterator[Run]:
    """All of them, in bounded memory."""
    after = ""
    while True:
        page = listing(runs, filters, after, RUNS_AT_ONCE).page
        yield from page.rows
        if not page.next:
            return
        after = page.next
