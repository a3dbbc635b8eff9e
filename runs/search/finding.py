"""Finding runs by what stands in them, newest first, within a small time."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from django.urls import reverse

from runs.models import Run
from runs.models.run import RunQuerySet
from runs.paging import PAGE_SIZE
from runs.search.candidates import Place, candidates
from runs.search.hits import Hit, Piece, Search
from runs.search.reading import TOGETHER, SearchedRun, read, searched_runs
from runs.search.terms import Terms

BUDGET = 0.3  # seconds, after which no further run is looked at


@dataclass(frozen=True, slots=True)
class Found:
    """Runs that have all terms, newest first, each with `hits` and `more_hits`: how many there are
    beside those shown, None for some in a run so long that they are not counted.

    `next` is the cursor with which the search goes on, "" when all has been searched (`finished`);
    `looked_until` is the moment down to which it has looked, None when finished. `pending` is the
    number of runs looked at that are not in the index yet and were read instead."""

    rows: list[Run] = field(default_factory=list)
    next: str = ""
    looked_until: datetime | None = None
    finished: bool = True
    pending: int = 0


def find(
    runs: RunQuerySet,
    terms: Terms,
    after: str = "",
    size: int = PAGE_SIZE,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Found:
    """The runs among `runs` (filtered, in no order) that have all of `terms`, or that what was
    typed is an id of: a page of them, or as many as are found in time. `after` is a cursor that an
    earlier answer gave. `since` and `until` tell that all of `runs` started from the one on and
    before the other, so that nothing beyond is looked through. Raises BadCursor."""
    deadline = time.monotonic() + BUDGET
    matches: dict[UUID, Search] = {}
    pending = 0
    for portion in candidates(runs, terms, after, since, until):
        told = searched_runs(place.run_id for place in portion.places)
        places = {place.run_id: place for place in portion.places}
        for run, pieces in read(told[id_] for id_ in places if id_ in told):
            search = look(run, pieces, terms)
            pending += run.id in portion.due
            if search.complete or run.id in portion.typed:
                matches[run.id] = search
            if len(matches) == size or time.monotonic() > deadline:
                is_last = places[run.id] == portion.places[-1]
                place = portion.until if is_last else places[run.id]
                return _found(runs, matches, place, pending)
        if portion.until is None or time.monotonic() > deadline:
            return _found(runs, matches, portion.until, pending)
    return _found(runs, matches, None, pending)


def look(run: SearchedRun, pieces: Iterator[Piece], terms: Terms) -> Search:
    """Look through what a run says; through a long one until there is enough to show."""
    search = Search(terms)
    for piece in pieces:
        search.see(piece)
        if search.refused or (search.enough and run.steps > TOGETHER):
            search.is_whole = False
            break
    return search


def _found(
    runs: RunQuerySet, matches: dict[UUID, Search], until: Place | None, pending: int
) -> Found:
    rows = sorted(
        runs.filter(pk__in=matches), key=lambda run: (run.started_at, run.pk), reverse=True
    )
    for row in rows:
        search = matches[row.pk]
        row.hits = [replace(hit, url=_url(row, hit)) for hit in search.hits]  # type: ignore[attr-defined]
        row.more_hits = search.more  # type: ignore[attr-defined]
    if until is None:
        return Found(rows, pending=pending)
    return Found(rows, until.cursor, until.started_at, False, pending)


def _url(run: Run, hit: Hit) -> str:
    if hit.execution_id is None:
        return reverse("run-detail", args=[run.pk])
    return reverse("run-execution", args=[run.pk, hit.execution_id])
