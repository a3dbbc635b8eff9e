"""Numbers the iterations of steps. Pure.

Iterations are reported by the producer (Dify's iterations, LangGraph's fan-out) or counted: a node
that runs several times below the same parent is in its first, second, … iteration. Failed attempts
that were retried belong to the iteration of the attempt that ended it.
"""

from nodes.clock import iteration_path
from nodes.kinds import kind_of
from runs.recording.deriving.tree import Tree
from runs.recording.records.row import ExecutionRow, attempt_number

MAX_PATH = 100  # characters of NodeExecution.iteration


def number_passes(tree: Tree) -> None:
    """Set `iteration` ("3.0", from 0) and `attempt` of every visible row."""
    _find_repeated_tasks(tree)
    for row in tree.rows:
        row.iteration = ""
    for siblings in _sibling_groups(tree):
        parent = tree.parent[siblings[0].source_id]
        base = parent.iteration if parent else ""
        by_node: dict[tuple[str, str, str], list[ExecutionRow]] = {}
        for row in siblings:
            row.iteration = base
            for number in tree.reported_passes[row.source_id]:
                row.iteration = _extend_path(row.iteration, number)
            by_node.setdefault((row.node_id, row.kind, row.iteration), []).append(row)
        for (_, _, path), rows in by_node.items():
            _number_executions(tree, rows, path)


def _find_repeated_tasks(tree: Tree) -> None:
    """Add failed executions to `tried_again` whose task was executed again beside them."""
    last: dict[tuple[str, str], ExecutionRow] = {}
    for row in tree.order:
        if task := row.hints.get("task"):
            before = last.get(key := (tree.parent_key(row), task))
            if before is not None and _went_on(before, row):
                tree.tried_again.add(before.source_id)
            last[key] = row


def _went_on(before: ExecutionRow, row: ExecutionRow) -> bool:
    ended, started = before.ended_us, row.started_us
    if before.told_status != "failed" or ended is None or started is None:
        return False
    return ended <= started


def _sibling_groups(tree: Tree) -> list[list[ExecutionRow]]:
    """Return lists of siblings, parents before children."""
    seen: set[str] = set()
    groups = []
    for row in tree.order:
        parent_key = tree.parent_key(row)
        if parent_key not in seen:
            seen.add(parent_key)
            groups.append(tree.children[parent_key])
    return groups


def _number_executions(tree: Tree, rows: list[ExecutionRow], path: str) -> None:
    """Number the executions of one node below one parent, in order of their start."""
    attempt, executions = 1, []
    for row in rows:
        executions.append((row, attempt))
        attempt = attempt + 1 if tree.was_tried_again(row) else 1
    ends = sum(1 for row, _ in executions if not tree.was_tried_again(row))
    last_is_open = tree.was_tried_again(executions[-1][0])
    repeated = ends + last_is_open > 1
    fan_out = [row.hints.get("fan_out_index") for row in rows]
    distinct = None not in fan_out and len(set(fan_out)) == len(fan_out)
    number = 0
    for row, attempt in executions:
        row.attempt = max(attempt_number(row), attempt)
        if repeated or distinct:
            own = row.hints["fan_out_index"] if distinct else number
            row.iteration = _extend_path(path, own)
        number += not tree.was_tried_again(row)


def _extend_path(path: str, number: int) -> str:
    """Return the path of an iteration below `path`. Nested loops deeper than the column holds share
    one."""
    longer = f"{path}.{number}" if path else str(number)
    return longer if len(longer) <= MAX_PATH else path


def count_passes(tree: Tree) -> int:
    """Count the iterations of a run: of each container, of each fan-out, and of each loop as often
    as its most frequent node ran. Calls and plain spans beside each other are no loop, unless the
    producer numbers them, and neither are the turns of a conversation."""
    total = 0
    for siblings in _sibling_groups(tree):
        parent = tree.parent[siblings[0].source_id]
        depth = len(iteration_path(parent.iteration)) if parent else 0
        paths = (iteration_path(row.iteration) for row in siblings if _is_in_loop(tree, row))
        numbers = {path[depth] for path in paths if len(path) > depth}
        total += len(numbers)
    return total


def _is_in_loop(tree: Tree, row: ExecutionRow) -> bool:
    if tree.reported_passes[row.source_id] or "fan_out_index" in row.hints:
        return True
    if row.hints.get("turn"):
        return False
    return row.kind != "span" and not kind_of(row.kind).call
