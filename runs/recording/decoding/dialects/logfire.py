"""Logfire: its messages, logs, pending spans, LLM calls and function arguments, and pydantic-graph,
which is traced with it.

Facts: Logfire's `logfire.*` attributes. `span_type` is `span`, `log` (a span without length) or
`pending_span`: it announces a span that has begun, as whose child it is sent; the parent of the
announced span is in `pending_parent_id`. `json_schema` lists the attributes that the developer set.
pydantic-graph spans are named `run graph NAME` and `run node ID`; before 2025-10 the names were
templates, and `logfire.msg` contains these texts.
"""

from typing import Any

from runs.recording.decoding.dialects.chat_messages import as_text
from runs.recording.decoding.dialects.llm_api import model_request, model_response
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import object_or_empty, readable
from runs.recording.records.record import Usage
from runs.recording.records.span import Span
from runs.recording.records.usage import api_usage

NAME = "logfire"

GRAPH, NODE = "run graph ", "run node "
NO_SPAN = "0" * 16
CHOICE = "gen_ai.choice"
# The values of a finished span replace those of the pending span that announced it.
FINISHED = dict.fromkeys(
    ("title", "kind", "node_id", "inputs", "outputs", "process_data", "received", "model"), 1
)


def applies(span: Span, prefixes: set[str]) -> bool:
    return "logfire" in prefixes


def read(reading: SpanReading) -> None:
    span_type = reading.attributes.get("logfire.span_type")
    if span_type == "pending_span":
        _read_pending_span(reading)
    elif span_type == "log":
        _read_log(reading)
    else:
        reading.fields["rank"] = FINISHED
    _read_pydantic_graph(reading)
    if reading.fields.get("kind") == "llm":
        _read_event_list(reading)
        _read_request_and_response(reading)
    elif "kind" not in reading.fields:
        _read_declared_attributes(reading)
    _read_message_title(reading)
    tags = reading.parsed("logfire.tags")
    if isinstance(tags, list) and tags:
        reading.fill_run("tags", tuple(as_text(tag) for tag in tags), "logfire.tags")


def _read_pending_span(reading: SpanReading) -> None:
    span = reading.span
    if span.parent_span_id is None:
        return
    parent = reading.attributes.get("logfire.pending_parent_id")
    has_parent = isinstance(parent, str) and parent not in ("", NO_SPAN)
    reading.fields["source_id"] = span.parent_span_id
    reading.fields["parent_source_id"] = parent if has_parent else None
    reading.fields["ended_us"] = None
    reading.fields["status"] = "running"


def _read_log(reading: SpanReading) -> None:
    """Read a log: a detail of the step that it was written in, unless it has the answer of a model
    (Logfire sends streamed answers as logs)."""
    is_answer = "response_data" in reading.attributes or "outputs" in reading.fields
    if reading.span.parent_span_id is not None and not is_answer:
        reading.fill("folded", True, "logfire.span_type")


def _read_message_title(reading: SpanReading) -> None:
    """Read the message of a span of Logfire's own: its name is the template that all spans of this
    place in the code share."""
    template = reading.attributes.get("logfire.msg_template")
    if not isinstance(template, str) or not template:
        return
    if "title" not in reading.fields and reading.attributes.get("logfire.msg") != template:
        reading.fill("node_id", template, "logfire.msg_template")
    reading.fill_from("title", "logfire.msg", "logfire.msg_template")
    if reading.fields.get("parent_source_id", reading.span.parent_span_id) is None:
        reading.fill_run("name", reading.fields["title"], "logfire.msg")


