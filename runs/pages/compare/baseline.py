"""Choose the baseline of a run: the success of the same app to compare it with."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from runs.models import Run, Version

# Among how many successes one with the same input is looked for …
MAX_SAME_INPUT = 10_000
# … and, where there is none, how many of the nearest are ranked.
MAX_RANKED = 500

# Why a run was chosen, the best reason first; what the page of a comparison says.
BASELINE_REASONS = {
    "input": "the nearest successful run with the same input",
    "question": "the nearest successful run with the same question",
    "version": "the nearest successful run of the same version; none nearby had the same input",
    "success": "the nearest successful run; none nearby had the same input or version",
}
_RANK = {reason: rank for rank, reason in enumerate(BASELINE_REASONS)}


@dataclass(frozen=True, slots=True)
class Baseline:
    """A run to compare with; `why` is a key of BASELINE_REASONS."""

    run_id: UUID
    why: str


@dataclass(frozen=True, slots=True)
class EarlierSuccess:
    """A run with the same input that succeeded; `version` is its version's short name, or ""."""

    run_id: UUID
    started_at: datetime
    version: str


def find_baseline(
    run: Run, *, max_same_input: int = MAX_SAME_INPUT, max_ranked: int = MAX_RANKED
) -> Baseline | None:
    """Return the success of the same app that tells most about `run`.

    It is the nearest one before it, else after it, with the same input. Where none of very many has
    the same input, it is the most similar of the nearest 500. The limits are parameters for tests.
    Takes four queries at most.
    """
    successes = (Run.objects.successes_before(run), Run.objects.successes_after(run))
    if run.inputs_id:
        same_input = Run.objects.with_equal_inputs(run.inputs_id)
        same_input_successes = (same_input.successes_before(run), same_input.successes_after(run))
        for rows, in_reach in zip(same_input_successes, successes, strict=True):
            if row := rows.filter(pk__in=in_reach.values("pk")[:max_same_input]).first():
                return Baseline(row[0], "input")
    best: Baseline | None = None
    for rows in successes:
        for candidate in _candidates(run, rows[:max_ranked]):
            if best is None or _RANK[candidate.why] < _RANK[best.why]:
                best = candidate
    return best


def earlier_success(run: Run) -> EarlierSuccess | None:
    """Return the last success of the same app before `run` that had the same input. One query."""
    if not run.inputs_id:
        return None
    in_reach = Run.objects.successes_before(run).values("pk")[:MAX_SAME_INPUT]
    same_input = Run.objects.with_equal_inputs(run.inputs_id).successes_before(run)
    columns = ("id", "started_at", "version__number", "version__label")
    row = same_input.filter(pk__in=in_reach).values_list(*columns).first()
    if row is None:
        return None
    run_id, started_at, number, label = row
    version = "" if number is None else Version(number=number, label=label).short
    return EarlierSuccess(run_id, started_at, version)


def _candidates(run: Run, rows: Iterable[tuple[UUID, str, int | None]]) -> Iterator[Baseline]:
    """Give each of `rows`, (id, preview of the inputs, version), with the best reason for it."""
    for run_id, preview, version_id in rows:
        if run.inputs_preview and preview == run.inputs_preview:
            why = "question"
        elif run.version_id is not None and version_id == run.version_id:
            why = "version"
        else:
            why = "success"
        yield Baseline(run_id, why)
