"""Logs as their endpoint records them: they join their spans, whichever comes first."""

from typing import Any

import pytest
from django.test import Client
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from nodes.models import NodeExecution
from runs.models import Note, RefusedRecord, Run
from runs.recording.storing import log_merging
from tests.conftest import PROTOBUF
from tests.runs.recording.captured import as_read
from tests.runs.recording.decoding.otlp import export_requests as spans
from tests.runs.recording.decoding.otlp.export_requests import (
    TIME_NS,
    any_value,
    attribute_pairs,
    log_message,
    log_request,
)

TRACE = "74" * 16
EVALUATED = "gen_ai.evaluation.result"
CALL = [
    ("gen_ai.system.message", {"content": "Be brief."}),
    ("gen_ai.user.message", {"content": "What is the weather in Bonn?"}),
    (
        "gen_ai.assistant.message",
        {"tool_calls": {"id": "c1", "function": {"name": "weather", "arguments": "{}"}}},
    ),
    ("gen_ai.tool.message", {"id": "c1", "content": "It rains."}),
    ("gen_ai.choice", {"finish_reason": "stop", "message": {"content": "Rain."}}),
]


def events(**changes: Any) -> list[Any]:
    """One log for each message of a model call, a microsecond apart."""
    return [
        log_message(
            event_name=name,
            body=any_value(body),
            time_unix_nano=TIME_NS + number * 1000,
            attributes=attribute_pairs({"gen_ai.system": "openai"}),
            **changes,
        )
        for number, (name, body) in enumerate(CALL)
    ]


def span(**changes: Any) -> bytes:
    fields: dict[str, Any] = {
        "name": "chat gpt-4o-mini",
        "attributes": [
            spans.text_attribute("gen_ai.operation.name", "chat"),
            spans.text_attribute("gen_ai.request.model", "gpt-4o-mini"),
        ],
    }
    body: ExportTraceServiceRequest = spans.span_request(spans.span_message(**(fields | changes)))
    return body.SerializeToString()


@pytest.fixture
def send(ingest_key):
    """Return a function that posts a body to `/v1/…` and returns the response."""

    def post(body: bytes, signal: str = "logs", content_type: str = PROTOBUF) -> Any:
        headers = {"x-api-key": ingest_key}
        return Client().post(f"/v1/{signal}", body, content_type=content_type, headers=headers)

    return post


def only_step() -> NodeExecution:
    return NodeExecution.objects.with_payloads().get()


def contents(payload: Any) -> list[str]:
    return [item["content"] for item in as_read(payload.value)["messages"]]


@pytest.mark.django_db
@pytest.mark.parametrize("logs_first", [True, False])
def test_messages_join_their_call(send, logs_first):
    bodies = [(log_request(*events()), "logs"), (span(), "traces")]
    for body, signal in bodies if logs_first else reversed(bodies):
        assert send(body, signal).status_code == 200
    step = only_step()
    assert (step.title, step.kind, step.model) == ("chat gpt-4o-mini", "llm", "gpt-4o-mini")
    assert step.duration_us == 2  # of the span, not of the logs
    assert contents(step.inputs) == ["Be brief.", CALL[1][1]["content"], "", "It rains."]
    assert [item["role"] for item in step.inputs.value["messages"]] == [
        "system", "user", "assistant", "tool",
    ]  # fmt: skip
    assert contents(step.outputs) == ["Rain."]
    assert step.outputs_preview == "Rain."
    run = Run.objects.get()
    assert (run.outputs_preview, run.status, run.app.name) == ("Rain.", "succeeded", "shop")


@pytest.mark.django_db
def test_until_its_span_comes_a_call_is_known_by_its_logs(send, console):
    send(log_request(*events()))
    step = only_step()
    assert (step.title, step.kind, step.status) == ("chat", "llm", "succeeded")
    assert contents(step.outputs) == ["Rain."]
    assert step.started_at is not None
    page = console.get(f"/runs/{step.run_id}/tracing/{step.pk}/").content.decode()
    assert "What is the weather in Bonn?" in page


@pytest.mark.django_db
def test_values_of_the_span_itself_win(send):
    messages = '[{"role": "user", "parts": [{"type": "text", "content": "As the span has it."}]}]'
    send(log_request(*events()))
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": messages}
    send(span(attributes=attribute_pairs(attributes)), "traces")
    step = only_step()
    assert contents(step.inputs) == ["As the span has it."]
    assert contents(step.outputs) == ["Rain."]


@pytest.mark.django_db
def test_a_whole_call_in_one_log(send):
    messages = '[{"role": "assistant", "parts": [{"type": "text", "content": "Yes."}]}]'
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 3,
        "gen_ai.output.messages": messages,
    }
    name = "gen_ai.client.inference.operation.details"
    send(
        log_request(log_message(event_name=name, body=None, attributes=attribute_pairs(attributes)))
    )
    step = only_step()
    assert contents(step.outputs) == ["Yes."]
    assert (step.title, step.model, step.total_tokens) == ("chat gpt-4o-mini", "gpt-4o-mini", 15)
    assert Run.objects.get().total_tokens == 15


