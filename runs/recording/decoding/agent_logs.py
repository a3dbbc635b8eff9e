"""Coding agents that speak in logs without traces: Claude Code, Codex, Gemini CLI. Pure.

Facts, from their documents: each event has a name (`event.name`, with the agent's prefix or without
it), a session, the time of its end and `duration_ms`; numbers may be text. Claude Code and Gemini
CLI tell to which prompt an event belongs: that prompt is then a run and the session its
conversation. Codex tells none: its session is one run. Texts are told only where the user allows
it. Claude Code counts cached tokens apart from the input, Gemini CLI thoughts apart from the
output.
"""

import json
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from runs.recording.decoding.otlp.logs import LogRecord
from runs.recording.records.json_text import readable
from runs.recording.records.record import NodeRecord, RunFacts
from runs.recording.records.usage import cost, to_count, usage

# How the names of an agent's events begin, and its scope or service where they do not say so.
AGENTS = {"claude_code": "claude-code", "codex": "codex", "gemini_cli": "gemini-cli"}
SESSION = ("session.id", "conversation.id")
PROMPT = ("prompt.id", "prompt_id")
USER = ("user.email", "user.account_id", "user.account_uuid", "user.id")
ASKED = "user_prompt"
REDACTED = frozenset({"", "<REDACTED>", "[REDACTED]"})
Attributes = dict[str, Any]


def read(log: LogRecord) -> list[NodeRecord]:
    """The run that an event belongs to, and the step that it tells of; [] where it is no agent's.
    What tells of no step is kept with the run."""
    agent, event = _event(log)
    told = log.attributes
    session, prompt = _first(told, SESSION), _first(told, PROMPT)
    if not agent or not session:
        return []
    known: dict[str, Any] = {
        "trace": f"{agent}:{session}:{prompt}",
        "service": _service(log, agent),
    }
    run: dict[str, Any] = {
        **known,
        "source_id": prompt or session,
        "title": agent,
        "kind": "agent",
        "is_run": True,
        "envelope": True,
        "resource": log.resource or None,
        "run": _facts(log, agent, session, prompt),
    }
    step = READERS.get(event, _nothing)(told)
    if event == ASKED:
        run |= {"started_us": log.time_us, "inputs": _text(told.get("prompt"))}
    if step is None:
        return [NodeRecord(**run, logs=(log.line(),))]
    return [NodeRecord(**run), NodeRecord(**known, **_step(log, event, run["source_id"]), **step)]


def _step(log: LogRecord, event: str, parent: str) -> dict[str, Any]:
    """What every event of a step tells: it is written when the step has ended."""
    told = log.attributes
    ended, took = log.time_us, to_count(told.get("duration_ms"))
    return {
        "source_id": _step_id(log, event),
        "parent_source_id": parent,
        "started_us": ended if ended is None or took is None else max(ended - took * 1000, 1),
        "ended_us": ended,
        "received": {"attributes": told, "scope": log.scope} if log.scope else {"attributes": told},
    }


def _event(log: LogRecord) -> tuple[str, str]:
    """The agent and the bare name of the event; ("", "") where it is no agent's."""
    name = log.name or (log.body if isinstance(log.body, str) else "")
    prefix, _, event = name.partition(".")
    if prefix in AGENTS and event:
        return AGENTS[prefix], event
    for prefix, agent in AGENTS.items():
        if prefix in log.scope or log.resource.get("service.name") == agent:
            return agent, name
    return "", ""


def _service(log: LogRecord, agent: str) -> str:
    return str(log.resource.get("service.name") or agent)


def _facts(log: LogRecord, agent: str, session: str, prompt: str) -> RunFacts:
    told = log.attributes
    version = _first(told, ("app.version",)) or str(log.resource.get("service.version") or "")
    return RunFacts(
        name=agent,
        mode="chatflow",
        conversation=session,
        user=_first(told, USER) or None,
        version=version or None,
        source_ids=(("agent-prompt", prompt),) if prompt else (("agent-session", session),),
    )


