"""Assigns lanes to the steps of one level that ran in parallel. Pure.

A step goes on in the lane of a node that leads to it in the graph, or begins a new lane if there is
none: lanes are the branches of a fork. If the graph does not have its node, only times are known:
then it goes on in the lane that became free last before it began, which is likely, not certain.
"""

from bisect import bisect_right, insort
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from nodes.choices import NodeStatus
from nodes.trace.tree import TraceEntry
from nodes.trace.waterfall import slack_of

LOOKED_AT = 50  # lanes that a step may go on in

# The nodes that lead to a node, by its id; called only where there are lanes.
Sources = Callable[[], Mapping[str, Collection[str]]]
_LaneEnd = tuple[int, int, str]  # of a lane: when it ended, its number, the node that it ended with


@dataclass(frozen=True, slots=True)
class Lane:
    """Lane `number`, from 1, of `total` that ran at the same time."""

    number: int
    total: int


def assign_lanes(
    siblings: Sequence[TraceEntry], now: int, sources: Sources = dict
) -> dict[TraceEntry, Lane]:
    """Return the lanes of those that ran beside others; none where each followed another. `now` is
    the end of what still runs. An attempt that was tried again ran within its step."""
    siblings = [
        entry for entry in siblings if not entry.step or entry.step.status != NodeStatus.RETRY
    ]
    if not _some_overlap(siblings, now):
        return {}
    known = sorted(
        (entry for entry in siblings if entry.start is not None), key=lambda entry: entry.start or 0
    )
    leading = sources()
    lanes: dict[TraceEntry, Lane] = {}
    ends: list[_LaneEnd] = []
    for group in _overlapping_groups(known, now):
        # A branch may go on after a time in which nothing ran.
        nodes = {source for entry in group for source in leading.get(_node_id(entry), ())}
        if len(group) == 1 or nodes.isdisjoint(node for *_, node in ends):
            ends = []
        if len(group) > 1:
            lanes.update(_lanes_of_group(group, now, leading, ends))
    return lanes


def _node_id(entry: TraceEntry) -> str:
    return entry.step.node_id if entry.step else ""


def _some_overlap(siblings: Iterable[TraceEntry], now: int) -> bool:
    """Return whether siblings overlap. Quick, as most never do; those that stand in another order
    may seem to."""
    reached = 0
    for entry in siblings:
        start = entry.start
        if start is None:
            continue
        if start < reached and start + slack_of(start) < reached:
            return True
        end = now if entry.end is None else entry.end
        if end > reached:
            reached = end
    return False


def _overlapping_groups(ordered: Iterable[TraceEntry], now: int) -> Iterator[list[TraceEntry]]:
    """Yield stretches in which something ran all the time."""
    group: list[TraceEntry] = []
    reached = 0
    for entry in ordered:
        start = entry.start or 0
        if group and start + slack_of(start) >= reached:
            yield group
            group = []
        group.append(entry)
        reached = max(reached, now if entry.end is None else entry.end)
    if group:
        yield group


def _lanes_of_group(
    group: list[TraceEntry], now: int, leading: Mapping[str, Collection[str]], ends: list[_LaneEnd]
) -> dict[TraceEntry, Lane]:
    """Return the lanes of a group. `ends` has the lanes so far in order of time; it is updated."""
    numbers: dict[TraceEntry, int] = {}
    for entry in group:
        start = entry.start or 0
        node = _node_id(entry)
        free = bisect_right(ends, start + slack_of(start), key=itemgetter(0))
        at = _continued_lane(ends[max(0, free - LOOKED_AT) : free], node, leading.get(node))
        number = len(ends) + 1 if at is None else ends.pop(free + at)[1]
        insort(ends, (now if entry.end is None else entry.end, number, node))
        numbers[entry] = number
    return {entry: Lane(number, len(ends)) for entry, number in numbers.items()}


def _continued_lane(free: list[_LaneEnd], node: str, sources: Collection[str] | None) -> int | None:
    """Return which of the free lanes, counted from their end, goes on with `node`; None for a new
    one."""
    if sources is None:
        return -1 if free else None
    left = enumerate((last for *_, last in reversed(free)), 1)
    return next((-n for n, last in left if last == node or last in sources), None)
