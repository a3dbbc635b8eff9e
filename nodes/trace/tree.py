"""The tree of a run's steps, with the iterations of loops as groups. Pure.

Steps come in pre-order (`NodeExecution.index`); a parent may be missing: then a placeholder stands
where it will be.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from nodes.choices import FAILURES, NodeStatus
from nodes.clock import iteration_path
from nodes.kinds import kind_of
from nodes.light_step import LightStep


@dataclass(slots=True, eq=False)
class TraceStep(LightStep):
    """What the tree needs to know of one execution. Times are microseconds since the epoch; a tree
    of thousands is read on every view, so nothing here is dearer than it must be."""

    start: int | None = None
    end: int | None = None
    self_us: int | None = None


@dataclass(slots=True, eq=False)
class TraceEntry:
    """One place in the tree: a step, an iteration of a loop, or a parent that was not received.

    `failed` and `steps` count the steps of the subtree, itself included; `number` of `total` is the
    iteration of a group, or which execution of its node this is among siblings; `attempts` is how
    many there were of an execution that was tried again.
    """

    form: Literal["step", "pass", "placeholder"]
    key: str
    id: str = ""
    step: TraceStep | None = None
    children: list["TraceEntry"] = field(default_factory=list)
    start: int | None = None
    end: int | None = None
    failed: int = 0
    steps: int = 0
    number: int = 0
    total: int = 0
    attempts: int = 0

    @property
    def has_passes(self) -> bool:
        return bool(self.children) and self.children[0].form == "pass"

    @property
    def status(self) -> str:
        """Return the status of a step; for a group the worst of its steps'."""
        if self.step:
            return self.step.status
        statuses = {entry.status for entry in self.children}
        for status in WORST_FIRST:
            if status in statuses:
                return status
        return ""


WORST_FIRST = (
    NodeStatus.FAILED, NodeStatus.EXCEPTION, NodeStatus.RUNNING, NodeStatus.PAUSED,
    NodeStatus.STOPPED, NodeStatus.SUCCEEDED, NodeStatus.RETRY,
)  # fmt: skip


@dataclass(slots=True)
class TraceTree:
    """The whole tree. `by_id` finds the entry of an execution by its 32 hex digits, `above` the one
    that an entry stands below. Entries do not hold it themselves: in circles, tens of thousands of
    objects would outlive each view until the garbage collector stops everything to find them."""

    top: list[TraceEntry]
    by_id: dict[str, TraceEntry]
    above: dict[TraceEntry, TraceEntry]


def build_trace_tree(steps: Iterable[TraceStep]) -> TraceTree:
    """Return the tree of a run's steps, which come in pre-order."""
    top: list[TraceEntry] = []
    by_id: dict[str, TraceEntry] = {}
    above: dict[TraceEntry, TraceEntry] = {}
    for step in steps:
        if placeholder := by_id.get(step.id):  # its child came first
            placeholder.form, placeholder.step = "step", step
            placeholder.start, placeholder.end = step.start, step.end
            continue
        entry = TraceEntry(
            "step", entry_key(step.id), step.id, step, start=step.start, end=step.end
        )
        by_id[step.id] = entry
        if parent := _parent_entry(step, by_id, top):
            above[entry] = parent
        (parent.children if parent else top).append(entry)
    for entry in list(by_id.values()):
        if entry.children:
            _group_passes(entry, above)
    _number_repeats(top)
    _sum_subtrees(top)
    return TraceTree(top, by_id, above)


def entry_key(execution_id: str) -> str:
    """Return the name of an entry in a URL's query; a rare clash would open two groups instead of
    one. It is the end of the id, because the ids of a run's executions begin alike."""
    return execution_id[-8:]


def _parent_entry(
    step: TraceStep, by_id: dict[str, TraceEntry], top: list[TraceEntry]
) -> TraceEntry | None:
    if not step.parent_id or step.parent_id == step.id:
        return None
    parent = by_id.get(step.parent_id)
    if parent is None:
        parent = TraceEntry("placeholder", entry_key(step.parent_id), step.parent_id)
        by_id[step.parent_id] = parent
        top.append(parent)
    return parent


def _group_passes(entry: TraceEntry, above: dict[TraceEntry, TraceEntry]) -> None:
    """Put the children of a loop in groups, one for each iteration, in the order of the
    iterations."""
    if entry.step is None or kind_of(entry.step.kind).group != "loop":
        return
    depth = len(iteration_path(entry.step.iteration))
    groups: dict[int, TraceEntry] = {}
    outside: list[TraceEntry] = []
    for child in entry.children:
        path = iteration_path(child.step.iteration) if child.step else ()
        if len(path) <= depth:
            outside.append(child)
            continue
        number = path[depth]
        group = groups.get(number)
        if group is None:
            group = TraceEntry("pass", f"{entry.key}.{number}", number=number + 1)
            groups[number] = group
            above[group] = entry
        above[child] = group
        group.children.append(child)
    if groups:
        passes = [groups[number] for number in sorted(groups)]
        for group in passes:
            group.total = passes[-1].number
        entry.children = passes + outside


def _number_repeats(top: list[TraceEntry]) -> None:
    """Number the executions of a node that ran more than once among its siblings: which time this
    was, of how many. A failed attempt and the attempt that followed it count once."""
    levels = [top]
    while levels:
        siblings = levels.pop()
        levels.extend(entry.children for entry in siblings if entry.children)
        times: Counter[str] = Counter()
        numbered: list[tuple[TraceEntry, str]] = []
        retried: list[list[TraceEntry]] = []  # the attempts at each step that was tried again
        open_attempts: dict[str, list[TraceEntry]] = {}  # by node, while another one is to follow
        for entry in siblings:
            if entry.step is None or not entry.step.node_id:
                continue
            node = entry.step.node_id
            attempts = open_attempts.pop(node, None) if open_attempts else None
            if attempts is None:
                times[node] += 1
            else:
                attempts.append(entry)
            if entry.step.status == NodeStatus.RETRY:
                if attempts is None:
                    retried.append(attempts := [entry])
                open_attempts[node] = attempts
            entry.number = times[node]
            numbered.append((entry, node))
        for entry, node in numbered:
            entry.total = times[node]
        if retried:
            _join_attempts(siblings, retried)


def _join_attempts(siblings: list[TraceEntry], retried: list[list[TraceEntry]]) -> None:
    """Put the attempts at a step next to each other, where something ran in between."""
    place = {entry: number for number, entry in enumerate(siblings)}
    for attempts in retried:
        for entry in attempts:
            entry.attempts = len(attempts)
            place[entry] = place[attempts[0]]
    siblings.sort(key=place.__getitem__)


def _sum_subtrees(top: list[TraceEntry]) -> None:
    """Set counts and times of the subtrees, from the leaves up. No recursion: trees may be deep."""
    order: list[TraceEntry] = []
    waiting = list(top)
    while waiting:
        entry = waiting.pop()
        order.append(entry)
        waiting.extend(entry.children)
    for entry in reversed(order):
        entry.steps += 1 if entry.step else 0
        entry.failed += 1 if entry.step and entry.step.status in FAILURES else 0
        for child in entry.children:
            entry.steps += child.steps
            entry.failed += child.failed
        if entry.step is None:
            starts = [child.start for child in entry.children if child.start is not None]
            ends = [child.end for child in entry.children]
            entry.start = min(starts, default=None)
            entry.end = None if None in ends else max((end for end in ends if end), default=None)
