"""Coding agents, whose log events tell what they did: Claude Code, Codex, Gemini CLI. Pure.

Facts, from their documents: each event has a name (`event.name`, with the agent's prefix or without
it), a session, the time of its end and `duration_ms`; numbers may be text. Claude Code and Gemini
CLI name the prompt that an event belongs to: that prompt is then a run and the session its
conversation. Codex names none: its session is one run. Texts are sent only where the user allows
it. Claude Code counts cached tokens apart from the input, Gemini CLI thoughts apart from the
output.

All of them can send traces as well (`dialects/coding_agent_spans.py`). Claude Code's spans tell the
steps, and its events then say more about them: the event of a model call names the same request,
that of a tool the same call. Of Codex and Gemini CLI the events tell the steps.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import blake2b
from typing import Any

from runs.recording.decoding.dialects.chat_messages import as_text
from runs.recording.decoding.dialects.llm_api import model_response
from runs.recording.decoding.otlp.log_requests import LogRecord
from runs.recording.records.json_text import object_or_empty, objects_in, readable
from runs.recording.records.record import NodeRecord, RunFacts
from runs.recording.records.usage import cost, to_count, usage

CLAUDE_CODE, CODEX, GEMINI_CLI = "claude-code", "codex", "gemini-cli"
# How the names of an agent's events begin, and its scope or service where the names have no prefix.
AGENTS = {"claude_code": CLAUDE_CODE, "codex": CODEX, "gemini_cli": GEMINI_CLI}
SESSION = ("session.id", "conversation.id")
PROMPT = ("prompt.id", "prompt_id")
USER = ("user.email", "user.account_id", "user.account_uuid", "user.id")
PROMPT_EVENT, RESPONSE_EVENT = "user_prompt", "assistant_response"
# Ids of a step that several events, and its span, have.
STEP_IDS = ("tool_use_id", "call_id", "request_id")
REDACTED_BY_PRODUCER = frozenset({"", "<REDACTED>", "[REDACTED]"})
TOOL_INPUT = ("tool_input", "arguments", "function_args", "tool_parameters")
Attributes = dict[str, Any]


def read_agent_event(log: LogRecord) -> list[NodeRecord] | None:
    """Return the run that an agent's event belongs to, and the step that it describes. An event
    that describes no step is kept with the run; [] where it belongs to the session alone. None
    where the log is no agent's event."""
    agent, event = _agent_and_event(log)
    attributes = log.attributes
    session, prompt = _first_text(attributes, SESSION), _first_text(attributes, PROMPT)
    if not agent or not session:
        return None
    reader = STEP_READERS.get(event)
    step = reader(attributes) if reader else None
    facts = _run_facts(log, agent, session, prompt)
    if agent == CLAUDE_CODE and log.trace_id and log.span_id:
        return _records_in_trace(log, event, step, facts)
    if step is None and not prompt and agent != CODEX:
        return []
    known: dict[str, Any] = {
        "trace": f"{agent}:{session}:{prompt}",
        "service": _service_of(log, agent),
    }
    run: dict[str, Any] = {
        **known,
        "source_id": prompt or session,
        "title": agent,
        "kind": "agent",
        "is_run": True,
        "envelope": True,
        "resource": log.resource or None,
        "run": facts,
    }
    if event == PROMPT_EVENT:
        run |= {"started_us": log.time_us, "inputs": _unredacted(attributes.get("prompt"))}
    records = [NodeRecord(**run, logs=(log.line(),) if step is None else ())]
    if step is not None:
        common = _common_step_fields(log, event, run["source_id"])
        records.append(NodeRecord(**known, **common, **step))
    if log.trace_id and log.span_id and prompt:
        records.append(_logged_span(log, agent, facts))  # its trace is of the same run
    return records


def _records_in_trace(
    log: LogRecord, event: str, step: dict[str, Any] | None, facts: RunFacts
) -> list[NodeRecord]:
    """Return what an event says whose agent sends traces: the span that it names keeps it, and the
    step that it describes gets what its own span lacks."""
    span = replace(_logged_span(log, CLAUDE_CODE, facts), logs=(replace(log.line(), tells=False),))
    if step is None or not (_first_text(log.attributes, STEP_IDS) or event == RESPONSE_EVENT):
        return [span]
    common = _common_step_fields(log, event, log.span_id) | {"received": None}
    rank = {"inputs": 1} | dict.fromkeys(
        ("kind", "title", "model", "parent_source_id", "started_us", "ended_us"), -1
    )
    known: dict[str, Any] = {"trace": log.trace_id, "service": span.service, "rank": rank}
    return [span, NodeRecord(**known, **common, **step)]


