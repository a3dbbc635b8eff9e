"""Langfuse: `langfuse.trace.*` for the run, `langfuse.observation.*` for the step.

Facts: the attributes that its SDKs set (Python from 3, JavaScript from 4) and what its own server
makes of them. Values other than text are JSON text, metadata JSON text in JSON text. Kinds of
tokens and of cost are counted apart: `input` is without what came from the cache. A service name is
optional.
"""

from decimal import Decimal
from typing import Any

from runs.recording.decoding.dialects import langgraph
from runs.recording.decoding.dialects.chat_messages import ChatMessage, as_text
from runs.recording.decoding.dialects.langchain import HIDDEN_TAG, is_wrapper, tool_result
from runs.recording.decoding.dialects.llm_api import model_request, model_response, tool_names
from runs.recording.decoding.dialects.plain_opentelemetry import RUN_KINDS
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import readable
from runs.recording.records.record import Cost, Usage
from runs.recording.records.span import Span
from runs.recording.records.usage import api_usage, cost, to_count, usage

NAME = "langfuse"

TRACE = "langfuse.trace."
OBSERVATION = "langfuse.observation."
METADATA = OBSERVATION + "metadata"
KINDS = {
    "span": "span",
    "generation": "llm",
    "event": "event",
    "embedding": "embedding",
    "agent": "agent",
    "tool": "tool",
    "chain": "chain",
    "retriever": "retriever",
    "guardrail": "guardrail",
    "evaluator": "evaluator",
}
# Older SDKs gave every step the type "span"; these attributes mark a model call.
MODEL_MARKS = (
    OBSERVATION + "model.name",
    OBSERVATION + "usage_details",
    OBSERVATION + "completion_start_time",
)
# The span is the topmost of its process, even if it has a parent in another one.
ROOT_MARKS = ("langfuse.internal.as_root", "langfuse.internal.is_app_root")
# LangGraph raises one of these to wait for a person. The SDK does not report it as an error; only
# the status message shows it.
INTERRUPTS = ("(Interrupt(", "Interrupt(", "GraphInterrupt", "NodeInterrupt")


def applies(span: Span, prefixes: set[str]) -> bool:
    return "langfuse" in prefixes or span.scope.startswith("langfuse-sdk")


def read(reading: SpanReading) -> None:
    attributes = reading.attributes
    _read_trace(reading)
    kind = KINDS.get(str(attributes.get(OBSERVATION + "type", "")).lower(), "")
    if kind == "span" and any(name in attributes for name in MODEL_MARKS):
        kind = "llm"
    if not reading.metadata:
        reading.metadata = _observation_metadata(attributes)
    output = reading.parsed(OBSERVATION + "output")
    langgraph.read_metadata(reading, kind, output, OBSERVATION + "output")
    reading.fill("kind", kind, OBSERVATION + "type")
    _read_langfuse_position(reading, kind)
    _read_level(reading)
    _read_model_and_usage(reading)
    _read_langfuse_values(reading, kind, output)


def _read_trace(reading: SpanReading) -> None:
    resource = reading.span.resource
    reading.fill_run_from("name", TRACE + "name")
    metadata = (METADATA + ".langfuse_", TRACE + "metadata.langfuse_")
    for fact, name in (("conversation", "session"), ("user", "user")):
        reading.fill_run_from(fact, f"langfuse.{name}.id", f"{name}.id")
        reading.fill_run_from(fact, *(f"{prefix}{name}_id" for prefix in metadata))
    reading.fill_run_from("version", "langfuse.version", "langfuse.release")
    reading.fill_run("version", _text_only(resource.get("langfuse.release")), "langfuse.release")
    reading.fill_run_from("environment", "langfuse.environment")
    reading.fill_run(
        "environment", _text_only(resource.get("langfuse.environment")), "langfuse.environment"
    )
    for name in (TRACE + "tags", "langfuse.tags", *(f"{prefix}tags" for prefix in metadata)):
        reading.fill_run("tags", _trace_tags(reading.attributes.get(name)), name)
    service = _text_only(resource.get("service.name")) or "unknown_service"
    if service.startswith("unknown_service") and "openinference.project.name" not in resource:
        reading.fill_from("service", TRACE + "name")


def _trace_tags(value: Any) -> tuple[str, ...] | None:
    tags = readable(value)
    if isinstance(tags, str):
        tags = [part.strip() for part in tags.split(",")]
    return tuple(as_text(tag) for tag in tags if tag) or None if isinstance(tags, list) else None


