"""Executions (steps) as JSON."""

from collections.abc import Iterable, Iterator
from typing import Any, Literal, cast
from uuid import UUID

from typing_extensions import TypedDict

from nodes.content.logs import step_logs_json
from nodes.content.message_parts import (
    MessageMedia,
    MessagePart,
    MessageText,
    ToolCall,
    ToolResult,
)
from nodes.content.messages import Message, read_message, read_messages
from nodes.content.payloads import load_value
from nodes.models import NodeExecution
from nodes.trace.first_token import first_token_us
from runs.json.app import VersionRefJson
from runs.json.values import decimal_text, iso_time, stored, writable

# Where in a stored value messages are looked for.
_MESSAGE_KEYS = ("messages", "input_messages", "output_messages", "input", "output", "prompts",
                 "choices", "generations", "contents")  # fmt: skip


class ExecutionTokensJson(TypedDict):
    """Tokens of an execution, as its producer reported them."""

    input: int | None
    output: int | None
    cached: int | None
    reasoning: int | None
    total: int | None


class ExecutionCostJson(TypedDict):
    """The cost of an execution."""

    amount: str | None
    currency: str | None
    state: str
    """“priced”, or “unpriced” where no price is known."""


class ExecutionJson(TypedDict):
    """An execution of a node: a step of a run."""

    id: str
    parent: str | None
    """The execution that it ran in."""
    depth: int
    index: int
    """Its place in the tree of the run, in pre-order."""
    node_id: str | None
    """The id of the node in the graph. This, like other fields, is null for a placeholder."""
    kind: str | None
    title: str
    status: str | None
    """“running”, “succeeded”, “failed”, “exception” (failed, but handled), “skipped” …"""
    iteration: list[int]
    """The iteration of each container around it, the outermost first, counted from 0."""
    attempt: int | None
    """Counted from 1; more than 1 for a retry."""
    taken: str | None
    """The branch that a branching step took."""
    started_at: str | None
    finished_at: str | None
    duration_us: int | None
    clock_moved_us: int
    """By how much its times were moved because the clock of its service is wrong; 0: as
    reported."""
    after_answer: bool
    """Whether it began once the answer of the run had been given."""
    turn: int | None
    """Which turn of the conversation it is, where a run holds several."""
    self_us: int | None
    """Its own time, without the steps inside."""
    tokens: ExecutionTokensJson | None
    cost: ExecutionCostJson | None
    """Null where there is nothing to pay for."""
    counted: bool
    """Whether its tokens and cost count in the totals of the run."""
    model: str | None
    provider: str | None
    error: str | None
    error_type: str | None
    inputs_preview: str | None
    outputs_preview: str | None
    source_id: str | None
    """The producer's id of the step."""
    placeholder: bool
    """Whether it stands for a parent that has not been received."""


class TracingJson(TypedDict):
    """The executions of a run in the order of its tree."""

    run: str
    executions: list[ExecutionJson]
    next: str | None
    """The address of the next page."""


class ToolCallJson(TypedDict):
    """A tool call that a message asks for."""

    id: str | None
    name: str
    arguments: Any


class ToolResultJson(TypedDict):
    """What a tool returned, in a message."""

    id: str | None
    name: str | None
    result: Any


class MessagePartJson(TypedDict):
    """A part of a message."""

    type: str
    """One of "text", "thinking", "refusal", "transcript", "tool_call", "tool_result", "image",
    "audio", "video", "document", "file" and "other"."""
    label: str | None
    """What a part of type "other" is, as "Citations"; null where its kind is not known."""
    id: str | None
    """The id of the tool call."""
    name: str | None
    """The name of the tool."""
    value: Any
    """The text, the arguments of the call, its result, or the part as it was received."""
    is_error: bool
    """Whether the result of a tool says that it is an error."""


class MessageJson(TypedDict):
    """A message of a conversation with a model."""

    role: str
    name: str | None
    text: str | None
    thinking: str | None
    tool_calls: list[ToolCallJson]
    tool_results: list[ToolResultJson]
    other: list[Any]
    """Parts of other kinds, as they were received."""
    parts: list[MessagePartJson]
    """All of the above in the order in which it stands in the message."""


class StoredExecutionJson(ExecutionJson):
    """An execution with its values and all that was received of it."""

    inputs: Any
    process_data: Any
    outputs: Any
    inputs_cut_of: int | None
    """The size in bytes of the whole inputs, where the producer sent a part of them."""
    process_data_cut_of: int | None
    outputs_cut_of: int | None
    attributes: Any
    """Attributes of its span as they were received, without those that became other fields."""
    messages: list[MessageJson] | None
    """The conversation with the model, inputs before outputs; null for other kinds of steps."""
    first_token_us: int | None
    """How long a model took to its first token, where its producer reports it."""
    events: Any
    logs: Any
    scope: str | None
    """The instrumentation scope of its span."""
    span: Any
    """What else its span said, where it is in no other field: its name, kind, status,
    status_message, trace_state, attributes of its scope, and how many attributes, events and links
    the producer dropped."""
    resource: Any
    """The OpenTelemetry resource of its span."""
    span_links: Any
    """What OpenTelemetry calls links: other spans that the producer names."""


class SpanLinkJson(TypedDict):
    """A link between spans of two steps, as seen from one of them."""

    direction: Literal["to", "from"]
    """“to”: this step names the other one; “from”: the other one names this step."""
    step: str | None
    """The execution of this run that the link is from or to; null for the run itself."""
    run: str | None
    """The other run; null where it has not been received."""
    execution: str | None
    """The other execution; null for a run itself."""
    title: str | None
    trace: str | None
    """The ids of the producer that the link names."""
    span: str | None
    url: str | None


