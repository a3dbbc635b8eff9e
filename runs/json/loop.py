"""The matrix of an iteration or loop as JSON: iterations, nodes and cells of one window."""

from typing import Any
from uuid import UUID

from typing_extensions import TypedDict

from nodes.loops.cells import MatrixRow
from nodes.loops.pass_values import PassValues
from nodes.loops.window import MatrixWindow


class LoopIterationJson(TypedDict):
    """An iteration of the loop."""

    number: int | None
    """Counted from 0, as in `iteration` of an execution; null for steps outside any iteration."""
    status: str
    steps: int
    failed_steps: int
    started_us: int | None
    duration_us: int | None
    variables: dict[str, Any]


# “pass” is no name that Python takes.
LoopCellJson = TypedDict(
    "LoopCellJson", {"pass": int | None, "status": str, "executions": list[str]}
)
LoopCellJson.__doc__ = "What a node did in an iteration; where it did not run, there is no cell."


class LoopNodeJson(TypedDict):
    """A node inside the loop."""

    node_id: str
    title: str
    kind: str
    level: int
    cells: list[LoopCellJson]


class LoopWindowJson(TypedDict):
    """A window of the iterations of a loop."""

    passes: list[LoopIterationJson]
    nodes: list[LoopNodeJson]
    count: int
    """How many iterations the loop has."""
    failed_count: int
    nodes_left_out: int


class LoopJson(LoopWindowJson):
    """A page of the iterations of a loop."""

    run: str
    url: str
    next: str | None
    """The address of the next page."""


def window_json(window: MatrixWindow, values: PassValues) -> LoopWindowJson:
    """Return one window of the matrix, with the values of the variables that the loop carries."""
    return {
        "passes": [
            {
                "number": column.number,
                "status": column.status,
                "steps": column.steps,
                "failed_steps": column.failed,
                "started_us": column.start,
                "duration_us": column.duration_us,
                "variables": {name: texts[place] for name, texts in values.rows if texts[place]},
            }
            for place, column in enumerate(window.columns)
        ],
        "nodes": [_loop_node_json(row, window) for row in window.rows],
        "count": window.passes,
        "failed_count": window.failed,
        "nodes_left_out": window.nodes - len(window.rows),
    }


def _loop_node_json(row: MatrixRow, window: MatrixWindow) -> LoopNodeJson:
    return {
        "node_id": row.node.node_id,
        "title": row.title,
        "kind": row.node.kind,
        "level": row.node.level,
        "cells": [
            {
                "pass": column.number,
                "status": cell.status,
                "executions": [str(UUID(step.id)) for step in cell.steps],
            }
            for column, cell in zip(window.columns, row.cells, strict=True)
            if cell
        ],
    }
