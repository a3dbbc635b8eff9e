"""Which runs are worth looking at: those that the index names and those that it does not hold yet.
They come in portions from the newest to the oldest, each of bounded work."""

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
from runs.search.coding import encoded, parts
from runs.search.index import STEP, index
from runs.search.terms import Terms, between_escapes

NEWEST = Order("started_at")
# Runs of all kinds within which is looked at once: few at first, because a common word fills the
# page from them, then more each time.
FIRST, GROWTH, WIDEST = 500, 4, 20_000
AT_ONCE = 500  # runs of a portion, ids in a question
FIRST_ID = UUID(int=0)
IDS = 5  # within a text, that are looked up
_ID = re.compile(r"\b(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})\b", re.IGNORECASE)


class Place(NamedTuple):
    """Where in the order of runs something stands."""

    started_at: datetime
    run_id: UUID

    @classmethod
    def of(cls, cursor: str) -> Self:
        us, _, run_id = cursor.partition("~")
        return cls(from_us(int(us)), UUID(run_id))

    @property
    def cursor(self) -> str:
        return f"{to_us(self.started_at)}~{self.run_id}"


@dataclass(frozen=True, slots=True)
class Portion:
    """Runs to look at, newest first; down to `until` (None: the oldest run) no other can match.
    `due`: those that the index does not hold; `typed`: those whose id was typed."""

    places: list[Place]
    until: Place | None
    due: set[UUID] = field(default_factory=set)
    typed: set[UUID] = field(default_factory=set)


def candidates(
    runs: RunQuerySet, terms: Terms, after: str, since: datetime | None, until: datetime | None
) -> Iterator[Portion]:
    """Portions of `runs` after the cursor `after`, see `finding.find`. Raises BadCursor."""
    pieces = (piece for word in terms.words for piece in between_escapes(word))
    words = [part for piece in pieces for part in parts(encoded(piece))]
    typed = _typed(terms.told)
    runs = runs.prefetch_related(None)
    cursor, width = after or (Place(until, FIRST_ID).cursor if until else ""), FIRST
    while True:
        window = _window(_after(runs, cursor), cursor, width, since)
        yield from _portions(window, words, typed)
        if window.low is None:
            return
        cursor, width = window.low.cursor, min(width * GROWTH, WIDEST)


def _typed(told: str) -> set[UUID]:
    """Runs that what was typed leads to, or an id within it (of an address, of a line of a log): as
    the id of the run, of one of its steps, or of its conversation."""
    words = {told, *_ID.findall(told)[:IDS]}
    ids = [found for word in words if (found := as_uuid(word))]
    talks = Conversation.objects.filter(Q(source_id__in=words) | Q(pk__in=ids))
    turns = Run.objects.filter(conversation__in=talks).order_by("-started_at")
    steps = NodeExecution.objects.filter(pk__in=ids)
    led = (Run.objects.with_source_id(word).values_list("pk", flat=True) for word in words)
    return set(chain(
        *led, turns.values_list("pk", flat=True)[:AT_ONCE], steps.values_list("run_id", flat=True),
    ))  # fmt: skip


def _after(runs: RunQuerySet, cursor: str) -> RunQuerySet:
    [rows] = NEWEST.stretches(runs, cursor)
    assert isinstance(rows, RunQuerySet)
    return rows


@dataclass(frozen=True, slots=True)
class _Window:
    """A stretch of time from `newest` to `oldest`: the runs of the pool in it down to the place
    `low` (None: there are no further ones), and which of them are due."""

    pool: RunQuerySet
    newest: datetime | None
    oldest: datetime | None
    low: Place | None
    due: set[UUID]

    def reaches(self, place: Place) -> bool:
        return self.low is None or place >= self.low

    def places(self, runs: RunQuerySet) -> list[Place]:
        """Of these runs of the pool."""
        return [place for row in runs.values_list("started_at", "pk")
                if self.reaches(place := Place(*row))]  # fmt: skip


def _window(pool: RunQuerySet, cursor: str, width: int, since: datetime | None) -> _Window:
    """The next `width` runs of all kinds, or fewer where many of them are due; none before
    `since`."""
    place = Place.of(cursor) if cursor else None
    every = _after(Run.objects.started_between(since, None), cursor)
    low = None
    for oldest in every.values_list("started_at", flat=True)[width : width + 1]:
        low, since = Place(oldest, FIRST_ID), oldest
    due = [Place(*row) for row in SearchDue.objects.places_after(place, since)[:AT_ONCE]]
    if len(due) == AT_ONCE:
        low = due[-1]
        since = low.started_at
    pool = pool.started_between(since, None)
    newest = place.started_at if place else None
    return _Window(pool, newest, since, low, {place.run_id for place in due})


def _portions(window: _Window, words: Sequence[str], typed: set[UUID]) -> Iterator[Portion]:
    pool = window.pool
    if not words:
        yield from _all(window, typed)
        return
    named = index().runs(words, window.oldest, window.newest)
    extra = set(window.places(pool.filter(pk__in=window.due | typed)))
    if len(named) > AT_ONCE:
        # Of few runs it is looked up whether the index names them, not the other way around.
        few = window.places(pool[: 2 * AT_ONCE])
        if len(few) < 2 * AT_ONCE:
            told = {one.run_id for one in named}
            extra |= {place for place in few if place.run_id in told}
            named = []
    while len(named) > AT_ONCE:
        last = named[AT_ONCE].number  # of it all, and of those before it
        part = [one.run_id for one in named if one.number >= last]
        named = named[len(part) :]
        low = Place(from_us(last * STEP), FIRST_ID)
        low = max(low, window.low) if window.low else low
        found = extra.union(window.places(pool.filter(pk__in=part)))
        now = {place for place in found if place >= low}
        yield Portion(sorted(now, reverse=True), low, window.due, typed)
        extra = found - now
    extra |= set(window.places(pool.filter(pk__in=[one.run_id for one in named])))
    yield Portion(sorted(extra, reverse=True), window.low, window.due, typed)


def _all(window: _Window, typed: set[UUID]) -> Iterator[Portion]:
    """Where the index is of no use, all runs of the pool."""
    pool = window.pool
    while True:
        places = window.places(pool[:AT_ONCE])
        if len(places) < AT_ONCE:
            yield Portion(places, window.low, window.due, typed)
            return
        yield Portion(places, places[-1], window.due, typed)
        pool = _after(pool, places[-1].cursor)
