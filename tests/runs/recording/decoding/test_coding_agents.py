"""Coding agents: their log events, with and without their traces."""

from typing import Any

import pytest

from nodes.models import NodeExecution
from runs.models import Run
from runs.recording.decoding.dialects import read_fields
from runs.recording.decoding.logs import decode_logs, read_logs
from runs.recording.decoding.otlp.log_requests import LogRecord
from runs.recording.records.record import NodeRecord
from runs.recording.storing.store import save_records
from tests.conftest import PROTOBUF
from tests.runs.recording.captured import make_span
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


# -- with traces ----------------------------------------------------------------------------------

TRACE, INTERACTION, REQUEST, TOOL = "a" * 32, "1" * 16, "2" * 16, "3" * 16
CLAUDE_SPANS = "com.anthropic.claude_code.tracing 1.0.0"


def claude_spans(**tool: Any) -> list[NodeRecord]:
    """Return the records of a prompt with a model call and a tool that failed."""
    parts = [
        (INTERACTION, None, {"span.type": "interaction", "user_prompt": "Fix it"}),
        (REQUEST, INTERACTION, {"span.type": "llm_request", "model": "claude-opus-4-8[1m]",
                                "request_id": "req_1", "input_tokens": 10, "output_tokens": 20,
                                "cache_read_tokens": 100, "cache_creation_tokens": 5}),
        (TOOL, INTERACTION, {"span.type": "tool", "tool_name": "Bash", "tool_use_id": "toolu_1",
                             "full_command": "ls"}),
        ("4" * 16, TOOL, {"span.type": "tool.blocked_on_user", "source": "config"}),
        ("5" * 16, TOOL, {"span.type": "tool.execution", "tool_use_id": "toolu_1"}),
    ]  # fmt: skip
    records: list[NodeRecord] = []
    for number, (span_id, parent, attributes) in enumerate(parts):
        changes: dict[str, Any] = {"name": f"claude_code.{attributes['span.type']}"}
        if attributes["span.type"] == "tool.execution":
            changes |= {"status": "error", "status_message": "Shell command failed"}
        span = make_span(
            attributes | {"session.id": "s1"}, trace_id=TRACE, span_id=span_id,
            parent_span_id=parent, scope=CLAUDE_SPANS, resource={"service.name": "claude-code"},
            start_us=1_000_000 + number, **changes,
        )  # fmt: skip
        records += read_fields(span).records()
    return records


def claude_events() -> list[NodeRecord]:
    """Return the records of the events beside these spans, which name the prompt's span."""
    events = [
        ("user_prompt", {"prompt": "Fix it"}),
        ("api_request", {"request_id": "req_1", "model": "claude-opus-4-8", "cost_usd": "0.01",
                         "input_tokens": 10, "output_tokens": 20, "cache_read_tokens": 100,
                         "cache_creation_tokens": 5, "duration_ms": 3}),
        ("assistant_response", {"request_id": "req_1", "response": "Let me look."}),
        ("tool_result", {"tool_use_id": "toolu_1", "tool_name": "Bash", "success": "false",
                         "error": "Shell command failed", "tool_input": '{"command": "ls -l"}'}),
    ]  # fmt: skip
    common = {"session.id": "s1", "prompt.id": "p1"}
    logs = [
        LogRecord(
            TRACE, INTERACTION, TIME_NS, name, "", f"claude_code.{name}", common | attributes,
            {"service.name": "claude-code"}, "com.anthropic.claude_code.events",
        )
        for name, attributes in events
    ]  # fmt: skip
    return read_logs(logs, []).records


@pytest.mark.django_db
@pytest.mark.parametrize("order", [1, -1])
def test_events_of_claude_code_say_more_about_its_spans(order: int) -> None:
    for records in (claude_spans(), claude_events())[::order]:
        save_records(records)
    run, steps = stored_run()
    assert (run.inputs_preview, run.total_tokens, str(run.cost)) == ("Fix it", 135, "0.0100000000")
    assert [(step.title, step.kind, step.status, step.error) for step in steps] == [
        ("claude-opus-4-8", "llm", "succeeded", ""),
        ("Bash", "tool", "exception", "Shell command failed"),
    ]
    assert "Let me look." in str(steps[0].outputs.value)
    assert steps[1].inputs.value == {"command": "ls -l"}


