"""LangSmith's OpenTelemetry export: `langsmith.span.kind`, `langsmith.metadata.*`, and the whole of
inputs and outputs as JSON in `gen_ai.prompt` and `gen_ai.completion`.

Facts: the exporters of its Python and JavaScript SDKs. What they call a session is a project; the
conversation is in the metadata. `gen_ai.operation.name` is "chat" for prompt templates and
"embeddings" for retrievers, so that LangSmith's own kind is preferred. Every step that returns a
model's answer repeats the usage of the call.
"""

from typing import Any

from runs.recording.decoding.dialects import langgraph
from runs.recording.decoding.dialects.langchain import (
    HIDDEN_TAG,
    is_wrapper,
    tool_result,
    usage_metadata,
)
from runs.recording.decoding.dialects.llm_api import (
    model_request,
    model_response,
    request_parameters,
)
from runs.recording.decoding.dialects.plain_opentelemetry import RUN_KINDS
from runs.recording.decoding.dialects.span_outcome import has_raised
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import readable
from runs.recording.records.record import Usage
from runs.recording.records.span import Span
from runs.recording.records.usage import api_usage

NAME = "langsmith"

KIND = "langsmith.span.kind"
METADATA = "langsmith.metadata."
INPUT, OUTPUT = "gen_ai.prompt", "gen_ai.completion"
USAGE = "langsmith.usage_metadata"
DETAILS = ("input_token_details", "output_token_details")
KINDS = {
    "llm": "llm",
    "chain": "chain",
    "tool": "tool",
    "retriever": "retriever",
    "embedding": "embedding",
    "prompt": "prompt",
    "parser": "parser",
    "agent": "agent",
}
MODEL_KINDS = frozenset({"llm", "embedding"})
CONVERSATION_KEYS = ("session_id", "thread_id", "conversation_id")
ROOT_MARKS = ("langsmith.root_span", "langsmith.is_root")


def applies(span: Span, prefixes: set[str]) -> bool:
    return "langsmith" in prefixes or span.scope.split(" ")[0] == "langsmith"


def read(reading: SpanReading) -> None:
    attributes = reading.attributes
    kind = KINDS.get(str(attributes.get(KIND, "")).lower(), "")
    metadata = {
        name[len(METADATA) :]: readable(value)
        for name, value in attributes.items()
        if name.startswith(METADATA)
    }
    if not reading.metadata:
        reading.metadata = metadata
    _read_langsmith_run(reading, metadata)
    output = _unwrapped(reading.parsed(OUTPUT), "output")
    langgraph.read_metadata(reading, kind, output, OUTPUT)
    reading.fill("kind", kind, KIND)
    reading.fill_from("title", "langsmith.trace.name")
    _read_langsmith_position(reading, kind)
    if has_raised(reading.span):  # the exporter sets the status OK afterwards
        reading.fill("status", "failed", "exception.message")
    if kind in MODEL_KINDS:
        _read_langsmith_model(reading, metadata, output)
    elif kind:
        # The step returns the answer of a call below it, and repeats the usage of that call.
        reading.fields.setdefault("usage", None)
    _read_langsmith_values(reading, kind, output)


def _read_langsmith_run(reading: SpanReading, metadata: dict[str, Any]) -> None:
    attributes = reading.attributes
    project = attributes.get("langsmith.trace.session_name")
    if project != "default" and "openinference.project.name" not in reading.span.resource:
        reading.fill_from("service", "langsmith.trace.session_name")
    reading.fill_run_from("conversation", "session.id")
    for name in CONVERSATION_KEYS:
        reading.fill_run("conversation", _id_as_text(metadata.get(name)), METADATA + name)
    reading.fill_run("user", _id_as_text(metadata.get("user_id")), METADATA + "user_id")
    reading.fill_run("version", _id_as_text(metadata.get("revision_id")), METADATA + "revision_id")
    if trace := _id_as_text(attributes.get("langsmith.trace.id")):
        reading.fill_run("source_ids", (("langsmith-trace", trace),), "langsmith.trace.id")
    if reading.span.parent_span_id is None:
        reading.fill_run("tags", _span_tags(attributes) or None, "langsmith.span.tags")


