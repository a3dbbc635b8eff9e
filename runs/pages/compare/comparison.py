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
    """Two runs and their steps, compared.

    `same_input`: "same", "alike" (but for ids and times), or "" for different inputs. `ignored` is
    the number of values that differ in ids and times alone and so count as equal; `unread` the
    number of differing values that were too many or too large to be read. `left_out`: a run has
    more steps than are compared.
    """

    a: Run
    b: Run
    steps: StepComparison
    same_input: str
    ignored: int
    unread: int
    left_out: bool

    @property
    def pairs(self) -> list[StepPair]:
        return self.steps.pairs

    @property
    def unfinished(self) -> str:
        """Return the unfinished runs as the beginning of a sentence: "A has", "A and B have"; ""
        for none."""
        names = [name for name, run in (("A", self.a), ("B", self.b)) if run.is_unfinished]
        if not names or self.a.pk == self.b.pk:
            return ""
        return "A and B have" if len(names) > 1 else f"{names[0]} has"


def compare(a: Run, b: Run) -> Comparison:
    """Compare two runs in a fixed number of queries.

    Comparing `b` with `a` gives the same with the sides swapped: the order of steps is that of the
    older run.
    """
    steps_a, steps_b = _compared_steps(a), _compared_steps(b)
    left_out = max(len(steps_a), len(steps_b)) > MAX_STEPS
    b_is_base = (b.started_at, b.id) < (a.started_at, a.id)
    pairs = pairs_in_base_order(steps_a[:MAX_STEPS], steps_b[:MAX_STEPS], b_is_base=b_is_base)
    inputs = _inputs_id(a), _inputs_id(b)
    values = find_equal_values([inputs, *payload_id_pairs(pairs)])
    same_input = ""
    if values.same(*inputs):
        same_input = "same" if digest_of(inputs[0]) == digest_of(inputs[1]) else "alike"
    missing_from = (("only_a", b), ("only_b", a))
    pending = {verdict for verdict, run in missing_from if run.is_unfinished}
    steps = judge(pairs, values.same, same_start=bool(same_input), pending=pending)
    return Comparison(a, b, steps, same_input, values.ignored, values.unread, left_out)


def _inputs_id(run: Run) -> str | None:
    return run.inputs_id.hex if run.inputs_id else None


def _compared_steps(run: Run) -> list[ComparedStep]:
    executions = NodeExecution.objects.in_run(run.id).visible()
    rows = executions.light_rows(*COMPARED_COLUMNS)[: MAX_STEPS + 1]
    return [ComparedStep(*row) for row in rows]
