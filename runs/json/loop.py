"""The matrix of a loop for machines: passes, nodes and cells of one window."""

from typing import Any
from uuid import UUID

from nodes.loops.cells import MatrixRow
from nodes.loops.pass_values import PassValues
from nodes.loops.window import MatrixWindow


def window_json(window: MatrixWindow, values: PassValues) -> dict[str, Any]:
    """Numbers of passes count from 0, as in `iteration`; null for what ran in none."""
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
        "nodes": [_matrix_row_json(row, window) for row in window.rows],
        "count": window.passes,
        "failed_count": window.failed,
        "nodes_left_out": window.nodes - len(window.rows),
    }


def _matrix_row_json(row: MatrixRow, window: MatrixWindow) -> dict[str, Any]:
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
