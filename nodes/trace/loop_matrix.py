"""The passes of a loop side by side: inner nodes × passes, with every inner step in one cell. Pure.

A loop is an iteration, a loop, or whatever holds nodes that ran more than once: an agent and its
turns, a graph that came back to a node. Steps below a step belong to its pass.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from nodes.choices import FAILURES
from nodes.clock import hex_id
from nodes.light_step import LightRow, LightStep
from nodes.trace.timeline import WORST_FIRST

_RANK: dict[str, int] = {status: rank for rank, status in enumerate(WORST_FIRST)}


@dataclass(slots=True, eq=False)
class Node:
    """A row: one node at one place below the loop. `example` is its first step, 32 hex digits;
    `loops` when it holds passes of its own."""

    node_id: str
    level: int
    example: str
    kind: str
    loops: bool = False
    children: list["Node"] = field(default_factory=list)
    by_node: dict[str, "Node"] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Pass:
    """A column: `number` from 0, None for what ran in no pass. Of each of its `steps`, in order,
    `nodes` has the row; `failed` of them failed. Of tens of thousands of steps only those in sight
    are made a `LightStep`."""

    number: int | None
    steps: list[LightRow] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    failed: int = 0

    def cells(self) -> "Cells":
        """The steps by row, in order."""
        found: Cells = {}
        for node, step in zip(self.nodes, self.steps, strict=True):
            found.setdefault(node, []).append(
                LightStep(hex_id(step[0]), hex_id(step[1]), *step[2:])
            )
        return found


Cells = dict[Node, list[LightStep]]


@dataclass(slots=True)
class Matrix:
    """`rows` in the order of the way, inner ones below what holds them; `passes` by number, what
    ran in none of them last."""

    rows: list[Node]
    passes: list[Pass]

    def repeated(self) -> "Matrix":
        """Without what ran in no pass, unless nothing ran in any."""
        passes = [one for one in self.passes if one.number is not None]
        known = {row for one in passes for row in one.nodes}
        return Matrix([row for row in self.rows if row in known], passes) if passes else self

    def failed_first(self) -> list[Pass]:
        return sorted(self.passes, key=lambda one: one.failed == 0)


def worst(statuses: Iterable[str]) -> str:
    """The status that stands for several."""
    return min(statuses, key=lambda status: _RANK.get(status, len(_RANK)), default="")


def build(scope: str, depth: int, steps: Sequence[LightRow]) -> Matrix:
    """The matrix of what ran below `scope` (an id, "" for the run itself), which stands `depth`
    passes deep. `steps` come in pre-order; those that are not below it are left out."""
    root = Node("", -1, "", "")
    parents = {step[1] for step in steps}
    place: dict[str, tuple[Node, Pass, str]] = {}
    passes: dict[int | None, Pass] = {}
    of_path: dict[str, Pass] = {}
    before: dict[str | Pass, Node] = {}  # by what is above: the row of its child before
    for step in steps:
        step_id, parent_id, node_id, _, status, path = step
        under: str | Pass
        if (parent_id or "") == scope:
            above, column = root, of_path.get(path)
            if column is None:
                number = _number(path, depth)
                column = of_path[path] = passes.setdefault(number, Pass(number))
            under = column
        elif known := place.get(parent_id or ""):
            above, column, outer = known
            under = parent_id or ""
            above.loops = above.loops or len(path) > len(outer)
        else:
            continue
        node = above.by_node.get(node_id)
        if node is None:
            node = _insert(above, step, before.get(under))
        before[under] = node
        if step_id in parents:
            place[step_id] = node, column, path
        column.steps.append(step)
        column.nodes.append(node)
        column.failed += status in FAILURES
    ordered = sorted(passes.values(), key=lambda one: (one.number is None, one.number or 0))
    return Matrix(_flat(root), ordered)


def _number(path: str, depth: int) -> int | None:
    numbers = path.split(".", depth + 1) if path else []
    return int(numbers[depth]) if len(numbers) > depth else None


def _insert(above: Node, step: LightRow, before: Node | None) -> Node:
    """A new row, right after that of the step before it in the same pass."""
    step_id, _, node_id, kind, *_ = step
    node = Node(node_id, above.level + 1, hex_id(step_id), kind)
    if before is not None and above.children[-1] is before:
        above.children.append(node)
    else:
        above.children.insert(above.children.index(before) + 1 if before else 0, node)
    above.by_node[node_id] = node
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
