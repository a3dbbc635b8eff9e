"""Loads the matrix of one loop for a page: a light row of each step, and figures only for the cells
in sight, so that a thousand iterations cost two queries and one small page."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from nodes.clock import hex_id, to_us
from nodes.loops.cells import (
    HeatMeasure,
    MatrixColumn,
    MatrixRow,
    StepFigures,
    column_of,
    matrix_row_of,
    set_heat,
)
from nodes.loops.matrix import LoopMatrix, MatrixNode, PassCells, build_matrix
from nodes.models import NodeExecution
from nodes.trace.loading import MAX_STEPS
from nodes.trace.tree import entry_key

MAX_ROWS = 60
CELLS = 600  # of one page, about a screenful; the rest comes in parts
FEWEST, MOST = 10, 60  # passes of one page
_FIGURES = ("hex_id", "title", "started_at", "duration_us", "total_tokens", "cost", "cost_currency")


@dataclass(frozen=True, slots=True)
class Loop:
    """What runs in iterations: `container`, or the run itself where None. `scope` is the id that
    its steps name as the one above them, 32 hex digits or ""."""

    run_id: UUID
    container: NodeExecution | None
    scope: str

    @property
    def depth(self) -> int:
        return len(self.container.iteration_path) if self.container else 0

    @property
    def is_container(self) -> bool:
        """Return whether the container is an iteration or loop by its kind; otherwise it is some
        other step in which nodes ran again."""
        return self.container is not None and self.container.kind_info.group == "loop"

    def pass_key(self, number: int | None) -> str:
        """Return the name of an iteration in the query of TRACING; "" where that has no group for
        it."""
        if not self.is_container or number is None:
            return ""
        return f"{entry_key(self.scope)}.{number}"


@dataclass(slots=True)
class MatrixWindow:
    """A part of the matrix: `columns` are the iterations from `offset` + 1 on in their order, of
    each of which `failures` says whether it failed; `rows` are the nodes from `first_node` + 1 on,
    of `nodes`. It does not hold the matrix: what a template is given lives on for a while."""

    columns: list[MatrixColumn]
    rows: list[MatrixRow]
    failures: list[bool]
    nodes: int
    first_node: int
    offset: int
    size: int
    hottest: str
    left_out: bool

    @property
    def passes(self) -> int:
        return len(self.failures)

    @property
    def failed(self) -> int:
        return sum(self.failures)

    @property
    def last_node(self) -> int:
        return self.first_node + len(self.rows)

    @property
    def earlier_nodes(self) -> int | None:
        return max(0, self.first_node - MAX_ROWS) if self.first_node else None

    @property
    def later_nodes(self) -> int | None:
        return self.last_node if self.last_node < self.nodes else None


def loop_of(execution: NodeExecution) -> Loop:
    """Return the loop that an execution is, or of which it is an iteration. One query or two."""
    if execution.folded and execution.parent_id is None:
        return Loop(execution.run_id, None, "")
    steps = NodeExecution.objects.in_run(execution.run_id)
    inner = steps.visible().filter(parent_id=execution.id).exclude(iteration=execution.iteration)
    if execution.kind_info.group == "loop" or inner.exists():
        return Loop(execution.run_id, execution, execution.id.hex)
    if execution.parent_id is None:
        return Loop(execution.run_id, None, "")
    parent = steps.with_payloads().filter(id=execution.parent_id).first()
    return Loop(execution.run_id, parent, execution.parent_id.hex)


def load_matrix(loop: Loop) -> tuple[LoopMatrix, bool]:
    """Return the matrix of all steps of a loop, and whether it has more than are read."""
    steps = NodeExecution.objects.in_run(loop.run_id).visible()
    if loop.container:
        steps = steps.after_index(loop.container.index).in_pass(loop.container.iteration)
    rows = list(steps.light_rows()[: MAX_STEPS + 1])
    scope = loop.scope
    if scope and rows and "-" in rows[0][0]:
        scope = str(UUID(scope))
    read = rows[:MAX_STEPS]
    matrix = build_matrix(scope, loop.depth, read)
    left_out = len(rows) > MAX_STEPS and any(
        loop_pass.steps[-1] is read[-1] for loop_pass in matrix.passes
    )
    return matrix if loop.is_container else matrix.repeated(), left_out


def load_matrix_window(
    loop: Loop,
    offset: int = 0,
    first_node: int = 0,
    *,
    failed_first: bool = False,
    heat: HeatMeasure | None = "time",
    chosen: UUID | None = None,
) -> MatrixWindow:
    """Return the iterations from `offset` on, for the nodes from `first_node` on, with the figures
    of their cells; `chosen` is a step in one of them."""
    matrix, left_out = load_matrix(loop)
    nodes = matrix.rows[first_node : first_node + MAX_ROWS]
    size = min(max(CELLS // max(1, min(len(matrix.rows), MAX_ROWS)), FEWEST), MOST)
    passes = matrix.failed_first() if failed_first else matrix.passes
    in_sight = passes[offset : offset + size]
    cells = [loop_pass.cells() for loop_pass in in_sight]
    figures = load_step_figures(loop.run_id, nodes, cells)
    rows = [matrix_row_of(node, cells, figures, chosen.hex if chosen else "") for node in nodes]
    hottest = set_heat(rows, figures, heat) if heat else ""
    columns = [
        column_of(loop_pass, steps, figures, loop.pass_key(loop_pass.number))
        for loop_pass, steps in zip(in_sight, cells, strict=True)
    ]
    failures = [loop_pass.failed > 0 for loop_pass in passes]
    count = len(matrix.rows)
    return MatrixWindow(columns, rows, failures, count, first_node, offset, size, hottest, left_out)


def load_step_figures(
    run_id: UUID, nodes: Iterable[MatrixNode], passes: Iterable[PassCells]
) -> dict[str, StepFigures]:
    """Return names and figures of all steps of some iterations and of an example of each node, by
    32 hex digits."""
    ids = {node.example for node in nodes}
    ids.update(step.id for cells in passes for steps in cells.values() for step in steps)
    executions = NodeExecution.objects.in_run(run_id).filter(id__in=map(UUID, ids)).order_by()
    return {
        hex_id(step_id): StepFigures(title, to_us(started), *rest)
        for step_id, title, started, *rest in executions.computed(*_FIGURES).values_list(*_FIGURES)
    }
