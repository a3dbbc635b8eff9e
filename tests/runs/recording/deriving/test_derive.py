"""The tree of a run and what its statuses mean, from bare rows: no database."""

import random
from uuid import UUID

import pytest

from runs.recording.deriving.derive import derive
from runs.recording.deriving.outcome import Outcome
from runs.recording.deriving.summary import summarize
from runs.recording.deriving.tree import Tree, execution_id
from runs.recording.records.row import ExecutionRow

RUN = UUID(int=7)


def row(
    source: str, parent: str = "", at: tuple[int, int | None] = (0, 10), **columns: object
) -> ExecutionRow:
    """Return a row as a record would make it; `at` is its start and end in microseconds."""
    values: dict[str, object] = {
        "id": execution_id(RUN, source),
        "source_id": source,
        "parent_source_id": parent,
        "service": "app",
        "title": source,
        "kind": "chain",
        "told_status": "succeeded" if at[1] is not None else "running",
        "started_us": at[0],
        "ended_us": at[1],
        "cost_reported": False,
        "attempt": 1,
        "hints": {},
    }
    values.update(columns)
    numbers = ("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens",
               "reasoning_tokens", "total_tokens", "cost", "inputs_id", "outputs_id",
               "process_data_id", "received_body", "resource_id", "prompt_digest")  # fmt: skip
    texts = ("told_node_id", "model", "provider", "cost_currency", "error", "error_type", "taken",
             "inputs_preview", "outputs_preview")  # fmt: skip
    for name in numbers:
        values.setdefault(name, None)
    for name in texts:
        values.setdefault(name, "")
    return ExecutionRow(**values)  # type: ignore[arg-type]


def run(*rows: ExecutionRow) -> tuple[Tree, Outcome]:
    shuffled = list(rows)
    random.Random(3).shuffle(shuffled)
    return derive(RUN, shuffled)


def root(at: tuple[int, int | None] = (0, 100), **columns: object) -> ExecutionRow:
    return row("root", at=at, hints={"is_run": True, **columns.pop("hints", {})}, **columns)  # type: ignore[dict-item]


def shape(tree: Tree) -> list[tuple[str, int, str]]:
    return [(step.source_id, step.depth, step.iteration) for step in tree.order]


def test_the_span_of_the_run_is_no_step_of_it():
    tree, outcome = run(root(), row("a", "root", (1, 5)), row("b", "a", (2, 4)))
    assert shape(tree) == [("a", 0, ""), ("b", 1, "")]
    assert outcome.status == "succeeded"


def test_a_lone_call_is_run_and_step():
    tree, outcome = run(row("call", kind="llm"))
    assert shape(tree) == [("call", 0, "")]
    assert outcome.status == "succeeded"


def test_a_workflow_below_a_step_is_a_step():
    tree, _ = run(root(), row("tool", "root"), row("inner", "tool", hints={"is_run": True}))
    assert shape(tree) == [("tool", 0, ""), ("inner", 1, "")]


def test_orphans_wait_below_their_parent():
    orphan = row("b", "missing", (2, 4))
    tree, _ = run(root(), row("a", "root", (5, 9)), orphan)
    assert shape(tree) == [("b", 1, ""), ("a", 0, "")]
    assert orphan.orphan and orphan.parent_id == execution_id(RUN, "missing")
    tree, _ = run(root(), orphan, row("missing", "root", (1, 4)))
    assert shape(tree) == [("missing", 0, ""), ("b", 1, "")]
    assert not orphan.orphan


def test_steps_chained_to_their_predecessor_stand_side_by_side():
    chained = {"chained": True}
    tree, _ = run(
        root(),
        row("start", "root", (0, 1), hints=chained),
        row("each", "start", (2, 50), kind="iteration", hints=chained),
        row("p0", "each", (3, 9), hints={"folded": True, "pass_index": 0}),
        row("p1", "each", (10, 19), hints={"folded": True, "pass_index": 1}),
        row("w0", "p0", (3, 5), title="Write", hints=chained),
        row("x0", "w0", (6, 9), title="Check", hints=chained),
        row("w1", "p1", (10, 19), title="Write", hints=chained),
        row("end", "each", (60, 61), hints=chained),
    )
    assert shape(tree) == [
        ("start", 0, ""), ("each", 0, ""), ("w0", 1, "0"), ("x0", 1, "0"), ("w1", 1, "1"),
        ("end", 0, ""),
    ]  # fmt: skip


def test_before_iteration_spans_the_container_is_found_by_time():
    tree, _ = run(
        root(),
        row("each", "root", (2, 50), kind="iteration", hints={"chained": True}),
        row("w0", "root", (3, 5), hints={"chained": True, "iteration_index": 0}),
        row("w1", "root", (6, 9), hints={"chained": True, "iteration_index": 1}),
    )
    assert shape(tree) == [("each", 0, ""), ("w0", 1, "0"), ("w1", 1, "1")]