@pytest.mark.django_db
@pytest.mark.parametrize("log_first", [True, False])
def test_an_exception_in_a_log_is_the_error_of_its_failed_span(send, log_first):
    attributes = {
        "exception.type": "TimeoutError",
        "exception.message": "The model did not answer.",
    }
    log = log_request(
        log_message(event_name="", body=any_value("failed"), attributes=attribute_pairs(attributes))
    )
    failed = span(status={"code": 2})
    for body, signal in sorted([(log, "logs"), (failed, "traces")], reverse=not log_first):
        send(body, signal)
    step = only_step()
    assert (step.status, step.error) == ("failed", "The model did not answer.")
    assert step.error_type == "TimeoutError"


@pytest.mark.django_db
def test_other_logs_are_details_of_their_step(send, console):
    send(span(), "traces")
    words = [log_message(event_name="", severity_number=13, body=any_value(f"Tried {n} times"),
                     time_unix_nano=TIME_NS + n, attributes=[]) for n in range(3)]  # fmt: skip
    send(log_request(*words))
    step = only_step()
    page = console.get(f"/runs/{step.run_id}/tracing/{step.pk}/").content.decode()
    assert page.index("Tried 0 times") < page.index("Tried 2 times")
    assert "warn" in page


@pytest.mark.django_db
def test_a_step_keeps_its_first_logs_and_says_that_there_were_more(send, console, monkeypatch):
    monkeypatch.setattr(log_merging, "MAX_LOGS", 3)
    send(span(), "traces")
    for number in (3, 1, 4, 0, 2):
        body = any_value(f"line {number}")
        send(log_request(log_message(event_name="", body=body, time_unix_nano=TIME_NS + number)))
    step = only_step()
    page = console.get(f"/runs/{step.run_id}/tracing/{step.pk}/").content.decode()
    assert "line 2" in page and "line 3" not in page
    assert "only the 3 earliest are kept" in page


@pytest.mark.django_db
def test_logs_without_a_trace_are_accepted_and_set_aside(send):
    answer = send(log_request(log_message(trace_id=b"", span_id=b"", event_name="startup")))
    assert (answer.status_code, answer.content) == (200, b"")
    assert not Run.objects.exists()


@pytest.mark.django_db
def test_an_evaluation_is_a_note_that_waits_for_its_run(send):
    attributes = {
        "gen_ai.evaluation.name": "Relevance",
        "gen_ai.evaluation.score.label": "good",
        "gen_ai.evaluation.score.value": 4,
        "gen_ai.evaluation.explanation": "To the point.",
    }
    log = log_message(event_name=EVALUATED, body=None, attributes=attribute_pairs(attributes))
    for _ in range(2):
        send(log_request(log))
    send(span(), "traces")
    note = Note.objects.get()
    assert (note.name, note.label, note.number, note.text) == (
        "Relevance", "good", 4.0, "To the point.",
    )  # fmt: skip
    assert note.run == Run.objects.get() and note.about_step == "73" * 8


@pytest.mark.django_db
def test_an_evaluation_of_a_whole_run(send):
    attributes = {"gen_ai.evaluation.name": "Safety", "error.type": "timeout"}
    send(
        log_request(
            log_message(
                event_name=EVALUATED, span_id=b"", body=None, attributes=attribute_pairs(attributes)
            )
        )
    )
    send(span(), "traces")
    note = Note.objects.get()
    assert (note.name, note.text, note.about_step) == ("Safety", "Failed: timeout", "")
    assert note.run == Run.objects.get()


@pytest.mark.django_db
def test_an_evaluation_in_an_event_of_the_span(send):
    attributes = [
        spans.text_attribute("gen_ai.evaluation.name", "Relevance"),
        spans.text_attribute("gen_ai.evaluation.score.label", "good"),
    ]
    event = Span.Event(name=EVALUATED, time_unix_nano=TIME_NS, attributes=attributes)
    for _ in range(2):
        send(span(events=[event]), "traces")
    note = Note.objects.get()
    assert (note.name, note.label, note.source) == ("Relevance", "good", "evaluation")
    assert note.run == Run.objects.get() and note.about_step == only_step().source_id


@pytest.mark.django_db
def test_a_bad_log_does_not_cost_the_good_ones(send):
    answer = send(log_request(log_message(trace_id=b"short"), *events()))
    assert answer.status_code == 200 and b"trace id" in answer.content
    assert contents(only_step().outputs) == ["Rain."]
    refused = RefusedRecord.objects.get()
    assert refused.door == "/v1/logs" and refused.body
    assert send(b"\xff\xff").status_code == 400
    assert send(b"x", content_type="text/plain").status_code == 415


@pytest.mark.django_db
def test_messages_that_come_later_take_their_place(send):
    """The value made from the first messages is replaced when the others come."""
    first, *rest = events()
    send(log_request(*rest[:1]))
    assert contents(only_step().inputs) == [CALL[1][1]["content"]]
    send(log_request(first))
    assert contents(only_step().inputs) == ["Be brief.", CALL[1][1]["content"]]
