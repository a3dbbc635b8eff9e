"""Coding agents that send logs without traces."""

from typing import Any

import pytest

from nodes.models import NodeExecution
from runs.models import Run
from runs.recording.decoding.logs import decode_logs
from runs.recording.records.record import NodeRecord
from runs.recording.storing.store import save_records
from tests.conftest import PROTOBUF
from tests.runs.recording.decoding.otlp.export_requests import (
    TIME_NS,
    attribute_pairs,
    log_message,
    log_request,
)

SECOND = 1_000_000_000


def read(*events: tuple[str, dict[str, Any]], common: dict[str, Any]) -> list[NodeRecord]:
    """Return the records of these events, which are a second apart."""
    logs = [
        log_message(
            trace_id=b"", span_id=b"", event_name="", body=None,
            time_unix_nano=TIME_NS + number * SECOND,
            attributes=attribute_pairs({"event.name": name, **common, **attributes}),
        )
        for number, (name, attributes) in enumerate(events)
    ]  # fmt: skip
    decoded = decode_logs(log_request(*logs), PROTOBUF)
    assert (decoded.refused, decoded.aside) == ([], 0)
    return decoded.records


def stored_run() -> tuple[Run, list[NodeExecution]]:
    run = Run.objects.get()
    return run, list(NodeExecution.objects.in_run(run.pk).visible().with_payloads())


@pytest.mark.django_db
def test_a_prompt_of_claude_code_is_a_run():
    common = {"session.id": "s1", "prompt.id": "p1", "user.id": "u1", "app.version": "2.1.0"}
    call = {"model": "claude-sonnet-4", "cost_usd": "0.0123", "duration_ms": "900",
            "input_tokens": "10", "output_tokens": "20", "cache_read_tokens": "100",
            "cache_creation_tokens": "5"}  # fmt: skip
    events = [
        ("claude_code.user_prompt", {"prompt": "Fix the test", "prompt_length": "12"}),
        ("claude_code.api_request", call),
        ("claude_code.tool_decision", {"tool_name": "Bash", "decision": "accept"}),
        ("claude_code.tool_result", {"tool_name": "Bash", "success": "false", "error": "exit 1",
                                     "duration_ms": "200", "tool_parameters": '{"command": "ls"}'}),
    ]  # fmt: skip
    save_records(read(*events, common=common))
    save_records(read(*events, common=common))
    run, steps = stored_run()
    assert (run.mode, run.user, run.inputs_preview) == ("chatflow", "u1", "Fix the test")
    assert run.conversation.source_id == "s1"
    assert (run.input_tokens, run.cached_tokens, run.total_tokens) == (115, 100, 135)
    assert str(run.cost) == "0.0123000000"
    assert [(step.title, step.kind, step.status) for step in steps] == [
        ("claude-sonnet-4", "llm", "succeeded"), ("Bash", "tool", "exception"),
    ]  # fmt: skip
    assert steps[1].inputs.value == {"command": "ls"} and steps[1].duration_us == 200_000


@pytest.mark.django_db
def test_gemini_cli_counts_its_thoughts_apart():
    common = {"session.id": "s1", "prompt_id": "p1"}
    save_records(read(
        ("gemini_cli.user_prompt", {"prompt": "Why?"}),
        ("gemini_cli.api_response", {"model": "gemini-2.5-pro", "input_token_count": 120,
                                     "output_token_count": 30, "thoughts_token_count": 5,
                                     "cached_content_token_count": 10, "duration_ms": 456}),
        ("gemini_cli.tool_call", {"function_name": "read_file", "success": "true",
                                  "function_args": '{"path": "a"}', "duration_ms": 3}),
        common=common,
    ))  # fmt: skip
    run, steps = stored_run()
    assert (run.input_tokens, run.output_tokens, run.reasoning_tokens) == (120, 35, 5)
    assert [step.title for step in steps] == ["gemini-2.5-pro", "read_file"]


@pytest.mark.django_db
def test_a_session_of_codex_is_a_run():
    common = {"conversation.id": "s1", "model": "gpt-5.1-codex"}
    save_records(read(
        ("codex.user_prompt", {"prompt": "[REDACTED]"}),
        ("codex.api_request", {"http.response.status_code": 200}),
        ("codex.api_request", {"http.response.status_code": 429, "error.message": "Too many"}),
        ("codex.sse_event", {"event.kind": "response.output_item.done"}),
        ("codex.sse_event", {"event.kind": "response.completed", "input_token_count": 50,
                             "cached_token_count": 40, "output_token_count": 9,
                             "reasoning_token_count": 4}),
        ("codex.tool_result", {"tool_name": "shell", "arguments": '{"command": ["ls"]}',
                               "success": "true", "output": "a.txt", "duration_ms": 20}),
        common=common,
    ))  # fmt: skip
    run, steps = stored_run()
    assert (run.input_tokens, run.cached_tokens, run.total_tokens) == (50, 40, 59)
    assert run.inputs_preview == ""
    assert [(step.title, step.status) for step in steps] == [
        ("gpt-5.1-codex", "exception"), ("gpt-5.1-codex", "succeeded"), ("shell", "succeeded"),
    ]  # fmt: skip
    assert steps[2].outputs.value == "a.txt"


def test_an_event_of_no_agent_is_set_aside() -> None:
    attributes = attribute_pairs({"event.name": "user_prompt", "session.id": "s1"})
    decoded = decode_logs(log_request(log_message(trace_id=b"", span_id=b"", event_name="",
                                        attributes=attributes)), PROTOBUF)  # fmt: skip
    assert (decoded.records, decoded.aside) == ([], 1)
