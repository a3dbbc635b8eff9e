"""Pairs the steps of two runs. Pure.

Steps are matched below the same parent: by node id, iteration, attempt and order; where that fails,
by kind and title; remaining model calls that are named after their model ("chat gpt-4o"), in their
order. The second and third are approximate. Iterations count from the parent on, because a node
that runs once has no iteration number and the first of several has one.
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
    """The same step of both runs, or a step of one run alone; `depth` from 0. `container`: there
    are steps below it. The rest is filled in by `nodes.diff.verdicts`."""

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
        """Return the step of A, or that of B where A has none."""
        step = self.a or self.b
        assert step is not None
        return step

    @property
    def key(self) -> str:
        """Return the pair as a URL names it: both ids without dashes, of which one may be
        missing."""
        ids = (hex_id(step.id) if step else "" for step in (self.a, self.b))
        return ".".join(ids)

    def swapped(self) -> "StepPair":
        return StepPair(self.b, self.a, self.approximate, self.depth, self.container)


_Sibling = tuple[ComparedStep, str]  # a step and its iteration below its parent
_MatchKey = Callable[[ComparedStep, str], Hashable]


def pair_up(a: Sequence[ComparedStep], b: Sequence[ComparedStep]) -> list[StepPair]:
    """Return all steps of both runs, each once, in pre-order: as in `a`, with the steps that only
    `b` has put in where they ran."""
    below_a, below_b = _steps_by_parent(a), _steps_by_parent(b)
    pairs: list[StepPair] = []
    stack = [_sibling_pairs(None, None, below_a[""], below_b[""])]
    while stack:
        pair = next(stack[-1], None)
        if pair is None:
            stack.pop()
            continue
        pair.depth = len(stack) - 1
        pairs.append(pair)
        inside_a = below_a.get(pair.a.id) if pair.a else None
        inside_b = below_b.get(pair.b.id) if pair.b else None
        if inside_a or inside_b:
            pair.container = True
            stack.append(_sibling_pairs(pair.a, pair.b, inside_a or [], inside_b or []))
    return pairs


def _steps_by_parent(steps: Sequence[ComparedStep]) -> dict[str, list[ComparedStep]]:
    """Return the steps below each parent; "" stands for no parent, or one that has not arrived."""
    known = {step.id for step in steps}
    by_parent: dict[str, list[ComparedStep]] = defaultdict(list)
    for step in steps:
        by_parent[step.parent_id if step.parent_id in known else ""].append(step)
    return by_parent


def _sibling_pairs(
    parent_a: ComparedStep | None,
    parent_b: ComparedStep | None,
    a: list[ComparedStep],
    b: list[ComparedStep],
) -> Iterator[StepPair]:
    ours, theirs = _with_own_iteration(parent_a, a), _with_own_iteration(parent_b, b)
    if [_by_node(*sibling) for sibling in ours] == [_by_node(*sibling) for sibling in theirs]:
        return map(StepPair, a, b)  # the usual case: the same steps in the same order
    partners: dict[int, int] = {}
    approximate: set[int] = set()
    for number, key in enumerate(_MATCH_KEYS):
        left_a = [at for at in range(len(ours)) if at not in partners]
        taken = set(partners.values())
        left_b = [at for at in range(len(theirs)) if at not in taken]
        if not left_a or not left_b:
            break
        matches = _matches(ours, left_a, theirs, left_b, key)
        partners |= matches
        approximate |= matches.keys() if number else set()
    return _merged_pairs(a, b, partners, approximate)


def _with_own_iteration(parent: ComparedStep | None, steps: list[ComparedStep]) -> list[_Sibling]:
    base = parent.iteration if parent else ""
    return [(step, _own_iteration(step.iteration, base)) for step in steps]


def _own_iteration(path: str, base: str) -> str:
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


_MATCH_KEYS: tuple[_MatchKey, ...] = (_by_node, _by_title, _by_model_call)


def _matches(
    ours: list[_Sibling],
    left_a: list[int],
    theirs: list[_Sibling],
    left_b: list[int],
    key: _MatchKey,
) -> dict[int, int]:
    """Return {index in `ours`: index in `theirs`} of equal key: the nth of a key is the nth."""
    waiting: dict[Hashable, list[int]] = defaultdict(list)
    for at in reversed(left_b):
        waiting[key(*theirs[at])].append(at)
    return {at: waiting[own].pop() for at in left_a if waiting.get(own := key(*ours[at]))}


def _merged_pairs(
    a: list[ComparedStep],
    b: list[ComparedStep],
    partners: dict[int, int],
    approximate: set[int],
) -> Iterator[StepPair]:
    alone = sorted(set(range(len(b))) - set(partners.values()), reverse=True)
    for at, step in enumerate(a):
        to = partners.get(at)
        if to is None:
            yield StepPair(step, None)
            continue
        while alone and alone[-1] < to:
            yield StepPair(None, b[alone.pop()])
        yield StepPair(step, b[to], at in approximate)
    for at in reversed(alone):
        yield StepPair(None, b[at])
