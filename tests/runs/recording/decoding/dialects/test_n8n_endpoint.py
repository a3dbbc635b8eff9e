"""n8n through the OTLP endpoint: executions that wait, crash, fail; the app of a workflow."""

import json
from typing import Any

import pytest
from django.test import Client

from tests.runs.recording.console import Console

pytestmark = pytest.mark.django_db

START = 1_795_000_000_000_000_000
TRACE, LATER = "1" * 32, "2" * 32
ROOT, AGAIN = "a" * 16, "b" * 16
SECOND = 1_000_000_000


def span(
    span_id: str, name: str, values: dict[str, Any], at: int, status: int = 1, **more: Any
) -> dict[str, Any]:
    """Return a span that begins `at` seconds after the start and takes one second."""
    kinds = {str: "stringValue", bool: "boolValue", int: "intValue"}
    attributes = [
        {"key": key, "value": {kinds[type(value)]: value}} for key, value in values.items()
    ]
    return {
        "traceId": TRACE, "spanId": span_id, "name": name, "attributes": attributes,
        "startTimeUnixNano": str(START + at * SECOND),
        "endTimeUnixNano": str(START + (at + 1) * SECOND), "status": {"code": status}, **more,
    }  # fmt: skip


def execution(span_id: str, status: str, at: int, **more: Any) -> dict[str, Any]:
    attributes = {
        "n8n.workflow.id": "wf1", "n8n.workflow.name": "Answer tickets",
        "n8n.workflow.version_id": "v-7", "n8n.execution.id": "4711",
        "n8n.execution.mode": "webhook", "n8n.execution.status": status,
    }  # fmt: skip
    if "reconstructed" in more:
        attributes["n8n.execution.reconstructed"] = more.pop("reconstructed")
    code = 2 if status in ("error", "crashed") else 1
    return span(span_id, "workflow.execute", attributes, at, code, **more)


def node(span_id: str, name: str, node_type: str, at: int, **more: Any) -> dict[str, Any]:
    attributes = {
        "n8n.node.id": f"id-{name}", "n8n.node.name": name, "n8n.node.type": node_type,
        "n8n.node.items.input": 1, "n8n.node.items.output": 1,
    }  # fmt: skip
    return span(span_id, "node.execute", attributes, at, **{"parentSpanId": ROOT, **more})


def send(key: str, *spans: dict[str, Any]) -> None:
    resource = {
        "attributes": [
            {"key": "service.name", "value": {"stringValue": "n8n"}},
            {"key": "service.version", "value": {"stringValue": "2.42.0"}},
            {"key": "n8n.instance.id", "value": {"stringValue": "one"}},
        ]
    }
    scope = {"scope": {"name": "n8n-workflow"}, "spans": list(spans)}
    document = {"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}]}
    response = Client().post(
        "/v1/traces", json.dumps(document), content_type="application/json",
        headers={"x-api-key": key},
    )  # fmt: skip
    assert response.status_code == 200, response.content


@pytest.fixture
def console(read_key):
    return Console(read_key)


HOOK = node("1" * 16, "Hook", "n8n-nodes-base.webhook", 1)
CHECK = node("2" * 16, "Check", "n8n-nodes-base.if", 2)


def test_an_execution(console, ingest_key):
    # Nodes end first, and come first.
    send(ingest_key, HOOK, CHECK)
    send(ingest_key, execution(ROOT, "success", 0))
    [run] = console.runs()
    assert (run["app"]["name"], run["name"]) == ("Answer tickets", "Answer tickets")
    assert (run["status"], run["trigger"], run["version"]["label"]) == (
        "succeeded", "webhook", "v-7",
    )  # fmt: skip
    assert console.get("/runs/by/4711.json")["id"] == run["id"]
    steps = [(s["title"], s["kind"], s["node_id"], s["depth"]) for s in console.steps(run)]
    assert steps == [
        ("Hook", "trigger-webhook", "id-Hook", 0), ("Check", "branch", "id-Check", 0),
    ]  # fmt: skip
    assert console.step(run, "Check")["outputs"] == {"items": 1}


def test_an_execution_that_waited_is_one_run(console, ingest_key):
    send(ingest_key, execution(ROOT, "waiting", 0), HOOK)
    [run] = console.runs()
    assert run["status"] == "paused"
    link = {
        "traceId": TRACE, "spanId": ROOT,
        "attributes": [{"key": "n8n.continuation.reason", "value": {"stringValue": "resume"}}],
    }  # fmt: skip
    later = {**CHECK, "traceId": LATER, "parentSpanId": AGAIN}
    send(ingest_key, {**execution(AGAIN, "success", 9, links=[link]), "traceId": LATER}, later)
    [run] = console.runs()
    assert (run["status"], run["steps"]) == ("succeeded", 2)
    assert [step["title"] for step in console.steps(run)] == ["Hook", "Check"]


def test_a_crashed_execution_keeps_its_nodes(console, ingest_key):
    event = {
        "name": "exception", "timeUnixNano": str(START),
        "attributes": [
            {"key": "exception.message", "value": {"stringValue": "Workflow did not finish"}}
        ],
    }  # fmt: skip
    send(ingest_key, HOOK)
    send(
        ingest_key,
        execution(AGAIN, "crashed", 0, parentSpanId=ROOT, reconstructed=True, events=[event]),
    )
    [run] = console.runs()
    assert (run["app"]["name"], run["status"]) == ("Answer tickets", "failed")
    assert run["error"] == "Workflow did not finish"
    [step] = console.steps(run)
    assert (step["title"], step["depth"], step["placeholder"]) == ("Hook", 0, False)


def test_a_failed_node_after_which_the_workflow_continued(console, ingest_key):
    failed = {**CHECK, "status": {"code": 2}}
    send(ingest_key, execution(ROOT, "success", 0), HOOK, failed)
    [run] = console.runs()
    assert run["status"] == "partial-succeeded"
    assert console.step(run, "Check")["status"] == "exception"


def test_a_test_of_the_settings_is_no_run(console, ingest_key):
    send(ingest_key, span(ROOT, "n8n.test_trace", {"n8n.test": True}, 0))
    assert console.runs() == []
