"""Finds runs that contain the searched words, newest first, within a time limit."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from django.db.models import CharField
from django.db.models.functions import Cast
from django.urls import reverse

from nodes.models import NodeExecutionQuerySet
from runs.models import Run
from runs.models.run import RunQuerySet
from runs.paging import PAGE_SIZE
from runs.search import limits as search_limits
from runs.search.candidates import RunPosition, candidates
from runs.search.hits import MAX_HITS, Hit, RunMatch, SearchedText
from runs.search.limits import SearchLimits
from runs.search.reading import STEPS_TOGETHER, SearchedRun, read_texts, searched_runs
from runs.search.terms import SearchTerms


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Runs that match all terms, newest first, each with `hits` and `more_hits`: how many there are
    beside those shown, None for some in a run so long that they are not counted.

    `next` is the cursor with which the search goes on, "" when all has been searched (`finished`);
    `searched_until` is the time back to which it has looked, None when finished. `pending` is the
    number of runs looked at that are not in the index yet and were read instead."""

    rows: list[Run] = field(default_factory=list)
    next: str = ""
    searched_until: datetime | None = None
    finished: bool = True
    pending: int = 0


def find(
    runs: RunQuerySet,
    terms: SearchTerms,
    after: str = "",
    size: int = PAGE_SIZE,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    limits: SearchLimits | None = None,
    steps: NodeExecutionQuerySet | None = None,
    most_hits: int = MAX_HITS,
) -> SearchResult:
    """Return the runs among `runs` (filtered, in no order) that match all of `terms`, or that what
    was typed is an id of: a page of them, or as many as are found within `limits` (by default
    `limits.DEFAULT_LIMITS`). `after` is the cursor of an earlier result. `since` and `until` assure
    that all of `runs` started from the one on and before the other, so that nothing beyond is
    looked through. `steps` are those in which texts of steps may stand (None: all). At most
    `most_hits` are shown of a run. Raises BadCursor."""
    limits = limits or search_limits.DEFAULT_LIMITS
    deadline = limits.clock() + limits.seconds
    matches: dict[UUID, RunMatch] = {}
    pending = 0
    for portion in candidates(runs, terms, after, since, until, limits):
        rows = searched_runs(position.run_id for position in portion.positions)
        positions = {position.run_id: position for position in portion.positions}
        allowed = _ids_of_steps(steps, positions) if terms.required_step_texts else None
        for run, texts in read_texts(rows[run_id] for run_id in positions if run_id in rows):
            match = match_run(run, texts, RunMatch(terms, allowed, most_hits))
            pending += run.id in portion.unindexed
            if match.complete or run.id in portion.named_by_id:
                matches[run.id] = match
            if len(matches) == size or limits.clock() > deadline:
                is_last = positions[run.id] == portion.positions[-1]
                until_position = portion.until if is_last else positions[run.id]
                return _search_result(runs, matches, until_position, pending)
        if portion.until is None or limits.clock() > deadline:
            return _search_result(runs, matches, portion.until, pending)
    return _search_result(runs, matches, None, pending)


def _ids_of_steps(
    steps: NodeExecutionQuerySet | None, run_ids: Iterable[UUID]
) -> frozenset[str] | None:
    """Return the ids of `steps` in these runs, as the search reads ids."""
    if steps is None:
        return None
    ids = steps.filter(run_id__in=list(run_ids)).order_by()
    return frozenset(ids.values_list(Cast("id", CharField()), flat=True))


def match_run(run: SearchedRun, texts: Iterator[SearchedText], match: RunMatch) -> RunMatch:
    """Look through the texts of a run; through those of a long one until there is enough to
    show."""
    for text in texts:
        match.look_at(text)
        if match.excluded or (match.enough and run.steps > STEPS_TOGETHER):
            match.is_whole = False
            break
    return match


def _search_result(
    runs: RunQuerySet, matches: dict[UUID, RunMatch], until: RunPosition | None, pending: int
) -> SearchResult:
    rows = sorted(
        runs.filter(pk__in=matches), key=lambda run: (run.started_at, run.pk), reverse=True
    )
    for row in rows:
        match = matches[row.pk]
        row.hits = [replace(hit, url=_hit_url(row, hit)) for hit in match.hits]  # type: ignore[attr-defined]
        row.more_hits = match.more  # type: ignore[attr-defined]
    if until is None:
        return SearchResult(rows, pending=pending)
    return SearchResult(rows, until.cursor, until.started_at, False, pending)


def _hit_url(run: Run, hit: Hit) -> str:
    if hit.execution_id is None:
        return reverse("run-detail", args=[run.pk])
    return reverse("run-execution", args=[run.pk, hit.execution_id])
