"""Logfire: its messages, logs, pending spans, LLM calls and function arguments, and pydantic-graph,
which is traced with it.

Facts: Logfire's `logfire.*` attributes. `span_type` is `span`, `log` (a moment, as a span without
length) or `pending_span`: a span has begun; a span of its own, child of the one announced, whose
parent is in `pending_parent_id`. `json_schema` lists the attributes that the developer gave.
pydantic-graph spans are named `run graph NAME` and `run node ID`; before 2025-10 the names were
templates, and the message tells the same.
"""

from typing import Any

from runs.recording.decoding.dialects.chat_messages import as_text, chat_message
from runs.recording.decoding.dialects.llm_api import model_request, model_response
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import readable
from runs.recording.records.record import Usage
from runs.recording.records.span import Span
from runs.recording.records.usage import api_usage

NAME = "logfire"

GRAPH, NODE = "run graph ", "run node "
NO_SPAN = "0" * 16
CHOICE = "gen_ai.choice"
# A finished span says more than the pending one that announced it, in all that both tell.
FINISHED = dict.fromkeys(
    ("title", "kind", "node_id", "inputs", "outputs", "process_data", "received", "model"), 1
)


def applies(span: Span, spoken: set[str]) -> bool:
    return "logfire" in spoken


def read(reading: SpanReading) -> None:
    told = reading.attributes
    span_type = told.get("logfire.span_type")
    if span_type == "pending_span":
        _read_pending(reading)
    elif span_type == "log":
        _read_log(reading)
    else:
        reading.fields["rank"] = FINISHED
    _read_graph(reading)
    if reading.fields.get("kind") == "llm":
        _read_events(reading)
        _read_call(reading)
    elif "kind" not in reading.fields:
        _read_arguments(reading)
    _read_title(reading)
    tags = readable(told.get("logfire.tags"))
    if isinstance(tags, list) and tags:
        reading.fill_run("tags", tuple(as_text(tag) for tag in tags), "logfire.tags")


def _read_pending(reading: SpanReading) -> None:
    span = reading.span
    if span.parent_span_id is None:
        return
    parent = reading.attributes.get("logfire.pending_parent_id")
    known = isinstance(parent, str) and parent not in ("", NO_SPAN)
    reading.fields["source_id"] = span.parent_span_id
    reading.fields["parent_source_id"] = parent if known else None
    reading.fields["ended_us"] = None
    reading.fields["status"] = "running"


def _read_log(reading: SpanReading) -> None:
    """A line of a log is a detail of the step that it was written in. One that carries what a model
    answered (Logfire tells streamed answers so) is more than that."""
    said = "response_data" in reading.attributes or "outputs" in reading.fields
    if reading.span.parent_span_id is not None and not said:
        reading.fill("folded", True, "logfire.span_type")


def _read_title(reading: SpanReading) -> None:
    """The message of Logfire's own spans, whose name is the template that all of them share."""
    template = reading.attributes.get("logfire.msg_template")
    if not isinstance(template, str) or not template:
        return
    if "title" not in reading.fields and reading.attributes.get("logfire.msg") != template:
        reading.fill("node_id", template, "logfire.msg_template")
    reading.fill_from("title", "logfire.msg", "logfire.msg_template")
    if reading.fields.get("parent_source_id", reading.span.parent_span_id) is None:
        reading.fill_run("name", reading.fields["title"], "logfire.msg")


def _read_graph(reading: SpanReading) -> None:
    told = reading.attributes
    said = told.get("logfire.msg")
    said = said if isinstance(said, str) else reading.span.name
    if "graph" in told and said.startswith(GRAPH):
        reading.fill("kind", "workflow", "logfire.msg")
        reading.fill("title", said.removeprefix(GRAPH), "logfire.msg")
        reading.fill_run("name", said.removeprefix(GRAPH), "logfire.msg")
    elif "node_id" in told and said.startswith(NODE):
        reading.fill("kind", "task", "logfire.msg")
        reading.fill_from("node_id", "node_id")
        reading.fill_from("title", "node_id")
        node = readable(told.get("node"))
        # A node that is a dataclass holds what it was given; a step describes only itself.
        if isinstance(node, dict) and node.get("id") != told["node_id"]:
            reading.fill_payload("inputs", "node")


def _read_arguments(reading: SpanReading) -> None:
    """What the developer gave the span, and what an instrumented function returned."""
    told = reading.attributes
    schema = readable(told.get("logfire.json_schema"))
    named = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(named, dict):
        return
    given = [name for name in named if name in told and name != "return"]
    arguments = {name: readable(told[name]) for name in given}
    if arguments and "inputs" not in reading.fields:
        reading.fill("inputs", arguments, "logfire.json_schema")
        reading.use(given)
    if "return" in named:
        reading.fill_payload("outputs", "return")


def _read_events(reading: SpanReading) -> None:
    """Messages as a list of events in one attribute, as before they had attributes of their own:
    what was asked, then what the model answered."""
    events = readable(reading.attributes.get("events"))
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        return
    split = _asked(events)
    inputs = [_event_message(event) for event in events[:split]]
    outputs = [_event_message(event) for event in events[split:]]
    for field, messages in (("inputs", inputs), ("outputs", outputs)):
        if messages:
            reading.fill(field, {"messages": messages}, "events")
            reading.use(("events",))


def _asked(events: list[dict[str, Any]]) -> int:
    """How many of the events were asked. The answer is a choice, or the last that was said by the
    assistant."""
    for place, event in enumerate(events):
        if event.get("event.name") == CHOICE:
            return place
    place = len(events)
    while place and events[place - 1].get("role") == "assistant":
        place -= 1
    return place


def _event_message(event: dict[str, Any]) -> dict[str, Any]:
    choice = event.get("message")
    if event.get("event.name") == CHOICE:
        body = choice if isinstance(choice, dict) else {"content": choice or event.get("content")}
        return chat_message(
            {"role": "assistant", "finish_reason": event.get("finish_reason"), **body}
        )
    body = dict(event)
    name = str(event.get("event.name", ""))
    body.setdefault("role", name.removeprefix("gen_ai.").removesuffix(".message") or "user")
    if body["role"] == "tool" and "id" in body:
        body.setdefault("tool_call_id", body["id"])
    return chat_message(body)


def _read_call(reading: SpanReading) -> None:
    """`request_data` and `response_data`: the call of a model provider as its API takes it."""
    told = reading.attributes
    if "inputs" not in reading.fields and (
        request := model_request(readable(told.get("request_data")))
    ):
        reading.fill("inputs", request, "request_data")
        reading.use(("request_data",))
    response = readable(told.get("response_data"))
    if not isinstance(response, dict):
        return
    streamed = response.get("combined_chunk_content")
    said = {"role": "assistant", "content": streamed} if streamed else response.get("message")
    reading.fill("outputs", model_response(said), "response_data")
    _read_details(reading, api_usage(response.get("usage")))


def _read_details(reading: SpanReading, told: Usage | None) -> None:
    """The same counts with their details, where the span's own attributes have none."""
    known: Usage | None = reading.fields.get("usage")
    bare = known is not None and known.cached is None and known.reasoning is None
    if bare and known and told and (known.input, known.output) == (told.input, told.output):
        reading.fields["usage"] = told
    reading.fill("usage", told, "response_data")
