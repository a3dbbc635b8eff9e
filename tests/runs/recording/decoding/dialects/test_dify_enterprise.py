"""Dify Enterprise telemetry: spans, and the logs beside them."""

from typing import Any

import pytest

from nodes.models import NodeExecution
from runs.models import Note, Run
from runs.recording.decoding.logs import DecodedLogs, decode_logs
from runs.recording.records.record import NodeRecord
from runs.recording.storing import notes
from runs.recording.storing.store import save_records
from tests.conftest import PROTOBUF
from tests.runs.recording.captured import read_record
from tests.runs.recording.decoding.otlp.export_requests import (
    attribute_pairs,
    log_message,
    log_request,
)

SERVER = {"service.name": "dify", "host.name": "dify-api-1"}
RUN = "0a1b2c3d-0000-4000-8000-000000000001"
NODE = "0a1b2c3d-0000-4000-8000-000000000002"
TRACE = RUN.replace("-", "")
ROOT, CHILD = "1" * 16, "2" * 16
APP = "0a1b2c3d-0000-4000-8000-0000000000aa"

RUN_ATTRIBUTES: dict[str, Any] = {
    "dify.trace_id": RUN,
    "dify.app_id": APP,
    "dify.workflow.id": "flow-1",
    "dify.workflow.run_id": RUN,
    "dify.workflow.status": "partial-succeeded",
    "dify.workflow.elapsed_time": 2,
    "dify.invoke_from": "app-run",
    "gen_ai.usage.total_tokens": 9,
    "gen_ai.user.id": "u1",
}
NODE_ATTRIBUTES: dict[str, Any] = {
    "dify.trace_id": RUN,
    "dify.app_id": APP,
    "dify.workflow.run_id": RUN,
    "dify.node.execution_id": NODE,
    "dify.node.id": "1700000000001",
    "dify.node.type": "llm",
    "dify.node.title": "Write",
    "dify.node.status": "succeeded",
    "dify.node.index": 2,
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.provider.name": "openai",
    "gen_ai.usage.input_tokens": 7,
    "gen_ai.usage.output_tokens": 2,
    "gen_ai.usage.total_tokens": 9,
}
RUN_VALUES = {
    "dify.app.name": "Support bot",
    "dify.workflow.version": "2026-11-01",
    "dify.workflow.inputs": '{"topic": "greeting"}',
    "dify.workflow.outputs": '{"answer": "Hello!"}',
}
NODE_VALUES = {
    "dify.app.name": "Support bot",
    "dify.node.inputs": '{"topic": "greeting"}',
    "dify.node.outputs": '{"text": "Hello!"}',
    "dify.node.process_data": '{"model_mode": "chat"}',
    "dify.node.total_price": "0.0004",
    "dify.node.currency": "USD",
    "dify.plugin.name": "openai",
}


def enterprise_record(name: str, attributes: dict[str, Any], **changes: Any) -> NodeRecord:
    defaults = {"trace_id": TRACE, "resource": SERVER, "scope": "dify.enterprise", "name": name}
    return read_record(attributes, **(defaults | changes))


def span_records() -> list[NodeRecord]:
    return [
        enterprise_record("dify.workflow.run", RUN_ATTRIBUTES, span_id=ROOT),
        enterprise_record(
            "dify.node.execution", NODE_ATTRIBUTES, span_id=CHILD, parent_span_id=ROOT
        ),
    ]


def log(event: str, attributes: dict[str, Any], **changes: Any) -> Any:
    names = {"dify.event.name": event, "dify.event.signal": "span_detail"}
    defaults = {"event_name": "", "body": None, "trace_id": bytes.fromhex(TRACE), "span_id": b""}
    return log_message(**(defaults | changes), attributes=attribute_pairs(names | attributes))


def read_logs(*logs: Any) -> DecodedLogs:
    decoded = decode_logs(log_request(*logs), PROTOBUF)
    assert decoded.refused == []
    return decoded


def log_records() -> list[NodeRecord]:
    return read_logs(
        log("dify.workflow.run", RUN_ATTRIBUTES | RUN_VALUES, span_id=bytes.fromhex(ROOT)),
        log("dify.node.execution", NODE_ATTRIBUTES | NODE_VALUES, span_id=bytes.fromhex(CHILD)),
    ).records


