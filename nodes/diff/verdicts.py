"""Judges pairs of steps, to show where two runs diverge: a pair is the same, inherits a difference
from an earlier step, or is the origin of one. Pure."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from nodes.diff.ignored import without_volatile
from nodes.diff.pairing import ComparedStep, StepPair, pair_up
from nodes.digests import content_digest, digest_of

Verdict = Literal["same", "inherited", "origin", "only_a", "only_b", "cost_only"]
VERDICTS: dict[str, str] = {
    "origin": "Origin",
    "inherited": "Inherited",
    "only_a": "Only in A",
    "only_b": "Only in B",
    "cost_only": "Cost or time",
    "same": "Same",
}
# Why a pair is an origin, in words; keyed by what `StepPair.reason` holds.
ORIGIN_REASONS = {
    "output": "same inputs, different output",
    "model": "same inputs, different model and output",
    "way": "same inputs, different branch taken",
    "status": "same inputs, different status",
    "inputs": "different inputs although no earlier step differs: its prompt, settings or memory "
    "changed",
    "alone": "only one of the runs has it, although no earlier step differs",
}
UNFINISHED = frozenset({"running", "paused"})
# From which ratio and amount on a difference in time, or in tokens and cost, is mentioned.
MIN_TIME_RATIO, MIN_TIME_US = 1.5, 100_000
MIN_USAGE_RATIO, MIN_TOKENS = 1.1, 10

# (id of a payload, id of another), None for no value → whether the values are equivalent.
SameValue = Callable[[str | None, str | None], bool]
NO_INPUTS = frozenset({"", content_digest("json", b"{}")})  # nothing recorded, or {}


@dataclass(frozen=True, slots=True)
class StepComparison:
    """The judged pairs of two runs. `first`: where they diverge first, None where they do not or
    had different inputs; `counts`: how many pairs have each verdict."""

    pairs: list[StepPair]
    first: StepPair | None
    counts: Counter[str]
    approximate: int

    @property
    def first_outcome(self) -> StepPair | None:
        """Return the first step that ended differently or took another branch: a reader looks for
        it beside the origin, or where no origin can be named."""
        return next((pair for pair in self.pairs if _outcome_differs(pair)), None)

    def without_pairs(self) -> "StepComparison":
        """Return the same without pairs, for a template: it would keep all of them until garbage is
        collected."""
        return replace(self, pairs=[])


def _outcome_differs(pair: StepPair) -> bool:
    return not pair.container and not {"status", "taken"}.isdisjoint(pair.differences)


def pairs_in_base_order(
    a: Sequence[ComparedStep], b: Sequence[ComparedStep], *, b_is_base: bool
) -> list[StepPair]:
    """Pair the steps of both runs in the order of the base run: comparing `b` with `a` then gives
    the same pairs with the sides swapped."""
    if b_is_base:
        return [pair.swapped() for pair in pair_up(b, a)]
    return pair_up(a, b)


def payload_id_pairs(pairs: Sequence[StepPair]) -> Iterator[tuple[str | None, str | None]]:
    """Return the ids of the payloads that are compared with each other, pair by pair; process data,
    on which no verdict rests, last."""
    in_both = [(pair.a, pair.b) for pair in pairs if pair.a and pair.b]
    for a, b in in_both:
        yield a.inputs, b.inputs
        yield a.outputs, b.outputs
    yield from ((a.process, b.process) for a, b in in_both if a.process and b.process)


def judge(
    pairs: list[StepPair], same_value: SameValue, *, same_start: bool, pending: Collection[str] = ()
) -> StepComparison:
    """Fill in the verdicts of `pairs`.

    `same_start`: both runs had the same inputs. `pending` are the verdicts that make no origin:
    "only_a" while `b` still runs and may reach the step, "only_b" likewise.
    """
    walk = _VerdictWalk(same_value, differed=not same_start, pending=pending)
    for pair in pairs:
        walk.enter(pair)
    walk.leave(0)
    first = next((pair for pair in pairs if pair.reason), None)
    counts = Counter(pair.verdict for pair in pairs)
    return StepComparison(pairs, first, counts, sum(pair.approximate for pair in pairs))


class _VerdictWalk:
    """Walks through the pairs in order. `differed`: something before this pair did."""

    def __init__(self, same_value: SameValue, *, differed: bool, pending: Collection[str]) -> None:
        self.same_value = same_value
        self.differed = differed
        self.pending = pending
        # The containers around the pair: whether anything before them differed, and the verdicts of
        # the steps in them.
        self.open: list[tuple[StepPair, bool, set[str]]] = []

    def enter(self, pair: StepPair) -> None:
        self.leave(pair.depth)
        if pair.a is None or pair.b is None:
            self._settle(pair, "only_b" if pair.a is None else "only_a", "alone")
            return
        pair.differences = tuple(_step_differences(pair.a, pair.b, self.same_value))
        if pair.container:
            self.open.append((pair, self.differed, set()))
            self.differed = self.differed or "inputs" in pair.differences
        else:
            self._settle(pair, *_pair_verdict(pair, self.differed))

    def leave(self, depth: int) -> None:
        """Judge the containers deeper than `depth`. A container that differs has inherited it from
        the steps in it, unless they are all the same, or it is the first with other inputs."""
        while len(self.open) > depth:
            pair, differed, inside = self.open.pop()
            other_inputs = "inputs" in pair.differences and not differed
            if other_inputs or inside <= {"same", "cost_only"}:
                verdict, reason = _pair_verdict(pair, differed)
                if verdict == "cost_only" and "cost_only" in inside:
                    verdict = "same"
                self._settle(pair, verdict, reason)
            else:
                only_usage = {"duration", "tokens", "cost", "model"}.issuperset(pair.differences)
                self._settle(pair, "same" if only_usage else "inherited", "")

    def _settle(self, pair: StepPair, verdict: str, reason: str) -> None:
        if verdict in self.pending or (verdict.startswith("only") and self.differed):
            reason = ""
        pair.verdict, pair.reason = verdict, reason
        if self.open:
            self.open[-1][2].add(verdict)
        if verdict not in ("same", "cost_only"):
            self.differed = True


def _step_differences(a: ComparedStep, b: ComparedStep, same_value: SameValue) -> Iterator[str]:
    if not same_value(a.inputs, b.inputs):
        yield "inputs"
    if a.status not in UNFINISHED and b.status not in UNFINISHED:
        yield from _outcome_differences(a, b, same_value)
    if a.taken != b.taken and a.taken and b.taken:
        yield "taken"
    if not same_value(a.process, b.process):
        yield "process_data"
    if a.model != b.model:
        yield "model"
    if _usage_differs(a.tokens, b.tokens, MIN_TOKENS):
        yield "tokens"
    if a.currency != b.currency or _usage_differs(a.cost, b.cost, 0):
        yield "cost"


def _outcome_differences(a: ComparedStep, b: ComparedStep, same_value: SameValue) -> Iterator[str]:
    if not same_value(a.outputs, b.outputs):
        yield "outputs"
    if a.status != b.status:
        yield "status"
    if a.error != b.error and without_volatile(a.error) != without_volatile(b.error):
        yield "error"
    if _time_differs(a.duration_us, b.duration_us):
        yield "duration"


def _time_differs(a: int | None, b: int | None) -> bool:
    if a is None or b is None:
        return False
    return abs(a - b) >= MIN_TIME_US and max(a, b) >= min(a, b) * MIN_TIME_RATIO


def _usage_differs(a: int | str | None, b: int | str | None, at_least: int) -> bool:
    if a == b:
        return False
    low, high = sorted((float(a or 0), float(b or 0)))
    return high - low > at_least and high >= low * MIN_USAGE_RATIO


def _pair_verdict(pair: StepPair, differed: bool) -> tuple[str, str]:
    """Return the verdict and the reason of a step that both runs have."""
    differences = pair.differences
    if "inputs" in differences:
        return ("inherited", "") if differed else ("origin", "inputs")
    changed = [name for name in ("taken", "status", "outputs", "error") if name in differences]
    if changed:
        # A step without recorded inputs may have read anything.
        if differed and digest_of(pair.step.inputs) in NO_INPUTS:
            return "inherited", ""
        reason = {"taken": "way", "outputs": "output"}.get(changed[0], "status")
        return "origin", "model" if reason == "output" and "model" in differences else reason
    usage = {"duration", "tokens", "cost"}.intersection(differences)
    return "cost_only" if usage else "same", ""
