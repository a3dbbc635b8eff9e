"""The capture langgraph-openinference: six runs of one graph."""

import json
from decimal import Decimal

import pytest

from runs.recording.records.record import NodeRecord, Usage
from tests.runs.recording.captured import as_read, captured_traces, exception_event, read_record


@pytest.fixture(scope="module")
def runs() -> list[list[NodeRecord]]:
    return captured_traces("langgraph-openinference")


def node_ids(run: list[NodeRecord]) -> list[str | None]:
    return [step.node_id for step in run if step.node_id]


def test_facts_about_the_runs(runs: list[list[NodeRecord]]) -> None:
    assert [len(run) for run in runs] == [20, 23, 11, 11, 22, 3]
    for run in runs:
        root = run[0]
        assert (root.kind, root.title, root.is_run) == ("chain", "support_ticket", True)
        assert sum(step.is_run for step in run) == 1
        assert {step.service for step in run} == {"support"}  # not service.name
        assert root.run.name == "support_ticket"
        assert root.run.version == "1.4.2"
        assert root.run.environment == "staging"
        assert root.run.mode is None
    assert [run[0].run.user for run in runs] == ["user-7"] * 4 + [None] * 2
    assert [run[0].run.tags for run in runs] == [("beta", "web")] * 4 + [()] * 2
    conversations = [run[0].run.conversation for run in runs]
    assert conversations == ["sess-1", "sess-1", "sess-2", "sess-2", "thread-9", "thread-9"]


def test_nodes_in_order_with_their_loops(runs: list[list[NodeRecord]]) -> None:
    assert node_ids(runs[0]) == ["classify", "agent", "tools", "agent", "tools", "agent", "finish"]
    assert node_ids(runs[1])[:2] == ["classify", "plan"]
    assert node_ids(runs[1])[5:] == ["draft", "review", "draft", "review", "approve", "finish"]
    assert node_ids(runs[5]) == ["approve", "finish"]  # resumed


def test_items_of_a_fan_out_have_an_index(runs: list[list[NodeRecord]]) -> None:
    items = [step for step in runs[1] if step.node_id == "retrieve"]
    assert [step.fan_out_index for step in items] == [0, 1, 2]
    assert [step.inputs["docs"] for step in items] == [["faq"], ["manual"], ["forum"]]
    assert all(step.fan_out_index is None for step in runs[0])


def test_functions_that_choose_the_next_node_are_branches(runs: list[list[NodeRecord]]) -> None:
    branches = [(step.title, step.taken) for step in runs[0] if step.kind == "branch"]
    assert branches == [
        ("route", "agent"),
        ("tools_condition", "tools"),
        ("tools_condition", "tools"),
        ("tools_condition", "__end__"),
    ]
    branches = [(step.title, step.taken) for step in runs[1] if step.kind == "branch"]
    assert branches == [("route", "plan"), ("fan", "retrieve"), ("ok", "draft"), ("ok", "approve")]
    assert all(step.node_id is None for step in runs[0] if step.kind == "branch")


def test_kinds_and_models(runs: list[list[NodeRecord]]) -> None:
    kinds = [step.kind for step in runs[0]]
    assert kinds.count("llm") == 4
    assert kinds.count("tool") == 2
    assert kinds.count("prompt") == 1
    assert kinds.count("agent") == 3
    llm = [step for step in runs[0] if step.kind == "llm"]
    assert {step.model for step in llm} == {"gpt-4o-mini-2024-07-18", "gpt-4o-2024-07-18"}
    assert {step.provider for step in llm} == {"openai"}
    assert llm[0].usage == Usage(input=16, output=1, total=17)
    assert sum(step.usage.total or 0 for step in llm if step.usage) == 17 + 24 + 35 + 36
    assert not any(step.usage for step in runs[0] if step.kind != "llm")


def test_a_model_call_is_shown_as_messages(runs: list[list[NodeRecord]]) -> None:
    last = [step for step in runs[0] if step.kind == "llm"][-1]
    lookup = {"id": "call_1", "name": "lookup_order", "arguments": {"order_id": "A-17"}}
    assert as_read(last.inputs)["messages"][:3] == [
        {"role": "system", "content": "You handle refunds."},
        {"role": "user", "content": "Please refund order A-17"},
        {"role": "assistant", "content": "", "tool_calls": [lookup]},
    ]
    answer = as_read(last.inputs)["messages"][3]
    assert (answer["role"], answer["name"]) == ("tool", "lookup_order")
    assert answer["tool_call_id"] == "call_1"
    assert last.inputs["tools"] == ["lookup_order", "issue_refund"]
    assert last.inputs["parameters"]["temperature"] == 0.2
    assert "tools" not in last.inputs["parameters"]
    assert last.outputs == {
        "messages": [{"role": "assistant", "content": "I have refunded 49.90 for order A-17."}]
    }


