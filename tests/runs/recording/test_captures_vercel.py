"""What a person expects to see of the Vercel AI SDK 7, sent as protobuf and as JSON."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.runs.recording.captured import CAPTURES, as_read
from tests.runs.recording.console import Console, titles_and_passes

pytestmark = pytest.mark.django_db

AS_JSON: Path = CAPTURES / "vercel-ai-v7-json-01.body.json"


@pytest.fixture(params=["protobuf", "json"])
def console(
    request: pytest.FixtureRequest, record: Callable[..., Any], ingest_key: str, read_key: str
) -> Console:
    if request.param == "protobuf":
        record("vercel-ai-v7")
    else:
        response = Client().post(
            "/v1/traces",
            AS_JSON.read_bytes(),
            content_type="application/json",
            headers={"x-api-key": ingest_key},
        )
        assert (response.status_code, response.content) == (200, b"{}")
    return Console(read_key)


def test_runs(console: Console) -> None:
    runs = console.runs()
    assert [run["name"] for run in runs] == ["ticket", "ticket", "ticket", "extract", "flaky"]
    assert [run["status"] for run in runs] == [
        "succeeded", "succeeded", "partial-succeeded", "failed", "failed",
    ]  # fmt: skip
    assert {run["app"]["name"] for run in runs} == {"support-web"}
    assert {run["app"]["mode"] for run in runs} == {"workflow"}
    assert {run["version"]["label"] for run in runs} == {"3.2.1"}
    assert (runs[0]["input_preview"], runs[0]["output_preview"]) == (
        "please refund A-17", "Refunded 49.90 for A-17",
    )  # fmt: skip
    assert runs[1]["output_preview"] == "We open at nine."


def test_tracing(console: Console) -> None:
    refund, question = console.runs()[:2]
    # The spans `step 1` … are wrappers.
    assert titles_and_passes(console.steps(refund)) == [
        ("classify", 0, []), ("chat gpt-4o-mini", 1, []), ("refund-agent", 0, []),
        ("chat gpt-4o-mini", 1, [0]), ("lookup_order", 1, []), ("chat gpt-4o-mini", 1, [1]),
        ("issue_refund", 1, []), ("chat gpt-4o-mini", 1, [2]),
    ]  # fmt: skip
    assert [step["kind"] for step in console.steps(refund)] == [
        "agent", "llm", "agent", "llm", "tool", "llm", "tool", "llm",
    ]  # fmt: skip
    assert [step["title"] for step in console.steps(question)] == [
        "classify", "chat gpt-4o-mini", "answer", "chat gpt-4o-mini",
    ]  # fmt: skip


def test_values(console: Console) -> None:
    refund = console.runs()[0]
    tool = console.step(refund, "lookup_order")
    assert tool["inputs"] == {"orderId": "A-17"}
    assert tool["outputs"] == {"orderId": "A-17", "amount": 49.9}
    assert console.step(refund, "issue_refund")["outputs"] == "accepted"
    call = console.step(refund, "chat gpt-4o-mini", 1)
    assert (call["model"], call["provider"]) == ("gpt-4o-mini-2024-07-18", "openai")
    assert call["inputs"]["tools"] == ["lookup_order", "issue_refund"]
    tool_call = as_read(call["outputs"])["messages"][0]["tool_calls"][0]
    assert (tool_call["name"], tool_call["arguments"]) == ("lookup_order", {"orderId": "A-17"})
    system = as_read(console.step(refund, "classify")["inputs"])["messages"][0]
    assert system == {"role": "system", "content": "Classify"}
    # The agent's calls and their results, then its answer.
    replies = as_read(console.step(refund, "refund-agent")["outputs"])["messages"]
    assert [message["role"] for message in replies] == ["assistant", "tool", "tool", "assistant"]
    assert [item["name"] for item in replies[0]["tool_calls"]] == ["lookup_order", "issue_refund"]
    assert replies[-1]["content"] == "Refunded 49.90 for A-17"


def test_usage_is_counted_once(console: Console) -> None:
    refund, question = console.runs()[:2]
    assert refund["tokens"] == {
        "input": 4 * 40, "output": 4 * 12, "cached": 4 * 4, "reasoning": 0, "total": 4 * 52,
    }  # fmt: skip
    assert question["tokens"]["total"] == 52 + 38
    assert refund["cost"]["state"] == "priced"
    assert refund["api_calls"] == {"model": 4, "tool": 2, "http": 0}


def test_a_tool_that_failed_and_an_agent_that_went_on(console: Console) -> None:
    handled = console.runs()[2]
    tool = console.step(handled, "lookup_order")
    assert (tool["status"], tool["inputs"]) == ("exception", {"orderId": "A-404"})
    assert tool["error"] == "order A-404 not found in the warehouse database"
    calls = [step for step in console.steps(handled) if step["kind"] == "llm"]
    assert [step["iteration"] for step in calls[1:]] == [[0], [1], [2]]
    assert handled["error"] is None and handled["failed_node"] is None


def test_failures(console: Console) -> None:
    extract, flaky = console.runs()[3:]
    assert extract["error"] == "No object generated: could not parse the response."
    # The model answered, but not with an object.
    call = console.step(extract, "chat gpt-4o-mini")
    assert call["status"] == "succeeded"
    assert as_read(call["outputs"])["messages"][0]["content"] == '{"bad":'
    assert flaky["error"] == "503 upstream (fake)"
    assert flaky["failed_node"]["title"] == "chat gpt-4o-mini"
    assert [step["title"] for step in console.steps(flaky)] == ["chat gpt-4o-mini"]
