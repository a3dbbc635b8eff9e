"""Steps that ran in parallel, attempts, and a single iteration."""

from typing import Any

from nodes.trace.collapsing import TraceLine, TreeState, trace_lines
from nodes.trace.tree import TraceStep, build_trace_tree
from nodes.trace.waterfall import SECOND, TimeScale
from tests.nodes.trace.test_tree import forms, ident, lines_of, loop, step


def lanes_of(lines: list[TraceLine]) -> dict[str, tuple[int, int] | None]:
    return {
        line.entry.step.node_id: (line.lane.number, line.lane.total) if line.lane else None
        for line in lines
        if line.entry and line.entry.step
    }


def span(
    number: int, start: float, end: float, parent: int | None = None, **fields: Any
) -> TraceStep:
    at = 1_000_003
    return step(number, parent, start=int(start * at) + 1, end=int(end * at) + 1, **fields)


def test_steps_that_ran_at_the_same_time_have_lanes() -> None:
    """Two branches of two steps between a first and a last one."""
    lines = lines_of(
        build_trace_tree(
            [
                span(1, 0, 1),
                span(2, 1, 3),
                span(3, 1, 4),
                span(4, 3, 6),
                span(5, 4, 5),
                span(6, 6, 7),
            ]
        )
    )
    assert lanes_of(lines) == {
        "node-1": None, "node-2": (1, 2), "node-3": (2, 2), "node-4": (1, 2), "node-5": (2, 2),
        "node-6": None,
    }  # fmt: skip


def test_lanes_are_the_branches_of_a_fork_where_the_graph_is_known() -> None:
    """Both branches have ended their first step when the second steps begin, in another order."""
    steps = build_trace_tree([
        span(1, 0, 1), span(2, 1, 3), span(3, 1, 3.2), span(9, 1, 9), span(4, 4, 6), span(5, 4, 7),
        span(6, 7.5, 8), span(7, 10, 11),
    ])  # fmt: skip
    assert [lane and lane[0] for lane in lanes_of(lines_of(steps)).values()] == [
        None, 1, 2, 3, 2, 1, 1, None,
    ]  # fmt: skip
    edges = {"node-2": {"node-1"}, "node-3": {"node-1"}, "node-9": {"node-1"}, "node-4": {"node-2"},
             "node-5": {"node-3"}, "node-6": {"node-4"}}  # fmt: skip
    lines = trace_lines(steps, TreeState(), TimeScale(0, 60 * SECOND), None, lambda: edges)
    assert [lane and lane[0] for lane in lanes_of(lines).values()] == [
        None, 1, 2, 3, 1, 2, 1, None,
    ]  # fmt: skip


def test_a_branch_that_began_late_has_a_lane_of_its_own() -> None:
    steps = build_trace_tree([span(2, 1, 3), span(3, 1, 9), span(4, 4, 5)])
    lines = trace_lines(
        steps, TreeState(), TimeScale(0, 60 * SECOND), None, lambda: {"node-4": {"node-1"}}
    )
    assert lanes_of(lines)["node-4"] == (3, 3) and lanes_of(lines_of(steps))["node-4"] == (1, 2)


def test_each_level_has_lanes_of_its_own_and_iterations_have_them() -> None:
    steps = [
        span(1, 0, 9, kind="agent"), span(2, 0, 5, 1), span(3, 1, 6, 1),
        span(4, 9, 20, kind="iteration"), span(5, 9, 15, 4, iteration="0"),
        span(6, 10, 16, 4, iteration="1"),
    ]  # fmt: skip
    lines = lines_of(build_trace_tree(steps))
    assert lanes_of(lines)["node-2"] == (1, 2) and lanes_of(lines)["node-3"] == (2, 2)
    assert lanes_of(lines)["node-1"] is None and lanes_of(lines)["node-5"] is None
    passes = [line.lane.number for line in lines if line.form == "pass" and line.lane]
    assert passes == [1, 2]


def test_starts_in_whole_seconds_make_no_lanes() -> None:
    steps = [step(1, start=0, end=2_700_000), step(2, start=2 * SECOND, end=4 * SECOND)]
    assert set(lanes_of(lines_of(build_trace_tree(steps))).values()) == {None}


def test_hundreds_of_steps_at_once_each_have_a_lane() -> None:
    lines = lines_of(build_trace_tree([span(n, 0, 9) for n in range(1, 2001)]))
    assert len(set(lanes_of(lines).values())) == 2000


def test_attempts_stand_next_to_each_other_and_are_counted() -> None:
    tree = build_trace_tree(
        [
            step(1, node_id="call", status="retry"), step(2, node_id="beside"),
            step(3, node_id="call", status="retry"), step(4, node_id="call"),
            step(5, node_id="call"),
        ]
    )  # fmt: skip
    entries = [(entry.id, entry.attempts, entry.number, entry.total) for entry in tree.top]
    assert entries == [
        (ident(1), 3, 1, 2), (ident(3), 3, 1, 2), (ident(4), 3, 1, 2), (ident(2), 0, 1, 1),
        (ident(5), 0, 2, 2),
    ]  # fmt: skip


def test_a_single_iteration_can_be_open_alone() -> None:
    tree = loop(37, failed=(20,))
    lines = lines_of(tree, TreeState(only=f"{ident(1)[-8:]}.4"))
    assert forms(lines) == ["step", "elided", "pass", "step", "elided"]
    assert [line.entry.number for line in lines if line.form == "pass" and line.entry] == [5]
    assert TreeState.from_query({"only": "a.4"}).query() == "?only=a.4"


def test_an_unknown_key_changes_nothing() -> None:
    assert forms(lines_of(loop(2), TreeState(only="nothing"))) == forms(lines_of(loop(2)))
