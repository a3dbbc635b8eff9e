"""What was said first in a run and what was answered last; which of its steps are turns of a
conversation, and which went on after the answer. Pure.

Most producers send each turn as a trace of its own. Where the application opened one span around a
whole session, or none at all, one trace holds several turns: the same agent, asked again and again,
each time once it had answered. The run stays one (a trace is a run, whatever arrives when), and its
turns are steps of it.
"""

import re
from typing import Any

from nodes.kinds import kind_of
from runs.recording.deriving.tree import Tree
from runs.recording.records.row import ExecutionRow

# Steps whose value may stand for the run's: a tool's arguments or a hand-off's target may not.
_VALUE_GROUPS = frozenset({"agent", "model", "flow", "other"})
_TURN_GROUPS = frozenset({"agent", "flow"})
# A clock that is read twice: so much later a turn may seem to end than the next began, in
# microseconds.
_JITTER = 1000
_NUMBERS = re.compile(r"\d+")
_BROKEN = ("failed", "exception", "stopped")


def mark_turns(tree: Tree) -> None:
    """Set `tree.turns`, and the hint "turn" of each, from 1. A run that is one turn has none."""
    tree.turns = _turns(tree)
    numbers = {row.source_id: number for number, row in enumerate(tree.turns, 1)}
    for row in tree.rows:
        _set_hint(row, "turn", numbers.get(row.source_id))


def _turns(tree: Tree) -> list[ExecutionRow]:
    top = tree.children.get("", [])
    if len(top) < 2 or any(_speaks_for_all(row) for row in tree.runs):
        return []
    groups = {row: kind_of(row.kind).group for row in top}
    asked = [row for row in top if row.inputs_id and groups[row] in _TURN_GROUPS]
    if not asked and set(groups.values()) == {"model"}:
        asked = [row for row in top if row.inputs_id]
    nodes = {(row.kind, _NUMBERS.sub("", row.told_node_id or row.title)) for row in asked}
    if len(asked) < 2 or len(nodes) > 1 or not _follow_one_another(asked):
        return []
    if not all(row.has_result or row.status in _BROKEN for row in asked[:-1]):
        return []
    in_conversation = any(row.hints.get("run", {}).get("conversation") for row in tree.rows)
    return asked if in_conversation else []


def _speaks_for_all(run: ExecutionRow) -> bool:
    """Return whether the span of a run is one turn: what is below it are its steps."""
    has_values = run.inputs_id or run.has_result
    return bool(has_values or run.kind in ("agent", "workflow") or run.facts.source_ids)


def _follow_one_another(rows: list[ExecutionRow]) -> bool:
    reached: int | None = 0
    for row in rows:
        if row.started_us is None or reached is None or row.started_us < reached - _JITTER:
            return False
        reached = row.ended_us
    return True


def input_row(tree: Tree) -> ExecutionRow | None:
    """Return the row whose inputs are the run's: its own span, else the first step with inputs."""
    steps = (row for row in tree.order if _has_run_value(row))
    return next((row for row in [*tree.runs, *steps] if row.inputs_id), None)


def output_row(tree: Tree, status: str) -> ExecutionRow | None:
    """Return the row whose outputs are those of the run with this status: its own span, else (of a
    run that went well) the last answer nearest the top. Spans of unknown kinds only answer where
    nothing else does."""
    own = next((row for row in tree.runs if row.has_result), None)
    if own or status not in ("succeeded", "partial-succeeded"):
        return own
    done = [row for row in tree.order if row.has_result and row.ended and _has_run_value(row)]
    done = [row for row in done if row.status not in _BROKEN] or done
    shallow = min((row.depth for row in done), default=0)
    top = [row for row in done if row.depth == shallow]
    top = [row for row in top if kind_of(row.kind).group != "other"] or top
    return max(top, key=lambda row: (row.ended_us or 0, row.index), default=None)


def _has_run_value(row: ExecutionRow) -> bool:
    return kind_of(row.kind).group in _VALUE_GROUPS


def mark_after_answer(tree: Tree, status: str) -> None:
    """Set the hint "after_answer" of the steps that began once the run's answer was given."""
    answer = output_row(tree, status) if status not in ("running", "paused") else None
    given_us = None
    if answer is not None and (answer.folded or not answer.depth):
        given_us = answer.ended_us
    for row in tree.rows:
        began_us = None if given_us is None or row.folded or row is answer else row.started_us
        later = began_us is not None and began_us >= (given_us or 0)
        _set_hint(row, "after_answer", later or None)


def _set_hint(row: ExecutionRow, name: str, value: Any) -> None:
    if row.hints.get(name) == value:
        return
    row.hints.pop(name, None)
    if value is not None:
        row.hints[name] = value
    row.changed = True
