"""What a person expects to see of Haystack's pipelines: a loop of a validator, and a crash."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.runs.recording.captured import as_read
from tests.runs.recording.console import Console, titles_and_passes

pytestmark = pytest.mark.django_db


@pytest.fixture
def console(record: Callable[..., Any], read_key: str) -> Console:
    record("haystack-native")
    return Console(read_key)


def test_the_runs(console: Console) -> None:
    good, crash = console.runs()
    assert (good["app"]["name"], good["name"], good["version"]["label"]) == (
        "haystack-rag", "rag-loop", "3.0",
    )  # fmt: skip
    assert (good["status"], good["error"], good["steps"], good["iterations"]) == (
        "succeeded", None, 10, 2,
    )  # fmt: skip
    assert (good["input_preview"], good["output_preview"]) == (
        "when do you open?", "We open at nine. 天气晴。",
    )  # fmt: skip
    # The validator gets the answers with their usage, which is not counted again.
    assert good["tokens"] == {
        "input": 31, "output": 28, "cached": 8, "reasoning": 6, "total": 59,
    }  # fmt: skip
    assert good["cost"]["state"] == "priced" and good["api_calls"]["model"] == 2
    assert (crash["name"], crash["status"]) == ("rag-loop", "failed")
    assert crash["failed_node"]["node_id"] == "boom"
    assert "vector index is corrupt" in crash["error"] and "'boom'" in crash["error"]
    assert crash["tokens"]["total"] == 0 and crash["cost"]["state"] == "free"


def test_the_components_in_their_iterations(console: Console) -> None:
    good, crash = console.runs()
    steps = console.steps(good)
    assert titles_and_passes(steps) == [
        ("router", 0, []), ("joiner", 0, [0]), ("retriever", 0, []), ("prompt", 0, [0]),
        ("llm", 0, [0]), ("validator", 0, [0]), ("joiner", 0, [1]), ("prompt", 0, [1]),
        ("llm", 0, [1]), ("validator", 0, [1]),
    ]  # fmt: skip
    assert [step["kind"] for step in steps][:6] == [
        "branch", "joiner", "retriever", "prompt", "llm", "task",
    ]  # fmt: skip
    assert [(step["title"], step["taken"]) for step in steps if step["taken"]] == [
        ("router", "general"), ("validator", "retry"), ("validator", "good"),
    ]  # fmt: skip
    failed = console.steps(crash)
    assert [(step["title"], step["status"]) for step in failed] == [
        ("router", "succeeded"), ("boom", "failed"),
    ]  # fmt: skip
    assert failed[0]["taken"] == "refund"


def test_values(console: Console) -> None:
    good, crash = console.runs()
    call = console.step(good, "llm", 1)
    assert call["model"] == "gpt-4o-mini-2024-07-18"
    assert as_read(call["inputs"])["messages"] == [
        {"role": "user", "content": "Answer too short, try again with "}
    ]
    assert as_read(call["outputs"])["messages"][0]["content"] == "We open at nine. 天气晴。"
    assert [message["role"] for message in call["messages"]] == ["user", "assistant"]
    assert console.step(good, "retriever")["outputs"] == {"documents": []}
    assert console.step(good, "validator")["outputs"] == {"retry": "too short, try again"}
    boom = console.step(crash, "boom")
    assert boom["inputs"] == {"q": "refund please"} and boom["error"] == crash["error"]
    # The other attributes are kept: the sockets and their senders.
    assert "haystack.component.input_spec" in str(boom["attributes"])


def test_the_graph(console: Console) -> None:
    graph = console.get("/apps/haystack-rag/graph.json")
    edges = {(edge["source"], edge["target"]): edge["handle"] for edge in graph["edges"]}
    assert edges["router", "boom"] == "refund" and edges["router", "joiner"] == "general"
    assert edges["validator", "joiner"] == "retry"
    assert {("prompt", "llm"), ("llm", "validator"), ("retriever", "prompt")} <= set(edges)
    assert ("router", "retriever") in edges
    assert ("joiner", "retriever") not in edges
    assert console.get("/apps/haystack-rag/nodes/llm/last-run.json")["title"] == "llm"


def agent_in_a_pipeline() -> dict[str, Any]:
    """A request to a web service that runs a pipeline with an agent of two steps."""
    spans: list[dict[str, Any]] = []

    def add(number: int, parent: int, name: str, **attributes: Any) -> None:
        values = [
            {
                "key": f"haystack.{key.replace('__', '.')}",
                "value": {"intValue": value} if isinstance(value, int) else {"stringValue": value},
            }
            for key, value in attributes.items()
        ]
        spans.append(
            {
                "traceId": "ab" * 16,
                "spanId": f"{number:016x}",
                "parentSpanId": f"{parent:016x}" if parent else "",
                "name": name,
                "startTimeUnixNano": str((1_760_000_000_000 + number) * 1_000_000),
                "endTimeUnixNano": str((1_760_000_000_100 - number) * 1_000_000),
                "attributes": values,
            }
        )

    add(1, 0, "POST /ask")
    add(2, 1, "haystack.pipeline.run", pipeline__input_data='{"agent": {"q": "hi"}}')
    add(3, 2, "haystack.component.run", component__name="helper", component__type="Agent")
    add(4, 3, "haystack.agent.run", agent__input='{"messages": []}')
    for step, number in enumerate((5, 8)):
        add(number, 4, "haystack.agent.step", agent__step=step)
        add(number + 1, number, "haystack.agent.step.llm")
        add(number + 2, number, "haystack.agent.step.tool", tool__name="lookup")
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "helpdesk"}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}


def test_an_agent_in_a_pipeline(ingest_key: str, read_key: str) -> None:
    headers = {"x-api-key": ingest_key}
    body = agent_in_a_pipeline()
    response = Client().post("/v1/traces", body, content_type="application/json", headers=headers)
    assert response.status_code == 200
    console = Console(read_key)
    (run,) = console.runs()
    # The request, the pipeline and the agent's own span are no steps of their own.
    assert titles_and_passes(console.steps(run)) == [
        ("helper", 0, []), ("llm", 1, [0]), ("lookup", 1, [0]), ("llm", 1, [1]),
        ("lookup", 1, [1]),
    ]  # fmt: skip
    assert run["input_preview"] == "hi" and run["api_calls"]["tool"] == 2
