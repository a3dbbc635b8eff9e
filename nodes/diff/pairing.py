"""Which step of one run is which step of another. Pure.

Steps are looked for below the same parent: by node id, pass, attempt and visit; where that fails by
kind and title; model calls that are left and named after their model ("chat gpt-4o"), in their
order. The second and third are approximate. Passes count from the parent on, because a node that
runs once has no pass number and the first of several has.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

from nodes.clock import hex_id
from nodes.kinds import kind_of
from nodes.light_step import LightStep

# What a `ComparedStep` has beside the columns of a light row, in the order of its fields.
COMPARED_COLUMNS = (
    "title", "attempt", "taken", "duration_us", "total_tokens", "cost_as_text", "cost_currency",
    "model", "hex_inputs", "hex_process", "hex_outputs", "error_head",
)  # fmt: skip


@dataclass(slots=True, eq=False)
class ComparedStep(LightStep):
    """One execution, as it is read. Ids are text, with dashes or without; `inputs`, `process` and
    `outputs` are ids of payloads; durations are microseconds."""

    title: str = ""
    attempt: int = 1
    taken: str = ""
    duration_us: int | None = None
    tokens: int | None = None
    cost: str | None = None
    currency: str = ""
    model: str = ""
    inputs: str | None = None
    process: str | None = None
    outputs: str | None = None
    error: str = ""


@dataclass(slots=True, eq=False)
class StepPair:
    """What is the same step of both runs, or a step of one alone; `depth` from 0. `container`:
    there are steps below it. The rest is filled in by `nodes.diff.verdicts`."""

    a: ComparedStep | None
    b: ComparedStep | None
    approximate: bool = False
    depth: int = 0
    container: bool = False
    verdict: str = ""
    reason: str = ""
    differences: tuple[str, ...] = ()

    @property
    def step(self) -> ComparedStep:
        """The one that there is; of two the first run's."""
        found = self.a or self.b
        assert found is not None
        return found

    @property
    def key(self) -> str:
        """Names the pair in a URL: both ids without dashes, of which one may be missing."""
        ids = (hex_id(one.id) if one else "" for one in (self.a, self.b))
        return ".".join(ids)

    def turned(self) -> "StepPair":
        return StepPair(self.b, self.a, self.approximate, self.depth, self.container)


_Place = tuple[ComparedStep, str]  # a step among its siblings, and its pass below its parent
_Key = Callable[[ComparedStep, str], Hashable]


def pair_up(a: Sequence[ComparedStep], b: Sequence[ComparedStep]) -> list[StepPair]:
    """All steps of both runs, each once, in pre-order: as in `a`, what is in `b` alone put in where
    it ran."""
    below_a, below_b = _below(a), _below(b)
    found: list[StepPair] = []
    stack = [_siblings(None, None, below_a[""], below_b[""])]
    while stack:
        pair = next(stack[-1], None)
        if pair is None:
            stack.pop()
            continue
        pair.depth = len(stack) - 1
        found.append(pair)
        inside_a = below_a.get(pair.a.id) if pair.a else None
        inside_b = below_b.get(pair.b.id) if pair.b else None
        if inside_a or inside_b:
            pair.container = True
            stack.append(_siblings(pair.a, pair.b, inside_a or [], inside_b or []))
    return found


def _below(steps: Sequence[ComparedStep]) -> dict[str, list[ComparedStep]]:
    """Steps by parent, "" for the top; a parent that has not arrived is none."""
    known = {step.id for step in steps}
    found: dict[str, list[ComparedStep]] = defaultdict(list)
    for step in steps:
        found[step.parent_id if step.parent_id in known else ""].append(step)
    return found


def _siblings(
    parent_a: ComparedStep | None,
    parent_b: ComparedStep | None,
    a: list[ComparedStep],
    b: list[ComparedStep],
) -> Iterator[StepPair]:
    ours, theirs = _places(parent_a, a), _places(parent_b, b)
    if [_by_node(*place) for place in ours] == [_by_node(*place) for place in theirs]:
        return map(StepPair, a, b)  # as most often: the same steps in the same order
    partner: dict[int, int] = {}
    rough: set[int] = set()
    for number, key in enumerate(_KEYS):
        left_a = [at for at in range(len(ours)) if at not in partner]
        taken = set(partner.values())
        left_b = [at for at in range(len(theirs)) if at not in taken]
        if not left_a or not left_b:
            break
        found = _matched(ours, left_a, theirs, left_b, key)
        partner |= found
        rough |= found.keys() if number else set()
    return _merged(a, b, partner, rough)


def _places(parent: ComparedStep | None, steps: list[ComparedStep]) -> list[_Place]:
    base = parent.iteration if parent else ""
    return [(step, _own_pass(step.iteration, base)) for step in steps]


def _own_pass(path: str, base: str) -> str:
    if base and (path == base or path.startswith(f"{base}.")):
        path = path[len(base) + 1 :]
    return path or "0"


def _by_node(step: ComparedStep, own: str) -> Hashable:
    return step.node_id, step.kind, own, step.attempt


def _by_title(step: ComparedStep, own: str) -> Hashable:
    return step.title, step.kind, own, step.attempt


def _by_model_call(step: ComparedStep, own: str) -> Hashable:
    named_after = bool(step.model) and step.model.startswith(step.title.rpartition(" ")[2] or "?")
    is_call = named_after and kind_of(step.kind).call == "model"
    return (step.kind, own, step.attempt) if is_call else step.id


_KEYS: tuple[_Key, ...] = (_by_node, _by_title, _by_model_call)


def _matched(
    ours: list[_Place], left_a: list[int], theirs: list[_Place], left_b: list[int], key: _Key
) -> dict[int, int]:
    """Places in `ours` → places in `theirs`, of equal key, in order: the nth visit is the nth."""
    waiting: dict[Hashable, list[int]] = defaultdict(list)
    for at in reversed(left_b):
        waiting[key(*theirs[at])].append(at)
    return {at: waiting[found].pop() for at in left_a if waiting.get(found := key(*ours[at]))}


def _merged(
    a: list[ComparedStep], b: list[ComparedStep], partner: dict[int, int], rough: set[int]
) -> Iterator[StepPair]:
    alone = sorted(set(range(len(b))) - set(partner.values()), reverse=True)
    for at, step in enumerate(a):
        to = partner.get(at)
        if to is None:
            yield StepPair(step, None)
            continue
        while alone and alone[-1] < to:
            yield StepPair(None, b[alone.pop()])
        yield StepPair(step, b[to], at in rough)
    for at in reversed(alone):
        yield StepPair(None, b[at])
