import logging

import pytest

from runs.recording.decoding import dialects
from runs.recording.decoding.traces import decode_traces
from runs.recording.records.request_body import UnsupportedType
from tests.runs.recording.captured import PROTOBUF, capture_bodies
from tests.runs.recording.failing_dialect import FailingDialect, dialects_with


def test_other_content_types_are_named() -> None:
    with pytest.raises(UnsupportedType, match="text/plain"):
        decode_traces(b"", "text/plain; charset=utf-8")


def test_a_dialect_that_fails_costs_one_span_and_logs_no_payload(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failing = FailingDialect(lambda span: span.name == "Triage")
    monkeypatch.setattr(dialects, "DIALECTS", dialects_with(failing))
    with caplog.at_level(logging.WARNING):
        decoded = decode_traces(capture_bodies("openai-agents-openinference")[0], PROTOBUF)
    assert len(decoded.records) == 45
    assert {refused.raw["name"] for refused in decoded.refused} == {"Triage"}
    assert "KeyError" in caplog.text
    assert "sess-1" not in caplog.text


def test_everything_received_is_kept_once() -> None:
    """What is shown as inputs or outputs is not repeated; all else is there."""
    for name in ("dify-phoenix", "langgraph-openinference", "pydantic-ai", "google-adk"):
        for body in capture_bodies(name):
            for record in decode_traces(body, PROTOBUF).records:
                attributes = record.received.get("attributes", {})
                assert "gen_ai.input.messages" not in attributes
                assert "llm.output_messages.0.message.role" not in attributes
                if record.kind not in ("llm", "tool"):
                    assert "output.value" not in attributes
                assert record.received["scope"]
                assert record.resource


def test_spans_of_one_process_share_one_resource() -> None:
    records = decode_traces(capture_bodies("google-adk")[0], PROTOBUF).records
    assert len({id(record.resource) for record in records}) == 1
