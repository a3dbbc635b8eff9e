"""Compare two runs: read the steps of both, pair them, and judge each pair.

Which run to compare with is chosen in `baseline`; what a comparison is, pair by pair, is in
`nodes.diff`.
"""

from dataclasses import dataclass

from nodes.diff.pairing import COMPARED_COLUMNS, ComparedStep, StepPair
from nodes.diff.verdicts import StepComparison, judge, pairs_in_base_order, payload_id_pairs
from nodes.digests import digest_of
from nodes.models import NodeExecution
from runs.models import Run
from runs.pages.compare.value_equality import find_equal_values

MAX_STEPS = 20_000  # of each run


@dataclass(frozen=True, slots=True)
class Comparison:
    """`given`: whether both were given the same: exactly ("same"), but for ids and moments
    ("alike"), or not (""). `aside`: values that differ in ids and moments only, and so were taken
    for equal; `unread`: differing values that were too many or too large to look into; `left_out`:
    a run has more steps than are read."""

    a: Run
    b: Run
    compared: StepComparison
    given: str
    aside: int
    unread: int
    left_out: bool

    @property
    def pairs(self) -> list[StepPair]:
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
    pairs = pairs_in_base_order(steps[0][:MAX_STEPS], steps[1][:MAX_STEPS], b_is_base=turned)
    inputs = _inputs(a), _inputs(b)
    looked = find_equal_values([inputs, *payload_id_pairs(pairs)])
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
    executions = NodeExecution.objects.in_run(run.id).visible()
    rows = executions.light_rows(*COMPARED_COLUMNS)[: MAX_STEPS + 1]
    return [ComparedStep(*row) for row in rows]