def _span_tags(attributes: dict[str, Any]) -> tuple[str, ...]:
    value = readable(attributes.get("langsmith.span.tags"))
    parts = value if isinstance(value, list) else str(value or "").split(",")
    return tuple(tag for part in parts if (tag := str(part).strip()))


def _read_langsmith_position(reading: SpanReading, kind: str) -> None:
    span, attributes = reading.span, reading.attributes
    if any(attributes.get(mark) in (True, "true") for mark in ROOT_MARKS):
        if kind in RUN_KINDS:
            reading.fields["is_run"] = True
        reading.fill_run("name", span.name, "name")
    elif span.parent_span_id is not None and kind in ("chain", "prompt", "parser"):
        title = reading.fields.get("title", span.name)
        if HIDDEN_TAG in _span_tags(attributes) or is_wrapper(title, span.status == "error"):
            reading.fields["folded"] = True


def _read_langsmith_model(reading: SpanReading, metadata: dict[str, Any], output: Any) -> None:
    reading.fill_from("model", "gen_ai.response.model", "gen_ai.request.model")
    for name in ("ls_model_name", "model_name"):
        reading.fill("model", _id_as_text(metadata.get(name)), METADATA + name)
    reading.fill("provider", _id_as_text(metadata.get("ls_provider")), METADATA + "ls_provider")
    reading.fill("usage", api_usage(reading.parsed(USAGE)), USAGE)
    reading.fill("usage", _usage_by_attributes(reading.attributes), "gen_ai.usage")
    reading.fill("usage", api_usage(usage_metadata(output)), OUTPUT)


def _usage_by_attributes(attributes: dict[str, Any]) -> Usage | None:
    """Return usage from attributes. Their details are JSON, or as Python writes a dict."""
    counts = {
        name: attributes.get(f"gen_ai.usage.{name}")
        for name in ("input_tokens", "output_tokens", "total_tokens")
    }
    for name in DETAILS:
        details = attributes.get(f"gen_ai.usage.{name}")
        if isinstance(details, str):
            counts[name] = readable(details.replace("'", '"'))
    completion = usage_metadata(readable(attributes.get(OUTPUT))) or {}
    return api_usage({**{key: completion.get(key) for key in DETAILS}, **counts})


def _read_langsmith_values(reading: SpanReading, kind: str, output: Any) -> None:
    input = reading.parsed(INPUT)
    if kind == "llm":
        request = model_request(input)
        if request and (parameters := request_parameters(_request_attributes(reading.attributes))):
            request.setdefault("parameters", parameters)
        reading.fill("inputs", request, INPUT)
        reading.fill("outputs", model_response(output), OUTPUT)
    elif kind == "tool":
        reading.fill("inputs", readable(_unwrapped(input, "input")), INPUT)
        reading.fill("outputs", readable(tool_result(output)), OUTPUT)
    elif kind:
        reading.fill("inputs", input, INPUT)
        reading.fill("outputs", output, OUTPUT)
        reading.consume((INPUT, OUTPUT))
    if kind:
        reading.fill_payload("inputs", INPUT)
        reading.fill_payload("outputs", OUTPUT)


def _request_attributes(attributes: dict[str, Any]) -> dict[str, Any]:
    start = "gen_ai.request."
    return {name[len(start) :]: attributes[name] for name in attributes if name.startswith(start)}


def _unwrapped(value: Any, key: str) -> Any:
    """Return a value without the object around it: the SDKs wrap a value that is not an object in
    {"output": …}, the input of a tool in {"input": …}."""
    return value[key] if isinstance(value, dict) and list(value) == [key] else value


def _id_as_text(value: Any) -> str | None:
    return str(value) if isinstance(value, (str, int)) and type(value) is not bool else None
