"""Mastra, by its own exporter for OpenTelemetry: `mastra.span.type` beside the GenAI conventions.

Facts: the exporter's sources. Model calls and tools follow the conventions; other spans keep their
values in `mastra.<type>.input` and `.output`, the first generation in `input` and `output`.
"""

from typing import Any

from runs.recording.decoding.dialects.chat_messages import chat_messages
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.span import Span

NAME = "mastra"
TYPE = "mastra.span.type"

KINDS = {
    "agent_run": "agent",
    "workflow_run": "workflow",
    "workflow_step": "task",
    "workflow_conditional": "branch",
    "workflow_parallel": "chain",
    "workflow_loop": "loop",
    "workflow_sleep": "task",
    "workflow_wait_event": "task",
    "processor_run": "guardrail",
    "model_generation": "llm",
    "llm_generation": "llm",
    "tool_call": "tool",
    "mcp_tool_call": "tool",
    "provider_tool_call": "tool",
    "rag_embedding": "embedding",
}
# Parts of a model call, whose own span has all that they have.
MODEL_CALL_PARTS = frozenset({"model_step", "model_chunk", "llm_chunk"})
STATUSES = {
    "suspended": "paused",
    "waiting": "paused",
    "paused": "paused",
    "failed": "failed",
    "tripwire": "failed",
    "canceled": "stopped",
}
CONTEXT_PREFIXES = ("", "mastra.metadata.")


def applies(span: Span, prefixes: set[str]) -> bool:
    return "mastra" in prefixes and TYPE in span.attributes


def read(reading: SpanReading) -> None:
    attributes, span = reading.attributes, reading.span
    span_type = str(attributes[TYPE]).lower()
    kind = KINDS.get(span_type, "")
    reading.fill("kind", kind, TYPE)
    if span_type in MODEL_CALL_PARTS:
        reading.fill("folded", True, TYPE)
    reading.fill_from("title", "gen_ai.tool.name")
    if kind == "agent":
        reading.fill_from("title", "gen_ai.agent.name")
    if kind != "llm":
        operation = str(attributes.get("gen_ai.operation.name", ""))
        name = span.name.removeprefix(operation).strip() if operation else ""
        for prefix in ("agent.", "workflow."):
            name = name.removeprefix(prefix)
        reading.fill("title", name, "name")
    if kind == "llm":
        _read_old_model_call(reading)
    else:
        for field, side in (("inputs", "input"), ("outputs", "output")):
            names = (f"mastra.{span_type}.{side}", f"gen_ai.tool.{side}", side)
            _read_repeated_value(reading, field, names)
    _read_mastra_status(reading, span_type)
    if kind == "workflow":
        reading.fill("is_run", True, TYPE)
    _read_mastra_run(reading)


def _read_mastra_run(reading: SpanReading) -> None:
    span = reading.span
    if span.parent_span_id is None:
        reading.fill_run("name", reading.fields.get("title"), "name")
    reading.fill_run_tags(reading.parsed("mastra.tags"), "mastra.tags")
    if str(span.resource.get("telemetry.sdk.name")).startswith("@mastra/"):
        reading.settle_run("version")  # service.version is that of Mastra itself
    for prefix in CONTEXT_PREFIXES:
        reading.fill_run_from("conversation", prefix + "threadId", prefix + "sessionId")
        reading.fill_run_from("user", prefix + "userId", prefix + "resourceId")


def _read_mastra_status(reading: SpanReading, span_type: str) -> None:
    """Read the status of a workflow or step, and of a model call that failed: both are sent with
    the status OK."""
    name = f"mastra.{span_type}.status"
    reading.fill("status", STATUSES.get(str(reading.attributes.get(name))), name)
    reasons = reading.parsed("gen_ai.response.finish_reasons")
    if reasons == ["error"]:
        reading.fill("status", "failed", "gen_ai.response.finish_reasons")


def _read_repeated_value(reading: SpanReading, field: str, names: tuple[str, ...]) -> None:
    """Fill a field from a value that is sent under up to three names."""
    attributes = reading.attributes
    names = tuple(name for name in names if name in attributes)
    if names and field not in reading.fields:
        reading.fill_payload(field, names[0])
        reading.consumed.update(name for name in names if attributes[name] == attributes[names[0]])


def _read_old_model_call(reading: SpanReading) -> None:
    """Read a call as sent before the exporter followed the newer conventions: {messages} and
    {text, toolCalls} as JSON, with the parts of the Vercel AI SDK."""
    attributes = reading.attributes
    prompt = reading.parsed("gen_ai.prompt")
    items = prompt.get("messages") if isinstance(prompt, dict) else prompt
    messages = chat_messages(items) if isinstance(items, list) else None
    if messages and "inputs" not in reading.fields:
        reading.fill("inputs", {"messages": messages}, "gen_ai.prompt")
        value = attributes["gen_ai.prompt"]
        names = ("gen_ai.prompt", "input")
        reading.consumed.update(name for name in names if attributes.get(name) == value)
    response = reading.parsed("gen_ai.completion")
    if isinstance(response, dict) and ("text" in response or "toolCalls" in response):
        reply: dict[str, Any] = {"role": "assistant", "content": response.get("text") or ""}
        if response.get("toolCalls"):
            reply["tool_calls"] = response["toolCalls"]
        reading.fill("outputs", {"messages": [reply]}, "gen_ai.completion")
