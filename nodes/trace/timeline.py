"""The steps of a run as a reader follows them: the tree, with passes of loops as groups. Pure.

Rows come in pre-order (`NodeExecution.index`); a parent may be missing: then a placeholder stands
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
class Entry:
    """One place in the tree: a step, a pass of a loop, or a parent that was not received.

    `failed` and `steps` count the steps of the subtree, itself included; `number` of `total` is the
    pass of a group, or the visit of a step that ran more than once; `attempts` is how many there
    were of a visit that was tried again.
    """

    form: Literal["step", "pass", "placeholder"]
    key: str
    id: str = ""
    step: TraceStep | None = None
    children: list["Entry"] = field(default_factory=list)
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
        """A group's status is the worst of its steps'."""
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
class Timeline:
    """The whole tree. `by_id` finds the entry of an execution by its 32 hex digits, `above` the one
    that an entry stands below. Entries do not hold it themselves: in circles, tens of thousands of
    objects would outlive each view until the garbage collector stops everything to find them."""

    top: list[Entry]
    by_id: dict[str, Entry]
    above: dict[Entry, Entry]


def build(steps: Iterable[TraceStep]) -> Timeline:
    """The tree of a run's steps, given in pre-order."""
    top: list[Entry] = []
    by_id: dict[str, Entry] = {}
    above: dict[Entry, Entry] = {}
    for step in steps:
        if early := by_id.get(step.id):  # a placeholder: its child came first
            early.form, early.step, early.start, early.end = "step", step, step.start, step.end
            continue
        entry = Entry("step", key_of(step.id), step.id, step, start=step.start, end=step.end)
        by_id[step.id] = entry
        if parent := _parent(step, by_id, top):
            above[entry] = parent
        (parent.children if parent else top).append(entry)
    for entry in list(by_id.values()):
        if entry.children:
            _group_passes(entry, above)
    _number_visits(top)
    _sum_up(top)
    return Timeline(top, by_id, above)


def key_of(execution_id: str) -> str:
    """Names an entry in a URL's query; a rare clash would open two groups instead of one. The end,
    because the ids of a run's executions begin alike."""
    return execution_id[-8:]


def _parent(step: TraceStep, by_id: dict[str, Entry], top: list[Entry]) -> Entry | None:
    if not step.parent_id or step.parent_id == step.id:
        return None
    parent = by_id.get(step.parent_id)
    if parent is None:
        parent = Entry("placeholder", key_of(step.parent_id), step.parent_id)
        by_id[step.parent_id] = parent
        top.append(parent)
    return parent


def _group_passes(entry: Entry, above: dict[Entry, Entry]) -> None:
    """Children of an iteration or loop stand in groups, one per pass, in order of the passes."""
    if entry.step is None or kind_of(entry.step.kind).group != "loop":
        return
    depth = len(iteration_path(entry.step.iteration))
    groups: dict[int, Entry] = {}
    outside: list[Entry] = []
    for child in entry.children:
        path = iteration_path(child.step.iteration) if child.step else ()
        if len(path) <= depth:
            outside.append(child)
            continue
        number = path[depth]
        group = groups.get(number)
        if group is None:
            group = Entry("pass", f"{entry.key}.{number}", number=number + 1)
            groups[number] = group
            above[group] = entry
        above[child] = group
        group.children.append(child)
    if groups:
        passes = [groups[number] for number in sorted(groups)]
        for group in passes:
            group.total = passes[-1].number
        entry.children = passes + outside


def _number_visits(top: list[Entry]) -> None:
    """A node that ran more than once among its siblings: which time this was, of how many. A
    failed attempt and the attempt that followed it are one visit."""
    levels = [top]
    while levels:
        siblings = levels.pop()
        levels.extend(entry.children for entry in siblings if entry.children)
        visits: Counter[str] = Counter()
        numbered: list[tuple[Entry, str]] = []
        attempts: list[list[Entry]] = []  # of each visit that was tried again
        retried: dict[str, list[Entry]] = {}
        for entry in siblings:
            if entry.step is None or not entry.step.node_id:
                continue
            node = entry.step.node_id
            tries = retried.pop(node, None) if retried else None
            if tries is None:
                visits[node] += 1
            else:
                tries.append(entry)
            if entry.step.status == NodeStatus.RETRY:
                if tries is None:
                    attempts.append(tries := [entry])
                retried[node] = tries
            entry.number = visits[node]
            numbered.append((entry, node))
        for entry, node in numbered:
            entry.total = visits[node]
        if attempts:
            _join_attempts(siblings, attempts)


def _join_attempts(siblings: list[Entry], attempts: list[list[Entry]]) -> None:
    """Put attempts of a visit next to each other, where something ran in between."""
    place = {entry: number for number, entry in enumerate(siblings)}
    for tries in attempts:
        for entry in tries:
            entry.attempts = len(tries)
            place[entry] = place[tries[0]]
    siblings.sort(key=place.__getitem__)


def _sum_up(top: list[Entry]) -> None:
    """Counts and times of the subtrees, from the leaves up; no recursion, trees may be deep."""
    order: list[Entry] = []
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
