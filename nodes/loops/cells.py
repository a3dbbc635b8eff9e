"""The cells, rows and columns of a matrix for a page: statuses, words, and shades."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from nodes import formats
from nodes.aggregates import add_costs, main_currency
from nodes.choices import FAILURES, NodeStatus, status_label
from nodes.kinds import NodeKind, kind_of
from nodes.light_step import LightStep
from nodes.loops.matrix import LoopPass, MatrixNode, PassCells, worst_status

HeatMeasure = Literal["time", "tokens", "cost"]
_FIGURE_OF: dict[HeatMeasure, str] = {"time": "duration_us", "tokens": "tokens", "cost": "cost"}


@dataclass(frozen=True, slots=True)
class StepFigures:
    """What cells show of a step; `start` in microseconds since the epoch."""

    title: str
    start: int | None
    duration_us: int | None
    tokens: int | None
    cost: Decimal | None
    currency: str


@dataclass(slots=True)
class MatrixCell:
    """The steps of one node in one iteration. `id` is the one to look at: the first that failed,
    else the last; `heat` is in percent of the hottest cell in sight; `plain` where there is nothing
    to say but that a single step succeeded."""

    id: str
    status: str
    steps: list[LightStep]
    title: str
    heat: str = "0"
    plain: bool = False
    is_chosen: bool = False

    @property
    def count(self) -> int:
        return len(self.steps)

    @property
    def uuid(self) -> UUID:
        return UUID(self.id)


@dataclass(slots=True)
class MatrixRow:
    node: MatrixNode
    title: str
    kind: NodeKind
    cells: list[MatrixCell | None] = field(default_factory=list)


@dataclass(slots=True)
class MatrixColumn:
    """The head of a column. `label` counts from 1, `number` from 0."""

    label: str
    number: int | None
    status: str
    status_label: str
    failed: int
    steps: int
    start: int | None
    duration_us: int | None
    first: UUID
    key: str

    @property
    def title(self) -> str:
        """The status in words, and how many steps failed."""
        failed = f", {self.failed} of {self.steps} steps failed" if self.failed else ""
        return self.status_label + failed


def matrix_row_of(
    node: MatrixNode, passes: list[PassCells], figures: dict[str, StepFigures], chosen: str
) -> MatrixRow:
    """Return the row of a node; `chosen` is the id of a step, 32 hex digits or ""."""
    example = figures.get(node.example)
    title = formats.visible(example.title) if example else node.node_id
    row = MatrixRow(node, title, kind_of(node.kind))
    for cells in passes:
        steps = cells.get(node)
        row.cells.append(_matrix_cell(steps, figures, chosen) if steps else None)
    if node.loops:
        for cell in row.cells:
            if cell:
                cell.plain = False
    return row


def _matrix_cell(
    steps: list[LightStep], figures: dict[str, StepFigures], chosen: str
) -> MatrixCell:
    status = worst_status(step.status for step in steps)
    telling = steps[-1]
    if status in FAILURES:
        telling = next(step for step in steps if step.status == status)
    words = status_label(status)
    if len(steps) > 1:
        words = _counted_words(steps, words)
    if duration_us := _sum_figure(figures, steps, "duration_us"):
        words += f", {formats.duration(duration_us)}"
    is_chosen = any(step.id == chosen for step in steps)
    plain = status == NodeStatus.SUCCEEDED and len(steps) == 1 and not is_chosen
    return MatrixCell(telling.id, status, steps, words, plain=plain, is_chosen=is_chosen)


def _counted_words(steps: list[LightStep], words: str) -> str:
    """Return how often the node ran and, beside that, how many attempts were tried again."""
    retries = sum(step.status == NodeStatus.RETRY for step in steps)
    failed = sum(step.status in FAILURES for step in steps)
    times = len(steps) - retries
    if times > 1:
        words = f"{failed} of {times} failed" if failed else f"{times} executions: {words}"
    return f"{words}, {retries} retried" if retries else words


def _sum_figure(figures: dict[str, StepFigures], steps: list[LightStep], name: str) -> Any:
    """Return the sum over some steps, None where none has the figure."""
    values = [getattr(figures[step.id], name) for step in steps if step.id in figures]
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def set_heat(rows: list[MatrixRow], figures: dict[str, StepFigures], measure: HeatMeasure) -> str:
    """Set the heat of all cells; return what the hottest one stands for. Of costs in several
    currencies only those in the main one are compared."""
    cells = [cell for row in rows for cell in row.cells if cell]
    currency = ""
    if measure == "cost":
        steps = [figures[step.id] for cell in cells for step in cell.steps if step.id in figures]
        currency = main_currency(add_costs((step.currency, step.cost) for step in steps))
        figures = {name: step for name, step in figures.items() if step.currency == currency}
    amounts = [_sum_figure(figures, cell.steps, _FIGURE_OF[measure]) or 0 for cell in cells]
    most: Any = max(amounts, default=0)
    if not most:
        return ""
    amount: Any
    for cell, amount in zip(cells, amounts, strict=True):
        cell.heat = str(int(amount * 100 / most))
        if measure != "time" and amount:
            cell.title += f", {_amount_text(amount, measure, currency)}"
    return _amount_text(most, measure, currency)


def _amount_text(amount: Any, measure: HeatMeasure, currency: str) -> str:
    if measure == "time":
        return formats.duration(amount)
    return formats.money(amount, currency) if measure == "cost" else f"{amount:,} tokens"


def column_of(
    loop_pass: LoopPass, cells: PassCells, figures: dict[str, StepFigures], key: str
) -> MatrixColumn:
    """Return the head of a column; `key` names the iteration in the query of TRACING."""
    inner = [step for steps in cells.values() for step in steps]
    known = [figures[step.id] for step in inner if step.id in figures]
    starts = [step.start for step in known if step.start is not None]
    ends = [
        step.start + step.duration_us
        for step in known
        if step.start is not None and step.duration_us is not None
    ]
    start = min(starts, default=None)
    status = worst_status({step.status for step in inner})
    return MatrixColumn(
        label="–" if loop_pass.number is None else str(loop_pass.number + 1),
        number=loop_pass.number,
        status=status,
        status_label=status_label(status),
        failed=loop_pass.failed,
        steps=len(inner),
        start=start,
        duration_us=max(ends) - start if ends and start is not None else None,
        first=UUID(inner[0].id),
        key=key,
    )
