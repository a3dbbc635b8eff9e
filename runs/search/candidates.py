"""Lists the candidates of a search: runs that the index names, and runs that it does not hold yet.
They come in bounded portions from the newest to the oldest."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import NamedTuple, Self
from uuid import UUID

from django.db.models import Q

from nodes.clock import from_us, to_us
from nodes.ids import as_uuid
from nodes.models import NodeExecution
from runs.models import Conversation, Run, SearchDue
from runs.models.run import RunQuerySet
from runs.paging import Order
from runs.search.coding import encoded, spaced_words
from runs.search.index import NUMBER_STEP_US, search_index
from runs.search.limits import SearchLimits
from runs.search.terms import SearchTerms, between_escapes

NEWEST = Order("started_at")
FIRST_ID = UUID(int=0)
MAX_IDS = 5  # within a text, that are looked up
MAX_TURNS = 500  # of conversations that an id in the text leads to
_ID = re.compile(r"\b(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})\b", re.IGNORECASE)


class RunPosition(NamedTuple):
    """Where in the order of runs a run stands."""

    started_at: datetime
    run_id: UUID

    @classmethod
    def from_cursor(cls, cursor: str) -> Self:
        us, _, run_id = cursor.partition("~")
        return cls(from_us(int(us)), UUID(run_id))

    @property
    def cursor(self) -> str:
        return f"{to_us(self.started_at)}~{self.run_id}"


@dataclass(frozen=True, slots=True)
class CandidatePortion:
    """Runs to look at, newest first; back to `until` (None: the oldest run) no other can match.
    `unindexed`: those that the index does not hold; `named_by_id`: those whose id was typed."""

    positions: list[RunPosition]
    until: RunPosition | None
    unindexed: set[UUID] = field(default_factory=set)
    named_by_id: set[UUID] = field(default_factory=set)


def candidates(
    runs: RunQuerySet,
    terms: SearchTerms,
    after: str,
    since: datetime | None,
    until: datetime | None,
    limits: SearchLimits,
) -> Iterator[CandidatePortion]:
    """Yield portions of `runs` after the cursor `after`, see `finding.find`. Raises BadCursor."""
    pieces = (piece for word in terms.looked_up for piece in between_escapes(word))
    words = [part for piece in pieces for part in spaced_words(encoded(piece))]
    named_by_id = _runs_named_by_id(terms.typed)
    runs = runs.prefetch_related(None)
    cursor = after or (RunPosition(until, FIRST_ID).cursor if until else "")
    width = limits.first_window
    while True:
        window = _next_window(_runs_after(runs, cursor), cursor, width, since, limits.portion)
        yield from _window_portions(window, words, named_by_id, limits.portion)
        if window.low is None:
            return
        cursor = window.low.cursor
        width = min(width * limits.window_growth, limits.widest_window)


def _runs_named_by_id(typed: str) -> set[UUID]:
    """Return runs that what was typed leads to, or an id within it (of an address, of a line of a
    log): as the id of the run, of one of its steps, or of its conversation."""
    texts = {typed, *_ID.findall(typed)[:MAX_IDS]} - {""}
    ids = [parsed for text in texts if (parsed := as_uuid(text))]
    conversations = Conversation.objects.filter(Q(source_id__in=texts) | Q(pk__in=ids))
    turns = Run.objects.filter(conversation__in=conversations).order_by("-started_at")
    steps = NodeExecution.objects.filter(pk__in=ids)
    by_source = (Run.objects.with_source_id(text).values_list("pk", flat=True) for text in texts)
    return set(chain(
        *by_source,
        turns.values_list("pk", flat=True)[:MAX_TURNS],
        steps.values_list("run_id", flat=True),
    ))  # fmt: skip


def _runs_after(runs: RunQuerySet, cursor: str) -> RunQuerySet:
    [rows] = NEWEST.stretches(runs, cursor)
    assert isinstance(rows, RunQuerySet)
    return rows


@dataclass(frozen=True, slots=True)
class _TimeWindow:
    """A stretch of time from `newest` to `oldest`: the runs of the pool in it back to the position
    `low` (None: there are no further ones), and which of them the index does not hold."""

    pool: RunQuerySet
    newest: datetime | None
    oldest: datetime | None
    low: RunPosition | None
    unindexed: set[UUID]

    def reaches(self, position: RunPosition) -> bool:
        return self.low is None or position >= self.low

    def positions(self, runs: RunQuerySet) -> list[RunPosition]:
        """Return the positions of `runs`, which are of the pool, as far as the window reaches."""
        rows = (RunPosition(*row) for row in runs.values_list("started_at", "pk"))
        return [position for position in rows if self.reaches(position)]


def _next_window(
    pool: RunQuerySet, cursor: str, width: int, since: datetime | None, portion: int
) -> _TimeWindow:
    """Return the next `width` runs of all kinds, or fewer where the index does not hold many of
    them; none before `since`."""
    position = RunPosition.from_cursor(cursor) if cursor else None
    every = _runs_after(Run.objects.started_between(since, None), cursor)
    low = None
    for oldest in every.values_list("started_at", flat=True)[width : width + 1]:
        low, since = RunPosition(oldest, FIRST_ID), oldest
    unindexed = [
        RunPosition(*row) for row in SearchDue.objects.positions_after(position, since)[:portion]
    ]
    if len(unindexed) == portion:
        low = unindexed[-1]
        since = low.started_at
    pool = pool.started_between(since, None)
    newest = position.started_at if position else None
    run_ids = {position.run_id for position in unindexed}
    return _TimeWindow(pool, newest, since, low, run_ids)


def _window_portions(
    window: _TimeWindow, words: Sequence[str], named_by_id: set[UUID], size: int
) -> Iterator[CandidatePortion]:
    """Yield portions of at most about `size` runs."""
    pool, unindexed = window.pool, window.unindexed
    if not words:
        yield from _every_run(window, named_by_id, size)
        return
    indexed = search_index().runs(words, window.oldest, window.newest)
    extra = set(window.positions(pool.filter(pk__in=unindexed | named_by_id)))
    if len(indexed) > size:
        # Where the pool is small, look up which of its runs the index names, not the other way
        # around.
        small_pool = window.positions(pool[: 2 * size])
        if len(small_pool) < 2 * size:
            run_ids = {run.run_id for run in indexed}
            extra |= {position for position in small_pool if position.run_id in run_ids}
            indexed = []
    while len(indexed) > size:
        last = indexed[size].number  # of it all runs, and of those before it
        part = [run.run_id for run in indexed if run.number >= last]
        indexed = indexed[len(part) :]
        low = RunPosition(from_us(last * NUMBER_STEP_US), FIRST_ID)
        low = max(low, window.low) if window.low else low
        positions = extra.union(window.positions(pool.filter(pk__in=part)))
        reached = {position for position in positions if position >= low}
        yield CandidatePortion(sorted(reached, reverse=True), low, unindexed, named_by_id)
        extra = positions - reached
    extra |= set(window.positions(pool.filter(pk__in=[run.run_id for run in indexed])))
    yield CandidatePortion(sorted(extra, reverse=True), window.low, unindexed, named_by_id)


def _every_run(
    window: _TimeWindow, named_by_id: set[UUID], size: int
) -> Iterator[CandidatePortion]:
    """Yield all runs of the pool, where the index is of no use."""
    pool = window.pool
    while True:
        positions = window.positions(pool[:size])
        if len(positions) < size:
            yield CandidatePortion(positions, window.low, window.unindexed, named_by_id)
            return
        yield CandidatePortion(positions, positions[-1], window.unindexed, named_by_id)
        pool = _runs_after(pool, positions[-1].cursor)
