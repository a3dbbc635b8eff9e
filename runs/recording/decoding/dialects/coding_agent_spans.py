"""Spans of coding agents, whose log events are read in `decoding/coding_agents.py`.

Facts, from what they send. Claude Code with its beta traces: `claude_code.interaction` is a prompt,
below it are `llm_request` and `tool`, and below a tool the wait for permission and the execution,
which tells whether the tool failed; `span.type` names them. Codex sends its inner work as some
hundred spans, of which `session_task.turn` has the tokens and each tool its call; many are traces
of their own. Gemini CLI sends each model call and each tool as a trace of its own, which its events
join to their prompt.
"""

import re
from typing import Any

from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.span import Span
from runs.recording.records.usage import to_count, usage

NAME = "coding-agents"
CLAUDE_CODE = "com.anthropic.claude_code"
GEMINI_CLI = "gemini-cli"
CODEX = ("codex_", "codex-")
CODEX_TURN = "session_task.turn"
TURN_TOKENS = "codex.turn.token_usage."
INNER_WORK = "Codex's own work: its log events tell what it did."
# A variant of the model, as its context of a million tokens.
VARIANT = re.compile(r"\[\w+\]$")
# What a tool of Claude Code was called with, of which its span has what it is allowed to tell.
TOOL_INPUTS = {
    "full_command": "command", "file_path": "file_path", "pattern": "pattern", "url": "url",
    "query": "query", "subagent_type": "subagent_type", "skill_name": "skill",
}  # fmt: skip


def applies(span: Span, prefixes: set[str]) -> bool:
    scope = span.scope
    return scope.startswith((CLAUDE_CODE, *CODEX)) or scope.partition(" ")[0] == GEMINI_CLI


def read(reading: SpanReading) -> None:
    if reading.span.scope.startswith(CLAUDE_CODE):
        _read_claude_code_span(reading)
    elif reading.span.scope.startswith(CODEX):
        _read_codex_span(reading)
    else:
        reading.fields |= {"folded": True, "is_run": False}
        reading.fill_run_from("conversation", "gen_ai.conversation.id")
        reading.settle_run("version")  # that of Node
        prompt = reading.attributes.get("gen_ai.prompt.name")
        if isinstance(prompt, str) and prompt:
            reading.fill_run("source_ids", (("agent-prompt", prompt),), "gen_ai.prompt.name")


# -- Claude Code ----------------------------------------------------------------------------------


def _read_claude_code_span(reading: SpanReading) -> None:
    span_type = str(reading.attributes.get("span.type", ""))
    reading.fill_run_from("conversation", "session.id")
    reading.fill_run_from("user", "user.email", "user.account_uuid", "user.id")
    if span_type == "interaction":
        reading.fields |= {"kind": "agent", "title": "claude-code", "is_run": True}
        reading.fill_run("name", "claude-code", "span.type")
        reading.fill_run("mode", "chatflow", "span.type")
        if reading.attributes.get("user_prompt") != "<REDACTED>":
            reading.fill_payload("inputs", "user_prompt")
    elif span_type == "llm_request":
        _read_claude_code_request(reading)
    elif span_type == "tool":
        _read_claude_code_tool(reading)
    elif span_type == "tool.execution" or _is_permission_by_rule(reading, span_type):
        reading.fill("folded", True, "span.type")
        if reading.span.status == "error" and reading.span.parent_span_id:
            _tell_tool_of_failure(reading)


def _read_claude_code_request(reading: SpanReading) -> None:
    attributes = reading.attributes
    model = VARIANT.sub("", str(attributes.get("gen_ai.request.model") or attributes.get("model")))
    reading.fields["kind"] = "llm"
    reading.fill("title", model, "model")
    reading.fill("model", model, "model")
    reading.fill_from("provider", "gen_ai.system")
    if request_id := attributes.get("request_id"):
        _name_by(reading, str(request_id))
    counts = [
        to_count(attributes.get(name))
        for name in ("input_tokens", "cache_read_tokens", "cache_creation_tokens", "output_tokens")
    ]
    uncached, cached, written, output = counts
    total_input = None if uncached is None else uncached + (cached or 0) + (written or 0)
    tokens = usage(total_input, output, cached=cached, cache_write=written)
    reading.fill("usage", tokens, "input_tokens")
    if str(attributes.get("success", "true")).lower() == "false":
        reading.fill("status", "failed", "success")
        reading.fill_from("error", "error", "error_message")
        reading.fill_from("error_type", "status_code")


def _read_claude_code_tool(reading: SpanReading) -> None:
    attributes = reading.attributes
    reading.fields |= {"kind": "tool", "handled": True}
    reading.fill_from("title", "tool_name")
    if call_id := attributes.get("tool_use_id"):
        _name_by(reading, f"{call_id}")
    inputs = {key: attributes[name] for name, key in TOOL_INPUTS.items() if attributes.get(name)}
    if inputs:
        reading.fill("inputs", inputs, "full_command")
    for index, event in enumerate(reading.span.events):
        if event.name == "tool.output":
            output = event.attributes.get("output", event.attributes)
            reading.fill("outputs", output, event.name)
            reading.consumed_events.add(index)


def _is_permission_by_rule(reading: SpanReading, span_type: str) -> bool:
    """Return whether the span is the question whether a tool may run, which a rule answered; a
    person who is asked is waited for."""
    if span_type != "tool.blocked_on_user":
        return False
    if not str(reading.attributes.get("source", "")).startswith("user"):
        return True
    reading.fields |= {"kind": "human-input", "title": "permission"}
    reading.fill_payload("outputs", "decision")
    return False


def _tell_tool_of_failure(reading: SpanReading) -> None:
    call_id = reading.attributes.get("tool_use_id") or reading.span.parent_span_id
    fields = {"status": "failed", "handled": True, "error": reading.span.status_message or None}
    reading.about_step_above = (str(call_id), fields)


def _name_by(reading: SpanReading, source_id: str) -> None:
    """Give the step the id that the agent's events name it by; its children know its span."""
    reading.fill("source_id", source_id, "span.type")
    reading.fill("span_ids", (reading.span.span_id,), "span.type")


# -- Codex ----------------------------------------------------------------------------------------


def _read_codex_span(reading: SpanReading) -> None:
    span, attributes = reading.span, reading.attributes
    session = attributes.get("conversation.id")
    if span.name == CODEX_TURN:
        session = attributes.get("thread.id")
        reading.fields |= {"kind": "agent", "title": "codex", "is_run": True}
        reading.fields["parent_source_id"] = None
        reading.fill_run("name", "codex", "name")
        reading.fill_run("mode", "chatflow", "name")
        reading.fill_from("model", "model")
        reading.fill("usage", _turn_tokens(attributes), TURN_TOKENS)
    elif attributes.get("call_id") and span.name == attributes.get("tool_name") and session:
        _name_by(reading, str(attributes["call_id"]))
        reading.fields |= {"kind": "tool", "parent_source_id": str(session)}
        reading.fill_from("title", "tool_name")
    else:
        reading.ignored, reading.remark = True, INNER_WORK
        return
    if session:
        reading.fill_run("conversation", str(session), "conversation.id")
        reading.fill_run("source_ids", (("agent-session", str(session)),), "conversation.id")


def _turn_tokens(attributes: dict[str, Any]) -> Any:
    names = ("input_tokens", "output_tokens", "total_tokens", "cached_input_tokens",
             "cache_write_input_tokens", "reasoning_output_tokens")  # fmt: skip
    return usage(*(to_count(attributes.get(TURN_TOKENS + name)) for name in names))
