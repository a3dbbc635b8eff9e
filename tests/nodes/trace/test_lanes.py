"""What ran beside each other, attempts of one visit, and one pass alone."""

from typing import Any

from nodes.trace.collapsing import TreeLine, TreeState, tree_lines
from nodes.trace.tree import TraceStep, build_tree
from nodes.trace.waterfall import SECOND, TimeScale
from tests.nodes.trace.test_tree import forms, ident, loop, shown, step


def lanes_of(found: list[TreeLine]) -> dict[str, tuple[int, int] | None]:
    return {
        line.entry.step.node_id: (line.lane.number, line.lane.total) if line.lane else None
        for line in found
        if line.entry and line.entry.step
    }


def span(
    number: int, start: float, end: float, parent: int | None = None, **told: Any
) -> TraceStep:
    at = 1_000_003
    return step(number, parent, start=int(start * at) + 1, end=int(end * at) + 1, **told)


def test_steps_that_ran_at_the_same_time_have_lanes() -> None:
    """Two branches of two steps between a first and a last one."""
    found = shown(
        build_tree(
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
    assert lanes_of(found) == {
        "node-1": None, "node-2": (1, 2), "node-3": (2, 2), "node-4": (1, 2), "node-5": (2, 2),
        "node-6": None,
    }  # fmt: skip


def test_lanes_are_the_branches_of_a_fork_where_the_graph_is_known() -> None:
    """Both branches have ended their first step when the second steps begin, in another order."""
    steps = build_tree([span(1, 0, 1), span(2, 1, 3), span(3, 1, 3.2), span(9, 1, 9), span(4, 4, 6),
                   span(5, 4, 7), span(6, 7.5, 8), span(7, 10, 11)])  # fmt: skip
    assert [lane and lane[0] for lane in lanes_of(shown(steps)).values()] == [
        None, 1, 2, 3, 2, 1, 1, None,
    ]  # fmt: skip
    edges = {"node-2": {"node-1"}, "node-3": {"node-1"}, "node-9": {"node-1"}, "node-4": {"node-2"},
             "node-5": {"node-3"}, "node-6": {"node-4"}}  # fmt: skip
    found = tree_lines(steps, TreeState(), TimeScale(0, 60 * SECOND), None, lambda: edges)
    assert [lane and lane[0] for lane in lanes_of(found).values()] == [
        None, 1, 2, 3, 1, 2, 1, None,
    ]  # fmt: skip


def test_a_branch_that_began_late_has_a_lane_of_its_own() -> None:
    steps = build_tree([span(2, 1, 3), span(3, 1, 9), span(4, 4, 5)])
    found = tree_lines(
        steps, TreeState(), TimeScale(0, 60 * SECOND), None, lambda: {"node-4": {"node-1"}}
    )
    assert lanes_of(found)["node-4"] == (3, 3) and lanes_of(shown(steps))["node-4"] == (1, 2)


def test_lanes_are_told_at_each_level_and_for_passes() -> None:
    steps = [
        span(1, 0, 9, kind="agent"), span(2, 0, 5, 1), span(3, 1, 6, 1),
        span(4, 9, 20, kind="iteration"), span(5, 9, 15, 4, iteration="0"),
        span(6, 10, 16, 4, iteration="1"),
    ]  # fmt: skip
    found = shown(build_tree(steps))
    assert lanes_of(found)["node-2"] == (1, 2) and lanes_of(found)["node-3"] == (2, 2)
    assert lanes_of(found)["node-1"] is None and lanes_of(found)["node-5"] is None
    passes = [line.lane.number for line in found if line.form == "pass" and line.lane]
    assert passes == [1, 2]


def test_starts_in_whole_seconds_make_no_lanes() -> None:
    steps = [step(1, start=0, end=2_700_000), step(2, start=2 * SECOND, end=4 * SECOND)]
    assert set(lanes_of(shown(build_tree(steps))).values()) == {None}


def test_hundreds_of_steps_at_once_each_have_a_lane() -> None:
    found = shown(build_tree([span(n, 0, 9) for n in range(1, 2001)]))
    assert len(set(lanes_of(found).values())) == 2000


def test_attempts_stand_next_to_each_other_and_are_counted() -> None:
    timeline = build_tree(
        [
            step(1, node_id="call", status="retry"), step(2, node_id="beside"),
            step(3, node_id="call", status="retry"), step(4, node_id="call"),
            step(5, node_id="call"),
        ]
    )  # fmt: skip
    told = [(entry.id, entry.attempts, entry.number, entry.total) for entry in timeline.top]
    assert told == [
        (ident(1), 3, 1, 2), (ident(3), 3, 1, 2), (ident(4), 3, 1, 2), (ident(2), 0, 1, 1),
        (ident(5), 0, 2, 2),
    ]  # fmt: skip


def test_one_pass_is_shown_alone() -> None:
    timeline = loop(37, failed=(20,))
    found = shown(timeline, TreeState(only=f"{ident(1)[-8:]}.4"))
    assert forms(found) == ["step", "elided", "pass", "step", "elided"]
    assert [line.entry.number for line in found if line.form == "pass" and line.entry] == [5]
    assert TreeState.from_query({"only": "a.4"}).query() == "?only=a.4"


def test_a_key_of_nothing_shows_the_tree_as_ever() -> None:
    assert forms(shown(loop(2), TreeState(only="nothing"))) == forms(shown(loop(2)))
