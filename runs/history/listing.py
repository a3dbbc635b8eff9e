"""A page of the history, and all of it: in an order of its own, or what a search finds."""

from collections.abc import Iterator
from dataclasses import dataclass

from runs.exports import formats
from runs.filters.run_filters import RunFilters
from runs.models import Run
from runs.models.run_query import RunQuerySet
from runs.paging import PAGE_SIZE, Page, page_of
from runs.search import Found, find

FOUND_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Listing:
    """`found`: what the search says of itself; None where no words are looked for."""

    page: Page[Run]
    found: Found | None = None


def listing(runs: RunQuerySet, filters: RunFilters, after: str = "") -> Listing:
    """A page of what valid filters let through. Raises BadCursor."""
    if not filters.terms:
        return Listing(page_of(filters.apply(runs), filters.ordering, after))
    found = _find(runs, filters, after)
    return Listing(Page(found.rows, found.next, not after), found)


def _find(runs: RunQuerySet, filters: RunFilters, after: str = "", size: int = PAGE_SIZE) -> Found:
    since, until = filters.since, filters.until
    return find(filters.narrowed(runs), filters.terms, after, size, since=since, until=until)


def each_run(runs: RunQuerySet, filters: RunFilters) -> Iterator[Run]:
    """All of them, in bounded memory."""
    if not filters.terms:
        yield from formats.each_run(filters.apply(runs), filters.ordering)
        return
    after = ""
    while True:
        found = _find(runs, filters, after, FOUND_AT_ONCE)
        yield from found.rows
        if not found.next:
            return
        after = found.next
