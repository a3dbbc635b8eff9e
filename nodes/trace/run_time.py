"""Loads what the page of a run's time works out: the skeleton of its steps, what they used, and the
names of those that are shown."""

import re
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

from nodes.clock import hex_id
from nodes.kinds import kind_of
from nodes.models import NodeExecution
from nodes.trace.critical_path import critical_path
from nodes.trace.first_token import first_tokens
from nodes.trace.loading import MAX_STEPS, Span, load_steps, load_texts, scale_of, with_breaks
from nodes.trace.time_spent import (
    Amount,
    PathLine,
    Sort,
    Spent,
    by_kind,
    by_node,
    gaps_by_name,
    path_lines,
    sorted_by,
    waited,
)
from nodes.trace.timeline import build
from nodes.trace.waterfall import Scale

MAX_NODES = 100
_RATE_LIMIT = re.compile(r"rate.?limit|too many requests|\b429\b", re.IGNORECASE)
LOOKED_INTO = 10  # the longest model calls on the path
_AMOUNTS = ("hex_id", "total_tokens", "cost", "cost_currency")


@dataclass(slots=True)
class RunTime:
    """`worked` is the run's time without waits for people; `gaps` are (name, how long, how often);
    `texts` has the executions that lines and nodes name, by 32 hex digits; `first_tokens` how long
    the longest model calls took to their first token, where that is told; `limited` the starts of
    gaps that a rate limit made."""

    scale: Scale
    worked: int
    nodes: list[Spent]
    kinds: list[Spent]
    gaps: list[tuple[str, int, int]]
    lines: list[PathLine]
    texts: dict[str, NodeExecution]
    limited: set[int]
    first_tokens: dict[str, int]
    node_count: int
    left_out: bool


def load_run_time(run_id: UUID, span: Span, sort: Sort) -> RunTime:
    """Four queries, however long the run."""
    steps = load_steps(run_id)
    scale = scale_of(steps, span)
    timeline = build(steps)
    path = critical_path(timeline, scale.start, scale.end)
    amounts = load_amounts(run_id)
    nodes = sorted_by(by_node(steps, path, amounts), sort)
    worked = max(1, scale.span - waited(path))
    shown, lines = nodes[:MAX_NODES], path_lines(path, worked)
    ids = {one.example for one in shown}
    ids.update(line.entry.id for line in lines if line.entry and line.entry.id)
    texts = load_texts(run_id, ids)
    return RunTime(
        with_breaks(scale, timeline, steps),
        worked,
        shown,
        sorted_by(by_kind(steps, path, amounts), sort),
        gaps_by_name(path),
        lines,
        texts,
        _limited(lines, texts),
        first_tokens(run_id, _longest_calls(lines)),
        len(nodes),
        len(steps) == MAX_STEPS,
    )


def _limited(lines: list[PathLine], texts: dict[str, NodeExecution]) -> set[int]:
    """Starts of the gaps before another attempt that a rate limit made necessary."""
    found = set()
    for before, line in pairwise(lines):
        text = texts.get(before.entry.id) if before.entry else None
        if line.gap == "before another attempt" and text is not None:
            error = f"{text.error_type} {getattr(text, 'error_head', '')}"
            if _RATE_LIMIT.search(error):
                found.add(line.start)
    return found


def _longest_calls(lines: list[PathLine]) -> list[str]:
    """The steps of the path that waited longest for a model."""
    calls = {
        line.entry.id: line.lasted
        for line in lines
        if line.entry and line.entry.step and kind_of(line.entry.step.kind).call == "model"
    }
    return sorted(calls, key=lambda step_id: -calls[step_id])[:LOOKED_INTO]


def load_amounts(run_id: UUID) -> dict[str, Amount]:
    """Tokens and cost of every step that counts and told either."""
    counted = NodeExecution.objects.in_run(run_id).visible().filter(counted=True)
    rows = counted.computed(*_AMOUNTS).values_list(*_AMOUNTS)
    return {
        hex_id(step_id): Amount(tokens or 0, cost, currency)
        for step_id, tokens, cost, currency in rows[:MAX_STEPS]
        if tokens or cost
    }
