"""What a person expects to see of two real captures of OpenLLMetry: the Traceloop SDK's decorators,
and LangGraph."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.runs.recording.captured import as_read
from tests.runs.recording.console import Console, titles_and_passes

pytestmark = pytest.mark.django_db


@pytest.fixture
def decorated(record: Callable[..., Any], read_key: str) -> Console:
    record("traceloop-sdk")
    return Console(read_key)


@pytest.fixture
def graph(record: Callable[..., Any], read_key: str) -> Console:
    record("langgraph-openllmetry")
    return Console(read_key)


def kinds(console: Console, run: dict[str, Any]) -> list[str]:
    return [step["kind"] for step in console.steps(run)]


def test_decorated_runs(decorated: Console) -> None:
    runs = decorated.runs()
    assert [run["status"] for run in runs] == ["succeeded", "succeeded", "failed", "failed"]
    assert {run["app"]["name"] for run in runs} == {"support-bot"}
    assert {run["app"]["mode"] for run in runs} == {"workflow"}
    assert {run["name"] for run in runs} == {"support_ticket"}
    # The workflow's own version, not a task's, nor the program's.
    assert {run["version"]["label"] for run in runs} == {"3"}
    assert [run["conversation"]["source_id"] for run in runs] == [
        "sess-0", "sess-1", "sess-2", "sess-3",
    ]  # fmt: skip
    assert {run["user"] for run in runs} == {"user-7"}
    versions = decorated.get("/apps/support-bot.json")["versions"]
    assert [version["label"] for version in versions] == ["3"]


def test_decorated_tracing(decorated: Console) -> None:
    refund, question = decorated.runs()[:2]
    # The workflow's span is the run, no step of it.
    assert titles_and_passes(decorated.steps(refund)) == [
        ("classify", 0, []), ("openai.chat", 1, []), ("refund_agent", 0, []),
        ("lookup_order", 1, []),
    ]  # fmt: skip
    assert kinds(decorated, refund) == ["task", "llm", "agent", "tool"]
    assert titles_and_passes(decorated.steps(question)) == [
        ("classify", 0, []), ("openai.chat", 1, []), ("draft", 0, [0]), ("openai.chat", 1, [0]),
        ("review", 0, [0]), ("draft", 0, [1]), ("openai.chat", 1, [1]), ("review", 0, [1]),
    ]  # fmt: skip
    assert (question["steps"], question["iterations"]) == (8, 2)


def test_decorated_values(decorated: Console) -> None:
    refund, question = decorated.runs()[:2]
    whole = decorated.get(f"/runs/{refund['id']}.json")
    assert whole["inputs"] == ["please refund", "A-17"] and whole["outputs"] == "refunded 49.9"
    assert question["output_preview"] == "We open at nine. 天气晴。"
    classify = decorated.step(refund, "classify")
    assert (classify["inputs"], classify["outputs"]) == ("please refund", "refund")
    tool = decorated.step(refund, "lookup_order")
    assert tool["inputs"] == "A-17"
    assert tool["outputs"] == {"order_id": "A-17", "amount": 49.9}
    assert decorated.step(question, "review", 1)["outputs"] is True
    call = decorated.step(refund, "openai.chat")
    assert [(m["role"], m["content"]) for m in as_read(call["inputs"])["messages"]] == [
        ("system", "Classify"), ("user", "please refund"),
    ]  # fmt: skip
    assert as_read(call["outputs"])["messages"][0]["content"] == "refund"
    # Nothing that was sent is lost.
    attributes = classify["attributes"]
    assert attributes["traceloop.entity.version"] == 2
    assert attributes["traceloop.association.properties.tenant"] == "acme"
    assert "traceloop.entity.input" not in attributes


def test_decorated_usage(decorated: Console) -> None:
    refund, question = decorated.runs()[:2]
    assert refund["tokens"] == {
        "input": 12, "output": 14, "cached": 4, "reasoning": 3, "total": 26,
    }  # fmt: skip
    assert question["tokens"]["total"] == 28 + 27 + 27
    assert refund["cost"]["state"] == "priced" and Decimal(refund["cost"]["amount"]) > 0
    assert refund["api_calls"] == {"model": 1, "tool": 1, "http": 0}


def test_decorated_failures(decorated: Console) -> None:
    crash, limit = decorated.runs()[2:]
    assert crash["error"] == "order A-404 not found in the warehouse database"
    assert crash["failed_node"]["title"] == "lookup_order"
    statuses = [(step["title"], step["status"]) for step in decorated.steps(crash)]
    assert statuses[2:] == [("refund_agent", "failed"), ("lookup_order", "failed")]
    assert limit["error"] == "Error code: 429 - Rate limit reached (fake)"
    assert limit["failed_node"]["title"] == "openai.chat"
    call = decorated.step(limit, "openai.chat")
    assert call["error"] == limit["error"] and call["model"] == "gpt-4o-mini"


def test_graph_runs(graph: Console) -> None:
    runs = graph.runs()
    assert [run["status"] for run in runs] == [
        "succeeded", "succeeded", "failed", "failed", "succeeded", "succeeded",
    ]  # fmt: skip
    assert {run["app"]["name"] for run in runs} == {"support"}
    assert {run["app"]["mode"] for run in runs} == {"workflow"}
    assert {run["name"] for run in runs} == {"support_ticket"}
    assert {run["version"]["label"] for run in runs} == {"1.4.2"}
    assert [run["conversation"]["source_id"] for run in runs] == [
        "sess-1", "sess-1", "sess-2", "sess-2", "thread-9", "thread-9",
    ]  # fmt: skip
    assert runs[0]["tags"] == ["cfg-tag"] and runs[4]["tags"] == []
    assert [run["error"] and run["error"][:20] for run in runs[2:4]] == [
        "order A-404 not foun", "Recursion limit of 3",
    ]  # fmt: skip
    assert runs[2]["failed_node"]["title"] == "lookup_order"
    assert runs[0]["input_preview"] == "Please refund order A-17"
    assert runs[0]["output_preview"] == "I have refunded 49.90 for order A-17."


def test_graph_tracing(graph: Console) -> None:
    refund = graph.runs()[0]
    steps = graph.steps(refund)
    # RunnableSequence and ChatPromptTemplate are wrappers; the model call below them is not.
    assert titles_and_passes(steps) == [
        ("classify", 0, []), ("ScriptedChat", 1, []), ("route", 1, []),
        ("agent", 0, [0]), ("ScriptedChat", 1, [0]), ("tools_condition", 1, [0]),
        ("tools", 0, [0]), ("lookup_order", 1, [0]),
        ("agent", 0, [1]), ("ScriptedChat", 1, [1]), ("tools_condition", 1, [1]),
        ("tools", 0, [1]), ("issue_refund", 1, [1]),
        ("agent", 0, [2]), ("ScriptedChat", 1, [2]), ("tools_condition", 1, [2]),
        ("finish", 0, []),
    ]  # fmt: skip
    assert kinds(graph, refund)[:8] == [
        "task", "llm", "branch", "task", "llm", "branch", "task", "tool",
    ]  # fmt: skip
    assert [step["taken"] for step in steps if step["kind"] == "branch"] == [
        "agent", "tools", "tools", "__end__",
    ]  # fmt: skip
    assert {step["node_id"] for step in steps if step["depth"] == 0} == {
        "classify", "agent", "tools", "finish",
    }  # fmt: skip


def test_graph_fan_out_and_pause(graph: Console) -> None:
    runs = graph.runs()
    top = [step for step in graph.steps(runs[1]) if step["depth"] == 0]
    assert [(step["node_id"], step["iteration"]) for step in top] == [
        ("classify", []), ("plan", []), ("retrieve", [0]), ("retrieve", [1]), ("retrieve", [2]),
        ("draft", [0]), ("review", [0]), ("draft", [1]), ("review", [1]), ("approve", []),
        ("finish", []),
    ]  # fmt: skip
    assert graph.step(runs[1], "fan")["taken"] == "retrieve"
    assert graph.step(runs[1], "retrieve", 1)["inputs"]["docs"] == ["manual"]
    waiting = graph.steps(runs[4])[-1]
    assert (waiting["title"], waiting["status"], waiting["error"]) == ("approve", "paused", None)
    assert [step["title"] for step in graph.steps(runs[5])] == ["approve", "finish"]


def test_graph_values(graph: Console) -> None:
    refund = graph.runs()[0]
    whole = graph.get(f"/runs/{refund['id']}.json")
    assert whole["inputs"] == {"question": "Please refund order A-17"}
    tool = graph.step(refund, "lookup_order")
    assert tool["inputs"] == {"order_id": "A-17"}
    assert (tool["outputs"]["status"], tool["outputs"]["amount"]) == ("shipped", 49.9)
    # What LangChain wrapped around the value is kept, without the value.
    attributes = tool["attributes"]
    assert attributes["traceloop.entity.input"]["tags"] == ["seq:step:1", "cfg-tag"]
    assert "gen_ai.tool.call.arguments" not in attributes
    call = graph.step(refund, "ScriptedChat", 1)
    assert (call["model"], call["provider"]) == ("gpt-4o-2024-07-18", "openai")
    tool_call = as_read(call["outputs"])["messages"][-1]["tool_calls"][0]
    assert (tool_call["name"], tool_call["arguments"]) == ("lookup_order", {"order_id": "A-17"})


def test_graph_usage(graph: Console) -> None:
    runs = graph.runs()
    assert runs[0]["tokens"]["total"] == 17 + 24 + 35 + 36
    assert runs[0]["tokens"]["cached"] == 4 * 2
    assert runs[0]["api_calls"] == {"model": 4, "tool": 2, "http": 0}


def test_graph_edges(graph: Console) -> None:
    drawn = graph.get("/apps/support/graph.json")
    edges = {(edge["source"], edge["target"]) for edge in drawn["edges"]}
    assert {("classify", "agent"), ("agent", "tools"), ("tools", "agent"), ("review", "draft"),
            ("review", "approve")} <= edges  # fmt: skip
