"""Langfuse: `langfuse.trace.*` for the run, `langfuse.observation.*` for the step.

Facts: the attributes that its SDKs set (Python from 3, JavaScript from 4) and what its own server
makes of them. Values that are no text are JSON text, metadata twice so. Kinds of tokens and of cost
stand beside each other: `input` is without what came from the cache. A service name is optional.
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
from runs.recording.records.usage import api_usage, cost, usage, whole

NAME = "langfuse"

TRACE = "langfuse.trace."
STEP = "langfuse.observation."
METADATA = STEP + "metadata"
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
# Older SDKs said "span" of every step; these tell of a model call.
OF_MODELS = (STEP + "model.name", STEP + "usage_details", STEP + "completion_start_time")
# The span is the topmost of its process, whatever its parent may be elsewhere.
ROOT_MARKS = ("langfuse.internal.as_root", "langfuse.internal.is_app_root")
# What LangGraph raises to wait for a person is no error to the SDK, and tells itself in its text.
INTERRUPTS = ("(Interrupt(", "Interrupt(", "GraphInterrupt", "NodeInterrupt")


def applies(span: Span, spoken: set[str]) -> bool:
    return "langfuse" in spoken or span.scope.startswith("langfuse-sdk")


def read(reading: SpanReading) -> None:
    told = reading.attributes
    _read_run(reading)
    kind = KINDS.get(str(told.get(STEP + "type", "")).lower(), "")
    if kind == "span" and any(name in told for name in OF_MODELS):
        kind = "llm"
    if not reading.metadata:
        reading.metadata = _metadata(told)
    output = readable(told.get(STEP + "output"))
    langgraph.read_metadata(reading, kind, output, STEP + "output")
    reading.fill("kind", kind, STEP + "type")
    _read_place(reading, kind)
    _read_outcome(reading)
    _read_model(reading)
    _read_values(reading, kind, output)


def _read_run(reading: SpanReading) -> None:
    resource = reading.span.resource
    reading.fill_run_from("name", TRACE + "name")
    metadata = (METADATA + ".langfuse_", TRACE + "metadata.langfuse_")
    for fact, name in (("conversation", "session"), ("user", "user")):
        reading.fill_run_from(fact, f"langfuse.{name}.id", f"{name}.id")
        reading.fill_run_from(fact, *(f"{prefix}{name}_id" for prefix in metadata))
    reading.fill_run_from("version", "langfuse.version", "langfuse.release")
    reading.fill_run("version", _text(resource.get("langfuse.release")), "langfuse.release")
    reading.fill_run_from("environment", "langfuse.environment")
    reading.fill_run(
        "environment", _text(resource.get("langfuse.environment")), "langfuse.environment"
    )
    for name in (TRACE + "tags", "langfuse.tags", *(f"{prefix}tags" for prefix in metadata)):
        reading.fill_run("tags", _tags(reading.attributes.get(name)), name)
    service = _text(resource.get("service.name")) or "unknown_service"
    if service.startswith("unknown_service") and "openinference.project.name" not in resource:
        reading.fill_from("service", TRACE + "name")


def _tags(told: Any) -> tuple[str, ...] | None:
    value = readable(told)
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")]
    return tuple(as_text(tag) for tag in value if tag) or None if isinstance(value, list) else None


def _metadata(told: dict[str, Any]) -> dict[str, Any]:
    whole_map = readable(told.get(METADATA))
    start = len(METADATA) + 1
    return {
        **(whole_map if isinstance(whole_map, dict) else {}),
        **{
            name[start:]: readable(value, is_json=True)
            for name, value in told.items()
            if name.startswith(METADATA + ".")
        },
    }


def _read_place(reading: SpanReading, kind: str) -> None:
    span, told = reading.span, reading.attributes
    if span.parent_span_id is None:
        return
    if kind in RUN_KINDS and any(told.get(mark) in (True, "true") for mark in ROOT_MARKS):
        reading.fields["is_run"] = True
        return
    tags = reading.metadata.get("tags")
    hidden = isinstance(tags, list) and HIDDEN_TAG in tags
    if kind == "chain" and (hidden or is_wrapper(span.name, span.status == "error")):
        reading.fields["folded"] = True


def _read_outcome(reading: SpanReading) -> None:
    level = reading.attributes.get(STEP + "level")
    message = reading.attributes.get(STEP + "status_message")
    if level == "ERROR":
        reading.fill("status", "failed", STEP + "level")
    elif reading.span.status != "error":
        if isinstance(message, str) and message.startswith(INTERRUPTS):
            reading.fill("status", "paused", STEP + "status_message")
        return
    reading.fill_from("error", STEP + "status_message")


def _read_model(reading: SpanReading) -> None:
    told = reading.attributes
    reading.fill_from("model", STEP + "model.name")
    provider = reading.metadata.get("ls_provider")
    reading.fill("provider", _text(provider), METADATA + ".ls_provider")
    reading.fill(
        "usage", _usage(readable(told.get(STEP + "usage_details"))), STEP + "usage_details"
    )
    reading.fill("cost", _cost(readable(told.get(STEP + "cost_details"))), STEP + "cost_details")


def _usage(told: Any) -> Usage | None:
    """Counts that stand beside each other, told apart by their names; or what OpenAI's API told,
    where the details are parts of the sums."""
    if not isinstance(told, dict):
        return None
    if "prompt_tokens" in told or any(isinstance(value, dict) for value in told.values()):
        return api_usage(told)
    counts = {
        name: count
        for name, value in told.items()
        if "priority" not in name and (count := whole(value)) is not None
    }
    outputs = {name: counts[name] for name in counts if "output" in name}
    inputs = {
        name: counts[name]
        for name in counts
        if name not in outputs and ("input" in name or "cache" in name)
    }
    cached = {name: inputs[name] for name in inputs if "cache" in name}
    written = {name: cached[name] for name in cached if "creat" in name or "write" in name}
    input, output, total = _sum(inputs), _sum(outputs), counts.get("total")
    if total is not None and input is not None and output is not None:
        # The SDK takes details off the sums, and stops at 0 where they are larger.
        output = min(output, total - input) if input <= total else output
    read = {name: cached[name] for name in cached if name not in written}
    reasoning = {name: outputs[name] for name in outputs if "reasoning" in name}
    return usage(input, output, total, _sum(read), _sum(written), _sum(reasoning))


def _sum(counts: dict[str, int]) -> int | None:
    return sum(counts.values()) if counts else None


def _cost(told: Any) -> Cost | None:
    if not isinstance(told, dict):
        return None
    if told.get("total") is not None:
        return cost(told["total"])
    parts = [money.amount for part in told.values() if (money := cost(part)) is not None]
    return cost(sum(parts, Decimal(0))) if parts else None


def _read_values(reading: SpanReading, kind: str, output: Any) -> None:
    told = reading.attributes
    if kind == "llm":
        _read_call(reading, output)
    elif kind == "tool":
        result = tool_result(output)
        if result is not output:
            reading.fill("outputs", result, STEP + "output")
    if reading.span.parent_span_id is None or reading.fields.get("is_run"):
        reading.fill_payload("inputs", TRACE + "input")
        reading.fill_payload("outputs", TRACE + "output")
    reading.fill_payload("inputs", STEP + "input")
    reading.fill_payload("outputs", STEP + "output")
    same = [name for name in ("input", "output") if told.get(TRACE + name) == told.get(STEP + name)]
    reading.use(TRACE + name for name in same if STEP + name in reading.consumed)


def _read_call(reading: SpanReading, output: Any) -> None:
    told = reading.attributes
    question = readable(told.get(STEP + "input"))
    request = model_request(question)
    if request:
        request["messages"], tools = _without_definitions(request["messages"], question)
        if tools:
            request["tools"] = tools
        if parameters := readable(told.get(STEP + "model.parameters")):
            request["parameters"] = parameters
        reading.fill("inputs", request, STEP + "input")
    reading.fill("outputs", model_response(output), STEP + "output")
    for field, name, value in (("inputs", "input", question), ("outputs", "output", output)):
        # Told in full by the messages; else the attribute stays beside them.
        if (filled := reading.fields.get(field)) and filled["messages"] in (value, [value]):
            reading.use((STEP + name,))


def _without_definitions(
    messages: list[ChatMessage], question: Any
) -> tuple[list[ChatMessage], list[str]]:
    """LangChain's handler adds the tools that the model may call as messages of role "tool"."""
    if not isinstance(question, list) or len(question) != len(messages):
        return messages, []
    defined = [
        isinstance(item, dict) and item.get("role") == "tool" and isinstance(item["content"], dict)
        for item in question
    ]
    kept = [message for message, is_tool in zip(messages, defined, strict=True) if not is_tool]
    items = [item["content"] for item, is_tool in zip(question, defined, strict=True) if is_tool]
    return kept, tool_names(items)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
