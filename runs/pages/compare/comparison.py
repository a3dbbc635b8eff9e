"""Two runs side by side: which run to compare with, and what a comparison reads."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from nodes.diff.pairing import ComparedStep, Pair
from nodes.diff.verdicts import Compared, judge, pairs_of, values_of
from nodes.digests import digest_of
from nodes.models import NodeExecution
from runs.models import Run
from runs.pages.compare.value_equality import look

MAX_STEPS = 20_000  # of each run
# Successes among which one with the same input is looked for, and one that is alike.
FAR, NEAR = 10_000, 500

WHY = {
    "input": "the nearest success with the same input",
    "question": "the nearest success that was asked the same",
    "version": "the nearest success of the same version; none near had the same input",
    "success": "the nearest success; none near had the same input or version",
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """`given`: whether both were given the same: exactly ("same"), but for ids and moments
    ("alike"), or not (""). `aside`: values that differ in ids and moments only, and so were taken
    for equal; `unread`: differing values that were too many or too large to look into; `left_out`:
    a run has more steps than are read."""

    a: Run
    b: Run
    compared: Compared
    given: str
    aside: int
    unread: int
    left_out: bool

    @property
    def pairs(self) -> list[Pair]:
        return self.compared.pairs

    @property
    def unfinished(self) -> str:
        """Who has not finished, to begin a sentence with: "A has", "A and B have"; "" for none."""
        names = [name for name, run in (("A", self.a), ("B", self.b)) if run.is_unfinished]
        if not names or self.a.pk == self.b.pk:
            return ""
        return "A and B have" if len(names) > 1 else f"{names[0]} has"


def compare(a: Run, b: Run) -> Comparison:
    """A fixed number of queries. Comparing `b` with `a` tells the same the other way round: the
    older run's order of steps holds."""
    steps = [_steps(run) for run in (a, b)]
    left_out = any(len(found) > MAX_STEPS for found in steps)
    turned = (b.started_at, b.id) < (a.started_at, a.id)
    pairs = pairs_of(steps[0][:MAX_STEPS], steps[1][:MAX_STEPS], b_is_base=turned)
    inputs = _inputs(a), _inputs(b)
    looked = look([inputs, *values_of(pairs)])
    given = ""
    if looked.same(*inputs):
        given = "same" if digest_of(inputs[0]) == digest_of(inputs[1]) else "alike"
    lacking = (("only_a", b), ("only_b", a))
    waited_for = {verdict for verdict, run in lacking if run.is_unfinished}
    compared = judge(pairs, looked.same, began_alike=bool(given), waited_for=waited_for)
    return Comparison(a, b, compared, given, looked.aside, looked.unread, left_out)


def _inputs(run: Run) -> str | None:
    return run.inputs_id.hex if run.inputs_id else None


def _steps(run: Run) -> list[ComparedStep]:
    rows = NodeExecution.objects.pairing_rows(run.id)[: MAX_STEPS + 1]
    return list(map(ComparedStep._make, rows))


@dataclass(frozen=True, slots=True)
class Choice:
    """A run to compare with, and a key of WHY."""

    run_id: UUID
    why: str


def last_success(run: Run) -> Choice | None:
    """The success of the same app that tells most about `run`: the nearest before it, else after
    it, with the same input; where none among very many has it, of the nearest 500 the one that is
    most alike. Four queries at most."""
    succeeded = (Run.objects.successes_before(run), Run.objects.successes_after(run))
    if run.inputs_id:
        same = Run.objects.given(run.inputs_id)
        alike = (same.successes_before(run), same.successes_after(run))
        for rows, far in zip(alike, succeeded, strict=True):
            if one := rows.filter(pk__in=far.values("pk")[:FAR]).first():
                return Choice(one[0], "input")
    found: Choice | None = None
    for rows in succeeded:
        for choice in _choices(run, rows[:NEAR]):
            if found is None or _RANK[choice.why] < _RANK[found.why]:
                found = choice
    return found


_RANK = {why: rank for rank, why in enumerate(WHY)}


def _choices(run: Run, rows: Iterable[tuple[UUID, str, int | None]]) -> Iterator[Choice]:
    for run_id, preview, version_id in rows:
        if run.inputs_preview and preview == run.inputs_preview:
            why = "question"
        elif run.version_id is not None and version_id == run.version_id:
            why = "version"
        else:
            why = "success"
        yield Choice(run_id, why)
