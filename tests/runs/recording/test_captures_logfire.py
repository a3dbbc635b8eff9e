"""What a person expects to see of tickets in a pydantic-graph that Logfire traced, while they run
and afterwards."""

import json
from base64 import b64decode
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from runs.models import Run
from tests.conftest import capture
from tests.runs.recording.console import Console, titles_and_passes

pytestmark = pytest.mark.django_db

NAME = "logfire-pydantic-graph"
NOT_FOUND = "order A-404 not found in the warehouse database"


@pytest.fixture
def console(record, read_key):
    record(NAME)
    return Console(read_key)


def test_runs(console):
    *runs, manual = console.runs()
    assert {run["app"]["name"] for run in runs} == {"support-graph"}
    assert [run["name"] for run in runs] == ["ticket_graph"] * 3
    assert [run["status"] for run in runs] == ["succeeded", "succeeded", "failed"]
    assert {run["version"]["label"] for run in runs} == {"2.0.1"}
    assert runs[0]["input_preview"] == "please refund order A-17"
    assert runs[0]["output_preview"] == "Refunded 49.90 for A-17."
    assert runs[2]["error"] == NOT_FOUND and runs[2]["failed_node"]["title"] == "lookup_order"
    # Agents, nodes and the graph repeat the sums of the calls below (logfire.metrics).
    assert runs[0]["tokens"]["input"] == 55 + 3 * 80 + 55 and runs[0]["tokens"]["cached"] == 10
    assert float(runs[0]["cost"]["amount"]) == pytest.approx(0.0000147 + 3 * 0.00054)
    assert runs[0]["api_calls"] == {"model": 5, "tool": 3, "http": 0}
    assert (runs[0]["retries"], manual["name"]) == (1, "manual x=1")


def test_nodes_in_the_order_run(console):
    refund, question, failed, _ = console.runs()
    top = [[s for s in console.steps(run) if s["depth"] == 0] for run in (refund, question)]
    assert titles_and_passes(top[0]) == [("classify", 0, []), ("do_refund", 0, [])]
    assert titles_and_passes(top[1]) == [
        ("classify", 0, []), ("do_faq", 0, [0]), ("review", 0, [0]), ("do_faq", 0, [1]),
        ("review", 0, [1]), ("publish", 0, []),
    ]  # fmt: skip
    assert {step["kind"] for step in top[0] + top[1]} == {"task"}
    assert [(s["title"], s["kind"], s["depth"]) for s in console.steps(refund)][:4] == [
        ("classify", "task", 0), ("triage", "agent", 1), ("chat gpt-4o-mini", "llm", 2),
        ("do_refund", "task", 0),
    ]  # fmt: skip
    statuses = {step["title"]: step["status"] for step in console.steps(failed)}
    assert statuses["do_refund"] == statuses["lookup_order"] == "failed"
    graph = console.get("/apps/support-graph/graph.json")
    edges = {(edge["source"], edge["target"]) for edge in graph["edges"]}
    assert {("classify", "do_refund"), ("classify", "do_faq"), ("review", "do_faq"),
            ("review", "publish")} <= edges  # fmt: skip


def test_agents_and_tools(console):
    refund = console.runs()[0]
    triage = console.step(refund, "triage")
    assert triage["inputs"] == "please refund order A-17"
    assert triage["outputs"] == {"category": "refund", "order_id": "A-17"}
    retried = console.step(refund, "lookup_order")
    assert (retried["status"], retried["error"]) == ("retry", "no such order id, use the form A-NN")
    issued = console.step(refund, "issue_refund")
    assert issued["inputs"] == {"order_id": "A-17", "amount": 49.9}
    assert issued["outputs"] == "accepted"
    last = console.step(refund, "chat claude-sonnet-4-5", 2)
    assert (last["model"], last["messages"][0]["role"]) == ("claude-sonnet-4-5", "system")


def test_a_log_line_is_a_detail_of_its_run(console):
    manual = console.runs()[-1]
    assert (manual["steps"], console.steps(manual)) == (0, [])
    whole = console.get(f"/runs/{manual['id']}.json")
    assert whole["inputs"] == {"x": 1}


