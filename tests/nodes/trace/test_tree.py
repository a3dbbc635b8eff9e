"""The tree of a run: iterations, executions of a node, placeholders, what is open, waterfall."""

import gc
from typing import Any

from nodes.trace.collapsing import TraceLine, TreeState, trace_lines
from nodes.trace.tree import TraceEntry, TraceStep, TraceTree, build_trace_tree
from nodes.trace.waterfall import TimeScale, idle, own_segments, tick_label

SECOND = 1_000_000


def ident(number: int) -> str:
    return f"{number:032x}"


def step(number: int, parent: int | None = None, **fields: Any) -> TraceStep:
    """Step `number`, below `parent`, one second long and starting at `number` seconds."""
    fields = {
        "node_id": f"node-{number}",
        "kind": "llm",
        "status": "succeeded",
        "start": number * SECOND,
        "end": (number + 1) * SECOND,
        "self_us": SECOND,
    } | fields
    return TraceStep(ident(number), ident(parent) if parent else "", **fields)


def loop(passes: int, failed: tuple[int, ...] = ()) -> TraceTree:
    """An iteration node (step 1) with so many iterations of one step each."""
    steps = [
        step(
            n + 2,
            1,
            node_id="work",
            iteration=str(n),
            status="failed" if n in failed else "succeeded",
        )
        for n in range(passes)
    ]
    return build_trace_tree([step(1, kind="iteration"), *steps])


def lines_of(
    tree: TraceTree, state: TreeState | None = None, chosen: int | None = None
) -> list[TraceLine]:
    entry = tree.by_id[ident(chosen)] if chosen else None
    return trace_lines(tree, state or TreeState(), TimeScale(0, 60 * SECOND), entry)


def forms(lines: list[TraceLine]) -> list[str]:
    return [line.form for line in lines if line.form != "gap"]


def test_iterations_of_a_loop_are_groups_with_their_own_numbers() -> None:
    (iteration,) = loop(3, failed=(1,)).top
    assert [(entry.form, entry.number, entry.total) for entry in iteration.children] == [
        ("pass", 1, 3),
        ("pass", 2, 3),
        ("pass", 3, 3),
    ]
    assert [entry.status for entry in iteration.children] == ["succeeded", "failed", "succeeded"]
    assert (iteration.steps, iteration.failed) == (4, 1)
    assert (iteration.children[1].start, iteration.children[1].end) == (3 * SECOND, 4 * SECOND)


def test_inner_iterations_count_from_their_own_container() -> None:
    tree = build_trace_tree(
        [
            step(1, kind="loop"),
            step(2, 1, kind="iteration", iteration="4"),
            step(3, 2, iteration="4.0"),
            step(4, 2, iteration="4.1"),
        ]
    )
    inner = tree.by_id[ident(2)]
    assert tree.above[inner].number == 5
    assert [entry.number for entry in inner.children] == [1, 2]


def test_a_node_that_runs_again_is_numbered_and_attempts_count_once() -> None:
    tree = build_trace_tree(
        [
            step(1, node_id="agent"),
            step(2, node_id="tool", status="retry"),
            step(3, node_id="tool"),
            step(4, node_id="agent"),
        ]
    )
    assert [(entry.number, entry.total) for entry in tree.top] == [
        (1, 2),
        (1, 1),
        (1, 1),
        (2, 2),
    ]


def test_orphans_stand_below_a_placeholder_until_their_parent_comes() -> None:
    tree = build_trace_tree([step(5, 9), step(6, 9)])
    (placeholder,) = tree.top
    assert placeholder.form == "placeholder" and placeholder.id == ident(9)
    assert [entry.id for entry in placeholder.children] == [ident(5), ident(6)]
    assert (placeholder.start, placeholder.end) == (5 * SECOND, 7 * SECOND)


def test_a_child_before_its_parent_ends_up_below_it() -> None:
    tree = build_trace_tree([step(2, 1), step(1)])
    (top,) = tree.top
    assert top.form == "step" and len(top.children) == 1


def test_a_chain_of_ten_thousand_levels_needs_no_recursion() -> None:
    tree = build_trace_tree([step(1), *(step(n, n - 1) for n in range(2, 10_001))])
    assert tree.top[0].steps == 10_000
    assert len(lines_of(tree)) >= 10_000


def test_few_iterations_are_open_and_many_closed() -> None:
    assert forms(lines_of(loop(2))) == ["step", "pass", "step", "pass", "step"]
    (line,) = [line for line in lines_of(loop(37)) if line.form == "step"]
    assert line.is_open is False