@pytest.mark.django_db
def test_spans_of_claude_code_need_no_events() -> None:
    save_records(claude_spans())
    run, steps = stored_run()
    assert (run.status, run.total_tokens) == ("partial-succeeded", 135)
    assert [(step.title, step.status) for step in steps] == [
        ("claude-opus-4-8", "succeeded"), ("Bash", "exception"),
    ]  # fmt: skip


@pytest.mark.django_db
def test_traces_of_gemini_cli_are_part_of_their_prompt() -> None:
    """It sends each model call and each round of tools as a trace of its own."""
    call = {"gen_ai.operation.name": "llm_call", "gen_ai.prompt.name": "p1"}
    tools = {"gen_ai.operation.name": "schedule_tool_calls"}
    for trace, attributes in (("b" * 32, call), ("c" * 32, tools)):
        span = make_span(attributes, trace_id=trace, span_id="1" * 16, scope="gemini-cli v1",
                         resource={"service.name": "gemini-cli"})  # fmt: skip
        save_records(read_fields(span).records())
    common = {"session.id": "s1"}
    answer = '{"candidates": [{"content": {"parts": [{"text": "So."}], "role": "model"}}]}'
    events: list[tuple[str, bytes, dict[str, Any]]] = [
        ("gemini_cli.user_prompt", b"", {"prompt_id": "p1", "prompt": "Why?"}),
        ("gemini_cli.api_response", b"", {"prompt_id": "p1", "model": "gemini-2.5-pro",
                                          "input_token_count": 9, "output_token_count": 1,
                                          "response_text": answer}),
        ("gemini_cli.tool_call", b"\xcc" * 16, {"prompt_id": "p1", "function_name": "ls"}),
    ]  # fmt: skip
    logs = [
        log_message(trace_id=trace, span_id=b"\x11" * 8 if trace else b"", event_name="",
                    body=None, attributes=attribute_pairs({"event.name": name} | common | more))
        for name, trace, more in events
    ]  # fmt: skip
    save_records(decode_logs(log_request(*logs), PROTOBUF).records)
    run, steps = stored_run()
    assert (run.total_tokens, run.outputs_preview) == (10, "So.")
    assert sorted(step.title for step in steps) == ["gemini-2.5-pro", "ls"]


def test_events_of_a_session_alone_are_no_run() -> None:
    name = "gen_ai.client.inference.operation.details"
    attributes = {"session.id": "s1", "gen_ai.usage.input_tokens": 249}
    decoded = read_logs(
        [LogRecord("", "", TIME_NS, name, "", "", attributes, {}, "gemini-cli")], []
    )
    assert (decoded.records, decoded.aside) == ([], 1)


@pytest.mark.django_db
def test_spans_of_codex_are_its_own_work_but_for_turns_and_tools() -> None:
    session = {"conversation.id": "s1"}
    turn = {"thread.id": "s1"} | {
        f"codex.turn.token_usage.{name}": count
        for name, count in (("input_tokens", 50), ("output_tokens", 9), ("total_tokens", 59))
    }
    spans = [
        ("auth", None, {"thread.id": 4}),
        ("session_task.turn", "9" * 16, turn),
        ("exec_command", "8" * 16, session | {"tool_name": "exec_command", "call_id": "call_1"}),
    ]
    readings = [
        read_fields(make_span(attributes, name=name, span_id=f"{number}" * 16, scope="codex_exec",
                              parent_span_id=parent, resource={"service.name": "codex_exec"}))
        for number, (name, parent, attributes) in enumerate(spans, 1)
    ]  # fmt: skip
    assert [reading.ignored for reading in readings] == [True, False, False]
    save_records([record for reading in readings[1:] for record in reading.records()])
    run, steps = stored_run()
    assert (run.total_tokens, run.conversation.source_id) == (59, "s1")
    assert [step.title for step in steps] == ["exec_command"]
    save_records(read(
        ("codex.sse_event", {"event.kind": "response.completed", "model": "gpt-5",
                             "input_token_count": 50, "output_token_count": 9}),
        ("codex.tool_result", {"tool_name": "exec_command", "call_id": "call_1"}),
        common=session,
    ))  # fmt: skip
    run, steps = stored_run()
    assert run.total_tokens == 59
    assert sorted(step.title for step in steps) == ["exec_command", "gpt-5"]
