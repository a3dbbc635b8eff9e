"""The cells of a matrix: how hot they are, and in what words."""

from decimal import Decimal

from nodes.loops.cells import MatrixRow, StepFigures, matrix_row_of, set_heat
from nodes.loops.matrix import build_matrix
from tests.nodes.trace.test_tree import ident


def rows_of(*costs: tuple[str, str]) -> tuple[list[MatrixRow], dict[str, StepFigures]]:
    """One node with an iteration for each (cost, currency), "" for none."""
    steps = [
        (ident(number), ident(99), "work", "llm", "succeeded", str(number))
        for number in range(len(costs))
    ]
    figures = {
        step[0]: StepFigures("work", 1, 5, None, Decimal(cost) if cost else None, currency)
        for step, (cost, currency) in zip(steps, costs, strict=True)
    }
    matrix = build_matrix(ident(99), 0, steps)
    cells = [loop_pass.cells() for loop_pass in matrix.passes]
    return [matrix_row_of(node, cells, figures, "") for node in matrix.rows], figures


def test_costs_are_compared_in_one_currency_and_shown_with_it() -> None:
    rows, figures = rows_of(("2", "USD"), ("9", "RMB"), ("1", "USD"), ("", ""))
    assert set_heat(rows, figures, "cost") == "$2.00"
    assert [cell.heat for row in rows for cell in row.cells if cell] == ["100", "0", "50", "0"]


def test_a_cell_counts_executions_and_attempts() -> None:
    def words(*statuses: str) -> str:
        steps = [
            (ident(n), ident(99), "call", "tool", status, "0") for n, status in enumerate(statuses)
        ]
        matrix = build_matrix(ident(99), 0, steps)
        (cell,) = matrix_row_of(matrix.rows[0], [matrix.passes[0].cells()], {}, "").cells
        return cell.title if cell else ""

    assert words("succeeded") == "Succeeded"
    assert words("retry", "retry", "succeeded") == "Succeeded, 2 retried"
    assert words("succeeded", "failed", "succeeded") == "1 of 3 failed"
    assert words("retry", "succeeded", "succeeded") == "2 executions: Succeeded, 1 retried"
