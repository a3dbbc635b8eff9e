"""Dify's own OpenTelemetry: runs and nodes among everything else that its server sends."""

import json
from typing import Any

import pytest

from nodes.models import NodeExecution
from runs.models import Run
from runs.recording.records.record import NodeRecord
from runs.recording.storing.store import save_records
from tests.runs.recording.captured import exception_event, read_record

SERVER = {"service.name": "langgenius/dify", "service.version": "dify-1.14.1-abc"}
APP, EXECUTION = "0a1b2c3d-0000-4000-8000-000000000001", "0a1b2c3d-0000-4000-8000-000000000002"
RUNNER = "core.app.apps.workflow.app_runner.WorkflowAppRunner.run"
CHAT_RUNNER = "core.app.apps.advanced_chat.app_runner.AdvancedChatAppRunner.run"
PROMPTS = [{"role": "user", "text": "Say hello", "files": []}]


def native(attributes: dict[str, Any] | None = None, **changes: Any) -> NodeRecord:
    return read_record(attributes, **({"resource": SERVER, "scope": "core.app"} | changes))


def node(kind: str = "llm", **changes: Any) -> NodeRecord:
    attributes = {
        "node.id": "1700000000001",
        "node.execution_id": EXECUTION,
        "node.type": kind,
        "gen_ai.framework": "dify",
        "gen_ai.span.kind": "LLM" if kind == "llm" else "TASK",
        "input.value": '{"topic": "greeting"}',
        "output.value": '{"text": "Hello!", "usage": {"total_tokens": 9}}',
        **changes.pop("attributes", {}),
    }
    return native(attributes, **({"name": "Write", "parent_span_id": "a" * 16} | changes))


def app_run(name: str = RUNNER, **changes: Any) -> NodeRecord:
    attributes = {
        "dify.app_id": APP,
        "dify.tenant_id": "tenant",
        "dify.workflow_id": "flow-1",
        "dify.streaming": True,
        "gen_ai.user.id": "unknown",
        **changes.pop("attributes", {}),
    }
    return native(attributes, **({"name": name} | changes))


def server_span(scope: str, attributes: dict[str, Any] | None = None, **changes: Any) -> NodeRecord:
    scope = f"opentelemetry.instrumentation.{scope} 0.48b0"
    return native(attributes, scope=scope, **changes)


def test_a_node_by_its_ids_in_graph_and_run() -> None:
    record = node()
    assert (record.source_id, record.span_ids, record.node_id) == (
        EXECUTION, ("b" * 16,), "1700000000001",
    )  # fmt: skip
    assert (record.title, record.kind, record.is_run, record.folded) == (
        "Write",
        "llm",
        False,
        False,
    )
    assert record.inputs == {"topic": "greeting"}
    assert record.outputs["text"] == "Hello!"
    assert record.run.version is None  # the service's version is Dify's


def test_an_llm_node_shows_its_prompt_as_dify_does() -> None:
    attributes = {
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.provider.name": "langgenius/openai/openai",
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 2,
        "gen_ai.usage.total_tokens": 9,
        "gen_ai.prompt": json.dumps(PROMPTS),
        "gen_ai.completion": "Hello!",
    }
    record = node(attributes=attributes)
    assert record.process_data == {"prompts": PROMPTS}
    assert (record.model, record.usage and record.usage.total) == ("gpt-4o-mini", 9)
    assert record.received["attributes"]["gen_ai.completion"] == "Hello!"


@pytest.mark.parametrize("kind", ["if-else", "iteration", "knowledge-retrieval", "http-request"])
def test_every_node_type_keeps_its_name(kind: str) -> None:
    assert node(kind).kind == kind


def test_a_failed_node() -> None:
    record = node(status="error", events=[exception_event("ValueError", "No such variable")])
    assert (record.status, record.error, record.error_type) == (
        "failed", "No such variable", "ValueError",
    )  # fmt: skip


def test_the_runner_is_the_run() -> None:
    record = app_run(attributes={"gen_ai.user.id": "u1", "dify.invoke_from": "service-api"})
    assert (record.is_run, record.kind, record.service) == (True, "workflow", APP)
    assert (record.run.mode, record.run.user, record.run.trigger) == (
        "workflow",
        "u1",
        "service-api",
    )
    assert record.run.version == "flow-1"
    assert app_run(CHAT_RUNNER).run.mode == "chatflow"
    nobody = app_run(attributes={"dify.workflow_id": "unknown"})
    assert (nobody.run.user, nobody.run.version) == (None, None)


@pytest.mark.parametrize("scope", ["flask", "celery", "redis", "sqlalchemy", "httpx"])
def test_the_server_s_own_work_is_a_wrapper(scope: str) -> None:
    record = server_span(scope, parent_span_id="a" * 16)
    assert (record.folded, record.is_run) == (True, False)


def test_the_same_instrumentation_of_another_server_is_no_wrapper() -> None:
    scope = "opentelemetry.instrumentation.redis 0.48b0"
    assert not read_record({}, scope=scope, resource={"service.name": "shop"}).folded


def trace() -> list[NodeRecord]:
    """A request, its run, two nodes with a query and an HTTP call below the second."""
    web, run, second = "1" * 16, "2" * 16, "4" * 16
    return [
        server_span("flask", {"http.method": "POST"}, name="POST /v1/workflows/run", span_id=web,
              kind="server"),
        app_run(span_id=run, parent_span_id=web),
        node("start", attributes={"node.execution_id": "e1", "node.id": "n1"}, name="Start",
             span_id="3" * 16, parent_span_id=run, end_us=1_300_000),
        node("http-request", attributes={"node.execution_id": "e2", "node.id": "n2"}, name="Ask",
             span_id=second, parent_span_id=run, start_us=1_400_000),
        server_span("httpx", {"http.request.method": "GET"}, name="GET", kind="client",
              span_id="5" * 16, parent_span_id=second, start_us=1_500_000),
        server_span("sqlalchemy", {"db.system": "postgresql"}, name="SELECT dify", kind="client",
              span_id="6" * 16, parent_span_id=run, start_us=1_600_000),
    ]  # fmt: skip


@pytest.mark.django_db
def test_a_run_shows_its_nodes_and_no_queries():
    save_records(trace())
    run = Run.objects.get()
    assert (run.app.name, run.status, run.mode, run.steps) == (APP, "succeeded", "workflow", 2)
    visible_steps = NodeExecution.objects.in_run(run.pk).visible()
    assert [(step.title, step.node_id, step.depth) for step in visible_steps] == [
        ("Start", "n1", 0), ("Ask", "n2", 0),
    ]  # fmt: skip
    assert NodeExecution.objects.filter(folded=True).count() == 4
    assert run.http_calls == 1  # the node's call, of which the span below it is a part


@pytest.mark.django_db
def test_a_trace_of_web_requests_alone_is_no_run_of_an_app():
    query = server_span("sqlalchemy", name="SELECT dify", span_id="6" * 16, parent_span_id="b" * 16)
    save_records([server_span("flask", name="GET /console/api/apps", kind="server"), query])
    run = Run.objects.get()
    assert (run.app.name, run.status, run.steps) == ("langgenius/dify", "succeeded", 0)
