"""The critical path: the chain of steps and gaps that made a run as long as it was. Pure.

Walked back from the end: what ended last before the next began, and before that what ended last
before it began; a container is walked the same way inside. Steps that ran beside it did not make
the run longer. Some steps go on after the end of their container, and clocks differ: a container
lasts as long as anything in it ran.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from nodes.choices import NodeStatus
from nodes.trace.tree import TraceEntry, TraceTree
from nodes.trace.waterfall import slack_of

Gap = Literal["waiting for a person", "waiting to begin", "before another attempt", "nothing ran"]
# Containers that do nothing themselves: time of theirs in which no step ran is a gap. An iteration
# is at work between its passes, and of its steps Dify's streams do not say when each ran.
IDLE_KINDS = frozenset({"workflow"})
Extents = dict[TraceEntry, tuple[int | None, int | None]]


@dataclass(frozen=True, slots=True)
class PathPart:
    """A stretch of the path, in microseconds since the epoch: a step's own work, or a gap, of which
    `entry` is the container (None: the run itself)."""

    start: int
    end: int
    entry: TraceEntry | None
    gap: Gap | None = None

    @property
    def lasted(self) -> int:
        return self.end - self.start


def critical_path(tree: TraceTree, start: int, end: int) -> list[PathPart]:
    """Return parts in order of time, without overlap; together they are all of [start, end]."""
    parts: list[PathPart] = []
    extents = _extents(tree)
    # What is still to be walked back, the latest on top: parts that are done, or containers.
    stack: list[_Task] = [_ContainerStretch(None, tree.top, start, end)]
    while stack:
        task = stack.pop()
        if isinstance(task, PathPart):
            if task.lasted > 0:
                parts.append(task)
        else:
            stack.extend(_parts_inside(task, extents))
    parts.reverse()
    return parts


def _extents(tree: TraceTree) -> Extents:
    """Return when each container, or anything in it, began and ended; None while it runs."""
    waiting, order = list(tree.top), []
    while waiting:
        entry = waiting.pop()
        if entry.children:
            order.append(entry)
            waiting.extend(entry.children)
    extents: Extents = {}
    for entry in reversed(order):
        inside = [extents.get(child, (child.start, child.end)) for child in entry.children]
        starts = [start for start, _ in [(entry.start, None), *inside] if start is not None]
        ends = [end for _, end in inside if end is not None]
        end = None if entry.end is None else max([entry.end, *ends])
        extents[entry] = (min(starts, default=None), end)
    return extents


@dataclass(frozen=True, slots=True)
class _ContainerStretch:
    """A container, of which [start, end] is on the path. `entry` is the step whose time it is: of
    one pass of an iteration, the iteration."""

    entry: TraceEntry | None
    children: list[TraceEntry]
    start: int
    end: int


_Task = PathPart | _ContainerStretch


def _parts_inside(container: _ContainerStretch, extents: Extents) -> list[_Task]:
    """Return the parts of a container's stretch, in order of time."""
    parts: list[_Task] = []
    following: TraceEntry | None = None
    reached = container.end
    for child, begin, finish in _waited_for(container, extents):
        if finish < reached:
            parts += _parts_between(container, child, following, finish, reached)
        parts.append(_part_of_child(container, child, begin, finish))
        following, reached = child, begin
    if container.start < reached:
        parts += _parts_between(container, None, following, container.start, reached)
    parts.reverse()
    return parts


def _waited_for(
    container: _ContainerStretch, extents: Extents
) -> Iterator[tuple[TraceEntry, int, int]]:
    """Yield the children on the path, the last first, with the stretch that is theirs."""
    ran = [extents.get(child, (child.start, child.end)) for child in container.children]
    known = sorted(
        (
            (container.end if end is None else end, start, place)
            for place, (start, end) in enumerate(ran)
            if start is not None
        ),
        key=lambda interval: (interval[0], -interval[1]),
    )
    ends = [end for end, _, _ in known]
    running = _earliest_from(known)
    place, reached, limit = len(known), container.end, len(known)
    while reached > container.start:
        place = min(place, limit)
        while place and known[place - 1][1] >= min(known[place - 1][0], reached):
            place -= 1  # of no length here, or begun after the end
        if place and known[place - 1][0] <= container.start:
            place = 0  # it and all others had ended before
        end, start, number = known[place - 1] if place else (container.start, container.start, -1)
        finish = min(end, reached)
        if finish < reached and limit < len(known) and running[limit][0] < reached:
            # What still ran was not waited for, but while nothing else ran it is what there was.
            start, number = running[limit]
            start, finish = max(start, finish), reached
        elif not place:
            return
        else:
            place -= 1
        begin = max(start, container.start)
        yield container.children[number], begin, finish
        reached = begin
        # Only what ended by then can have been waited for.
        limit = bisect_right(ends, reached + slack_of(begin))


def _earliest_from(known: list[tuple[int, int, int]]) -> list[tuple[int, int]]:
    """Return for each place of (end, start, number) the (start, number) from there on that began
    first."""
    earliest: list[tuple[int, int]] = []
    for _, start, number in reversed(known):
        earliest.append(min((start, number), earliest[-1]) if earliest else (start, number))
    return earliest[::-1]


def _part_of_child(
    container: _ContainerStretch, child: TraceEntry, begin: int, finish: int
) -> _Task:
    if child.children:
        entry = child if child.step else container.entry
        return _ContainerStretch(entry, child.children, begin, finish)
    waits = child.step is not None and waits_for_person(child)
    return PathPart(begin, finish, child, "waiting for a person" if waits else None)


def waits_for_person(entry: TraceEntry) -> bool:
    """Return whether a step is there to wait: for a form to be filled, or for the run to go on."""
    step = entry.step
    return step is not None and (step.kind == "human-input" or step.status == NodeStatus.PAUSED)


def _parts_between(
    container: _ContainerStretch,
    before: TraceEntry | None,
    after: TraceEntry | None,
    start: int,
    end: int,
) -> Iterator[PathPart]:
    """Yield what lies between two children, the last first: their container's own work, and gaps
    by name."""
    entry = container.entry
    own = (end, end)
    if entry is not None and entry.step is not None and entry.step.kind not in IDLE_KINDS:
        began = start if entry.start is None else entry.start
        ended = end if entry.end is None else entry.end
        own = (min(max(start, began), end), max(start, min(end, ended)))
    gap = gap_name(before, after)
    if own[0] >= own[1]:
        yield PathPart(start, end, entry, gap)
        return
    yield PathPart(own[1], end, entry, gap)
    yield PathPart(*own, entry)
    yield PathPart(start, own[0], entry, gap)


def gap_name(before: TraceEntry | None, after: TraceEntry | None) -> Gap:
    """Return why nothing ran between two steps, as far as is known."""
    if (before and waits_for_person(before)) or (after and waits_for_person(after)):
        return "waiting for a person"
    if before is None and after is not None:
        return "waiting to begin"
    if (
        before
        and after
        and before.step
        and after.step
        and before.step.status == NodeStatus.RETRY
        and before.step.node_id == after.step.node_id
    ):
        return "before another attempt"
    return "nothing ran"
