"""Puts the steps of a run on one clock, where the machines that reported them disagree. Pure.

The rule is Jaeger's (`internal/uiconv/adjuster/clockskew.go`): only a step below one of another
machine is judged. It cannot begin before what called it, and unless it lasts longer it ends within
it; where it does not, it is moved to the middle, as if request and response had taken equally
long. Here all steps that went from one clock to another are asked together, so that one that really
went on after its caller is not taken for a clock that is wrong.

What a consumer does with a message is done later than its sender's step, and a caller may give up
before the answer comes: such steps only say that they did not begin earlier.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from runs.recording.deriving.parents import FAR_FUTURE, by_any_id, reported_parents
from runs.recording.records.row import ExecutionRow, set_times

# Clocks that differ by less are taken as they are; no gap is drawn of less.
SLACK = 20_000
# How exactly several steps have to tell the same difference: one part in so many of it.
PRECISION = 100
# Attributes of a resource that name its machine, the surest first.
MACHINE = ("host.id", "k8s.node.name", "host.name")


class Clock(NamedTuple):
    """The clock of a process: all processes of a machine share it. Where no machine is known, those
    of a service do."""

    machine: str
    service: str


NO_CLOCKS: Mapping[str, Clock] = {}


def clock_of(resource: Any) -> Clock | None:
    """Return the clock of what a resource describes; None where it names neither machine nor
    service."""
    if not isinstance(resource, dict):
        return None
    machine = next((str(resource[name]) for name in MACHINE if resource.get(name)), "")
    service = str(resource.get("service.name") or "")
    if not machine and not service:
        return None
    return Clock(f"machine {machine}" if machine else f"service {service}", service or machine)


def align_clocks(rows: list[ExecutionRow], clocks: Mapping[str, Clock]) -> None:
    """Move the steps of clocks that are wrong, as seen from the clock of the run's root; the hint
    "clock" then names the service and by how many microseconds. `clocks` is by resource id. What
    was reported is kept in the hints."""
    own = {row.source_id: clock for row in rows if (clock := clocks.get(row.resource_id or ""))}
    if len({clock.machine for clock in own.values()}) < 2:
        return
    parents = reported_parents(rows, by_any_id(rows))
    differences = _differences(rows, parents, own)
    known = [row for row in rows if row.source_id in own]
    root = min(known, key=lambda row: _root_first(row, parents))
    moves = _moves(own[root.source_id].machine, differences)
    for row in known:
        service = own[row.source_id].service
        move_us = moves.get(own[row.source_id].machine)
        if not move_us or (row.started_us is None and row.ended_us is None):
            continue
        started, ended = (
            None if us is None else us + move_us for us in (row.started_us, row.ended_us)
        )
        set_times(row, started, ended)
        row.hints["clock"] = [service, move_us]


def _root_first(
    row: ExecutionRow, parents: Mapping[str, ExecutionRow | None]
) -> tuple[bool, bool, int, str]:
    started = FAR_FUTURE if row.started_us is None else row.started_us
    has_parent = parents[row.source_id] is not None
    return (has_parent, bool(row.parent_source_id), started, row.source_id)


# Of two machines, how far the clock of the second has to be moved at least and at most, so that
# what was reported of its steps can be true.
_Differences = Mapping[str, Mapping[str, tuple[int, int]]]


def _differences(
    rows: Iterable[ExecutionRow],
    parents: Mapping[str, ExecutionRow | None],
    clocks: Mapping[str, Clock],
) -> _Differences:
    differences: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    for row in rows:
        parent = parents[row.source_id]
        if parent is None or row.hints.get("chained"):
            continue
        above, below = clocks.get(parent.source_id), clocks.get(row.source_id)
        if above is None or below is None or above.machine == below.machine:
            continue
        if parent.started_us is None or row.started_us is None:
            continue
        least, most = parent.started_us - row.started_us, _most(parent, row)
        for here, there, low, high in (
            (above.machine, below.machine, least, most),
            (below.machine, above.machine, -most, -least),
        ):
            before = differences[here].get(there, (-FAR_FUTURE, FAR_FUTURE))
            differences[here][there] = (max(before[0], low), min(before[1], high))
    return differences


def _most(parent: ExecutionRow, row: ExecutionRow) -> int:
    if parent.ended_us is None or row.ended_us is None or row.hints.get("deferred"):
        return FAR_FUTURE
    if (row.duration_us or 0) > (parent.duration_us or 0):
        return FAR_FUTURE
    given_up = parent.told_status in ("failed", "stopped")
    if given_up and (row.started_us or 0) <= parent.ended_us:
        return FAR_FUTURE
    return parent.ended_us - row.ended_us


def _moves(root: str, differences: _Differences) -> dict[str, int]:
    """Return by how many microseconds the clock of each machine is moved, from the root's on."""
    moves = {root: 0}
    waiting = [root]
    while waiting:
        here = waiting.pop(0)
        for there in sorted(differences.get(here, ())):
            if there not in moves:
                # Both clocks may differ from the root's.
                moves[there] = moves[here] + _move(*differences[here][there])
                waiting.append(there)
    return moves


def _move(least: int, most: int) -> int:
    if least <= SLACK and most >= -SLACK:
        return 0
    if most == FAR_FUTURE:
        return least
    if least == -FAR_FUTURE:
        return most
    middle = (least + most) // 2
    agree = least - most <= max(SLACK, abs(middle) // PRECISION)
    return middle if agree else 0
