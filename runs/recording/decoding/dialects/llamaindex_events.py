"""What LlamaIndex's own OpenTelemetry tracer tells in span events, named by their classes.

Facts: fields of an event are its attributes, inner fields joined by dots, lists of objects as JSON
text; a message is {role, blocks: [{block_type, text | …}], additional_kwargs}.
"""

from typing import Any

from runs.recording.decoding.dialects.chat_messages import (
    ChatMessage,
    as_text,
    chat_message,
    tool_call,
)
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import readable
from runs.recording.records.span import Event
from runs.recording.records.usage import first_count, usage

RAW, KWARGS = "response.raw.usage.", "response.additional_kwargs."
INPUT = (RAW + "prompt_tokens", RAW + "input_tokens", KWARGS + "prompt_tokens")
OUTPUT = (RAW + "completion_tokens", RAW + "output_tokens", KWARGS + "completion_tokens")
TOTAL = (RAW + "total_tokens", KWARGS + "total_tokens")
CACHED = (RAW + "prompt_tokens_details.cached_tokens", RAW + "cache_read_input_tokens")
REASONING = (RAW + "completion_tokens_details.reasoning_tokens",)
MODEL = ("model_dict.model", "model_dict.model_name", "model_dict.model_id")


def read(reading: SpanReading) -> None:
    for index, event in enumerate(reading.span.events):
        reader = READERS.get(event.name)
        if reader is not None and reader(reading, event):
            reading.consumed_events.add(index)


def _read_output(reading: SpanReading, event: Event) -> bool:
    reading.fill("outputs", event.attributes.get("output"), event.name)
    return set(event.attributes) <= {"output"}


def _read_call(reading: SpanReading, event: Event) -> bool:
    """LLMChatStartEvent, LLMCompletionStartEvent."""
    told = event.attributes
    reading.fill("kind", "llm", event.name)
    model = next((told[name] for name in MODEL if told.get(name)), None)
    reading.fill("model", model if isinstance(model, str) else None, event.name)
    messages = _messages(told.get("messages"))
    if not messages and told.get("prompt"):
        messages = [{"role": "user", "content": as_text(told["prompt"])}]
    if messages:
        reading.fill("inputs", {"messages": messages}, event.name)
    return False  # it holds the model's settings, too


def _read_answer(reading: SpanReading, event: Event) -> bool:
    """LLMChatEndEvent, LLMCompletionEndEvent."""
    told = event.attributes
    reading.fill("kind", "llm", event.name)
    input, output, total = (first_count(told, names) for names in (INPUT, OUTPUT, TOTAL))
    cached, reasoning = first_count(told, CACHED), first_count(told, REASONING)
    tokens = usage(input, output, total, cached, reasoning=reasoning)
    reading.fill("usage", tokens, event.name)
    blocks = readable(told.get("response.message.blocks"))
    answer: ChatMessage | None = None
    if isinstance(blocks, list):
        answer = _message({"role": told.get("response.message.role"), "blocks": blocks})
    elif told.get("response.text"):
        answer = {"role": "assistant", "content": as_text(told["response.text"])}
    if answer:
        reading.fill("outputs", {"messages": [answer]}, event.name)
    return False


def _read_query(reading: SpanReading, event: Event) -> bool:
    told = event.attributes
    reading.fill("kind", "retriever", event.name)
    query = told.get("str_or_query_bundle", told.get("str_or_query_bundle.query_str"))
    reading.fill("inputs", query, event.name)
    return False


def _read_found(reading: SpanReading, event: Event) -> bool:
    reading.fill("kind", "retriever", event.name)
    nodes = readable(event.attributes.get("nodes"))
    if isinstance(nodes, list):
        documents = [_document(node) for node in nodes if isinstance(node, dict)]
        reading.fill("outputs", {"documents": documents}, event.name)
    return False


def _document(found: dict[str, Any]) -> dict[str, Any]:
    node = found.get("node")
    node = node if isinstance(node, dict) else {}
    document = {
        "id": node.get("id_"), "content": node.get("text"), "score": found.get("score"),
        "metadata": node.get("metadata"),
    }  # fmt: skip
    return {key: value for key, value in document.items() if value not in (None, {})}


def _read_embedding(reading: SpanReading, event: Event) -> bool:
    told = event.attributes
    reading.fill("kind", "embedding", event.name)
    model = next((told[name] for name in MODEL if told.get(name)), None)
    reading.fill("model", model if isinstance(model, str) else None, event.name)
    reading.fill("inputs", told.get("chunks"), event.name)
    return False


def _read_tool(reading: SpanReading, event: Event) -> bool:
    told = event.attributes
    reading.fill("kind", "tool", event.name)
    name = told.get("tool.name")
    reading.fill("title", name if isinstance(name, str) else None, event.name)
    reading.fill("inputs", readable(told.get("arguments")), event.name)
    return False


def _messages(told: Any) -> list[ChatMessage]:
    items = readable(told)
    items = items if isinstance(items, list) else []
    return [_message(item) for item in items if isinstance(item, dict)]


def _message(told: dict[str, Any]) -> ChatMessage:
    told_blocks = told.get("blocks")
    told_blocks = told_blocks if isinstance(told_blocks, list) else []
    blocks = [block for block in told_blocks if isinstance(block, dict)]
    calls = [tool_call(_call(b)) for b in blocks if b.get("block_type") == "tool_call"]
    content = [_part(b) for b in blocks if b.get("block_type") != "tool_call"]
    more = told.get("additional_kwargs")
    more = more if isinstance(more, dict) else {}
    normal = chat_message({"content": content, **more, "role": told.get("role") or "assistant"})
    return {**normal, "tool_calls": calls} if calls else normal


def _call(block: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": block.get("tool_call_id"),
        "name": block.get("tool_name"),
        "arguments": block.get("tool_kwargs"),
    }


def _part(block: dict[str, Any]) -> dict[str, Any]:
    kind = block.get("block_type")
    if kind == "thinking":
        return {"type": "reasoning", "text": block.get("content")}
    return {**block, "type": kind}


READERS = {
    "WorkflowStepOutputEvent": _read_output,
    "WorkflowRunOutputEvent": _read_output,
    "LLMChatStartEvent": _read_call,
    "LLMCompletionStartEvent": _read_call,
    "LLMChatEndEvent": _read_answer,
    "LLMCompletionEndEvent": _read_answer,
    "RetrievalStartEvent": _read_query,
    "RetrievalEndEvent": _read_found,
    "EmbeddingStartEvent": _read_embedding,
    "EmbeddingEndEvent": _read_embedding,
    "AgentToolCallEvent": _read_tool,
}
