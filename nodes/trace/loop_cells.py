"""Cells, rows and heads of a matrix as a page shows them: statuses, words, and how hot each is."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from nodes import formats
from nodes.choices import FAILURES, NodeStatus
from nodes.execution_detail import status_label
from nodes.kinds import Kind, kind_of
from nodes.light_step import LightStep
from nodes.trace.figures import add_costs, main_currency
from nodes.trace.loop_matrix import Cells, Node, Pass, worst

Heat = Literal["time", "tokens", "cost"]
_HEAT_OF: dict[Heat, str] = {"time": "duration_us", "tokens": "tokens", "cost": "cost"}


@dataclass(frozen=True, slots=True)
class Figures:
    title: str
    start: int | None
    duration_us: int | None
    tokens: int | None
    cost: Decimal | None
    currency: str


@dataclass(slots=True)
class Cell:
    """The steps of one node in one pass. `id` is the one to look at: the first that failed, else
    the last; `heat` is in percent of the hottest cell in sight; `plain` where there is nothing to
    tell but that one step succeeded."""

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
class Row:
    node: Node
    title: str
    kind: Kind
    cells: list[Cell | None] = field(default_factory=list)


@dataclass(slots=True)
class Head:
    """The top of a column. `label` counts from 1."""

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


def row_of(node: Node, passes: list[Cells], figures: dict[str, Figures], marked: str) -> Row:
    told = figures.get(node.example)
    row = Row(node, formats.visible(told.title) if told else node.node_id, kind_of(node.kind))
    for cells in passes:
        steps = cells.get(node)
        row.cells.append(_cell(steps, figures, marked) if steps else None)
    if node.loops:
        for cell in row.cells:
            if cell:
                cell.plain = False
    return row


def _cell(steps: list[LightStep], figures: dict[str, Figures], marked: str) -> Cell:
    status = worst(step.status for step in steps)
    chosen = steps[-1]
    if status in FAILURES:
        chosen = next(step for step in steps if step.status == status)
    words = status_label(status)
    if len(steps) > 1:
        words = _counted(steps, words)
    lasted = _sum(figures, steps, "duration_us")
    cell = Cell(
        chosen.id, status, steps, words + (f", {formats.duration(lasted)}" if lasted else "")
    )
    cell.is_chosen = any(step.id == marked for step in steps)
    cell.plain = status == NodeStatus.SUCCEEDED and len(steps) == 1 and not cell.is_chosen
    return cell


def _counted(steps: list[LightStep], words: str) -> str:
    """Visits and, beside them, the attempts at them that were tried again."""
    retries = sum(step.status == NodeStatus.RETRY for step in steps)
    failed = sum(step.status in FAILURES for step in steps)
    visits = len(steps) - retries
    if visits > 1:
        words = f"{failed} of {visits} failed" if failed else f"{visits} times: {words}"
    return f"{words}, {retries} tried again" if retries else words


def _sum(figures: dict[str, Figures], steps: list[LightStep], name: str) -> Any:
    """The sum over some steps, None where none tells."""
    told = [getattr(figures[step.id], name) for step in steps if step.id in figures]
    return sum(known) if (known := [one for one in told if one is not None]) else None


def heat_up(rows: list[Row], figures: dict[str, Figures], heat: Heat) -> str:
    """Heat all cells; returns what the hottest one stands for. Of costs in several currencies
    those in the main one are compared."""
    cells = [cell for row in rows for cell in row.cells if cell]
    currency = ""
    if heat == "cost":
        steps = [figures[one.id] for cell in cells for one in cell.steps if one.id in figures]
        currency = main_currency(add_costs((step.currency, step.cost) for step in steps))
        figures = {name: step for name, step in figures.items() if step.currency == currency}
    amounts = [_sum(figures, cell.steps, _HEAT_OF[heat]) or 0 for cell in cells]
    most: Any = max(amounts, default=0)
    if not most:
        return ""
    amount: Any
    for cell, amount in zip(cells, amounts, strict=True):
        cell.heat = str(int(amount * 100 / most))
        if heat != "time" and amount:
            cell.title += f", {_written(amount, heat, currency)}"
    return _written(most, heat, currency)


def _written(amount: Any, heat: Heat, currency: str) -> str:
    if heat == "time":
        return formats.duration(amount)
    return formats.money(amount, currency) if heat == "cost" else f"{amount:,} tokens"


def head_of(one: Pass, cells: Cells, figures: dict[str, Figures], key: str) -> Head:
    inner = [step for found in cells.values() for step in found]
    steps = [figures[step.id] for step in inner if step.id in figures]
    starts = [step.start for step in steps if step.start is not None]
    ends = [
        step.start + step.duration_us
        for step in steps
        if step.start is not None and step.duration_us is not None
    ]
    start = min(starts, default=None)
    status = worst({step.status for step in inner})
    return Head(
        label="–" if one.number is None else str(one.number + 1),
        number=one.number,
        status=status,
        status_label=status_label(status),
        failed=one.failed,
        steps=len(inner),
        start=start,
        duration_us=max(ends) - start if ends and start is not None else None,
        first=UUID(inner[0].id),
        key=key,
    )