class NodeExecutionJson(ExecutionJson):
    """An execution of a node in the node's history."""

    run: str
    url: str
    version: VersionRefJson | None


def execution_json(execution: NodeExecution) -> ExecutionJson:
    """Return an execution as lists show it: no values, only their previews."""
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
        "started_at": iso_time(execution.started_at),
        "finished_at": iso_time(execution.ended_at),
        "duration_us": execution.duration_us,
        "clock_moved_us": execution.clock.moved_us if execution.clock else 0,
        "after_answer": execution.is_after_answer,
        "turn": execution.turn,
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


def tokens_json(execution: NodeExecution) -> ExecutionTokensJson | None:
    """Return None where the producer reported no tokens."""
    tokens: ExecutionTokensJson = {
        "input": execution.input_tokens,
        "output": execution.output_tokens,
        "cached": execution.cached_tokens,
        "reasoning": execution.reasoning_tokens,
        "total": execution.total_tokens,
    }
    return tokens if any(count is not None for count in tokens.values()) else None


def cost_json(execution: NodeExecution) -> ExecutionCostJson | None:
    """Return None where there is nothing to pay for; without a known price the amount is None and
    the state says so."""
    if execution.cost is None and execution.total_tokens is None:
        return None
    return {
        "amount": decimal_text(execution.cost),
        "currency": execution.cost_currency or None,
        "state": "unpriced" if execution.cost is None else "priced",
    }


def placeholder_json(parent_id: UUID, child: NodeExecution) -> ExecutionJson:
    """Return a parent that was not received: only its id and its first child are known."""
    placeholder: dict[str, Any] = dict.fromkeys(ExecutionJson.__annotations__)
    placeholder |= {
        "id": str(parent_id),
        "depth": 0,
        "index": child.index,
        "title": "Parent not received",
        "iteration": [],
        "attempt": 1,
        "clock_moved_us": 0,
        "after_answer": False,
        "counted": False,
        "source_id": child.parent_source_id or None,
        "placeholder": True,
    }
    return cast(ExecutionJson, placeholder)


SPAN_FIELDS = (
    "name", "kind", "status", "status_message", "trace_state", "scope_attributes",
    "dropped_attributes_count", "dropped_events_count", "dropped_links_count",
)  # fmt: skip


def with_placeholders(
    executions: Iterable[NodeExecution], seen: Iterable[UUID] = ()
) -> Iterator[ExecutionJson]:
    """Yield executions in order, and before the first child of each missing parent a placeholder.
    `seen` are the missing parents that an earlier page had."""
    placed = set(seen)
    for execution in executions:
        parent_id = execution.parent_id
        if execution.orphan and parent_id and parent_id not in placed:
            placed.add(parent_id)
            yield placeholder_json(parent_id, execution)
        yield execution_json(execution)


def stored_execution_json(execution: NodeExecution) -> StoredExecutionJson:
    """Return an execution, loaded `with_payloads()`, with its values and all that was received."""
    received = execution.received
    return {
        **execution_json(execution),
        "inputs": stored(execution.inputs),
        "process_data": stored(execution.process_data),
        "outputs": stored(execution.outputs),
        "inputs_cut_of": execution.inputs.cut_of if execution.inputs else None,
        "process_data_cut_of": execution.process_data.cut_of if execution.process_data else None,
        "outputs_cut_of": execution.outputs.cut_of if execution.outputs else None,
        "attributes": writable(received.get("attributes") or {}),
        "messages": writable(messages_json(execution)),
        "first_token_us": first_token_us(execution),
        "events": writable(received.get("events") or []),
        "logs": writable(step_logs_json(execution)),
        "scope": received.get("scope"),
        "span": writable({name: received[name] for name in SPAN_FIELDS if name in received}),
        "resource": stored(execution.resource),
        "span_links": writable(received.get("links") or []),
    }


def messages_json(execution: NodeExecution) -> list[MessageJson] | None:
    """Return the conversation with the model, inputs before outputs; None for other kinds of
    steps."""
    if execution.kind_info.call != "model" and execution.kind_info.group != "agent":
        return None
    messages: list[Message] = []
    for payload in (execution.inputs, execution.outputs):
        messages += _messages_in(load_value(payload)) if payload else []
    return [_message_json(message) for message in messages] or None


def _messages_in(value: Any, depth: int = 3) -> list[Message]:
    """Return the messages of a stored value, looked for at most `depth` levels down."""
    if messages := read_messages(value):
        return messages
    if message := read_message(value):
        return [message]
    if isinstance(value, dict) and depth:
        for key in _MESSAGE_KEYS:
            if key in value and (messages := _messages_in(value[key], depth - 1)):
                return messages
    return []


def _message_json(message: Message) -> MessageJson:
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
        "other": message.rest,
        "parts": [_part_json(part) for part in message.parts],
    }


def _part_json(part: MessagePart) -> MessagePartJson:
    json: MessagePartJson = {
        "type": "other", "label": None, "id": None, "name": None, "value": None, "is_error": False,
    }  # fmt: skip
    match part:
        case MessageText(text, form):
            return {**json, "type": form, "value": text}
        case ToolCall(name, value, call_id):
            called: MessagePartJson = {**json, "id": call_id or None, "name": name or None}
            return {**called, "type": "tool_call", "value": value}
        case ToolResult(value, call_id, name, is_error):
            called = {**json, "id": call_id or None, "name": name or None}
            return {**called, "type": "tool_result", "value": value, "is_error": is_error}
        case MessageMedia(kind, value):
            return {**json, "type": kind, "value": value}
    return {**json, "label": part.label or None, "value": part.value}
