"""Which step of one run is which step of another. Pure.

Steps are looked for below the same parent: by node id, pass, attempt and visit; where that fails by
kind and title; model calls that are left and named after their model ("chat gpt-4o"), in their
order. The second and third are approximate. Passes count from the parent on, because a node that
runs once has no pass number and the first of several has.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nodes.kinds import kind_of

# The columns of NodeExecution that `read_step` reads, in this order.
PAIRING_FIELDS = (
    "hex_id", "hex_parent", "node_id", "kind", "title", "status", "iteration", "attempt", "taken",
    "duration_us", "total_tokens", "cost", "cost_currency", "model", "hex_inputs", "hex_process",
    "hex_outputs", "error_head",
)  # fmt: skip
_DIGEST = 18  # hex digits at the end of a payload's id that tell its content


@dataclass(slots=True, eq=False)
class Step:
    """One execution. Ids are hex without dashes, "" for none; durations microseconds; `inputs`,
    `process` and `outputs` are ids of payloads."""

    id: str
    parent: str
    node_id: str
    kind: str
    title: str
    status: str
    iteration: str
    attempt: int
    taken: str
    duration_us: int | None
    tokens: int | None
    cost: Decimal | None
    currency: str
    model: str
    inputs: str
    process: str
    outputs: str
    error: str


@dataclass(slots=True, eq=False)
class Pair:
    """What is the same step of both runs, or a step of one alone; `depth` from 0. `container`:
    there are steps below it. The rest is filled in by `nodes.comparing.verdicts`."""

    a: Step | None
    b: Step | None
    depth: int = 0
    approximate: bool = False
    container: bool = False
    verdict: str = ""
    reason: str = ""
    differences: tuple[str, ...] = ()

    @property
    def step(self) -> Step:
        """The one that there is; of two the first run's."""
        found = self.a or self.b
        assert found is not None
        return found

    @property
    def key(self) -> str:
        """Names the pair in a URL: both ids, of which one may be missing."""
        return f"{self.a.id if self.a else ''}.{self.b.id if self.b else ''}"

    def turned(self) -> "Pair":
        return Pair(self.b, self.a, self.depth, self.approximate, self.container)


_Key = Callable[["_Place"], Hashable]


@dataclass(slots=True, eq=False)
class _Place:
    """A step among its siblings; `own` is its pass below its parent."""

    step: Step
    own: str


def read_step(row: tuple[Any, ...]) -> Step:
    """A row of PAIRING_FIELDS. Databases write ids as text with dashes or without."""
    step = Step(*row)
    step.id, step.parent = _hex(step.id), _hex(step.parent)
    step.inputs, step.outputs = _hex(step.inputs), _hex(step.outputs)
    step.process = _hex(step.process)
    return step


def _hex(told: str | None) -> str:
    return told.replace("-", "") if told else ""


def digest(payload_id: str) -> str:
    """Equal values have equal digests, whatever run and day they are of; "" for no value."""
    return payload_id[-_DIGEST:]


def pair_up(a: Sequence[Step], b: Sequence[Step]) -> list[Pair]:
    """All steps of both runs, each once, in pre-order: as in `a`, what is in `b` alone put in where
    it ran."""
    below_a, below_b = _below(a), _below(b)
    found: list[Pair] = []
    stack = [_siblings(None, None, below_a[""], below_b[""])]
    while stack:
        pair = next(stack[-1], None)
        if pair is None:
            stack.pop()
            continue
        pair.depth = len(stack) - 1
        found.append(pair)
        inside_a = below_a.get(pair.a.id, []) if pair.a else []
        inside_b = below_b.get(pair.b.id, []) if pair.b else []
        if inside_a or inside_b:
            pair.container = True
            stack.append(_siblings(pair.a, pair.b, inside_a, inside_b))
    return found


def _below(steps: Sequence[Step]) -> dict[str, list[Step]]:
    """Steps by parent, "" for the top; a parent that has not arrived is none."""
    known = {step.id for step in steps}
    found: dict[str, list[Step]] = defaultdict(list)
    for step in steps:
        found[step.parent if step.parent in known else ""].append(step)
    return found


def _siblings(
    parent_a: Step | None, parent_b: Step | None, a: list[Step], b: list[Step]
) -> Iterator[Pair]:
    ours, theirs = _places(parent_a, a), _places(parent_b, b)
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


def _places(parent: Step | None, steps: list[Step]) -> list[_Place]:
    base = parent.iteration if parent else ""
    return [_Place(step, _own_pass(step.iteration, base)) for step in steps]


def _own_pass(path: str, base: str) -> str:
    if base and (path == base or path.startswith(f"{base}.")):
        path = path[len(base) + 1 :]
    return path or "0"


def _by_node(place: _Place) -> Hashable:
    step = place.step
    return step.node_id, step.kind, place.own, step.attempt


def _by_title(place: _Place) -> Hashable:
    step = place.step
    return step.title, step.kind, place.own, step.attempt


def _by_model_call(place: _Place) -> Hashable:
    step = place.step
    named_after = bool(step.model) and step.model.startswith(step.title.rpartition(" ")[2] or "?")
    is_call = named_after and kind_of(step.kind).call == "model"
    return (step.kind, place.own, step.attempt) if is_call else step.id


_KEYS: tuple[_Key, ...] = (_by_node, _by_title, _by_model_call)


def _matched(
    ours: list[_Place], left_a: list[int], theirs: list[_Place], left_b: list[int], key: _Key
) -> dict[int, int]:
    """Places in `ours` → places in `theirs`, of equal key, in order: the nth visit is the nth."""
    waiting: dict[Hashable, list[int]] = defaultdict(list)
    for at in reversed(left_b):
        waiting[key(theirs[at])].append(at)
    return {at: waiting[found].pop() for at in left_a if waiting.get(found := key(ours[at]))}


def _merged(
    a: list[Step], b: list[Step], partner: dict[int, int], rough: set[int]
) -> Iterator[Pair]:
    alone = sorted(set(range(len(b))) - set(partner.values()), reverse=True)
    for at, step in enumerate(a):
        to = partner.get(at)
        if to is None:
            yield Pair(step, None)
            continue
        while alone and alone[-1] < to:
            yield Pair(None, b[alone.pop()])
        yield Pair(step, b[to], approximate=at in rough)
    for at in reversed(alone):
        yield Pair(None, b[at])