def test_a_node_that_runs_again_is_in_its_next_iteration():
    tree, _ = run(
        root(),
        row("a1", "root", (1, 2), told_node_id="agent"),
        row("t1", "root", (3, 4), told_node_id="tools"),
        row("a2", "root", (5, 6), told_node_id="agent"),
        row("m2", "a2", (5, 6), kind="llm"),
    )
    assert [(s.source_id, s.iteration) for s in tree.order] == [
        ("a1", "0"), ("t1", ""), ("a2", "1"), ("m2", "1"),
    ]  # fmt: skip


def test_attempts_of_one_iteration():
    tree, _ = run(
        root(),
        row("x", "root", (1, 2), title="http", told_status="retry"),
        row("y", "root", (3, 4), title="http", told_status="retry"),
        row("z", "root", (5, 6), title="http"),
    )
    assert [(s.iteration, s.attempt) for s in tree.order] == [("", 1), ("", 2), ("", 3)]


def test_a_cycle_of_parents_is_cut():
    tree, _ = run(row("a", "c"), row("b", "a"), row("c", "b"))
    assert len(tree.order) == 3


def test_a_caught_failure_does_not_fail_the_run():
    failed = row("tool", "root", (1, 2), told_status="failed", error="boom")
    _, outcome = run(root(outputs_id="01"), failed, row("next", "root", (3, 4)))
    assert (outcome.status, failed.status) == ("partial-succeeded", "exception")


def test_a_root_that_says_ok_does_not_hide_the_failure_that_ended_the_run():
    failed = row("tool", "agent", (1, 2), told_status="failed", error="boom")
    _, outcome = run(root(), row("agent", "root", (0, 3)), failed)
    assert (outcome.status, outcome.failed_row, outcome.error) == ("failed", failed, "boom")


def test_a_result_outweighs_a_last_step_that_failed():
    failed = row("notify", "root", (5, 6), told_status="failed")
    _, outcome = run(root(outputs_id="01"), failed)
    assert (outcome.status, failed.status) == ("partial-succeeded", "exception")


def test_the_deepest_failure_is_the_cause():
    inner = row("inner", "outer", (1, 2), told_status="failed", error="inner broke")
    outer = row("outer", "root", (0, 3), told_status="failed", error="inner broke")
    _, outcome = run(root(told_status="failed", error="inner broke"), outer, inner)
    assert outcome.failed_row is inner
    assert (outer.status, inner.status) == ("failed", "failed")


def test_without_a_root_the_run_is_running_or_as_its_parts():
    _, outcome = run(row("a", "gone", (0, 1)))
    assert outcome.status == "running"
    _, outcome = run(row("a", "gone", (0, 1)), row("b", "gone", (2, 3), told_status="failed"))
    assert outcome.status == "failed"


def test_a_run_that_waits_for_a_person_is_paused():
    _, outcome = run(
        root(), row("a", "root", (0, 1)), row("ask", "root", (2, 3), told_status="paused")
    )
    assert outcome.status == "paused"


@pytest.mark.parametrize("wrapper", ["agent", "llm"])
def test_tokens_are_counted_where_the_work_was_done(wrapper):
    tree, outcome = run(
        root(total_tokens=30),
        row("outer", "root", kind=wrapper, total_tokens=30, input_tokens=20, output_tokens=10),
        row("one", "outer", (1, 2), kind="llm", total_tokens=10, input_tokens=5, output_tokens=5),
        row("two", "outer", (3, 4), kind="llm", total_tokens=20, input_tokens=15, output_tokens=5),
    )
    columns = summarize(tree, outcome).columns
    assert (columns["total_tokens"], columns["input_tokens"], columns["model_calls"]) == (30, 20, 2)


def test_usage_of_an_agent_counts_where_its_calls_report_none():
    tree, outcome = run(
        root(), row("a", "root", kind="agent", total_tokens=30), row("m", "a", kind="llm")
    )
    assert summarize(tree, outcome).columns["total_tokens"] == 30


def test_self_time_leaves_out_what_children_cover_once():
    outer = row("outer", "root", (0, 100))
    run(
        root(),
        outer,
        row("a", "outer", (10, 50)),
        row("b", "outer", (30, 60)),
        row("c", "outer", (90, 120)),
    )
    assert outer.self_us == 40


def test_ten_thousand_levels():
    rows = [row("s0", "", (0, 1))] + [row(f"s{i}", f"s{i - 1}", (i, i + 1)) for i in range(1, 2000)]
    tree, _ = derive(RUN, rows)
    assert tree.order[-1].depth == 1999