def _logged_span(log: LogRecord, agent: str, facts: RunFacts) -> NodeRecord:
    """Return the span that a log names, of which nothing is known but its run."""
    service = _service_of(log, agent)
    return NodeRecord(log.trace_id, log.span_id, service, title="", kind="span", run=facts)


def _service_of(log: LogRecord, agent: str) -> str:
    return str(log.resource.get("service.name") or agent)


def _agent_and_event(log: LogRecord) -> tuple[str, str]:
    """Return the agent and the bare name of the event; ("", "") where it is no agent's."""
    name = log.name or (log.body if isinstance(log.body, str) else "")
    prefix, _, event = name.partition(".")
    if prefix in AGENTS and event:
        return AGENTS[prefix], event
    for prefix, agent in AGENTS.items():
        if prefix in log.scope or agent in (log.scope, log.resource.get("service.name")):
            return agent, name
    return "", ""


def _run_facts(log: LogRecord, agent: str, session: str, prompt: str) -> RunFacts:
    version = log.attributes.get("app.version") or log.resource.get("service.version") or ""
    if agent == GEMINI_CLI:
        version = ""  # its resource has that of Node
    return RunFacts(
        name=agent,
        mode="chatflow",
        conversation=session,
        user=_first_text(log.attributes, USER) or None,
        version=str(version) or None,
        source_ids=(("agent-prompt", prompt),) if prompt else (("agent-session", session),),
    )


def _common_step_fields(log: LogRecord, event: str, parent: str) -> dict[str, Any]:
    """Return the fields that every step has. Its event is written when the step has ended."""
    attributes = log.attributes
    ended, duration_ms = log.time_us, to_count(attributes.get("duration_ms"))
    started = ended
    if ended is not None and duration_ms is not None:
        started = max(ended - duration_ms * 1000, 1)
    received: dict[str, Any] = {"attributes": attributes}
    return {
        "source_id": _step_id(log, event),
        "parent_source_id": parent,
        "started_us": started,
        "ended_us": ended,
        "received": received | {"scope": log.scope} if log.scope else received,
    }


def _step_id(log: LogRecord, event: str) -> str:
    """Return the id of the tool's call or the model's request; without one, an id that is the same
    when the same event is sent again."""
    if own := _first_text(log.attributes, STEP_IDS):
        return own
    content = json.dumps([event, log.time_ns, log.attributes], sort_keys=True)
    return blake2b(content.encode(), digest_size=12).hexdigest()


def _first_text(attributes: Attributes, names: tuple[str, ...]) -> str:
    return next((str(attributes[name]) for name in names if attributes.get(name)), "")


def _unredacted(value: Any) -> Any:
    """Return the value as a person reads it; None where the agent left it out."""
    if value is None or (isinstance(value, str) and value in REDACTED_BY_PRODUCER):
        return None
    return readable(value)


# -- steps: the fields that an event's attributes give; None where the event describes no step -----


def _model_call(attributes: Attributes) -> dict[str, Any]:
    model = _first_text(attributes, ("model",))
    title = model or "model call"
    return {"kind": "llm", "title": title, "model": model or None, "status": "succeeded"}


def _failed_model_call(attributes: Attributes) -> dict[str, Any]:
    code = _first_text(attributes, ("error_type", "status_code", "http.response.status_code"))
    error = _first_text(attributes, ("error", "error_message", "error.message"))
    failure = {"status": "failed", "error": error or code or None, "error_type": code or None}
    return _model_call(attributes) | failure


def _api_request(attributes: Attributes) -> dict[str, Any] | None:
    """Read `api_request`, an event of both Claude Code and Codex; only the former counts tokens in
    it."""
    if "input_tokens" in attributes:
        return _claude_code_call(attributes)
    # The stream says more about a request of Codex that went well.
    code = to_count(attributes.get("http.response.status_code")) or 0
    has_failed = code >= 400 or attributes.get("error.message")
    return _failed_model_call(attributes) if has_failed else None


