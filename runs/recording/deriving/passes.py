"""In which pass a step ran. Pure.

Passes are told by the producer (Dify's iterations, LangGraph's fan-out) or counted: a node that
runs several times below the same parent is in its first, second, … pass. Failed attempts that were
tried again belong to the pass of the attempt that ended it.
"""

from nodes.clock import iteration_path
from runs.recording.deriving.tree import Tree
from runs.recording.records.row import ExecutionRow

MAX_PATH = 100  # characters of NodeExecution.iteration


def number_passes(tree: Tree) -> None:
    """Set `iteration` ("3.0", from 0) and `attempt` of every visible row."""
    for row in tree.rows:
        row.iteration = ""
    for siblings in _groups(tree):
        parent = tree.parent[siblings[0].source_id]
        base = parent.iteration if parent else ""
        by_node: dict[tuple[str, str, str], list[ExecutionRow]] = {}
        for row in siblings:
            row.iteration = base
            for number in tree.told_passes[row.source_id]:
                row.iteration = _below(row.iteration, number)
            by_node.setdefault((row.node_id, row.kind, row.iteration), []).append(row)
        for (_, _, path), rows in by_node.items():
            _number_visits(rows, path)


def _groups(tree: Tree) -> list[list[ExecutionRow]]:
    """Lists of siblings, parents before children."""
    seen: set[str] = set()
    groups = []
    for row in tree.order:
        place = tree.place(row)
        if place not in seen:
            seen.add(place)
            groups.append(tree.children[place])
    return groups


def _number_visits(rows: list[ExecutionRow], path: str) -> None:
    attempt, visits = 1, []
    for row in rows:
        visits.append((row, attempt))
        attempt = attempt + 1 if row.told_status == "retry" else 1
    ends = sum(1 for row, _ in visits if row.told_status != "retry")
    last_is_open = visits[-1][0].told_status == "retry"
    repeated = ends + last_is_open > 1
    fan_out = [row.hints.get("fan_out_index") for row in rows]
    distinct = None not in fan_out and len(set(fan_out)) == len(fan_out)
    number = 0
    for row, attempt in visits:
        row.attempt = max(int(row.hints.get("attempt") or 1), attempt)
        if repeated or distinct:
            own = row.hints["fan_out_index"] if distinct else number
            row.iteration = _below(path, own)
        number += row.told_status != "retry"


def _below(path: str, number: int) -> str:
    """The path of a pass. Loops in loops deeper than the column holds are not told apart."""
    longer = f"{path}.{number}" if path else str(number)
    return longer if len(longer) <= MAX_PATH else path


def count_passes(tree: Tree) -> int:
    """Passes of a run: of each container, of each fan-out, and of each loop as often as its most
    visited node."""
    total = 0
    for siblings in _groups(tree):
        parent = tree.parent[siblings[0].source_id]
        depth = len(iteration_path(parent.iteration)) if parent else 0
        paths = (iteration_path(row.iteration) for row in siblings)
        numbers = {path[depth] for path in paths if len(path) > depth}
        total += len(numbers)
    return total