def test_workflow_and_node_spans() -> None:
    run, node = span_records()
    assert (run.is_run, run.source_id, run.kind) == (True, RUN, "workflow")
    assert (run.run.status, run.status, run.run.reported_duration_us) == (
        "partial-succeeded", "succeeded", 2_000_000,
    )  # fmt: skip
    assert (run.run.user, run.run.trigger, run.run.mode) == ("u1", "app-run", "workflow")
    assert ("dify-run", RUN) in run.run.source_ids
    assert run.usage is None and run.run.reported_tokens == 9
    assert (node.source_id, node.span_ids, node.node_id) == (NODE, (CHILD,), "1700000000001")
    assert (node.title, node.kind, node.model) == ("Write", "llm", "gpt-4o-mini")
    assert node.usage is not None and node.usage.total == 9


@pytest.mark.parametrize(
    "order",
    [(span_records, log_records), (log_records, span_records)],
    ids=["spans first", "logs first"],
)
@pytest.mark.django_db
def test_logs_add_the_values_before_or_after_the_spans(order):
    for part in order:
        save_records(part())
    run = Run.objects.get()
    assert (run.app.name, run.status, run.version.label) == (
        "Support bot", "partial-succeeded", "2026-11-01",
    )  # fmt: skip
    assert run.outputs.value == {"answer": "Hello!"}
    assert (run.total_tokens, run.steps, run.duration_us) == (9, 1, 1_000_000)
    step = NodeExecution.objects.in_run(run.pk).visible().with_payloads().get()
    assert (step.title, step.node_id, str(step.cost)) == ("Write", "1700000000001", "0.0004000000")
    assert step.inputs.value == {"topic": "greeting"}
    assert step.process_data.value == {"model_mode": "chat"}
    assert step.received["attributes"]["dify.node.index"] == 2


@pytest.mark.django_db
def test_attributes_of_a_log_beside_the_values_are_kept(console):
    save_records([*span_records(), *log_records()])
    step = NodeExecution.objects.get(source_id=NODE)
    detail = console.get(f"/runs/{step.run_id}/tracing/{step.pk}.json").json()
    assert detail["logs"][0]["attributes"]["dify.plugin.name"] == "openai"


@pytest.mark.django_db
def test_logs_without_span_ids_are_joined_by_dify_s_ids():
    logs = read_logs(
        log("dify.workflow.run", RUN_ATTRIBUTES | RUN_VALUES, trace_id=b""),
        log("dify.node.execution", NODE_ATTRIBUTES | NODE_VALUES),
    )
    save_records([*span_records(), *logs.records])
    assert Run.objects.get().outputs.value == {"answer": "Hello!"}
    assert NodeExecution.objects.count() == 2


def test_references_to_withheld_content_are_not_shown_as_values() -> None:
    ref = f"ref:node_execution_id={NODE}"
    gated = {name: ref for name in ("dify.node.inputs", "dify.node.outputs", "input.value")}
    record = enterprise_record("dify.node.execution", NODE_ATTRIBUTES | gated, span_id=CHILD)
    assert (record.inputs, record.outputs) == (None, None)
    assert record.received["attributes"]["dify.node.inputs"] == ref


def test_a_handled_failure() -> None:
    attributes = {"dify.node.status": "exception", "dify.node.error": "Timed out"}
    record = enterprise_record("dify.node.execution", NODE_ATTRIBUTES | attributes, status="error")
    assert (record.status, record.handled, record.error) == ("exception", True, "Timed out")


@pytest.mark.django_db
def test_the_log_has_the_index_of_an_iteration():
    container = {
        "dify.node.execution_id": "e0",
        "dify.node.id": "it",
        "dify.node.type": "iteration",
        "dify.node.title": "Each",
    }
    inner = {"dify.node.iteration_id": "it"}
    save_records(
        [
            *span_records()[:1],
            enterprise_record(
                "dify.node.execution",
                NODE_ATTRIBUTES | container,
                span_id="3" * 16,
                parent_span_id=ROOT,
            ),
            enterprise_record(
                "dify.node.execution",
                NODE_ATTRIBUTES | inner,
                span_id=CHILD,
                parent_span_id=ROOT,
                start_us=1_200_000,
                end_us=1_300_000,
            ),
            *read_logs(
                log(
                    "dify.node.execution",
                    NODE_ATTRIBUTES | inner | {"dify.node.iteration_index": 3},
                )
            ).records,
        ]
    )
    step = NodeExecution.objects.get(source_id=NODE)
    assert (step.iteration, step.depth) == ("3", 1)


