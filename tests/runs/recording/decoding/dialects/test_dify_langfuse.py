"""The run of the capture dify-phoenix as Dify's Langfuse provider would send it: the same run."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from runs.models import Run
from runs.recording.decoding import langfuse_rest
from runs.recording.records.record import NodeRecord
from runs.recording.storing.store import save_records
from tests.runs.recording.captured import captured_records
from tests.runs.recording.decoding.langfuse_events import langfuse_event

RUN = "11111111-1111-4111-8111-111111111111"
RUN_METADATA = {
    "workflow_id": "wf", "workflow_run_id": RUN, "tenant_id": "ten", "app_id": "app1",
    "status": "failed", "version": "2026-06-01 00:00:00", "total_tokens": 300, "user_id": "u1",
    "triggered_from": "app-run", "elapsed_time": 6.1, "conversation_id": "",
}  # fmt: skip


def phoenix_records() -> list[NodeRecord]:
    return [
        record for record in captured_records("dify-phoenix") if record.trace.startswith("822f1c")
    ]


def iso_time(us: int | None) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us or 0)).isoformat()


def langfuse_records() -> list[NodeRecord]:
    """As the provider makes them: flat, with the run's error at every node."""
    phoenix = phoenix_records()
    [run] = [record for record in phoenix if record.is_run]
    values: dict[str, Any] = {"input": run.inputs, "output": run.outputs, "metadata": RUN_METADATA}
    events = [
        langfuse_event("trace-create", {"id": RUN, "name": "workflow", "userId": "u1", **values})
    ]
    for node in phoenix:
        if not node.chained:
            continue
        span_metadata = orjson.loads(node.received["attributes"]["metadata"])
        metadata = {**span_metadata, "workflow_run_id": RUN, "node_execution_id": node.source_id,
                    "node_name": node.title}  # fmt: skip
        for name in ("status_message", "level", "node_status", "app_name", "node_id"):
            metadata.pop(name, None)
        body = {
            "id": node.source_id, "traceId": RUN, "name": node.title, "input": node.inputs,
            "output": node.outputs, "startTime": iso_time(node.started_us),
            "endTime": iso_time(node.ended_us), "metadata": metadata, "statusMessage": "boom",
            "level": "DEFAULT" if node.status == "succeeded" else "ERROR",
        }  # fmt: skip
        kind = "generation-create" if node.kind == "llm" else "span-create"
        events.append(langfuse_event(kind, body))
    batch = langfuse_rest.read_batch(events, "My App")
    assert not batch.refused
    return batch.records


def run_summary() -> list[Any]:
    run = Run.objects.get()
    steps = [
        (step.title, step.kind, step.status, step.iteration, step.model, step.total_tokens)
        for step in run.executions.visible().order_by("index")
    ]
    return [run.app.name, run.status, run.user, run.trigger, run.version and run.version.label,
            run.error, run.total_tokens, run.cost, run.inputs_preview, steps]  # fmt: skip


@pytest.mark.django_db
def test_it_is_stored_as_the_run_of_phoenix() -> None:
    save_records(phoenix_records())
    expected = run_summary()
    Run.objects.all().delete()
    save_records(langfuse_records())
    assert run_summary() == expected


@pytest.mark.django_db
@pytest.mark.parametrize("first", [phoenix_records, langfuse_records])
def test_sent_by_both_providers_it_is_one_run(first: Any) -> None:
    second = langfuse_records if first is phoenix_records else phoenix_records
    save_records(first())
    steps = Run.objects.get().steps
    save_records(second())
    assert Run.objects.get().steps == steps


def test_a_handled_failure_does_not_have_the_error_of_the_run() -> None:
    [handled] = [record for record in langfuse_records() if record.status == "exception"]
    assert handled.handled
    assert handled.error != "boom"


def test_it_is_not_what_another_client_of_langfuse_sends() -> None:
    body = {"id": "t", "name": "workflow", "metadata": {"message_id": "m-1"}}
    [record] = langfuse_rest.read_batch([langfuse_event("trace-create", body)], "shop").records
    assert record.run.source_ids == ()
