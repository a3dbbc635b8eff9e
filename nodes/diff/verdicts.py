"""Where two runs part: of each pair of steps whether it is the same, differs because what came
before it differed, or is where the difference began. Pure."""

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
# What a reader is told of why; keyed by what `Pair.reason` holds.
ORIGIN_REASONS = {
    "output": "same inputs, another output",
    "model": "same inputs, but another model and another output",
    "way": "same inputs, another way taken",
    "status": "same inputs, another status",
    "inputs": "other inputs, although nothing before it differed: its prompt, its settings or what "
    "it remembers changed",
    "alone": "only one of the runs has it, although nothing before it differed",
}
UNFINISHED = frozenset({"running", "paused"})
# From how much more time, tokens or money on a difference is worth a word.
LONGER, AT_LEAST_US = 1.5, 100_000
MORE, AT_LEAST_TOKENS = 1.1, 10

# Two ids of payloads, None for no value → whether they tell the same.
SameValue = Callable[[str | None, str | None], bool]
NO_INPUTS = frozenset({"", content_digest("json", b"{}")})  # nothing recorded, or {}


@dataclass(frozen=True, slots=True)
class StepComparison:
    """`first`: where the runs part, None where they do not or were asked different things."""

    pairs: list[StepPair]
    first: StepPair | None
    counts: Counter[str]
    approximate: int

    @property
    def first_outcome(self) -> StepPair | None:
        """The first step that ended otherwise or went another way: what a reader looks for beside
        the origin, or where none can be told."""
        return next((pair for pair in self.pairs if _ended_otherwise(pair)), None)

    def without_pairs(self) -> "StepComparison":
        """The same for a template, which would keep all pairs until garbage is collected."""
        return replace(self, pairs=[])


def _ended_otherwise(pair: StepPair) -> bool:
    return not pair.container and not {"status", "taken"}.isdisjoint(pair.differences)


def pairs_in_base_order(
    a: Sequence[ComparedStep], b: Sequence[ComparedStep], *, b_is_base: bool
) -> list[StepPair]:
    """The steps of both runs in pairs, in the order of the base: so comparing `b` with `a` gives
    the same pairs turned round."""
    if b_is_base:
        return [pair.turned() for pair in pair_up(b, a)]
    return pair_up(a, b)


def payload_id_pairs(pairs: Sequence[StepPair]) -> Iterator[tuple[str | None, str | None]]:
    """Ids of the payloads that are compared with each other, in the order of the pairs."""
    for pair in pairs:
        if pair.a and pair.b:
            yield pair.a.inputs, pair.b.inputs
            yield pair.a.outputs, pair.b.outputs


def judge(
    pairs: list[StepPair], alike: SameValue, *, began_alike: bool, waited_for: Collection[str] = ()
) -> StepComparison:
    """Fill in the verdicts. `began_alike`: both runs were given the same. `waited_for`: verdicts
    that make no origin: "only_a" while `b` still runs and may reach the step, "only_b" likewise."""
    way = _Way(alike, differed=not began_alike, waited_for=waited_for)
    for pair in pairs:
        way.take(pair)
    way.leave(0)
    first = next((pair for pair in pairs if pair.reason), None)
    counts = Counter(pair.verdict for pair in pairs)
    return StepComparison(pairs, first, counts, sum(pair.approximate for pair in pairs))


class _Way:
    """Goes through the pairs in order. `differed`: something before this place did."""

    def __init__(self, alike: SameValue, *, differed: bool, waited_for: Collection[str]) -> None:
        self.alike = alike
        self.differed = differed
        self.waited_for = waited_for
        # Containers we are in, whether anything before them differed, verdicts of the steps inside.
        self.open: list[tuple[StepPair, bool, set[str]]] = []

    def take(self, pair: StepPair) -> None:
        self.leave(pair.depth)
        if pair.a is None or pair.b is None:
            self._settle(pair, "only_b" if pair.a is None else "only_a", "alone")
            return
        pair.differences = tuple(_differences(pair.a, pair.b, self.alike))
        if pair.container:
            self.open.append((pair, self.differed, set()))
            self.differed = self.differed or "inputs" in pair.differences
        else:
            self._settle(pair, *_verdict(pair, self.differed))

    def leave(self, depth: int) -> None:
        """A container that differs has it from the steps in it, unless they are all the same, or
        it is the first that was given something else."""
        while len(self.open) > depth:
            pair, differed, inside = self.open.pop()
            given_other = "inputs" in pair.differences and not differed
            if given_other or inside <= {"same", "cost_only"}:
                verdict, reason = _verdict(pair, differed)
                if verdict == "cost_only" and "cost_only" in inside:
                    verdict = "same"
                self._settle(pair, verdict, reason)
            else:
                aside = {"duration", "tokens", "cost", "model"}.issuperset(pair.differences)
                self._settle(pair, "same" if aside else "inherited", "")

    def _settle(self, pair: StepPair, verdict: str, reason: str) -> None:
        if verdict in self.waited_for or (verdict.startswith("only") and self.differed):
            reason = ""
        pair.verdict, pair.reason = verdict, reason
        if self.open:
            self.open[-1][2].add(verdict)
        if verdict not in ("same", "cost_only"):
            self.differed = True


def _differences(a: ComparedStep, b: ComparedStep, alike: SameValue) -> Iterator[str]:
    if not alike(a.inputs, b.inputs):
        yield "inputs"
    if a.status not in UNFINISHED and b.status not in UNFINISHED:
        yield from _outcomes(a, b, alike)
    if a.taken != b.taken and a.taken and b.taken:
        yield "taken"
    if digest_of(a.process) != digest_of(b.process):
        yield "process_data"
    if a.model != b.model:
        yield "model"
    if _more(a.tokens, b.tokens, AT_LEAST_TOKENS):
        yield "tokens"
    if a.currency != b.currency or _more(a.cost, b.cost, 0):
        yield "cost"


def _outcomes(a: ComparedStep, b: ComparedStep, alike: SameValue) -> Iterator[str]:
    if not alike(a.outputs, b.outputs):
        yield "outputs"
    if a.status != b.status:
        yield "status"
    if a.error != b.error and without_volatile(a.error) != without_volatile(b.error):
        yield "error"
    if _longer(a.duration_us, b.duration_us):
        yield "duration"


def _longer(a: int | None, b: int | None) -> bool:
    if a is None or b is None:
        return False
    return abs(a - b) >= AT_LEAST_US and max(a, b) >= min(a, b) * LONGER


def _more(a: int | str | None, b: int | str | None, at_least: int) -> bool:
    if a == b:
        return False
    one, other = float(a or 0), float(b or 0)
    return abs(one - other) > at_least and max(one, other) >= min(one, other) * MORE


def _verdict(pair: StepPair, differed: bool) -> tuple[str, str]:
    """Verdict and reason of a step that both runs have."""
    found = pair.differences
    if "inputs" in found:
        return ("inherited", "") if differed else ("origin", "inputs")
    changed = [name for name in ("taken", "status", "outputs", "error") if name in found]
    if changed:
        # A step of which no inputs are recorded may have read anything.
        if differed and digest_of(pair.step.inputs) in NO_INPUTS:
            return "inherited", ""
        word = {"taken": "way", "outputs": "output"}.get(changed[0], "status")
        return "origin", "model" if word == "output" and "model" in found else word
    dearer = {"duration", "tokens", "cost"}.intersection(found)
    return "cost_only" if dearer else "same", ""
