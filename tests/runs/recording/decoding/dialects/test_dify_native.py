"""Dify's own OpenTelemetry: runs and nodes among everything else that its server sends."""

import json
from typing import Any

import pytest
from django.test import Client

from nodes.execution_detail import DIFY_ENGINE_SCOPE
from nodes.models import NodeExecution
from runs.models import App, ReceivedRequest, Run
from runs.recording.decoding.dialects import read_span
from runs.recording.decoding.dialects.dify_native import SERVER_WORK
from runs.recording.records.record import NodeRecord, RunFacts
from runs.recording.records.span import Span
from runs.recording.storing.store import save_records
from tests.runs.recording.captured import exception_event, make_span, read_record

SERVER = {"service.name": "langgenius/dify", "service.version": "dify-1.14.1-abc"}
APP, EXECUTION = "0a1b2c3d-0000-4000-8000-000000000001", "0a1b2c3d-0000-4000-8000-000000000002"
RUN = "0a1b2c3d-0000-4000-8000-000000000003"
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


def server_span(scope: str, attributes: dict[str, Any] | None = None, **changes: Any) -> Span:
    scope = f"opentelemetry.instrumentation.{scope} 0.48b0"
    return make_span(attributes, **({"resource": SERVER, "scope": scope} | changes))


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
def test_the_server_s_own_work_is_set_aside(scope: str) -> None:
    assert read_span(server_span(scope, parent_span_id="a" * 16)) is None
    assert read_span(make_span({}, scope=scope, resource={"service.name": "shop"})) is not None


def test_the_start_node_names_run_and_conversation() -> None:
    variables = {
        "sys.workflow_run_id": RUN,
        "sys.conversation_id": "chat-1",
        "sys.query": "Where is my order?",
        "sys.user_id": "user-1",
    }
    record = node("start", attributes={"output.value": json.dumps(variables)})
    assert record.run.source_ids == (("dify-run", RUN),)
    assert (record.run.conversation, record.run.user) == ("chat-1", "user-1")
    assert record.inputs["sys.query"] == "Where is my order?"


def run_of(*nodes: NodeRecord, **changes: Any) -> tuple[Run, list[NodeExecution]]:
    save_records([app_run(span_id="2" * 16, **changes), *nodes])
    run = Run.objects.get()
    return run, list(NodeExecution.objects.in_run(run.pk).visible())


def step(number: int, execution: str, outputs: str = "", **changes: Any) -> NodeRecord:
    attributes = {"node.execution_id": execution, "node.id": execution, "output.value": outputs}
    times = {"start_us": number * 100_000, "end_us": number * 100_000 + 50_000}
    ids = {"span_id": f"{number:016x}", "parent_span_id": "2" * 16}
    return node("code", attributes=attributes, **times, **ids, **changes)


@pytest.mark.django_db
def test_the_run_failed_where_its_runner_met_an_exception():
    failed = [exception_event("RuntimeError", "division by zero")]
    run, steps = run_of(step(1, "e1", '{"a": 1}'), step(2, "e2"), events=failed, status="ok")
    assert (run.status, run.error) == ("failed", "division by zero")
    assert [(s.source_id.partition("/")[0], s.status) for s in steps] == [
        ("e1", "succeeded"), ("e2", "failed"),
    ]  # fmt: skip
    assert run.failed_node_id == "e2"


@pytest.mark.django_db
@pytest.mark.parametrize("last", ['{"a": 1}', ""])
def test_spans_of_one_execution_are_its_attempts(last: str):
    run, steps = run_of(step(1, "e1"), step(2, "e1"), step(3, "e1", last))
    assert [(s.status, s.attempt) for s in steps] == [
        ("retry", 1), ("retry", 2), ("succeeded", 3),
    ]  # fmt: skip
    assert run.retries == 2


@pytest.mark.django_db
def test_the_app_has_the_name_that_another_way_in_gives_it(console: Client):
    variables = json.dumps({"sys.workflow_run_id": RUN})
    start = node("start", attributes={"output.value": variables}, parent_span_id="2" * 16)
    each = step(4, "e4", '{"output": []}', scope=DIFY_ENGINE_SCOPE)
    each.kind = "iteration"
    named = NodeRecord(RUN, RUN, "Refund bot", "Refund bot", "workflow", is_run=True,
                       run=RunFacts(source_ids=(("dify-run", RUN),)))  # fmt: skip
    for requests in ([start, each], [named]), ([named], [start, each]):
        Run.objects.all().delete()
        for records in requests:
            save_records([*records, app_run(span_id="2" * 16)])
        assert Run.objects.get().app.name == "Refund bot"
    container = NodeExecution.objects.get(kind="iteration")
    page = console.get(f"/runs/{container.run_id}/tracing/{container.id}/").content.decode()
    assert "own OpenTelemetry does not send them" in page


HEARTBEATS = [
    ("redis", {"db.system": "redis", "db.statement": "BRPOP ? ?"}),
    ("sqlalchemy", {"db.system": "postgresql", "db.statement": "SELECT 1"}),
    ("flask", {"http.method": "GET", "http.target": "/health"}),
]


def heartbeat(number: int) -> dict[str, Any]:
    """A body of one span as an idle worker sends it every two seconds."""
    scope, attributes = HEARTBEATS[number % 3]
    span = {
        "traceId": f"{number + 1:032x}",
        "spanId": f"{number + 1:016x}",
        "name": scope,
        "startTimeUnixNano": str(number * 2_000_000_000 + 1_000),
        "endTimeUnixNano": str(number * 2_000_000_000 + 900_000),
        "attributes": otlp_attributes(attributes),
    }
    name = f"opentelemetry.instrumentation.{scope}"
    return {
        "resource": {"attributes": otlp_attributes(SERVER)},
        "scopeSpans": [{"scope": {"name": name}, "spans": [span]}],
    }


def otlp_attributes(values: dict[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]


@pytest.mark.django_db
def test_an_hour_of_an_idle_worker_leaves_no_run(client: Client, ingest_key: str):
    for start in range(0, 1_800, 300):
        body = {"resourceSpans": [heartbeat(number) for number in range(start, start + 300)]}
        response = client.post(
            "/v1/traces",
            body,
            content_type="application/json",
            headers={"Authorization": f"Bearer {ingest_key}"},
        )
        assert (response.status_code, response.content) == (200, b"{}")
    assert not Run.objects.exists() and not App.objects.exists()
    request = ReceivedRequest.objects.first()
    assert (request.records, request.refused, request.remarks) == (300, 0, {SERVER_WORK: 300})