def _observation_metadata(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata from one attribute for all keys and from one attribute for each key."""
    metadata = readable(attributes.get(METADATA))
    start = len(METADATA) + 1
    by_key = {
        name[start:]: readable(value, is_json=True)
        for name, value in attributes.items()
        if name.startswith(METADATA + ".")
    }
    return metadata | by_key if isinstance(metadata, dict) else by_key


def _read_langfuse_position(reading: SpanReading, kind: str) -> None:
    span, attributes = reading.span, reading.attributes
    if span.parent_span_id is None:
        return
    if kind in RUN_KINDS and any(attributes.get(mark) in (True, "true") for mark in ROOT_MARKS):
        reading.fields["is_run"] = True
        return
    tags = reading.metadata.get("tags")
    # LangChain's own tag; its callback for JavaScript sends chains as spans.
    hidden = isinstance(tags, list) and HIDDEN_TAG in tags and kind in ("chain", "span", "task", "")
    if hidden or (kind == "chain" and is_wrapper(span.name, span.status == "error")):
        reading.fields["folded"] = True


def _read_level(reading: SpanReading) -> None:
    level = reading.attributes.get(OBSERVATION + "level")
    message = reading.attributes.get(OBSERVATION + "status_message")
    if level == "ERROR":
        reading.fill("status", "failed", OBSERVATION + "level")
    elif reading.span.status != "error":
        if isinstance(message, str) and message.startswith(INTERRUPTS):
            reading.fill("status", "paused", OBSERVATION + "status_message")
            return
        if level != "WARNING":
            return
    reading.fill_from("error", OBSERVATION + "status_message")


def _read_model_and_usage(reading: SpanReading) -> None:
    reading.fill_from("model", OBSERVATION + "model.name")
    provider = reading.metadata.get("ls_provider")
    reading.fill("provider", _text_only(provider), METADATA + ".ls_provider")
    for field, name, parse in (
        ("usage", OBSERVATION + "usage_details", _langfuse_usage),
        ("cost", OBSERVATION + "cost_details", _langfuse_cost),
    ):
        reading.fill(field, parse(reading.parsed(name)), name)


def _langfuse_usage(details: Any) -> Usage | None:
    """Return usage from counts that exclude each other, whose names say what they count, or from
    what OpenAI's API returned, where the details are parts of the sums."""
    if not isinstance(details, dict):
        return None
    if "prompt_tokens" in details or any(isinstance(value, dict) for value in details.values()):
        return api_usage(details)
    counts = {
        name: count
        for name, value in details.items()
        if "priority" not in name and (count := to_count(value)) is not None
    }
    outputs = {name: counts[name] for name in counts if "output" in name}
    inputs = {
        name: counts[name]
        for name in counts
        if name not in outputs and ("input" in name or "cache" in name)
    }
    cached = {name: inputs[name] for name in inputs if "cache" in name}
    written = {name: cached[name] for name in cached if "creat" in name or "write" in name}
    input, output, total = _sum_or_none(inputs), _sum_or_none(outputs), counts.get("total")
    if total is not None and input is not None and output is not None:
        # The SDK subtracts details from the sums, and stops at 0 where they are larger.
        output = min(output, total - input) if input <= total else output
    read = {name: cached[name] for name in cached if name not in written}
    reasoning = {name: outputs[name] for name in outputs if "reasoning" in name}
    return usage(
        input, output, total, _sum_or_none(read), _sum_or_none(written), _sum_or_none(reasoning)
    )


def _sum_or_none(counts: dict[str, int]) -> int | None:
    return sum(counts.values()) if counts else None


def _langfuse_cost(details: Any) -> Cost | None:
    if not isinstance(details, dict):
        return None
    if details.get("total") is not None:
        return cost(details["total"])
    parts = [money.amount for part in details.values() if (money := cost(part)) is not None]
    return cost(sum(parts, Decimal(0))) if parts else None


def _read_langfuse_values(reading: SpanReading, kind: str, output: Any) -> None:
    attributes = reading.attributes
    if kind == "llm":
        _read_generation(reading, output)
    elif kind == "tool":
        result = tool_result(output)
        if result is not output:
            reading.fill("outputs", result, OBSERVATION + "output")
    if reading.span.parent_span_id is None or reading.fields.get("is_run"):
        reading.fill_payload("inputs", TRACE + "input")
        reading.fill_payload("outputs", TRACE + "output")
    reading.fill_payload("inputs", OBSERVATION + "input")
    reading.fill_payload("outputs", OBSERVATION + "output")
    for name in ("input", "output"):
        is_repeated = attributes.get(TRACE + name) == attributes.get(OBSERVATION + name)
        if is_repeated and OBSERVATION + name in reading.consumed:
            reading.consumed.add(TRACE + name)


def _read_generation(reading: SpanReading, output: Any) -> None:
    input = reading.parsed(OBSERVATION + "input")
    request = model_request(input)
    if request:
        request["messages"], tools = _without_tool_definitions(request["messages"], input)
        if tools:
            request["tools"] = tools
        if parameters := reading.parsed(OBSERVATION + "model.parameters"):
            request["parameters"] = parameters
        reading.fill("inputs", request, OBSERVATION + "input")
    reading.fill("outputs", model_response(output), OBSERVATION + "output")
    for field, name, value in (("inputs", "input", input), ("outputs", "output", output)):
        # The messages hold all of the attribute; otherwise it is kept beside them.
        if (filled := reading.fields.get(field)) and filled["messages"] in (value, [value]):
            reading.consume((OBSERVATION + name,))


def _without_tool_definitions(
    messages: list[ChatMessage], input: Any
) -> tuple[list[ChatMessage], list[str]]:
    """Return the messages and the names of the tools that the model may call: LangChain's handler
    adds their definitions as messages of role "tool"."""
    if not isinstance(input, list) or len(input) != len(messages):
        return messages, []
    conversation, definitions = [], []
    for message, item in zip(messages, input, strict=True):
        is_tool = isinstance(item, dict) and item.get("role") == "tool"
        if is_tool and isinstance(item["content"], dict):
            definitions.append(item["content"])
        else:
            conversation.append(message)
    return conversation, tool_names(definitions)


def _text_only(value: Any) -> str | None:
    return value if isinstance(value, str) else None