def _claude_code_call(attributes: Attributes) -> dict[str, Any]:
    cached = to_count(attributes.get("cache_read_tokens"))
    written = to_count(attributes.get("cache_creation_tokens"))
    uncached = to_count(attributes.get("input_tokens"))
    total_input = None if uncached is None else uncached + (cached or 0) + (written or 0)
    output = to_count(attributes.get("output_tokens"))
    return _model_call(attributes) | {
        "usage": usage(total_input, output, cached=cached, cache_write=written),
        "cost": cost(attributes.get("cost_usd")),
    }


def _codex_stream_event(attributes: Attributes) -> dict[str, Any] | None:
    """Read `sse_event`: a stream brings its tokens with its last event, which newer versions send
    twice, once without them."""
    is_last = attributes.get("event.kind") == "response.completed"
    if not is_last or "input_token_count" not in attributes:
        return None
    return _model_call(attributes) | {
        "usage": usage(
            to_count(attributes.get("input_token_count")),
            to_count(attributes.get("output_token_count")),
            cached=to_count(attributes.get("cached_token_count")),
            reasoning=to_count(attributes.get("reasoning_token_count")),
        )
    }


def _gemini_call(attributes: Attributes) -> dict[str, Any]:
    answer = to_count(attributes.get("output_token_count"))
    thoughts = to_count(attributes.get("thoughts_token_count"))
    return _model_call(attributes) | {
        "outputs": _gemini_answer(_unredacted(attributes.get("response_text"))),
        "usage": usage(
            to_count(attributes.get("input_token_count")),
            None if answer is None else answer + (thoughts or 0),
            to_count(attributes.get("total_token_count")),
            to_count(attributes.get("cached_content_token_count")),
            reasoning=thoughts,
        ),
    }


def _tool_call(attributes: Attributes) -> dict[str, Any]:
    inputs = next((attributes[name] for name in TOOL_INPUT if attributes.get(name)), None)
    step: dict[str, Any] = {
        "kind": "tool",
        "status": "succeeded",
        "title": _first_text(attributes, ("tool_name", "function_name")) or "tool",
        "inputs": _unredacted(inputs),
        "outputs": _unredacted(attributes.get("output")),
    }
    if str(attributes.get("success", "true")).lower() == "false":
        error = _first_text(attributes, ("error", "output")) or "It failed."
        error_type = _first_text(attributes, ("error_type",)) or None
        # An agent goes on after a tool that failed.
        step |= {"status": "failed", "error": error, "error_type": error_type, "handled": True}
    return step


def _response(attributes: Attributes) -> dict[str, Any] | None:
    """Read `assistant_response`, which Claude Code sends for each text of the model; newer versions
    name the request, so that the text is the answer of that model call."""
    text = _unredacted(attributes.get("response"))
    if text is None:
        return None
    if attributes.get("request_id"):
        answer = {"messages": [{"role": "assistant", "content": as_text(text)}]}
        return _model_call(attributes) | {"outputs": answer}
    return {"kind": "answer", "title": "response", "status": "succeeded", "outputs": text}


def _gemini_answer(value: Any) -> Any:
    """Return the answer in Gemini's response, or in the responses of a stream, as messages; any
    other value as it is."""
    candidates = [
        candidate
        for response in (value if isinstance(value, list) else [value])
        if isinstance(response, dict)
        for candidate in objects_in(response.get("candidates"))
    ]
    parts = [
        part
        for candidate in candidates
        for part in objects_in(object_or_empty(candidate.get("content")).get("parts"))
    ]
    if not parts:
        return value
    last = candidates[-1] | {"content": {"role": "model", "parts": _joined_texts(parts)}}
    return model_response({"candidates": [last]}) or value


def _joined_texts(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the parts with the texts that a stream brought piece by piece put together."""
    joined: list[dict[str, Any]] = []
    for part in parts:
        if joined and part.keys() == joined[-1].keys() == {"text"}:
            joined[-1] = {"text": f"{joined[-1]['text']}{part['text']}"}
        else:
            joined.append(part)
    return joined


STEP_READERS: dict[str, Callable[[Attributes], dict[str, Any] | None]] = {
    "api_request": _api_request,
    "sse_event": _codex_stream_event,
    "api_response": _gemini_call,
    "api_error": _failed_model_call,
    "tool_result": _tool_call,
    "tool_call": _tool_call,
    RESPONSE_EVENT: _response,
}
