"""The critical path: no overlap, no hole, and only what the run waited for."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nodes.trace.critical_path import PathPart, critical_path
from nodes.trace.tree import TraceStep, build_trace_tree
from tests.nodes.trace.test_tree import ident, step

US = 1_000_003  # a second that no clock cut


def at(
    number: int, start: float, end: float | None, parent: int | None = None, **fields: Any
) -> TraceStep:
    ends = None if end is None else int(end * US) + 1
    return step(number, parent, start=int(start * US) + 1, end=ends, **fields)


def path_of(*steps: TraceStep, until: float) -> list[tuple[str, float, str]]:
    """(node or "" for the run, seconds, gap or "") of each part."""
    parts = critical_path(build_trace_tree(steps), 1, int(until * US) + 1)
    return [(node_of(part), round(part.lasted / US, 3), part.gap or "") for part in parts]


def node_of(part: PathPart) -> str:
    return part.entry.step.node_id if part.entry and part.entry.step else ""


def test_of_parallel_steps_the_longest_counts() -> None:
    parts = path_of(at(1, 0, 1), at(2, 1, 5), at(3, 1, 3), at(4, 5, 6), until=6)
    assert parts == [("node-1", 1, ""), ("node-2", 4, ""), ("node-4", 1, "")]


def test_what_still_ran_when_the_next_began_was_not_waited_for() -> None:
    parts = path_of(at(1, 0, 2), at(2, 0, 9), at(3, 2, 10), until=10)
    assert parts == [("node-1", 2, ""), ("node-3", 8, "")]


def test_where_only_something_else_ran_it_is_no_gap() -> None:
    parts = path_of(at(1, 0, 2), at(2, 1, 9), at(3, 4, 10), until=10)
    assert parts == [("node-1", 2, ""), ("node-2", 2, ""), ("node-3", 6, "")]


def test_containers_are_walked_inside_and_their_own_work_is_theirs() -> None:
    parts = path_of(at(1, 0, 10, kind="agent"), at(2, 1, 4, 1), at(3, 6, 9, 1), until=10)
    assert parts == [
        ("node-1", 1, ""), ("node-2", 3, ""), ("node-1", 2, ""), ("node-3", 3, ""),
        ("node-1", 1, ""),
    ]  # fmt: skip


def test_what_goes_on_when_its_container_has_ended_is_no_gap() -> None:
    parts = path_of(
        at(1, 2, 5, kind="agent"), at(2, 1, 4, 1), at(3, 4, 12, 1), at(4, 5, 6), at(5, 13, 14),
        until=14,
    )  # fmt: skip
    assert parts == [
        ("", 1, "waiting to begin"), ("node-2", 3, ""), ("node-3", 8, ""), ("", 1, "nothing ran"),
        ("node-5", 1, ""),
    ]  # fmt: skip
    parts = path_of(at(1, 0, 3, kind="agent"), at(2, 6, 8, 1), until=8)
    assert parts == [("node-1", 3, ""), ("node-1", 3, "waiting to begin"), ("node-2", 2, "")]


def test_gaps_have_names() -> None:
    parts = path_of(
        at(1, 1, 2, node_id="call", status="retry"),
        at(2, 4, 5, node_id="call"),
        at(3, 5, 100, node_id="ask", kind="human-input"),
        at(4, 101, 102),
        until=103,
    )
    assert parts == [
        ("", 1, "waiting to begin"), ("call", 1, ""), ("", 2, "before another attempt"),
        ("call", 1, ""), ("ask", 95, "waiting for a person"), ("", 1, "waiting for a person"),
        ("node-4", 1, ""), ("", 1, "nothing ran"),
    ]  # fmt: skip


def test_an_iteration_works_between_its_passes_but_a_workflow_does_nothing_itself() -> None:
    parts = path_of(at(1, 0, 5, kind="iteration"), at(2, 1, 5, 1), until=5)
    assert parts == [("node-1", 1, ""), ("node-2", 4, "")]
    parts = path_of(at(1, 0, 5, kind="workflow"), at(2, 1, 5, 1), until=5)
    assert parts == [("node-1", 1, "waiting to begin"), ("node-2", 4, "")]


def test_what_still_runs_lasts_to_the_end() -> None:
    assert path_of(at(1, 0, None), until=5) == [("node-1", 5, "")]


def test_starts_in_whole_seconds_do_not_hide_what_went_before() -> None:
    before = step(1, start=0, end=2_700_000)
    after = step(2, start=2_000_000, end=4_000_000)  # really at 2.7 s
    parts = critical_path(build_trace_tree([before, after]), 0, 4_000_000)
    assert [node_of(part) for part in parts] == ["node-1", "node-2"]


def test_a_chain_of_ten_thousand_levels_needs_no_recursion() -> None:
    steps = [step(n, n - 1 if n > 1 else None, start=n, end=30_000 - n) for n in range(1, 10_001)]
    parts = critical_path(build_trace_tree(steps), 0, 30_000)
    assert sum(part.lasted for part in parts) == 30_000


@st.composite
def runs(draw: Any) -> tuple[list[TraceStep], int, int]:
    steps: list[TraceStep] = []
    for number in range(1, 1 + draw(st.integers(0, 25))):
        parent = draw(st.sampled_from([None, *range(max(1, number - 4), number)]))
        start = draw(st.one_of(st.none(), st.integers(0, 5_000_000)))
        lasted = draw(st.one_of(st.none(), st.integers(-5, 4_000_000)))
        end = None if start is None or lasted is None else start + lasted
        fields = {
            "kind": draw(st.sampled_from(["llm", "agent", "loop", "human-input"])),
            "status": draw(st.sampled_from(["succeeded", "retry", "failed", "paused"])),
            "iteration": draw(st.sampled_from(["", "0", "1"])),
            "node_id": draw(st.sampled_from("ab")),
        }
        steps.append(step(number, parent, start=start, end=end, **fields))
    begin = draw(st.integers(0, 3_000_000))
    return steps, begin, begin + draw(st.integers(0, 6_000_000))


@given(runs())
def test_the_parts_are_the_whole_run_without_overlap(run: tuple[list[TraceStep], int, int]) -> None:
    steps, begin, end = run
    parts = critical_path(build_trace_tree(steps), begin, end)
    reached = begin
    for part in parts:
        assert part.start == reached and part.end > part.start
        reached = part.end
    assert reached == end or (not parts and begin == end)
    for part in parts:
        known = part.entry.step if part.entry else None
        if known and not part.gap and known.start is not None:
            assert known.start <= part.start
            assert part.end <= end if known.end is None else known.end


def test_ids_are_those_of_steps() -> None:
    (part,) = critical_path(build_trace_tree([at(1, 0, 1)]), 1, US + 1)
    assert part.entry and part.entry.id == ident(1)