def test_a_tool_is_shown_as_arguments_and_result(runs: list[list[NodeRecord]]) -> None:
    lookup, refund = [step for step in runs[0] if step.kind == "tool"]
    assert (lookup.title, lookup.inputs) == ("lookup_order", "A-17")
    assert lookup.outputs["items"] == ["天气 radio", "USB cable"]
    assert refund.inputs == {"order_id": "A-17", "amount": 49.9}
    assert refund.outputs == "refund of 49.9 for A-17 accepted"


def test_a_failure_keeps_error_and_stack_trace(runs: list[list[NodeRecord]]) -> None:
    failed = [step for step in runs[2] if step.status == "failed"]
    assert [step.title for step in failed] == ["support_ticket", "tools", "lookup_order"]
    for step in failed:
        assert step.error == "order A-404 not found in the warehouse database"
        assert step.error_type == "ValueError"
        assert "Traceback" in step.received["events"][0]["attributes"]["exception.stacktrace"]
    root = runs[3][0]
    assert root.status == "failed"
    assert root.error_type == "langgraph.errors.GraphRecursionError"
    assert root.error is not None and root.error.startswith("Recursion limit of 3 reached")
    assert [step for step in runs[3] if step.status == "failed"] == [root]


def test_an_interrupt_is_a_pause_not_a_failure(runs: list[list[NodeRecord]]) -> None:
    paused = [step for step in runs[4] if step.status == "paused"]
    assert [step.title for step in paused] == ["approve"]
    assert paused[0].error is None
    assert {step.status for step in runs[4] if step not in paused} == {"succeeded"}


def test_an_interrupt_sent_as_an_error_is_a_pause_too() -> None:
    interrupt = exception_event("langgraph.errors.GraphInterrupt", "(Interrupt(…),)")
    assert read_record(status="error", events=[interrupt]).status == "paused"
    assert read_record({"error.type": "GraphInterrupt"}, status="error").status == "paused"


def inner_step(metadata: str, **attributes: str) -> NodeRecord:
    sent = {"openinference.span.kind": "CHAIN", "metadata": metadata}
    sent |= {name.replace("_", "."): value for name, value in attributes.items()}
    return read_record(sent, parent_span_id="c" * 16, name="inner")


def test_only_a_bare_name_is_a_choice() -> None:
    node = '{"langgraph_node": "classify"}'
    assert inner_step(node, output_value="refund").kind == "branch"
    assert inner_step(node, output_value="I would say: refund").kind == "chain"
    # A parser inside the node has a checkpoint of its own, and its text is a value.
    inside = '{"langgraph_node": "classify", "checkpoint_ns": "classify:1"}'
    assert inner_step(inside, output_value="refund").kind == "chain"
    assert inner_step("{}", output_value="refund").kind == "chain"


def test_the_thread_is_the_conversation_unless_a_session_is_sent() -> None:
    assert inner_step('{"thread_id": "t1"}').run.conversation == "t1"
    assert inner_step('{"thread_id": "t1"}', session_id="s1").run.conversation == "s1"


def test_only_a_reported_cost_is_kept(runs: list[list[NodeRecord]]) -> None:
    assert not any(step.cost for run in runs for step in run)
    priced = read_record({"openinference.span.kind": "LLM", "llm.cost.total": 0.1})
    assert priced.cost is not None and priced.cost.amount == Decimal("0.1")


@pytest.mark.parametrize(
    ("namespace", "node_id"),
    [
        ("search:1b-2", "search"),
        ("docs:3c-4|search:1b-2", "docs/search"),
        ("web:3c-4|1|search:1b-2", "web/search"),  # the second call of the subgraph
        ("", "search"),
    ],
)
def test_nodes_of_subgraphs_have_ids_of_their_own(namespace: str, node_id: str) -> None:
    metadata = {"langgraph_node": "search", "langgraph_checkpoint_ns": namespace}
    attributes = {"openinference.span.kind": "CHAIN", "metadata": json.dumps(metadata)}
    step = read_record(attributes, name="search", parent_span_id="c" * 16)
    assert (step.node_id, step.title) == (node_id, "search")
    chosen = attributes | {"output.value": "search"}
    branch = read_record(chosen, name="route", parent_span_id="c" * 16)
    assert branch.taken == node_id


def test_an_unnamed_router_in_javascript_is_a_branch() -> None:
    """Its metadata is that of the node; what it returns is wrapped."""
    metadata = {"langgraph_node": "split", "checkpoint_ns": "split:1b-2"}
    send = {"lg_name": "Send", "node": "inspect", "args": {"part": "glass"}}
    attributes = {
        "openinference.span.kind": "CHAIN", "metadata": json.dumps(metadata),
        "output.value": json.dumps({"output": [send]}, separators=(",", ":")),
        "output.mime_type": "application/json",
    }  # fmt: skip
    step = read_record(attributes, name="RunnableLambda", parent_span_id="c" * 16)
    assert (step.kind, step.title, step.taken) == ("branch", "branch", "inspect")
