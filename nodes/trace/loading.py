"""The TRACING list of one run: loads a light skeleton of all steps, and texts only for the lines
that are shown, so that a run of 10,000 steps costs two queries and one small page."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from nodes.clock import hex_id, to_us
from nodes.models import NodeExecution
from nodes.trace.critical_path import IDLE_KINDS, critical_path, waits_for_person
from nodes.trace.folding import Folding, Line, lines
from nodes.trace.lanes import Sources
from nodes.trace.timeline import Entry, Timeline, TraceStep, build
from nodes.trace.waterfall import Bar, Scale, Tick, breaks

# Steps read at most; further ones are reached through the JSON twin.
MAX_STEPS = 20_000
WINDOW = 250  # lines of one response
CONTEXT = 100  # lines above the chosen one when it lies beyond the first window
HEAVIEST = 6
_WAITING = IDLE_KINDS | {"human-input", "paused"}
_COLUMNS = ("started_at", "duration_us", "self_us")


@dataclass(frozen=True, slots=True)
class Span:
    """When a run began and, unless it still runs, ended."""

    start: datetime | None
    end: datetime | None


@dataclass(slots=True)
class Heavy:
    """A node that took much of the time: all its executions of the run together."""

    execution: NodeExecution | None
    id: str
    times: int
    self_us: int
    share: int  # of the heaviest, in percent, for its bar


@dataclass(slots=True)
class Trace:
    """The tree of a run as it is shown. `offset` is the first of `shown` among `total` lines;
    `path` has the stretches of the critical path by entry, where it is asked for."""

    scale: Scale
    folding: Folding
    shown: list[Line]
    offset: int
    total: int
    texts: dict[str, NodeExecution]
    heaviest: list[Heavy]
    left_out: bool
    path: dict[Entry, list[tuple[int, int]]]

    @property
    def ticks(self) -> list[Tick]:
        return self.scale.ticks()

    @property
    def broken(self) -> list[tuple[Bar, int]]:
        return self.scale.broken()

    def without_lines(self) -> "Trace":
        """For a template, once the rows are made. What a template is given lives on until the
        garbage collector runs (Django's contexts refer to themselves), and the lines hold the tree:
        tens of thousands of objects, view after view."""
        return replace(self, shown=[], texts={}, path={})


def load_steps(run_id: UUID, *, all_spans: bool = False) -> list[TraceStep]:
    """The skeleton of a run, in pre-order; with plumbing, as the producer sent it."""
    executions = NodeExecution.objects.in_run(run_id)
    if all_spans:
        rows = executions.light_rows(*_COLUMNS, "orphan", "source_id", "parent_source_id")
        return _as_sent(list(rows[:MAX_STEPS]))
    return [_trace_step(row) for row in executions.visible().light_rows(*_COLUMNS)[:MAX_STEPS]]


def _trace_step(row: tuple[Any, ...]) -> TraceStep:
    step_id, parent_id, node_id, kind, status, iteration, started, duration_us, self_us = row
    start = to_us(started)
    end = None if start is None or duration_us is None else start + duration_us
    ids = hex_id(step_id), hex_id(parent_id)
    return TraceStep(*ids, node_id, kind, status, iteration, start, end, self_us)


def _as_sent(rows: list[tuple[Any, ...]]) -> list[TraceStep]:
    """Steps below the parents that their producer named, in pre-order by start."""
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
    span: Span,
    folding: Folding,
    chosen: UUID | None = None,
    offset: int | None = None,
    sources: Sources = dict,
) -> Trace:
    """The lines of a run's tree as `folding` has them, from line `offset`, or around `chosen`;
    `sources` for `nodes.trace.lanes`."""
    steps = load_steps(run_id, all_spans=folding.all_spans)
    scale = scale_of(steps, span)
    timeline = build(steps)
    scale = with_breaks(scale, timeline, steps)
    entry = timeline.by_id.get(chosen.hex) if chosen else None
    found = lines(timeline, folding, scale, entry, sources)
    if offset is None:
        offset = _first_line(found, entry, folding.only)
    shown = found[offset : offset + WINDOW]
    heaviest = _heaviest(steps)
    ids = {line.entry.id for line in shown if line.entry and line.entry.id}
    texts = load_texts(run_id, ids | {heavy.id for heavy in heaviest})
    for heavy in heaviest:
        heavy.execution = texts.get(heavy.id)
    return Trace(
        scale,
        folding,
        shown,
        offset,
        len(found),
        texts,
        heaviest,
        len(steps) == MAX_STEPS,
        _path(timeline, scale) if folding.path else {},
    )


def with_breaks(scale: Scale, timeline: Timeline, steps: list[TraceStep]) -> Scale:
    """The scale with long waits drawn short. Where no step waits and none holds waits, the first
    level tells that there are none, without looking at all others."""
    plain = _WAITING.isdisjoint({step.kind for step in steps} | {step.status for step in steps})
    if plain and not breaks(scale, _working(timeline.top, scale)):
        return scale
    return replace(scale, breaks=breaks(scale, _working(timeline.by_id.values(), scale)))


def _working(entries: Iterable[Entry], scale: Scale) -> list[tuple[int, int]]:
    """When steps worked: not those that are there to wait, nor containers that do nothing else."""
    return [
        (entry.start, scale.end if entry.end is None else entry.end)
        for entry in entries
        if entry.start is not None
        and not waits_for_person(entry)
        and not (entry.children and entry.step and entry.step.kind in IDLE_KINDS)
    ]


def _path(timeline: Timeline, scale: Scale) -> dict[Entry, list[tuple[int, int]]]:
    """The stretches of the critical path by entry; containers that it leads through have none."""
    found: dict[Entry, list[tuple[int, int]]] = {}
    for part in critical_path(timeline, scale.start, scale.end):
        if part.entry is None:
            continue
        stretches = found.setdefault(part.entry, [])
        if not part.gap:
            stretches.append((part.start, part.end))
        above = timeline.above.get(part.entry)
        while above is not None and above not in found:
            found[above] = []
            above = timeline.above.get(above)
    return found


def load_texts(run_id: UUID, ids: Iterable[str]) -> dict[str, NodeExecution]:
    """What rows show of executions, by 32 hex digits."""
    wanted = [UUID(found) for found in ids]
    rows = NodeExecution.objects.in_run(run_id).for_row().filter(id__in=wanted)
    return {row.id.hex: row for row in rows}


def scale_of(steps: list[TraceStep], span: Span) -> Scale:
    """From the first to the last sign of life of the run or any step."""
    starts = [start for step in steps if (start := step.start) is not None]
    ends = [end for step in steps if (end := step.end) is not None]
    starts += [start for start in [to_us(span.start)] if start is not None]
    ends += [end for end in [to_us(span.end)] if end is not None]
    start = min(starts, default=0)
    return Scale(start, max([*starts, *ends], default=start))


def _first_line(found: list[Line], chosen: Entry | None, only: str) -> int:
    """So that the chosen line, or the one that alone is open, is among those shown."""
    if only:
        chosen = next((line.entry for line in found if line.entry and line.entry.key == only), None)
    if chosen is None:
        return 0
    place = next((n for n, line in enumerate(found) if line.entry is chosen), 0)
    return 0 if place < WINDOW - 10 else place - CONTEXT


def _heaviest(steps: list[TraceStep]) -> list[Heavy]:
    """The nodes whose own work took longest."""
    nodes: dict[str, Heavy] = {}
    for step in steps:
        if not step.self_us:
            continue
        heavy = nodes.setdefault(step.node_id, Heavy(None, step.id, 0, 0, 0))
        heavy.times += 1
        heavy.self_us += step.self_us
    longest = sorted(nodes.values(), key=lambda heavy: -heavy.self_us)[:HEAVIEST]
    for heavy in longest:
        heavy.share = heavy.self_us * 100 // longest[0].self_us
    return longest
