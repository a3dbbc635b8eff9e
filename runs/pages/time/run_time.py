"""Loads the data of a run's TIME page: a light row of every step, what the steps used, and the rows
of the steps that are named."""

import re
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

from nodes.clock import hex_id
from nodes.clock_offset import ClockOffset
from nodes.kinds import kind_of
from nodes.models import NodeExecution
from nodes.trace.critical_path import critical_path
from nodes.trace.first_token import first_tokens
from nodes.trace.loading import (
    MAX_STEPS,
    RunPeriod,
    clock_offsets,
    load_row_executions,
    load_steps,
    scale_of,
    with_breaks,
)
from nodes.trace.time_spent import (
    CriticalPathLine,
    StepUsage,
    TimeSort,
    TimeSpent,
    gaps_by_name,
    path_lines,
    sort_time_spent,
    time_by_kind,
    time_by_node,
    waited_for_people,
)
from nodes.trace.tree import build_trace_tree
from nodes.trace.waterfall import TimeScale

MAX_NODES = 100
LONGEST_CALLS = 50  # on the path: of these the time to the first token is read
_RATE_LIMIT = re.compile(r"rate.?limit|too many requests|\b429\b", re.IGNORECASE)
_USAGE_COLUMNS = ("hex_id", "total_tokens", "cost", "cost_currency")


@dataclass(slots=True)
class RunTime:
    """`worked` is the run's time without waits for people; `gaps` are (name, how long, how often);
    `executions` has those that lines and nodes name, by 32 hex digits; `first_tokens` how long the
    longest model calls took to their first token, where the producer reports it; `limited` the
    starts of gaps that a rate limit made; `clocks` whose clocks are wrong."""

    scale: TimeScale
    worked: int
    nodes: list[TimeSpent]
    kinds: list[TimeSpent]
    gaps: list[tuple[str, int, int]]
    lines: list[CriticalPathLine]
    executions: dict[str, NodeExecution]
    limited: set[int]
    first_tokens: dict[str, int]
    node_count: int
    left_out: bool
    clocks: list[ClockOffset]


def load_run_time(run_id: UUID, period: RunPeriod, sort: TimeSort) -> RunTime:
    """Return where the time of a run went. Four queries, however long the run."""
    steps = load_steps(run_id)
    scale = scale_of(steps, period)
    tree = build_trace_tree(steps)
    path = critical_path(tree, scale.start, scale.end)
    usage = load_step_usage(run_id)
    nodes = sort_time_spent(time_by_node(steps, path, usage), sort)
    worked = max(1, scale.span - waited_for_people(path))
    listed, lines = nodes[:MAX_NODES], path_lines(path, worked)
    ids = {spent.example for spent in listed}
    ids.update(line.entry.id for line in lines if line.entry and line.entry.id)
    executions = load_row_executions(run_id, ids)
    return RunTime(
        with_breaks(scale, tree, steps),
        worked,
        listed,
        sort_time_spent(time_by_kind(steps, path, usage), sort),
        gaps_by_name(path),
        lines,
        executions,
        _rate_limited_gaps(lines, executions),
        first_tokens(run_id, _longest_model_calls(lines)),
        len(nodes),
        len(steps) == MAX_STEPS,
        clock_offsets(executions.values()),
    )


def _rate_limited_gaps(
    lines: list[CriticalPathLine], executions: dict[str, NodeExecution]
) -> set[int]:
    """Return the starts of the gaps before another attempt that a rate limit made necessary."""
    starts = set()
    for before, line in pairwise(lines):
        failed = executions.get(before.entry.id) if before.entry else None
        if line.gap == "before another attempt" and failed is not None:
            error = f"{failed.error_type} {getattr(failed, 'error_head', '')}"
            if _RATE_LIMIT.search(error):
                starts.add(line.start)
    return starts


def _longest_model_calls(lines: list[CriticalPathLine]) -> list[str]:
    """Return the steps of the path that waited longest for a model."""
    calls = {
        line.entry.id: line.lasted
        for line in lines
        if line.entry and line.entry.step and kind_of(line.entry.step.kind).call == "model"
    }
    return sorted(calls, key=lambda step_id: -calls[step_id])[:LONGEST_CALLS]


def load_step_usage(run_id: UUID) -> dict[str, StepUsage]:
    """Return tokens and cost of every step that counts and has either, by 32 hex digits."""
    counted = NodeExecution.objects.in_run(run_id).visible().filter(counted=True)
    rows = counted.computed(*_USAGE_COLUMNS).values_list(*_USAGE_COLUMNS)
    return {
        hex_id(step_id): StepUsage(tokens or 0, cost, currency)
        for step_id, tokens, cost, currency in rows[:MAX_STEPS]
        if tokens or cost
    }
