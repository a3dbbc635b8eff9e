"""Machine twin of one execution. Times are ISO 8601 with zone, durations integer microseconds,
money decimal strings; what is absent is null, never missing."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from django.http import HttpResponse
from django.utils import timezone

from nodes.content.logs import step_logs_json
from nodes.content.messages import Message, read_message, read_messages
from nodes.content.payloads import load_value
from nodes.models import NodeExecution, Payload

_CONVERSATION_KEYS = ("messages", "input_messages", "output_messages", "input", "output", "prompts",
                      "choices", "generations", "contents")  # fmt: skip


def json_response(data: Any) -> HttpResponse:
    """JSON in UTF-8. Stored values go in as they are, without being read and rewritten."""
    return HttpResponse(orjson.dumps(data), content_type="application/json")


def writable(value: Any) -> Any:
    """`value`, or null where it is nested more deeply than JSON is written here (254 levels): it
    is in the raw payload."""
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return None
    return value


def stored(payload: Payload | None) -> Any:
    """A stored value to put into a JSON answer; null when there is none."""
    if payload is None:
        return None
    return orjson.Fragment(payload.raw) if payload.encoding == "json" else payload.text


def moment(value: datetime | None) -> str | None:
    return timezone.localtime(value).isoformat(timespec="microseconds") if value else None


def amount(value: Decimal | None) -> str | None:
    """A decimal string without an exponent and without trailing zeros."""
    if value is None:
        return None
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def execution_json(execution: NodeExecution) -> dict[str, Any]:
    """An execution as lists tell it: no values, only their previews."""
    return {
        "id": str(execution.id),
        "parent": str(execution.parent_id) if execution.parent_id else None,
        "depth": execution.depth,
        "index": execution.index,
        "node_id": execution.node_id,
        "kind": execution.kind,
        "title": execution.title,
        "status": execution.status,
        "iteration": execution.iteration_path,
        "attempt": execution.attempt,
        "taken": execution.taken or None,
        "started_at": moment(execution.started_at),
        "finished_at": moment(execution.ended_at),
        "duration_us": execution.duration_us,
        "self_us": execution.self_us,
        "tokens": tokens_json(execution),
        "cost": cost_json(execution),
        "counted": execution.counted,
        "model": execution.model or None,
        "provider": execution.provider or None,
        "error": execution.error or None,
        "error_type": execution.error_type or None,
        "inputs_preview": execution.inputs_preview or None,
        "outputs_preview": execution.outputs_preview or None,
        "source_id": execution.source_id,
        "placeholder": False,
    }


def tokens_json(execution: NodeExecution) -> dict[str, int | None] | None:
    told = {
        "input": execution.input_tokens,
        "output": execution.output_tokens,
        "cached": execution.cached_tokens,
        "reasoning": execution.reasoning_tokens,
        "total": execution.total_tokens,
    }
    return told if any(value is not None for value in told.values()) else None


def cost_json(execution: NodeExecution) -> dict[str, Any] | None:
    """None where nothing costs; without a known price the amount is null and the state says so."""
    if execution.cost is None and execution.total_tokens is None:
        return None
    return {
        "amount": amount(execution.cost),
        "currency": execution.cost_currency or None,
        "state": "unpriced" if execution.cost is None else "priced",
    }


def placeholder_json(parent_id: UUID, child: NodeExecution) -> dict[str, Any]:
    """A parent that was not received: known by its id and by its first child only."""
    empty = dict.fromkeys(execution_json(child))
    return empty | {
        "id": str(parent_id),
        "depth": 0,
        "index": child.index,
        "title": "Parent not received",
        "iteration": [],
        "attempt": 1,
        "counted": False,
        "source_id": child.parent_source_id or None,
        "placeholder": True,
    }


def with_placeholders(
    executions: Iterable[NodeExecution], seen: Iterable[UUID] = ()
) -> Iterator[dict[str, Any]]:
    """Executions in order, each missing parent told before its first child; `seen` are those
    told on an earlier page."""
    told = set(seen)
    for execution in executions:
        parent_id = execution.parent_id
        if execution.orphan and parent_id and parent_id not in told:
            told.add(parent_id)
            yield placeholder_json(parent_id, execution)
        yield execution_json(execution)


def execution_detail_json(execution: NodeExecution) -> dict[str, Any]:
    """An execution that was loaded with `with_payloads()`, with its values and all that came."""
    received = execution.received
    return {
        **execution_json(execution),
        "inputs": stored(execution.inputs),
        "process_data": stored(execution.process_data),
        "outputs": stored(execution.outputs),
        "attributes": writable(received.get("attributes") or {}),
        "messages": writable(messages_json(execution)),
        "links": writable(received.get("links") or []),
        "events": writable(received.get("events") or []),
        "logs": writable(step_logs_json(execution)),
        "scope": received.get("scope"),
        "resource": stored(execution.resource),
    }


def messages_json(execution: NodeExecution) -> list[dict[str, Any]] | None:
    """The conversation with the model, inputs before outputs; null for other kinds of steps."""
    if execution.kind_info.call != "model" and execution.kind_info.group != "agent":
        return None
    found: list[Message] = []
    for payload in (execution.inputs, execution.outputs):
        found += _messages_in(load_value(payload)) if payload else []
    return [_message_json(message) for message in found] or None


def _messages_in(value: Any, depth: int = 3) -> list[Message]:
    if messages := read_messages(value):
        return messages
    if message := read_message(value):
        return [message]
    if isinstance(value, dict) and depth:
        for key in _CONVERSATION_KEYS:
            if key in value and (found := _messages_in(value[key], depth - 1)):
                return found
    return []


def _message_json(message: Message) -> dict[str, Any]:
    return {
        "role": message.role,
        "name": message.name or None,
        "text": message.text or None,
        "thinking": message.thinking or None,
        "tool_calls": [
            {"id": call.id or None, "name": call.name, "arguments": call.arguments}
            for call in message.calls
        ],
        "tool_results": [
            {"id": result.id or None, "name": result.name or None, "result": result.value}
            for result in message.results
        ],
        "other": list(message.rest),
    }