def request_of(body: bytes) -> dict[str, Any]:
    return MessageToDict(ExportTraceServiceRequest.FromString(body))


def with_changed_spans(document: dict[str, Any], change: Any) -> dict[str, Any]:
    """Return the request with each span replaced by `change` of it; None leaves it out."""
    copy = deepcopy(document)
    for resource in copy["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            scope["spans"] = [changed for span in scope["spans"] if (changed := change(span))]
    return copy


NODE = "f3d62d13f8cf536a"  # run node do_refund of the first ticket


def pending_span(span: dict[str, Any]) -> dict[str, Any] | None:
    """Return what Logfire sends when the span begins. (MessageToDict writes ids in base64.)"""
    parent = base64_hex(span["parentSpanId"]) if "parentSpanId" in span else "0" * 16
    attributes = [
        a for a in span["attributes"] if a["key"] not in ("logfire.span_type", "logfire.metrics")
    ]
    attributes += [
        {"key": "logfire.span_type", "value": {"stringValue": "pending_span"}},
        {"key": "logfire.pending_parent_id", "value": {"stringValue": parent}},
    ]
    span_id = base64_hex(span["spanId"])
    return {
        "traceId": base64_hex(span["traceId"]), "spanId": span_id[::-1], "parentSpanId": span_id,
        "name": span["name"], "kind": span["kind"], "attributes": attributes,
        "startTimeUnixNano": span["startTimeUnixNano"],
        "endTimeUnixNano": span["startTimeUnixNano"],
    }  # fmt: skip


def base64_hex(text: str) -> str:
    return b64decode(text).hex()


def post(document: dict[str, Any], key: str) -> None:
    response = Client().post(
        "/v1/traces", json.dumps(document), content_type="application/json",
        headers={"x-api-key": key},
    )  # fmt: skip
    assert response.status_code == 200 and "partialSuccess" not in response.json(), response.content


def first_ticket(span: dict[str, Any]) -> bool:
    return base64_hex(span["traceId"]).endswith("3e0ae4")


@pytest.fixture
def running_console(ingest_key, read_key):
    """The first ticket while its second node is running: nothing has ended."""
    at_work = {"b8407d4d4926e581", NODE}

    def started(span: dict[str, Any]) -> dict[str, Any] | None:
        return pending_span(span) if base64_hex(span["spanId"]) in at_work else None

    for body in capture(NAME):
        post(with_changed_spans(request_of(body), started), ingest_key)
    return Console(read_key)


def test_running_work_is_visible(running_console):
    [run] = running_console.runs()
    assert (run["status"], run["name"], run["duration_us"]) == ("running", "ticket_graph", None)
    [step] = running_console.steps(run)
    assert (step["title"], step["status"], step["duration_us"]) == ("do_refund", "running", None)
    assert not run["stalled"]
    Run.objects.update(last_seen_at=timezone.now() - timedelta(days=1))
    [run] = running_console.runs()
    assert (run["status"], run["stalled"]) == ("running", True)


def test_the_finished_span_completes_the_same_row(running_console, record):
    [before] = running_console.runs()
    [step] = running_console.steps(before)
    record(NAME)
    after = running_console.runs()[0]
    assert (after["id"], after["status"]) == (before["id"], "succeeded")
    steps = running_console.steps(after)
    assert [s["title"] for s in steps if s["depth"] == 0] == ["classify", "do_refund"]
    [finished] = [s for s in steps if s["title"] == "do_refund"]
    assert (finished["id"], finished["status"]) == (step["id"], "succeeded")
    # The attributes of the finished span replace those of the pending one.
    whole = running_console.step(after, "do_refund")
    assert "logfire.metrics" in whole["attributes"]


def test_a_pending_span_after_the_finished_span_changes_nothing(record, ingest_key, read_key):
    record(NAME)
    console = Console(read_key)
    before = [console.get(f"/runs/{run['id']}/tracing.json") for run in console.runs()]
    for body in capture(NAME):
        post(
            with_changed_spans(
                request_of(body), lambda s: pending_span(s) if first_ticket(s) else None
            ),
            ingest_key,
        )
    assert [console.get(f"/runs/{run['id']}/tracing.json") for run in console.runs()] == before
