"""What a person expects to see of Langfuse's SDK: three tickets through a LangGraph inside a traced
function, sent to the path that the SDK uses."""

from typing import Any

import pytest
from django.test import Client

from tests.conftest import PROTOBUF, capture
from tests.runs.recording.captured import as_read
from tests.runs.recording.console import Console, titles_and_passes

pytestmark = pytest.mark.django_db
ENDPOINT = "/api/public/otel/v1/traces"


@pytest.fixture
def console(ingest_key: str, read_key: str) -> Console:
    for body in capture("langfuse"):
        headers = {"x-api-key": ingest_key}
        response = Client().post(ENDPOINT, body, content_type=PROTOBUF, headers=headers)
        assert response.status_code == 200, response.content[:200]
    return Console(read_key)


def test_the_runs(console: Console) -> None:
    runs = console.runs()
    assert [run["status"] for run in runs] == ["succeeded", "succeeded", "failed"]
    # The name of the trace is the run's and, without a service name, the app's.
    assert {run["app"]["name"] for run in runs} == {"support-ticket"}
    assert {run["name"] for run in runs} == {"support-ticket"}
    assert {run["version"]["label"] for run in runs} == {"1.4.2"}
    assert {run["environment"] for run in runs} == {"staging"}
    assert {run["user"] for run in runs} == {"user-7"}
    assert [run["conversation"]["source_id"] for run in runs] == ["sess-1", "sess-1", "sess-2"]
    assert runs[0]["tags"] == ["beta", "web"]
    assert "Please refund order A-17" in runs[0]["input_preview"]
    assert runs[0]["output_preview"] == "I have refunded 49.90 for order A-17."
    assert runs[2]["error"] == "order A-404 not found in the warehouse database"
    assert runs[2]["failed_node"]["title"] == "lookup_order"


def test_tokens_and_cost(console: Console) -> None:
    runs = console.runs()
    # `input` is sent without tokens from the cache: 16 + 12 + 23 + 29, and 10 + 3 by hand.
    assert runs[0]["tokens"] == {
        "input": 93, "output": 34, "cached": 11, "reasoning": 12, "total": 127,
    }  # fmt: skip
    assert runs[0]["tokens"]["total"] == 17 + 24 + 35 + 36 + 15
    assert runs[0]["api_calls"] == {"model": 5, "tool": 2, "http": 0}
    summary = console.step(runs[0], "summarise")
    assert summary["cost"] == {"amount": "0.00003", "currency": "USD", "state": "priced"}
    assert summary["tokens"]["cached"] == 3


def test_the_tree(console: Console) -> None:
    refund, question, _ = console.runs()
    steps = console.steps(refund)
    assert titles_and_passes([step for step in steps if step["depth"] == 0]) == [
        ("retrieve-docs", 0, []), ("guard", 0, []), ("support_ticket", 0, []),
        ("summarise", 0, []),
    ]  # fmt: skip
    assert [(step["node_id"], step["iteration"]) for step in steps if step["depth"] == 1] == [
        ("classify", []), ("agent", [0]), ("tools", [0]), ("agent", [1]), ("tools", [1]),
        ("agent", [2]), ("finish", []),
    ]  # fmt: skip
    # Sequences and templates are wrappers: the model call is below its node.
    assert [step["title"] for step in steps if step["depth"] == 2][:2] == ["ScriptedChat", "route"]
    assert not {"RunnableSequence", "ChatPromptTemplate"} & {step["title"] for step in steps}
    steps = console.steps(question)
    assert [(step["node_id"], step["iteration"]) for step in steps if step["depth"] == 1] == [
        ("classify", []), ("plan", []), ("retrieve", [0]), ("retrieve", [1]), ("retrieve", [2]),
        ("draft", [0]), ("review", [0]), ("draft", [1]), ("review", [1]), ("approve", []),
        ("finish", []),
    ]  # fmt: skip
    taken = [(step["title"], step["taken"]) for step in steps if step["taken"]]
    assert taken == [("route", "plan"), ("fan", "retrieve"), ("ok", "draft"), ("ok", "approve")]


def kinds(steps: list[dict[str, Any]]) -> dict[str, str]:
    return {step["title"]: step["kind"] for step in steps}


def test_kinds_and_statuses(console: Console) -> None:
    refund, _, crash = console.runs()
    assert kinds(console.steps(refund)) == {
        "retrieve-docs": "retriever", "guard": "guardrail", "support_ticket": "chain",
        "classify": "chain", "ScriptedChat": "llm", "route": "branch", "agent": "agent",
        "tools_condition": "branch", "tools": "chain", "lookup_order": "tool",
        "issue_refund": "tool", "finish": "chain", "summarise": "llm",
    }  # fmt: skip
    failed = [step["title"] for step in console.steps(crash) if step["status"] == "failed"]
    assert failed == ["support_ticket", "tools", "lookup_order"]


def test_values(console: Console) -> None:
    run = console.runs()[0]
    call = console.step(run, "ScriptedChat", 1)
    assert call["model"] == "gpt-4o-2024-07-18"
    assert call["inputs"]["parameters"] == {"temperature": 0.2}
    assert [message["role"] for message in call["messages"]] == ["system", "user", "assistant"]
    called = as_read(call["outputs"])["messages"][0]["tool_calls"][0]
    assert (called["name"], called["arguments"]) == ("lookup_order", {"order_id": "A-17"})
    tool = console.step(run, "lookup_order")
    assert tool["inputs"] == {"order_id": "A-17"}
    assert tool["outputs"]["items"] == ["天气 radio", "USB cable"]
    assert console.step(run, "retrieve-docs")["outputs"] == ["doc1", "doc2"]
    guard = console.step(run, "guard")
    assert (guard["status"], guard["error"]) == ("succeeded", "borderline")
    whole = console.get(f"/runs/{run['id']}.json")
    assert whole["inputs"] == {"args": ["Please refund order A-17", "sess-1"], "kwargs": {}}
    assert whole["outputs"] == "I have refunded 49.90 for order A-17."
