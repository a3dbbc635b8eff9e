"""The matrix of one loop as a page shows it: a light skeleton of all its steps, and figures only
for the cells in sight, so that a thousand passes cost two queries and one small page."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from nodes.loops.cells import Figures, Head, Heat, Row, head_of, heat_up, row_of
from nodes.loops.matrix import Inner, Matrix, Node, Pass, build
from nodes.models import NodeExecution
from nodes.timeline import key_of
from nodes.tracing import MAX_STEPS, us

MAX_ROWS = 60
CELLS = 1000  # of one page; more passes where the loop has few nodes
FEWEST, MOST = 10, 60  # passes of one page
_SKELETON = ("hex_id", "hex_parent", "node_id", "kind", "status", "iteration")
_FIGURES = ("hex_id", "title", "started_at", "duration_us", "total_tokens", "cost", "cost_currency")


@dataclass(frozen=True, slots=True)
class Loop:
    """What runs in passes: `container`, or the run itself where None. `scope` is the id that its
    steps name as the one above them, 32 hex digits or ""."""

    run_id: UUID
    container: NodeExecution | None
    scope: str

    @property
    def depth(self) -> int:
        return len(self.container.iteration_path) if self.container else 0

    @property
    def is_container(self) -> bool:
        """It is there to loop; else it is whatever held nodes that came again, and others."""
        return self.container is not None and self.container.kind_info.group == "loop"

    def pass_key(self, number: int | None) -> str:
        """Names a pass in the query of TRACING; "" where that has no group for it."""
        if not self.is_container or number is None:
            return ""
        return f"{key_of(self.scope)}.{number}"


@dataclass(slots=True)
class Window:
    """A part of the matrix: `heads` are passes `offset` + 1 and following of those in order."""

    matrix: Matrix
    heads: list[Head]
    rows: list[Row]
    offset: int
    size: int
    hottest: str
    left_out: bool


def loop_of(execution: NodeExecution) -> Loop:
    """The loop that an execution is, else the one that it is a pass of. One query or two."""
    of_run = NodeExecution.objects.of_run(execution.run_id)
    if execution.folded and execution.parent_id is None:
        return Loop(execution.run_id, None, "")
    inner = of_run.visible().filter(parent_id=execution.id).exclude(iteration=execution.iteration)
    if execution.kind_info.group == "loop" or inner.exists():
        return Loop(execution.run_id, execution, execution.id.hex)
    if execution.parent_id is None:
        return Loop(execution.run_id, None, "")
    parent = of_run.with_payloads().filter(id=execution.parent_id).first()
    return Loop(execution.run_id, parent, execution.parent_id.hex)


def load_matrix(loop: Loop) -> tuple[Matrix, bool]:
    """All steps of a loop; whether there are more than are read."""
    rows = NodeExecution.objects.of_run(loop.run_id).visible().with_hex_ids()
    if loop.container:
        rows = rows.after_index(loop.container.index)
    found = list(rows.values_list(*_SKELETON)[: MAX_STEPS + 1])
    steps = [
        Inner(
            step_id.replace("-", ""), above.replace("-", "") if above else "", node, kind, end, path
        )
        for step_id, above, node, kind, end, path in found[:MAX_STEPS]
    ]
    matrix = build(loop.scope, loop.depth, steps)
    return matrix if loop.is_container else matrix.repeated(), len(found) > MAX_STEPS


def load_window(
    loop: Loop,
    offset: int = 0,
    *,
    failed_first: bool = False,
    heat: Heat | None = "time",
    chosen: UUID | None = None,
) -> Window:
    """Passes `offset` and following with the figures of their cells; `chosen` is a step in one."""
    matrix, left_out = load_matrix(loop)
    nodes = matrix.rows[:MAX_ROWS]
    size = min(max(CELLS // max(1, len(nodes)), FEWEST), MOST)
    passes = matrix.failed_first() if failed_first else matrix.passes
    shown = passes[offset : offset + size]
    figures = load_figures(loop.run_id, nodes, shown)
    rows = [row_of(node, shown, figures, chosen.hex if chosen else "") for node in nodes]
    hottest = heat_up(rows, figures, heat) if heat else ""
    heads = [head_of(one, figures, loop.pass_key(one.number)) for one in shown]
    return Window(matrix, heads, rows, offset, size, hottest, left_out)


def load_figures(run_id: UUID, nodes: Iterable[Node], passes: Iterable[Pass]) -> dict[str, Figures]:
    """Names and figures of all steps of some passes and of an example of each node."""
    ids = {node.example for node in nodes}
    ids.update(step.id for one in passes for cell in one.cells.values() for step in cell)
    rows = NodeExecution.objects.of_run(run_id).with_hex_ids().filter(id__in=map(UUID, ids))
    return {
        step_id.replace("-", ""): Figures(title, us(started), *rest)
        for step_id, title, started, *rest in rows.order_by().values_list(*_FIGURES)
    }