def _read_pydantic_graph(reading: SpanReading) -> None:
    attributes = reading.attributes
    message = attributes.get("logfire.msg")
    message = message if isinstance(message, str) else reading.span.name
    if "graph" in attributes and message.startswith(GRAPH):
        reading.fill("kind", "workflow", "logfire.msg")
        reading.fill("title", message.removeprefix(GRAPH), "logfire.msg")
        reading.fill_run("name", message.removeprefix(GRAPH), "logfire.msg")
    elif "node_id" in attributes and message.startswith(NODE):
        reading.fill("kind", "task", "logfire.msg")
        reading.fill_from("node_id", "node_id")
        reading.fill_from("title", "node_id")
        node = reading.parsed("node")
        # A node that is a dataclass holds its inputs; a step describes only itself.
        if isinstance(node, dict) and node.get("id") != attributes["node_id"]:
            reading.fill_payload("inputs", "node")


def _read_declared_attributes(reading: SpanReading) -> None:
    """Read the attributes that the developer set on the span, and the return value of an
    instrumented function."""
    attributes = reading.attributes
    declared = object_or_empty(reading.parsed("logfire.json_schema")).get("properties")
    if not isinstance(declared, dict):
        return
    names = [name for name in declared if name in attributes and name != "return"]
    arguments = {name: readable(attributes[name]) for name in names}
    if arguments and "inputs" not in reading.fields:
        reading.fill("inputs", arguments, "logfire.json_schema")
        reading.consume(names)
    if "return" in declared:
        reading.fill_payload("outputs", "return")


def _read_event_list(reading: SpanReading) -> None:
    """Read messages from a list of events in one attribute, as before they had attributes of their
    own: the request, then the answer of the model."""
    events = reading.parsed("events")
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        return
    split = _request_length(events)
    inputs = [_logfire_message(event) for event in events[:split]]
    outputs = [_logfire_message(event) for event in events[split:]]
    for field, messages in (("inputs", inputs), ("outputs", outputs)):
        if messages:
            reading.fill(field, {"messages": messages}, "events")
            reading.consume(("events",))


def _request_length(events: list[dict[str, Any]]) -> int:
    """Return how many of the events are the request. The answer is a choice, or the assistant's
    messages at the end."""
    for index, event in enumerate(events):
        if event.get("event.name") == CHOICE:
            return index
    index = len(events)
    while index and events[index - 1].get("role") == "assistant":
        index -= 1
    return index


def _logfire_message(event: dict[str, Any]) -> dict[str, Any]:
    choice = event.get("message")
    if event.get("event.name") == CHOICE:
        fields = choice if isinstance(choice, dict) else {"content": choice or event.get("content")}
        beside = {name: event[name] for name in event if name not in ("message", "content")}
        return {"role": "assistant", **beside, **fields}
    fields = dict(event)
    name = str(event.get("event.name", ""))
    fields.setdefault("role", name.removeprefix("gen_ai.").removesuffix(".message") or "user")
    if fields["role"] == "tool" and "tool_call_id" not in fields and "id" in fields:
        fields["tool_call_id"] = fields.pop("id")
    return fields


def _read_request_and_response(reading: SpanReading) -> None:
    """Read `request_data` and `response_data`: the call in the form of the provider's API."""
    if "inputs" not in reading.fields and (
        request := model_request(reading.parsed("request_data"))
    ):
        reading.fill("inputs", request, "request_data")
        reading.consume(("request_data",))
    response = reading.parsed("response_data")
    if not isinstance(response, dict):
        return
    streamed = response.get("combined_chunk_content")
    reply = {"role": "assistant", "content": streamed} if streamed else response.get("message")
    reading.fill("outputs", model_response(reply), "response_data")
    _read_usage_details(reading, api_usage(response.get("usage")))


def _read_usage_details(reading: SpanReading, usage: Usage | None) -> None:
    """Read the usage with its details, where the span's own attributes have the same counts without
    details."""
    known: Usage | None = reading.fields.get("usage")
    if known and usage and known.cached is None and known.reasoning is None:
        is_same = (known.input, known.output) == (usage.input, usage.output)
        reading.fields["usage"] = usage if is_same else known
    reading.fill("usage", usage, "response_data")