def _step_id(log: LogRecord, event: str) -> str:
    """The same for the same event sent again."""
    told = json.dumps([event, log.time_ns, log.attributes], sort_keys=True)
    return blake2b(told.encode(), digest_size=12).hexdigest()


def _first(told: Attributes, names: tuple[str, ...]) -> str:
    return next((str(told[name]) for name in names if told.get(name)), "")


def _text(told: Any) -> Any:
    if told is None or (isinstance(told, str) and told in REDACTED):
        return None
    return readable(told)


def _nothing(told: Attributes) -> dict[str, Any] | None:
    return None


def _claude_call(told: Attributes) -> dict[str, Any]:
    cached, written = (
        to_count(told.get("cache_read_tokens")),
        to_count(told.get("cache_creation_tokens")),
    )
    own = to_count(told.get("input_tokens"))
    whole_input = None if own is None else own + (cached or 0) + (written or 0)
    return _call(told) | {
        "usage": usage(
            whole_input, to_count(told.get("output_tokens")), cached=cached, cache_write=written
        ),
        "cost": cost(told.get("cost_usd")),
    }


def _codex_call(told: Attributes) -> dict[str, Any] | None:
    """A stream tells its tokens with its last event."""
    if told.get("event.kind") != "response.completed":
        return None
    return _call(told) | {
        "usage": usage(
            to_count(told.get("input_token_count")),
            to_count(told.get("output_token_count")),
            cached=to_count(told.get("cached_token_count")),
            reasoning=to_count(told.get("reasoning_token_count")),
        )
    }


def _gemini_call(told: Attributes) -> dict[str, Any]:
    answer, thoughts = (
        to_count(told.get("output_token_count")),
        to_count(told.get("thoughts_token_count")),
    )
    return _call(told) | {
        "outputs": _text(told.get("response_text")),
        "usage": usage(
            to_count(told.get("input_token_count")),
            None if answer is None else answer + (thoughts or 0),
            to_count(told.get("total_token_count")),
            to_count(told.get("cached_content_token_count")),
            reasoning=thoughts,
        ),
    }


def _call(told: Attributes) -> dict[str, Any]:
    model = _first(told, ("model",))
    known = {"kind": "llm", "title": model or "model call", "model": model or None}
    return known | {"status": "succeeded"}


def _failed_call(told: Attributes) -> dict[str, Any]:
    code = _first(told, ("error_type", "status_code", "http.response.status_code"))
    error = _first(told, ("error", "error_message", "error.message"))
    failure = {"status": "failed", "error": error or code or None, "error_type": code or None}
    return _call(told) | failure


def _codex_request(told: Attributes) -> dict[str, Any] | None:
    """Of a request that went well the stream tells more."""
    code = to_count(told.get("http.response.status_code")) or 0
    return _failed_call(told) if code >= 400 or told.get("error.message") else None


def _tool(told: Attributes) -> dict[str, Any]:
    inputs = next((told[n] for n in ("tool_input", "arguments", "function_args",
                                     "tool_parameters") if told.get(n)), None)  # fmt: skip
    step: dict[str, Any] = {
        "kind": "tool",
        "status": "succeeded",
        "title": _first(told, ("tool_name", "function_name")) or "tool",
        "inputs": _text(inputs),
        "outputs": _text(told.get("output")),
    }
    if str(told.get("success", "true")).lower() == "false":
        step |= {"status": "failed", "error": _first(told, ("error", "output")) or "It failed."}
        # An agent goes on after a tool that failed.
        step |= {"error_type": _first(told, ("error_type",)) or None, "handled": True}
    return step


READERS: dict[str, Callable[[Attributes], dict[str, Any] | None]] = {
    "api_request": lambda told: _claude_call(told) if "input_tokens" in told else (
        _codex_request(told)),
    "sse_event": _codex_call,
    "api_response": _gemini_call,
    "api_error": _failed_call,
    "tool_result": _tool,
    "tool_call": _tool,
}  # fmt: skip
