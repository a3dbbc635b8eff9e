"""Mastra, by its own exporter for OpenTelemetry: `mastra.span.type` beside the GenAI conventions.

Facts: the exporter's sources. Model calls and tools follow the conventions; other spans keep their
values in `mastra.<type>.input` and `.output`, the first generation in `input` and `output`.
"""

from typing import Any

from runs.recording.decoding.dialects.chat_messages import chat_message
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.decoding.dialects.vercel_messages import sdk_call, sdk_messages
from runs.recording.records.json_text import readable
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
# What a model call consists of; the call itself tells it all.
PARTS = frozenset({"model_step", "model_chunk", "llm_chunk"})
PASSED = ("", "mastra.metadata.")


def applies(span: Span, spoken: set[str]) -> bool:
    return "mastra" in spoken and TYPE in span.attributes


def read(reading: SpanReading) -> None:
    told, span = reading.attributes, reading.span
    kind_of_span = str(told[TYPE]).lower()
    kind = KINDS.get(kind_of_span, "")
    reading.fill("kind", kind, TYPE)
    if kind_of_span in PARTS:
        reading.fill("folded", True, TYPE)
    reading.fill_from("title", "gen_ai.tool.name", "gen_ai.agent.name")
    if kind != "llm":
        operation = str(told.get("gen_ai.operation.name", ""))
        name = span.name.removeprefix(operation).strip() if operation else ""
        for prefix in ("agent.", "workflow."):
            name = name.removeprefix(prefix)
        reading.fill("title", name, "name")
    if kind == "llm":
        _read_model_call(reading)
    else:
        for field, end in (("inputs", "input"), ("outputs", "output")):
            _read_value(reading, field, (f"mastra.{kind_of_span}.{end}", f"gen_ai.tool.{end}", end))
    if kind == "workflow":
        reading.fill("is_run", True, TYPE)
    if span.parent_span_id is None:
        reading.fill_run("name", reading.fields.get("title"), "name")
    for prefix in PASSED:
        reading.fill_run_from("conversation", prefix + "threadId", prefix + "sessionId")
        reading.fill_run_from("user", prefix + "userId", prefix + "resourceId")


def _read_value(reading: SpanReading, field: str, names: tuple[str, ...]) -> None:
    """The same value under up to three names."""
    told = reading.attributes
    names = tuple(name for name in names if name in told)
    if names and field not in reading.fields:
        reading.fill_payload(field, names[0])
        reading.use(name for name in names if told[name] == told[names[0]])


def _read_model_call(reading: SpanReading) -> None:
    """Before the exporter followed the newer conventions: {messages} and {text, toolCalls} as JSON,
    with the parts of the Vercel AI SDK."""
    told = reading.attributes
    prompt = readable(told.get("gen_ai.prompt"))
    given = prompt.get("messages") if isinstance(prompt, dict) else prompt
    messages = sdk_messages(given) if isinstance(given, list) else None
    if messages and "inputs" not in reading.fields:
        reading.fill("inputs", {"messages": messages}, "gen_ai.prompt")
        same = told["gen_ai.prompt"]
        reading.use(name for name in ("gen_ai.prompt", "input") if told.get(name) == same)
    said = readable(told.get("gen_ai.completion"))
    if isinstance(said, dict) and ("text" in said or "toolCalls" in said):
        answer: dict[str, Any] = chat_message({"role": "assistant", "content": said.get("text")})
        calls = said.get("toolCalls")
        if isinstance(calls, list) and calls:
            answer["tool_calls"] = [sdk_call(call) for call in calls if isinstance(call, dict)]
        reading.fill("outputs", {"messages": [answer]}, "gen_ai.completion")
