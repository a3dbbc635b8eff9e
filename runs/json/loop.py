"""The matrix of a loop for machines: passes, nodes and cells of one window."""

from typing import Any
from uuid import UUID

from nodes.trace.loop_cells import Row
from nodes.trace.loop_page import Window
from nodes.trace.pass_values import Values


def window_json(window: Window, values: Values) -> dict[str, Any]:
    """Numbers of passes count from 0, as in `iteration`; null for what ran in none."""
    return {
        "passes": [
            {
                "number": head.number,
                "status": head.status,
                "steps": head.steps,
                "failed_steps": head.failed,
                "started_us": head.start,
                "duration_us": head.duration_us,
                "variables": {name: told[place] for name, told in values.rows if told[place]},
            }
            for place, head in enumerate(window.heads)
        ],
        "nodes": [_row_json(row, window) for row in window.rows],
        "count": window.passes,
        "failed_count": window.failed,
        "nodes_left_out": window.nodes - len(window.rows),
    }


def _row_json(row: Row, window: Window) -> dict[str, Any]:
    return {
        "node_id": row.node.node_id,
        "title": row.title,
        "kind": row.node.kind,
        "level": row.node.level,
        "cells": [
            {
                "pass": head.number,
                "status": cell.status,
                "executions": [str(UUID(step.id)) for step in cell.steps],
            }
            for head, cell in zip(window.heads, row.cells, strict=True)
            if cell
        ],
    }