def test_of_many_iterations_the_failed_one_is_open_and_the_rest_is_one_line() -> None:
    lines = lines_of(loop(37, failed=(20,)))
    assert forms(lines) == ["step", "elided", "pass", "step", "elided"]
    assert [len(line.elided) for line in lines if line.form == "elided"] == [20, 16]
    assert next(line.entry for line in lines if line.form == "pass").number == 21  # type: ignore[union-attr]


def test_beside_a_failed_iteration_those_that_went_well_are_closed() -> None:
    lines = lines_of(loop(5, failed=(3,)))
    assert forms(lines) == ["step", "pass", "pass", "pass", "pass", "step", "pass"]
    assert [line.is_open for line in lines if line.form == "pass"] == [
        False, False, False, True, False
    ]  # fmt: skip
    first = loop(5, failed=(3,)).top[0].children[0]
    opened = lines_of(loop(5, failed=(3,)), TreeState().toggled(first.key, is_open=False))
    assert forms(opened)[:3] == ["step", "pass", "step"]


def test_the_chosen_step_is_always_in_sight() -> None:
    entries = [line.entry for line in lines_of(loop(37), chosen=12)]
    assert ident(12) in [entry.id for entry in entries if entry]


def test_what_the_reader_opened_or_closed_stays_so() -> None:
    tree = loop(37)
    key = tree.top[0].key
    opened = TreeState().toggled(key, is_open=False)
    assert forms(lines_of(tree, opened)) == ["step"] + ["pass"] * 37
    closed = TreeState().toggled(loop(2).top[0].key, is_open=True)
    assert forms(lines_of(loop(2), closed)) == ["step"]
    assert TreeState.from_query({"open": key}).query() == f"?open={key}"
    assert (
        TreeState.from_query({"open": "," * 9 + "x" * 99, "all": "1"}).query()
        == f"?all=1&open={'x' * 24}"
    )


def test_long_idle_time_between_steps_has_a_line() -> None:
    tree = build_trace_tree(
        [step(0, start=0, end=SECOND), step(1, start=13 * SECOND, end=60 * SECOND)]
    )
    (gap,) = [line for line in lines_of(tree) if line.form == "gap"]
    assert (gap.start, gap.end) == (SECOND, 13 * SECOND)
    assert forms(lines_of(build_trace_tree([]))) == []


def test_bars_stay_inside_the_run() -> None:
    scale = TimeScale(0, 10 * SECOND)
    assert scale.place(None, SECOND) is None
    bar = scale.place(5 * SECOND, None)
    assert bar and (bar.start, bar.width) == ("50", "50")
    late = scale.place(99 * SECOND, 100 * SECOND)
    assert late and (late.start, late.width) == ("100", "0")
    assert TimeScale(7, 7).place(7, 7) is not None


def test_own_time_is_what_the_steps_below_leave() -> None:
    assert idle(0, 10, [(2, 4), (3, 6)]) == [(0, 2), (6, 10)]
    segments = own_segments(TimeScale(0, 100), 0, 100, [(10, 40), (50, 90)])
    assert [(bar.start, bar.width) for bar in segments] == [("0", "10"), ("40", "10"), ("90", "10")]


def test_ticks_are_few_and_round() -> None:
    for span in (1, 999, 15_300, 6_100_000, 95_000_000, 7_200_000_000, 10**15):
        ticks = TimeScale(0, span).ticks()
        assert 1 <= len(ticks) <= 6 and ticks[0].label == "0"
    assert [tick.label for tick in TimeScale(0, 6_100_000).ticks()] == ["0", "2 s", "4 s"]
    assert [tick_label(us) for us in (5, 500_000, 90_000_000)] == ["5 µs", "500 ms", "90 s"]


def test_a_group_of_steps_that_still_run_has_no_end() -> None:
    tree = build_trace_tree(
        [step(1, kind="iteration"), step(2, 1, iteration="0", end=None, status="running")]
    )
    (group,) = tree.top[0].children
    assert isinstance(group, TraceEntry) and group.end is None and group.status == "running"


def test_a_tree_is_freed_without_the_garbage_collector() -> None:
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)  # what was found is kept: other threads leave garbage, too
    try:
        tree = build_trace_tree(
            [step(1, kind="loop"), step(2, 1, iteration="0"), step(3, 2), step(4, 9)]
        )
        assert len(trace_lines(tree, TreeState(), TimeScale(0, SECOND), tree.by_id[ident(3)])) == 7
        del tree
        gc.collect()
        assert not [it for it in gc.garbage if isinstance(it, TraceEntry | TraceLine)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def test_thousands_of_attempts_count_once() -> None:
    retries = [step(n, node_id="ask", status="retry") for n in range(5_000)]
    top = build_trace_tree([*retries, step(5_000, node_id="ask")]).top
    assert {(entry.number, entry.total, entry.attempts) for entry in top} == {(1, 1, 5_001)}