def test_several_roots_are_steps_and_the_last_answer_is_the_result() -> None:
    first = row("plan", at=(0, 20), hints={"is_run": True}, inputs_id="i1", outputs_id="o1")
    failing = row("shape", at=(30, 50), hints={"is_run": True}, told_status="failed", error="dry")
    last = row("fire", at=(60, 90), hints={"is_run": True}, inputs_id="i3", outputs_id="o3")
    call = row("chat", "fire", at=(61, 89), kind="llm", outputs_id="o4")
    tree, outcome = run(first, failing, last, call)
    assert shape(tree) == [("plan", 0, ""), ("shape", 0, ""), ("fire", 0, ""), ("chat", 1, "")]
    assert (outcome.status, failing.status) == ("partial-succeeded", "exception")
    columns = summarize(tree, outcome).columns
    assert (columns["inputs_id"], columns["outputs_id"]) == ("i1", "o3")
    assert (columns["duration_us"], columns["steps"]) == (90, 4)


def test_a_root_that_fails_later_does_not_fail_the_answer() -> None:
    answer = row("answer", at=(0, 20), hints={"is_run": True}, outputs_id="o1")
    background = row("save", at=(80, 90), hints={"is_run": True}, told_status="failed")
    tree, outcome = run(answer, background)
    assert (outcome.status, background.status) == ("partial-succeeded", "exception")
    assert summarize(tree, outcome).columns["outputs_id"] == "o1"
    answer.outputs_id = None
    assert run(answer, background)[1].status == "failed"


def test_a_root_that_is_at_work_keeps_the_run_running() -> None:
    rows = [row("a", hints={"is_run": True}), row("b", at=(20, None), hints={"is_run": True})]
    assert run(*rows)[1].status == "running"


def test_a_span_whose_parent_is_elsewhere_is_the_run_until_the_parent_arrives() -> None:
    top = row("agent", "caller", at=(10, 90), hints={"parent_elsewhere": True}, outputs_id="o1")
    call = row("chat", "agent", at=(20, 80), kind="llm")
    tree, outcome = run(top, call)
    assert (outcome.status, shape(tree), tree.missing) == ("succeeded", [("chat", 0, "")], {})
    caller = row("caller", at=(0, 100), hints={"is_run": True})
    tree, outcome = run(top, call, caller)
    assert shape(tree) == [("agent", 0, ""), ("chat", 1, "")]


def test_an_empty_object_is_no_result() -> None:
    inner = row("step", "root", outputs_id="o2", told_status="succeeded")
    tree, outcome = run(root(outputs_id="o1", outputs_preview="{}"), inner)
    assert summarize(tree, outcome).columns["outputs_id"] == "o2"


def test_a_run_lasts_until_the_last_step_that_began_in_it_has_ended() -> None:
    agent = row("agent", "root", at=(5, 800), kind="agent")
    skewed = row("server", "agent", at=(9000, 9100))
    tree, outcome = run(root(at=(0, 10)), agent, skewed)
    assert summarize(tree, outcome).columns["duration_us"] == 800


def test_steps_reported_beside_their_caller_are_below_it():
    """n8n knows whole milliseconds of a start: what is called may begin as its caller does, or end
    a little later."""
    node, part = {"calls": "part"}, {"called_as": "part"}
    tree, _ = run(
        root(),
        row("before", "root", (0, 21), hints=node),
        row("agent", "root", (20, 60), hints=node),
        row("model", "root", (20, 30), hints=part),
        row("tool", "root", (31, 61), hints=part | {"calls": "workflow"}),
        row("workflow", "root", (33, 50), hints={"called_as": "workflow", "folded": True}),
        row("step", "workflow", (34, 40)),
        row("other tool", "root", (32, 35), hints=part),
        row("after", "root", (70, 80), hints=part),
    )
    assert shape(tree) == [
        ("before", 0, ""), ("agent", 0, ""), ("model", 1, ""), ("tool", 1, ""), ("step", 2, ""),
        ("other tool", 1, ""), ("after", 0, ""),
    ]  # fmt: skip


def test_a_call_over_a_network_is_not_where_a_run_failed():
    failed = {"told_status": "failed"}
    steps = (
        row("chat", "root", (1, 90), kind="llm", error="overloaded", **failed),
        row("POST", "chat", (2, 80), kind="http-request", hints={"transport": True}, **failed),
    )
    _, outcome = run(root(**failed), *steps)
    assert outcome.failed_row is not None and outcome.failed_row.source_id == "chat"
    _, alone = run(root(**failed), row("POST", "root", hints={"transport": True}, **failed))
    assert alone.failed_row is not None and alone.failed_row.source_id == "POST"