@pytest.mark.django_db
def test_a_workflow_used_as_a_tool_is_below_its_step():
    child, inner = RUN[:-1] + "7", NODE[:-1] + "8"
    nested = RUN_ATTRIBUTES | {
        "dify.workflow.run_id": child,
        "dify.workflow.status": "succeeded",
        "dify.parent.workflow.run_id": RUN,
        "dify.parent.node.execution_id": NODE,
        "gen_ai.user.id": "other",
    }
    step = NODE_ATTRIBUTES | {"dify.node.execution_id": inner, "dify.workflow.run_id": child}
    save_records([
        *span_records(),
        enterprise_record("dify.workflow.run", nested, span_id="4" * 16, parent_span_id=CHILD),
        enterprise_record("dify.node.execution", step, span_id="5" * 16, parent_span_id="4" * 16),
    ])  # fmt: skip
    # The logs of the inner run have a trace of their own.
    save_records(
        read_logs(
            log(
                "dify.node.execution",
                step | NODE_VALUES,
                trace_id=bytes.fromhex(child.replace("-", "")),
            )
        ).records
    )
    run = Run.objects.get()
    assert run.user == "u1"
    visible_steps = NodeExecution.objects.in_run(run.pk).visible()
    assert [(row.source_id, row.depth) for row in visible_steps] == [
        (NODE, 0),
        (child, 1),
        (inner, 2),
    ]
    assert NodeExecution.objects.get(source_id=inner).outputs.value == {"text": "Hello!"}


def test_a_step_run_alone() -> None:
    record = enterprise_record("dify.node.execution.draft", NODE_ATTRIBUTES, span_id=CHILD)
    assert (record.is_run, record.run.trigger, record.title) == (False, "single-step", "Write")


@pytest.mark.django_db
def test_a_turn_of_a_chat_app_is_sent_as_logs_only():
    turn = {
        "dify.app.name": "Helper", "dify.message.id": NODE, "dify.conversation.id": "c1",
        "dify.message.status": "normal", "dify.message.duration": "1.5",
        "gen_ai.request.model": "gpt-4o-mini", "gen_ai.usage.total_tokens": 9,
        "dify.message.inputs": "Hi", "dify.message.outputs": "Hello!",
    }  # fmt: skip
    tool = {"dify.message.id": NODE, "gen_ai.tool.name": "weather", "dify.tool.time_cost": "0.5",
            "dify.tool.inputs": '{"city": "Bonn"}', "dify.tool.error": "No such city"}  # fmt: skip
    trace = bytes.fromhex(NODE.replace("-", ""))
    logs = [log("dify.message.run", turn, trace_id=trace),
            log("dify.tool.execution", tool, trace_id=trace)]  # fmt: skip
    for part in (logs, logs):
        save_records(read_logs(*part).records)
    run = Run.objects.get()
    assert (run.app.name, run.mode, run.conversation.source_id) == ("Helper", "chatflow", "c1")
    assert (run.duration_us, run.outputs.value, run.steps) == (1_500_000, "Hello!", 1)
    step = NodeExecution.objects.in_run(run.pk).visible().get()
    assert (step.title, step.kind, step.error, step.duration_us) == (
        "weather", "tool", "No such city", 500_000,
    )  # fmt: skip


@pytest.mark.django_db
def test_feedback_is_a_note_on_its_run():
    attributes = {
        "dify.message.id": "m1",
        "dify.feedback.rating": "dislike",
        "dify.feedback.content": "Wrong.",
        "dify.feedback.created_at": "2026-11-01",
    }
    record = read_logs(
        log("dify.feedback.created", attributes), log("dify.feedback.created", attributes)
    )
    assert record.records == []
    notes.save(record.notes)
    save_records(
        [
            enterprise_record(
                "dify.workflow.run", RUN_ATTRIBUTES | {"dify.message.id": "m1"}, span_id=ROOT
            )
        ]
    )
    note = Note.objects.get()
    assert (note.name, note.label, note.number, note.text) == ("thumbs", "dislike", -1.0, "Wrong.")
    assert note.run == Run.objects.get()
