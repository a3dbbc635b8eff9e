"""The matrix of a loop: every inner step in one cell, rows in the order in which they ran."""

from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from nodes.light_step import LightRow
from nodes.loops.matrix import LoopMatrix, build_matrix, worst_status
from tests.nodes.trace.test_tree import ident


def inner(number: int, parent: int, node: str, path: str, status: str = "succeeded") -> LightRow:
    return (ident(number), ident(parent) if parent else "", node, "llm", status, path)


def loop(*steps: LightRow, depth: int = 0) -> LoopMatrix:
    return build_matrix(ident(1), depth, steps)


def nodes_of(matrix: LoopMatrix) -> list[tuple[str, int]]:
    return [(row.node_id, row.level) for row in matrix.rows]


def test_nodes_are_rows_and_iterations_are_columns() -> None:
    matrix = loop(
        inner(2, 1, "write", "0"), inner(3, 1, "check", "0"),
        inner(4, 1, "write", "1"), inner(5, 1, "check", "1", "failed"),
    )  # fmt: skip
    assert nodes_of(matrix) == [("write", 0), ("check", 0)]
    assert [
        (loop_pass.number, len(loop_pass.steps), loop_pass.failed) for loop_pass in matrix.passes
    ] == [
        (0, 2, 0),
        (1, 2, 1),
    ]
    assert [loop_pass.number for loop_pass in matrix.failed_first()] == [1, 0]


def test_a_node_that_only_a_later_iteration_reached_stands_where_it_ran() -> None:
    matrix = loop(
        inner(2, 1, "write", "0"), inner(3, 1, "end", "0"),
        inner(4, 1, "ask", "1"), inner(5, 1, "write", "1"), inner(6, 1, "mend", "1"),
        inner(7, 1, "end", "1"),
    )  # fmt: skip
    assert [name for name, _ in nodes_of(matrix)] == ["ask", "write", "mend", "end"]


def test_attempts_at_a_node_share_a_cell() -> None:
    matrix = loop(inner(2, 1, "call", "0", "retry"), inner(3, 1, "call", "0"))
    (loop_pass,) = matrix.passes
    assert [step.id for step in loop_pass.cells()[matrix.rows[0]]] == [ident(2), ident(3)]


def test_inner_loops_are_rows_with_their_steps_below() -> None:
    matrix = loop(
        inner(2, 1, "each", "3.1"), inner(3, 2, "work", "3.1.0"), inner(4, 2, "work", "3.1.1"),
        inner(5, 1, "done", "3.1"), depth=1,
    )  # fmt: skip
    assert nodes_of(matrix) == [("each", 0), ("work", 1), ("done", 0)]
    assert [row.loops for row in matrix.rows] == [True, False, False]
    assert matrix.passes[0].number == 1
    assert len(matrix.passes[0].cells()[matrix.rows[1]]) == 2


def test_repeats_of_an_inner_node_are_not_iterations_of_the_outer_loop() -> None:
    """An agent that ran once holds a model that ran twice: the run itself has no iterations."""
    matrix = build_matrix(
        "", 0, [inner(1, 0, "agent", ""), inner(2, 1, "llm", "0"), inner(3, 1, "llm", "1")]
    )
    assert [loop_pass.number for loop_pass in matrix.passes] == [None]
    assert len(matrix.passes[0].cells()[matrix.rows[1]]) == 2


def test_what_ran_in_no_iteration_comes_last_or_is_left_out() -> None:
    matrix = loop(inner(2, 1, "start", ""), inner(3, 1, "work", "0"))
    assert [loop_pass.number for loop_pass in matrix.passes] == [0, None]
    assert [row.node_id for row in matrix.repeated().rows] == ["work"]
    assert loop(inner(2, 1, "start", "")).repeated().rows


def test_ids_may_be_written_with_dashes() -> None:
    step_id, scope = (str(UUID(ident(number))) for number in (2, 1))
    matrix = build_matrix(scope, 0, [(step_id, scope, "write", "llm", "succeeded", "0")])
    (cells,) = (loop_pass.cells() for loop_pass in matrix.passes)
    assert cells[matrix.rows[0]][0].id == matrix.rows[0].example == ident(2)


def test_steps_of_other_containers_are_left_out() -> None:
    assert loop(inner(8, 9, "else", "0")).rows == []


def test_the_worst_status_stands_for_several() -> None:
    assert worst_status(["succeeded", "exception", "retry"]) == "exception"
    assert worst_status(["retry", "succeeded"]) == "succeeded"
    assert worst_status([]) == ""


@st.composite
def trees(draw: Any) -> list[LightRow]:
    """Steps in pre-order below step 1, each below it or below one before it."""
    steps: list[LightRow] = []
    for number in range(2, 2 + draw(st.integers(0, 30))):
        above = draw(st.sampled_from([None, *steps[-3:]]))
        node = draw(st.sampled_from("abc"))
        if above is None:
            path = draw(st.sampled_from(["", "0", "1", "2"]))
            parent = ident(1)
        else:
            parent, path = above[0], above[5]
            if draw(st.booleans()):
                path = f"{path}.{draw(st.integers(0, 2))}" if path else str(draw(st.integers(0, 2)))
        status = draw(st.sampled_from(["succeeded", "failed", "retry", "running"]))
        steps.append((ident(number), parent, node, "code", status, path))
    return steps


@given(trees())
def test_every_inner_step_is_in_exactly_one_cell(steps: list[LightRow]) -> None:
    matrix = loop(*steps)
    cells = [
        step.id
        for loop_pass in matrix.passes
        for cell in loop_pass.cells().values()
        for step in cell
    ]
    assert sorted(cells) == sorted(step[0] for step in steps)
    rows = {id(row) for row in matrix.rows}
    for loop_pass in matrix.passes:
        for row, cell in loop_pass.cells().items():
            assert id(row) in rows and {step.node_id for step in cell} == {row.node_id}
    assert [loop_pass.number for loop_pass in matrix.passes] == sorted(
        (loop_pass.number for loop_pass in matrix.passes), key=lambda n: (n is None, n or 0)
    )
