"""Loads the TRACING list of one run: a light row of every step, and full rows only for the lines in
sight, so that a run of 10,000 steps costs two queries and one small page."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from nodes.clock import hex_id, to_us
from nodes.clock_offset import ClockOffset
from nodes.models import NodeExecution
from nodes.trace.collapsing import TraceLine, TreeState, trace_lines
from nodes.trace.critical_path import IDLE_KINDS, critical_path, waits_for_person
from nodes.trace.lanes import Sources
from nodes.trace.tree import TraceEntry, TraceStep, TraceTree, build_trace_tree
from nodes.trace.waterfall import Bar, Tick, TimeScale, breaks

# Steps read at most; further ones are reached through the JSON twin.
MAX_STEPS = 20_000
WINDOW = 250  # lines of one response
CONTEXT = 100  # lines above the chosen one when it lies beyond the first window
HEAVIEST = 6
_WAITING = IDLE_KINDS | {"human-input", "paused"}
# What a `TraceStep` needs beside the columns of a light row.
_COLUMNS = ("started_at", "duration_us", "self_us")


@dataclass(frozen=True, slots=True)
class RunPeriod:
    """When a run began and, unless it still runs, ended."""

    start: datetime | None
    end: datetime | None


@dataclass(slots=True)
class HeaviestNode:
    """A node that took much of the time: all its executions of the run together."""

    execution: NodeExecution | None
    id: str
    times: int
    self_us: int
    share: int  # of the heaviest, in percent, for its bar


@dataclass(slots=True)
class Trace:
    """The tree of a run as it is shown. `lines` begin with line `offset` of `total`;
    `executions` has what rows show, by 32 hex digits; `path` has the stretches of the critical path
    by entry, where the state asks for it; `clocks` says whose clocks are wrong among the steps in
    sight."""

    scale: TimeScale
    state: TreeState
    lines: list[TraceLine]
    offset: int
    total: int
    executions: dict[str, NodeExecution]
    heaviest: list[HeaviestNode]
    left_out: bool
    path: dict[TraceEntry, list[tuple[int, int]]]
    clocks: list[ClockOffset]

    @property
    def ticks(self) -> list[Tick]:
        return self.scale.ticks()

    @property
    def broken(self) -> list[tuple[Bar, int]]:
        return self.scale.broken()

    def without_lines(self) -> "Trace":
        """Return the trace for a template, once the rows are made. What a template is given lives
        on until the garbage collector runs (Django's contexts refer to themselves), and the lines
        hold the tree: tens of thousands of objects, view after view."""
        return replace(self, lines=[], executions={}, path={})


def load_steps(run_id: UUID, *, all_spans: bool = False) -> list[TraceStep]:
    """Return the steps of a run in pre-order; with `all_spans` wrappers too, in the tree that the
    producer sent."""
    executions = NodeExecution.objects.in_run(run_id)
    if all_spans:
        rows = executions.light_rows(*_COLUMNS, "orphan", "source_id", "parent_source_id")
        return _in_producer_order(list(rows[:MAX_STEPS]))
    return [_trace_step(row) for row in executions.visible().light_rows(*_COLUMNS)[:MAX_STEPS]]


def _trace_step(row: tuple[Any, ...]) -> TraceStep:
    step_id, parent_id, node_id, kind, status, iteration, started, duration_us, self_us = row
    start = to_us(started)
    end = None if start is None or duration_us is None else start + duration_us
    ids = hex_id(step_id), hex_id(parent_id)
    return TraceStep(*ids, node_id, kind, status, iteration, start, end, self_us)


def _in_producer_order(rows: list[tuple[Any, ...]]) -> list[TraceStep]:
    """Return steps below the parents that their producer named, in pre-order by start."""
    ids = {row[-2]: hex_id(row[0]) for row in rows}
    below: dict[str, list[TraceStep]] = defaultdict(list)
    for row in rows:
        step = _trace_step(row[:-3])
        orphan, parent_source = row[-3], row[-1]
        known = ids.get(parent_source, "") if parent_source else ""
        step.parent_id = known or (step.parent_id if orphan else "")
        below[known].append(step)
    ordered: list[TraceStep] = []
    for group in below.values():
        group.sort(key=lambda step: (step.start is None, step.start or 0), reverse=True)
    waiting = below.pop("", [])
    while waiting or below:
        if not waiting:  # a circle of parents: start anywhere
            waiting = below.pop(next(iter(below)))
        step = waiting.pop()
        ordered.append(step)
        waiting.extend(below.pop(step.id, ()))
    return ordered


def load_trace(
    run_id: UUID,
    period: RunPeriod,
    state: TreeState,
    chosen: UUID | None = None,
    offset: int | None = None,
    sources: Sources = dict,
) -> Trace:
    """Return the lines of a run's tree in the given state, from line `offset`, or around `chosen`;
    `sources` is for `nodes.trace.lanes`."""
    steps = load_steps(run_id, all_spans=state.all_spans)
    tree = build_trace_tree(steps)
    scale = with_breaks(scale_of(steps, period), tree, steps)
    entry = tree.by_id.get(chosen.hex) if chosen else None
    lines = trace_lines(tree, state, scale, entry, sources)
    if offset is None:
        offset = _first_line(lines, entry, state.only)
    window = lines[offset : offset + WINDOW]
    heaviest = _heaviest_nodes(steps)
    ids = {line.entry.id for line in window if line.entry and line.entry.id}
    executions = load_row_executions(run_id, ids | {node.id for node in heaviest})
    for node in heaviest:
        node.execution = executions.get(node.id)
    return Trace(
        scale,
        state,
        window,
        offset,
        len(lines),
        executions,
        heaviest,
        len(steps) == MAX_STEPS,
        _critical_stretches(tree, scale) if state.path else {},
        clock_offsets(executions.values()),
    )


def with_breaks(scale: TimeScale, tree: TraceTree, steps: list[TraceStep]) -> TimeScale:
    """Return the scale with long waits drawn short. Where no step waits and none holds waits, the
    first level shows that there are none, without looking at all others."""
    plain = _WAITING.isdisjoint({step.kind for step in steps} | {step.status for step in steps})
    if plain and not breaks(scale, _working_times(tree.top, scale)):
        return scale
    return replace(scale, breaks=breaks(scale, _working_times(tree.by_id.values(), scale)))


def _working_times(entries: Iterable[TraceEntry], scale: TimeScale) -> list[tuple[int, int]]:
    """Return when steps worked, without those that are there to wait and containers that do
    nothing else."""
    return [
        (entry.start, scale.end if entry.end is None else entry.end)
        for entry in entries
        if entry.start is not None
        and not waits_for_person(entry)
        and not (entry.children and entry.step and entry.step.kind in IDLE_KINDS)
    ]


def _critical_stretches(
    tree: TraceTree, scale: TimeScale
) -> dict[TraceEntry, list[tuple[int, int]]]:
    """Return the stretches of the critical path by entry; containers that it leads through have
    none."""
    stretches: dict[TraceEntry, list[tuple[int, int]]] = {}
    for part in critical_path(tree, scale.start, scale.end):
        if part.entry is None:
            continue
        of_entry = stretches.setdefault(part.entry, [])
        if not part.gap:
            of_entry.append((part.start, part.end))
        above = tree.above.get(part.entry)
        while above is not None and above not in stretches:
            stretches[above] = []
            above = tree.above.get(above)
    return stretches


def load_row_executions(run_id: UUID, ids: Iterable[str]) -> dict[str, NodeExecution]:
    """Return what rows show of executions (`for_row()`), by 32 hex digits. One query."""
    wanted = [UUID(execution_id) for execution_id in ids]
    rows = NodeExecution.objects.in_run(run_id).for_row().filter(id__in=wanted)
    return {row.id.hex: row for row in rows}


def clock_offsets(executions: Iterable[NodeExecution]) -> list[ClockOffset]:
    """Return whose clocks are wrong, each once, by service."""
    return sorted({offset for step in executions if (offset := step.clock) is not None})


def scale_of(steps: list[TraceStep], period: RunPeriod) -> TimeScale:
    """Return the scale from the first to the last sign of life of the run or any step."""
    starts = [start for step in steps if (start := step.start) is not None]
    ends = [end for step in steps if (end := step.end) is not None]
    starts += [start for start in [to_us(period.start)] if start is not None]
    ends += [end for end in [to_us(period.end)] if end is not None]
    start = min(starts, default=0)
    return TimeScale(start, max([*starts, *ends], default=start))


def _first_line(lines: list[TraceLine], chosen: TraceEntry | None, only: str) -> int:
    """Return the line to begin with, so that the chosen one, or the one that alone is open, is
    among those shown."""
    if only:
        chosen = next((line.entry for line in lines if line.entry and line.entry.key == only), None)
    if chosen is None:
        return 0
    place = next((n for n, line in enumerate(lines) if line.entry is chosen), 0)
    return 0 if place < WINDOW - 10 else place - CONTEXT


def _heaviest_nodes(steps: list[TraceStep]) -> list[HeaviestNode]:
    """Return the nodes whose own work took longest."""
    nodes: dict[str, HeaviestNode] = {}
    for step in steps:
        if not step.self_us:
            continue
        node = nodes.setdefault(step.node_id, HeaviestNode(None, step.id, 0, 0, 0))
        node.times += 1
        node.self_us += step.self_us
    longest = sorted(nodes.values(), key=lambda node: -node.self_us)[:HEAVIEST]
    for node in longest:
        node.share = node.self_us * 100 // longest[0].self_us
    return longest
