"""Decides which tokens and costs count, and computes the own time of steps. Pure.

Agents, iterations and other containers repeat the usage of the calls below them, in most
frameworks under the same names. Only the steps that did the work are counted: model calls, and
other steps with usage that have none below them.
"""

from runs.recording.deriving.tree import Tree
from runs.recording.records.row import ExecutionRow


def has_usage(row: ExecutionRow) -> bool:
    return row.total_tokens is not None or row.cost is not None


def mark_counted(tree: Tree) -> None:
    """Set `counted` of every row."""
    below: set[str] = set()  # source ids of rows with counted usage somewhere below
    for row in tree.rows:
        row.counted = False
    for row in reversed(tree.order):
        row.counted = has_usage(row) and row.source_id not in below
        parent = tree.parent[row.source_id]
        if parent is not None and (row.counted or row.source_id in below):
            below.add(parent.source_id)
    if not any(row.counted for row in tree.order):
        # No step reports any usage: what the run's own span reports is all there is.
        for row in tree.runs[:1]:
            row.counted = has_usage(row)


def set_self_times(tree: Tree) -> None:
    """Set `self_us`: the time of a step that none of its children covers; parallel children count
    once."""
    for row in tree.rows:
        row.self_us = lasted = row.duration_us
        children = tree.below(row)
        if not children or lasted is None or row.started_us is None or row.ended_us is None:
            continue
        covered, reach = 0, row.started_us
        for child in children:
            if child.started_us is None or child.ended_us is None:
                continue
            start, end = max(child.started_us, reach), min(child.ended_us, row.ended_us)
            if end > start:
                covered += end - start
                reach = end
        row.self_us = lasted - covered
