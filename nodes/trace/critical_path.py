"""The chain of steps whose times made a run as long as it was, and the gaps in it. Pure.

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
# Containers that do nothing themselves: time of theirs in which no step ran is a gap.
IDLE_KINDS = frozenset({"iteration", "loop", "workflow"})
Reaches = dict[TraceEntry, tuple[int | None, int | None]]


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


def critical_path(timeline: TraceTree, start: int, end: int) -> list[PathPart]:
    """Parts in order of time, without overlap; together they are all of [start, end]."""
    parts: list[PathPart] = []
    reaches = _reaches(timeline)
    # What is still to be walked back, the latest on top: parts that are done, or containers.
    stack: list[PathPart | _Inside] = [_Inside(None, timeline.top, start, end)]
    while stack:
        task = stack.pop()
        if isinstance(task, PathPart):
            if task.lasted > 0:
                parts.append(task)
        else:
            stack.extend(_pieces(task, reaches))
    parts.reverse()
    return parts


def _reaches(timeline: TraceTree) -> Reaches:
    """When each container, or anything in it, began and ended; the end is None while it runs."""
    waiting, order = list(timeline.top), []
    while waiting:
        entry = waiting.pop()
        if entry.children:
            order.append(entry)
            waiting.extend(entry.children)
    found: Reaches = {}
    for entry in reversed(order):
        inside = [found.get(child, (child.start, child.end)) for child in entry.children]
        starts = [start for start, _ in [(entry.start, None), *inside] if start is not None]
        ends = [end for _, end in inside if end is not None]
        end = None if entry.end is None else max([entry.end, *ends])
        found[entry] = (min(starts, default=None), end)
    return found


@dataclass(frozen=True, slots=True)
class _Inside:
    """A container, of which [start, end] is on the path."""

    entry: TraceEntry | None
    children: list[TraceEntry]
    start: int
    end: int


def _pieces(inside: _Inside, reaches: Reaches) -> list["PathPart | _Inside"]:
    """The last piece on top."""
    pieces: list[PathPart | _Inside] = []
    following: TraceEntry | None = None
    reached = inside.end
    for child, begin, finish in _chain(inside, reaches):
        if finish < reached:
            pieces += _between(inside, child, following, finish, reached)
        pieces.append(_piece(child, begin, finish))
        following, reached = child, begin
    if inside.start < reached:
        pieces += _between(inside, None, following, inside.start, reached)
    pieces.reverse()
    return pieces


def _chain(inside: _Inside, reaches: Reaches) -> Iterator[tuple[TraceEntry, int, int]]:
    """The children on the path, the last first, with the stretch that is theirs."""
    ran = [reaches.get(child, (child.start, child.end)) for child in inside.children]
    known = sorted(
        (
            (inside.end if end is None else end, start, place)
            for place, (start, end) in enumerate(ran)
            if start is not None
        ),
        key=lambda one: (one[0], -one[1]),
    )
    ends = [end for end, _, _ in known]
    running = _earliest(known)
    place, reached, limit = len(known), inside.end, len(known)
    while reached > inside.start:
        place = min(place, limit)
        while place and known[place - 1][1] >= min(known[place - 1][0], reached):
            place -= 1  # of no length here, or begun after the end
        if place and known[place - 1][0] <= inside.start:
            place = 0  # it and all others had ended before
        end, start, number = known[place - 1] if place else (inside.start, inside.start, -1)
        finish = min(end, reached)
        if finish < reached and limit < len(known) and running[limit][0] < reached:
            # What still ran was not waited for, but while nothing else ran it is what there was.
            start, number = running[limit]
            start, finish = max(start, finish), reached
        elif not place:
            return
        else:
            place -= 1
        begin = max(start, inside.start)
        yield inside.children[number], begin, finish
        reached = begin
        # Only what ended by then can have been waited for.
        limit = bisect_right(ends, reached + slack_of(begin))


def _earliest(known: list[tuple[int, int, int]]) -> list[tuple[int, int]]:
    """For each place of (end, start, number) the (start, number) from there on that began first."""
    found: list[tuple[int, int]] = []
    for _, start, number in reversed(known):
        found.append(min((start, number), found[-1]) if found else (start, number))
    return found[::-1]


def _piece(child: TraceEntry, begin: int, finish: int) -> PathPart | _Inside:
    if child.children:
        return _Inside(child, child.children, begin, finish)
    waits = child.step is not None and waits_for_person(child)
    return PathPart(begin, finish, child, "waiting for a person" if waits else None)


def waits_for_person(entry: TraceEntry) -> bool:
    """A step that is there to wait: for a form to be filled, or for the run to go on."""
    step = entry.step
    return step is not None and (step.kind == "human-input" or step.status == NodeStatus.PAUSED)


def _between(
    inside: _Inside, before: TraceEntry | None, after: TraceEntry | None, start: int, end: int
) -> Iterator[PathPart]:
    """What lies between two children, the last first: its container's own work, gaps by name."""
    entry = inside.entry
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
    """Why nothing ran between two steps, as far as they tell."""
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
