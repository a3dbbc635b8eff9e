"""The capture pydantic-ai: three tickets; and its first generation."""

from decimal import Decimal
from typing import Any

import pytest

from runs.recording.records.record import Cost, NodeRecord, Usage
from tests.runs.recording.captured import as_read, captured_traces, read_record

NOT_FOUND = "order A-404 not found in the warehouse database"


@pytest.fixture(scope="module")
def tickets() -> list[list[NodeRecord]]:
    return captured_traces("pydantic-ai")


def test_pydantic_runs(tickets: list[list[NodeRecord]]) -> None:
    roots = [run[0] for run in tickets]
    assert [(root.kind, root.title, root.is_run) for root in roots] == [
        ("span", "handle_ticket", True)
    ] * 3
    assert {root.service for root in roots} == {"support-bot"}
    assert {root.run.version for root in roots} == {"1.4.2"}
    assert {root.run.user for root in roots} == {"user-7"}
    assert [root.run.conversation for root in roots] == ["conv-1", "conv-1", "conv-2"]
    assert [root.status for root in roots] == ["succeeded", "succeeded", "failed"]


def test_pydantic_agents_show_question_and_result(tickets: list[list[NodeRecord]]) -> None:
    agents = [(s.title, s.inputs, s.outputs) for s in tickets[0] if s.kind == "agent"]
    assert agents == [
        ("triage", "please refund order A-17", {"category": "refund", "order_id": "A-17"}),
        ("refund_agent", "please refund order A-17 (order A-17)", "Refunded 49.90 for A-17."),
        ("notifier", "refund on its way 天气", "sent"),
    ]
    # The sums on the agent repeat the calls below it.
    assert all(step.usage is None and step.cost is None for step in tickets[0] if not step.model)


def test_pydantic_model_calls(tickets: list[list[NodeRecord]]) -> None:
    llm = [step for step in tickets[0] if step.kind == "llm"]
    assert [step.model for step in llm] == [
        "gpt-4o-mini",
        "claude-sonnet-4-5",
        "claude-sonnet-4-5",
        "test",
        "claude-sonnet-4-5",
    ]
    assert llm[0].usage == Usage(input=55, output=12, cached=10, total=67)
    assert llm[0].cost == Cost(Decimal("0.0000147"))
    assert sum(step.cost.amount for step in llm if step.cost) == Decimal("0.0016347")
    assert llm[3].cost is None
    call = as_read(llm[0].outputs)["messages"][0]["tool_calls"][0]
    assert (call["name"], call["arguments"]) == (
        "final_result",
        {"category": "refund", "order_id": "A-17"},
    )


def test_pydantic_messages(tickets: list[list[NodeRecord]]) -> None:
    last = [step for step in tickets[0] if step.kind == "llm"][-1]
    messages = as_read(last.inputs)["messages"]
    roles = [message["role"] for message in messages]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "tool", "tool"]
    assert messages[0]["content"] == "You handle refunds."
    assert messages[2]["content"] == [{"type": "reasoning", "text": "look it up first"}]
    assert messages[2]["tool_calls"][0]["arguments"] == {"order_id": "bad-id"}
    assert messages[3]["name"] == "lookup_order"
    assert messages[3]["content"] == "no such order id, use the form A-NN"
    assert messages[3]["tool_call_id"] == messages[2]["tool_calls"][0]["id"]
    assert last.inputs["tools"] == ["lookup_order", "issue_refund", "notify_user"]
    reply = {"role": "assistant", "content": "Refunded 49.90 for A-17."}
    assert as_read(last.outputs) == {"messages": [reply]}


def test_pydantic_tools_and_the_retried_one(tickets: list[list[NodeRecord]]) -> None:
    tools = [step for step in tickets[0] if step.kind == "tool"]
    assert [step.title for step in tools] == ["lookup_order", "issue_refund", "notify_user"]
    assert [step.status for step in tools] == ["retry", "succeeded", "succeeded"]
    assert tools[0].attempt == 1
    assert tools[0].error == "no such order id, use the form A-NN"
    assert tools[1].inputs == {"order_id": "A-17", "amount": 49.9}
    assert tools[1].outputs == "accepted"
    [search] = [step for step in tickets[1] if step.kind == "tool"]
    assert search.outputs == ["opening hours: 9-17"]


def test_pydantic_crash(tickets: list[list[NodeRecord]]) -> None:
    failed = [step for step in tickets[2] if step.status == "failed"]
    assert [step.title for step in failed] == ["handle_ticket", "refund_agent", "lookup_order"]
    assert {(step.error, step.error_type) for step in failed} == {(NOT_FOUND, "RuntimeError")}


@pytest.mark.parametrize(
    ("attempt", "limit", "status"), [(1, 1, "retry"), (2, 1, "failed"), (1, None, "retry")]
)
def test_after_the_last_attempt_a_tool_has_failed(
    attempt: int, limit: int | None, status: str
) -> None:
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "execute_tool",
        "pydantic_ai.tool.retry.cause": "model_retry",
        "pydantic_ai.tool.retry.attempt": attempt,
    }
    if limit is not None:
        attributes["pydantic_ai.tool.retry.max_retries"] = limit
    record = read_record(attributes, status="error", scope="pydantic-ai 2.68.0")
    assert (record.status, record.attempt) == (status, attempt)


def test_the_names_of_the_first_generation() -> None:
    attributes = {"agent_name": "triage", "model_name": "gpt-4o", "final_result": '{"ok": true}'}
    messages = '[{"event.name": "gen_ai.user.message", "role": "user", "content": "hi"}]'
    attributes["all_messages_events"] = messages
    agent = read_record(attributes, name="agent run", scope="pydantic-ai 0.4.0")
    assert (agent.kind, agent.title) == ("agent", "triage")
    assert (agent.inputs, agent.outputs) == ("hi", {"ok": True})
    attributes = {
        "gen_ai.tool.name": "lookup", "tool_arguments": '{"id": 7}', "tool_response": "found",
    }  # fmt: skip
    tool = read_record(
        attributes, name="running tool", scope="pydantic-ai 0.4.0", parent_span_id="c" * 16
    )
    assert (tool.kind, tool.title, tool.folded) == ("tool", "lookup", False)
    assert (tool.inputs, tool.outputs) == ({"id": 7}, "found")
    turn = read_record({"tools": ["lookup"]}, name="running 1 tool", scope="pydantic-ai 0.4.0")
    assert turn.folded
