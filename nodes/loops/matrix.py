"""The iterations of a loop side by side: a matrix of inner nodes × iterations, with every inner
step in one cell. Pure.

A loop is an iteration or loop node, or whatever contains nodes that ran more than once: an agent
and its turns, a graph that returned to a node. Steps below a step belong to its iteration.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from nodes.choices import FAILURES
from nodes.clock import hex_id
from nodes.light_step import LightRow, LightStep
from nodes.trace.tree import WORST_FIRST

_RANK: dict[str, int] = {status: rank for rank, status in enumerate(WORST_FIRST)}


@dataclass(slots=True, eq=False)
class MatrixNode:
    """A row: one node at one place below the loop. `example` is its first step, 32 hex digits;
    `loops` when it has iterations of its own."""

    node_id: str
    level: int
    example: str
    kind: str
    loops: bool = False
    children: list["MatrixNode"] = field(default_factory=list)
    by_node: dict[str, "MatrixNode"] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class LoopPass:
    """A column, one iteration: `number` from 0, None for steps outside any iteration. Of each of
    its `steps`, in order, `nodes` has the row; `failed` of them failed. Of tens of thousands of
    steps only those in sight are made a `LightStep`."""

    number: int | None
    steps: list[LightRow] = field(default_factory=list)
    nodes: list[MatrixNode] = field(default_factory=list)
    failed: int = 0

    def cells(self) -> "PassCells":
        """Return the steps by row, in order."""
        cells: PassCells = {}
        for node, row in zip(self.nodes, self.steps, strict=True):
            step = LightStep(hex_id(row[0]), hex_id(row[1]), *row[2:])
            cells.setdefault(node, []).append(step)
        return cells


PassCells = dict[MatrixNode, list[LightStep]]


@dataclass(slots=True)
class LoopMatrix:
    """`rows` in the order in which they ran, inner ones below what holds them; `passes` by number,
    steps outside any iteration last."""

    rows: list[MatrixNode]
    passes: list[LoopPass]

    def repeated(self) -> "LoopMatrix":
        """Leave out steps outside any iteration, unless there are no others."""
        passes = [loop_pass for loop_pass in self.passes if loop_pass.number is not None]
        known = {row for loop_pass in passes for row in loop_pass.nodes}
        return LoopMatrix([row for row in self.rows if row in known], passes) if passes else self

    def failed_first(self) -> list[LoopPass]:
        return sorted(self.passes, key=lambda loop_pass: loop_pass.failed == 0)


def worst_status(statuses: Iterable[str]) -> str:
    """Return the status that stands for several."""
    return min(statuses, key=lambda status: _RANK.get(status, len(_RANK)), default="")


def build_matrix(scope: str, depth: int, steps: Sequence[LightRow]) -> LoopMatrix:
    """Return the matrix of what ran below `scope` (an id, "" for the run itself), which is `depth`
    iterations deep. `steps` come in pre-order; those that are not below it are left out."""
    root = MatrixNode("", -1, "", "")
    parents = {step[1] for step in steps}
    place: dict[str, tuple[MatrixNode, LoopPass, str]] = {}
    passes: dict[int | None, LoopPass] = {}
    passes_by_path: dict[str, LoopPass] = {}
    before: dict[str | LoopPass, MatrixNode] = {}  # by what is above: the row of its child before
    for step in steps:
        step_id, parent_id, node_id, _, status, path = step
        under: str | LoopPass
        if (parent_id or "") == scope:
            above, column = root, passes_by_path.get(path)
            if column is None:
                number = _pass_number(path, depth)
                column = passes_by_path[path] = passes.setdefault(number, LoopPass(number))
            under = column
        elif known := place.get(parent_id or ""):
            above, column, outer_path = known
            under = parent_id or ""
            above.loops = above.loops or len(path) > len(outer_path)
        else:
            continue
        node = above.by_node.get(node_id)
        if node is None:
            node = _insert_node(above, step, before.get(under))
        before[under] = node
        if step_id in parents:
            place[step_id] = node, column, path
        column.steps.append(step)
        column.nodes.append(node)
        column.failed += status in FAILURES
    ordered = sorted(
        passes.values(), key=lambda column: (column.number is None, column.number or 0)
    )
    return LoopMatrix(_in_pre_order(root), ordered)


def _pass_number(path: str, depth: int) -> int | None:
    numbers = path.split(".", depth + 1) if path else []
    return int(numbers[depth]) if len(numbers) > depth else None


def _insert_node(above: MatrixNode, step: LightRow, before: MatrixNode | None) -> MatrixNode:
    """Add a row right after that of the previous step in the same iteration."""
    step_id, _, node_id, kind, *_ = step
    node = MatrixNode(node_id, above.level + 1, hex_id(step_id), kind)
    if before is not None and above.children[-1] is before:
        above.children.append(node)
    else:
        above.children.insert(above.children.index(before) + 1 if before else 0, node)
    above.by_node[node_id] = node
    return node


def _in_pre_order(root: MatrixNode) -> list[MatrixNode]:
    rows: list[MatrixNode] = []
    waiting = list(reversed(root.children))
    while waiting:
        node = waiting.pop()
        rows.append(node)
        waiting.extend(reversed(node.children))
    return rows
