"""The passes of a loop side by side: inner nodes × passes, with every inner step in one cell. Pure.

A loop is an iteration, a loop, or whatever holds nodes that ran more than once: an agent and its
turns, a graph that came back to a node. Steps below a step belong to its pass.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from nodes.choices import FAILURES
from nodes.timeline import WORST_FIRST

_RANK: dict[str, int] = {status: rank for rank, status in enumerate(WORST_FIRST)}


@dataclass(slots=True, eq=False)
class Inner:
    """A step inside the loop. Ids are 32 hex digits; `path` has its pass numbers from 0."""

    id: str
    parent_id: str
    node_id: str
    kind: str
    status: str
    path: str


@dataclass(slots=True, eq=False)
class Node:
    """A row: one node at one place below the loop. `example` is its first step; `loops` when it
    holds passes of its own."""

    node_id: str
    level: int
    example: str
    kind: str
    loops: bool = False
    children: list["Node"] = field(default_factory=list)
    by_node: dict[str, "Node"] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Pass:
    """A column: `number` from 0, None for what ran in no pass. `cells` has the steps by row, in
    order; `failed` of `steps` failed."""

    number: int | None
    cells: dict[Node, list[Inner]] = field(default_factory=dict)
    steps: int = 0
    failed: int = 0

    @property
    def status(self) -> str:
        return worst({step.status for cell in self.cells.values() for step in cell})

    @property
    def first(self) -> Inner:
        return next(iter(self.cells.values()))[0]


@dataclass(slots=True)
class Matrix:
    """`rows` in the order of the way, inner ones below what holds them; `passes` by number, what
    ran in none of them last."""

    rows: list[Node]
    passes: list[Pass]

    @property
    def failed(self) -> int:
        return sum(one.failed > 0 for one in self.passes)

    def repeated(self) -> "Matrix":
        """Without what ran in no pass, unless nothing ran in any."""
        passes = [one for one in self.passes if one.number is not None]
        known = {row for one in passes for row in one.cells}
        return Matrix([row for row in self.rows if row in known], passes) if passes else self

    def failed_first(self) -> list[Pass]:
        return sorted(self.passes, key=lambda one: one.failed == 0)


def worst(statuses: Iterable[str]) -> str:
    """The status that stands for several."""
    return min(statuses, key=lambda status: _RANK.get(status, len(_RANK)), default="")


def build(scope: str, depth: int, steps: Iterable[Inner]) -> Matrix:
    """The matrix of what ran below `scope` (32 hex digits, "" for the run itself), which stands
    `depth` passes deep. `steps` come in pre-order; those that are not below it are left out."""
    root = Node("", -1, "", "")
    place: dict[str, tuple[Node, Pass, str]] = {}
    passes: dict[int | None, Pass] = {}
    of_path: dict[str, Pass] = {}
    before: dict[str | Pass, Node] = {}  # by what is above: the row of its child before
    for step in steps:
        under: str | Pass
        if step.parent_id == scope:
            above, column = root, of_path.get(step.path)
            if column is None:
                number = _number(step.path, depth)
                column = of_path[step.path] = passes.setdefault(number, Pass(number))
            under = column
        elif known := place.get(step.parent_id):
            above, column, path = known
            under = step.parent_id
            above.loops = above.loops or len(step.path) > len(path)
        else:
            continue
        node = above.by_node.get(step.node_id)
        if node is None:
            node = _insert(above, step, before.get(under))
        before[under] = node
        place[step.id] = node, column, step.path
        if (cell := column.cells.get(node)) is None:
            column.cells[node] = [step]
        else:
            cell.append(step)
        column.steps += 1
        column.failed += step.status in FAILURES
    ordered = sorted(passes.values(), key=lambda one: (one.number is None, one.number or 0))
    return Matrix(_flat(root), ordered)


def _number(path: str, depth: int) -> int | None:
    numbers = path.split(".", depth + 1) if path else []
    return int(numbers[depth]) if len(numbers) > depth else None


def _insert(above: Node, step: Inner, before: Node | None) -> Node:
    """A new row, right after that of the step before it in the same pass."""
    node = Node(step.node_id, above.level + 1, step.id, step.kind)
    if before is not None and above.children[-1] is before:
        above.children.append(node)
    else:
        above.children.insert(above.children.index(before) + 1 if before else 0, node)
    above.by_node[step.node_id] = node
    return node


def _flat(root: Node) -> list[Node]:
    """All rows in pre-order."""
    rows: list[Node] = []
    waiting = list(reversed(root.children))
    while waiting:
        node = waiting.pop()
        rows.append(node)
        waiting.extend(reversed(node.children))
    return rows
