"""Genkit (JavaScript, Go, Python): `genkit:*`.

Facts: `genkit:type` is `action`, `flowStep`, `util`, `promptTemplate`, …, and of an action
`genkit:metadata:subtype` its type. Values are JSON text; a message is {role, content: [part]}, a
part {text}, {media: {url, contentType}}, {toolRequest: {ref, name, input}},
{toolResponse: {ref, name, output}} or {reasoning}. A model's name is `provider/model`.
"""

from typing import Any

from runs.recording.decoding.dialects.chat_messages import as_text, chat_messages
from runs.recording.decoding.dialects.llm_api import tool_names
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import object_or_empty, objects_in
from runs.recording.records.record import Usage
from runs.recording.records.span import Span
from runs.recording.records.usage import to_count, usage

NAME = "genkit"

KINDS = {
    "flow": "workflow",
    "flowStep": "task",
    "action": "task",
    "custom": "task",
    "model": "llm",
    "background-model": "llm",
    "embedder": "embedding",
    "retriever": "retriever",
    "indexer": "task",
    "reranker": "reranker",
    "tool": "tool",
    "tool.v2": "tool",
    "prompt": "prompt",
    "promptTemplate": "prompt",
    "executable-prompt": "chain",
    "dotprompt": "chain",
    "evaluator": "evaluator",
    "util": "chain",
    "helper": "chain",
}
# The step that runs a model with its tools, unless the developer named it; the one that fills a
# prompt.
WRAPPERS = frozenset({("util", "generate"), ("promptTemplate", "render")})
INTERRUPT = "genkit:metadata:interrupt"
INPUT, OUTPUT = "genkit:input", "genkit:output"


def applies(span: Span, prefixes: set[str]) -> bool:
    attributes = span.attributes
    return "genkit:name" in attributes or "genkit:type" in attributes or "genkit:path" in attributes


def read(reading: SpanReading) -> None:
    attributes = reading.attributes
    name = _text_or_empty(attributes.get("genkit:name")) or reading.span.name
    family = _text_or_empty(attributes.get("genkit:type"))
    subtype = _text_or_empty(attributes.get("genkit:metadata:subtype"))
    kind = KINDS.get(subtype) or KINDS.get(family, "")
    reading.fill("kind", kind, "genkit:metadata:subtype")
    reading.fill("title", name, "genkit:name")
    if reading.span.parent_span_id is None:
        reading.fill_run("name", name, "genkit:name")
    elif (family, name) in WRAPPERS or (subtype, name) in WRAPPERS:
        reading.fill("folded", True, "genkit:type")
    reader = READERS.get(kind)
    if reader is not None:
        reader(reading)
    reading.fill_payload("inputs", INPUT, True)
    reading.fill_payload("outputs", OUTPUT, True)
    _read_genkit_status(reading)
    _read_genkit_session(reading)


def _read_genkit_status(reading: SpanReading) -> None:
    attributes = reading.attributes
    if INTERRUPT in attributes or any(
        event.attributes.get("exception.type") == "ToolInterruptError"
        for event in reading.span.events
    ):
        # The tool asks for a person; nothing failed.
        reading.fill("status", "paused", INTERRUPT)
    elif attributes.get("genkit:state") == "error":
        reading.fill("status", "failed", "genkit:state")
        reading.fill_from("error", "genkit:error")


def _read_genkit_session(reading: SpanReading) -> None:
    session = reading.attributes.get("genkit:sessionId")
    if session:
        reading.fill_run("mode", "chatflow", "genkit:sessionId")
        reading.fill_run_from("conversation", "genkit:sessionId")
    context = object_or_empty(reading.parsed("genkit:metadata:context"))
    user = object_or_empty(context.get("auth")).get("uid")
    reading.fill_run("user", user if isinstance(user, str) else None, "genkit:metadata:context")


def _read_genkit_model_call(reading: SpanReading) -> None:
    _read_model_name(reading)
    request = reading.parsed(INPUT, is_json=True)
    response = reading.parsed(OUTPUT, is_json=True)
    if isinstance(request, dict) and (messages := chat_messages(request.get("messages"))):
        inputs: dict[str, Any] = {"messages": messages}
        if names := tool_names(request.get("tools")):
            inputs["tools"] = names
        if request.get("config"):
            inputs["parameters"] = request["config"]
        reading.fill("inputs", inputs, INPUT)
    if not isinstance(response, dict):
        return
    choices = [response, *objects_in(response.get("candidates"))]
    replies = [choice.get("message") for choice in choices]
    if messages := chat_messages([reply for reply in replies if reply]):
        if reason := response.get("finishReason"):
            messages[-1] = {**messages[-1], "finish_reason": reason}
        reading.fill("outputs", {"messages": messages}, OUTPUT)
    reading.fill("usage", _genkit_usage(response.get("usage")), OUTPUT)


def _genkit_usage(counts: Any) -> Usage | None:
    """Return the usage. Thoughts are part of the output, unless the total counts them apart."""
    if not isinstance(counts, dict):
        return None
    names = (
        "inputTokens", "outputTokens", "totalTokens", "cachedContentTokens", "thoughtsTokens",
    )  # fmt: skip
    input, output, total, cached, thoughts = (to_count(counts.get(name)) for name in names)
    if thoughts and total == (input or 0) + (output or 0) + thoughts:
        output = (output or 0) + thoughts
    return usage(input, output, total, cached, reasoning=thoughts)


def _read_model_name(reading: SpanReading) -> None:
    provider, slash, model = _text_or_empty(reading.attributes.get("genkit:name")).partition("/")
    reading.fill("model", model if slash else provider, "genkit:name")
    reading.fill("provider", provider if slash else None, "genkit:name")


def _read_genkit_retriever(reading: SpanReading) -> None:
    request = reading.parsed(INPUT, is_json=True)
    response = reading.parsed(OUTPUT, is_json=True)
    if isinstance(request, dict) and isinstance(request.get("query"), dict):
        inputs = {**request, "query": _document_text(request["query"])}
        reading.fill("inputs", inputs if inputs.get("options") else inputs["query"], INPUT)
    items = object_or_empty(response).get("documents")
    if isinstance(items, list):
        documents = [{**item, "content": _document_text(item)} for item in objects_in(items)]
        reading.fill("outputs", {"documents": documents}, OUTPUT)


def _document_text(document: dict[str, Any]) -> str:
    parts = document.get("content")
    parts = parts if isinstance(parts, list) else [parts]
    texts = [part["text"] for part in objects_in(parts) if part.get("text")]
    return "\n".join(as_text(text) for text in texts) if texts else as_text(parts)


def _text_or_empty(value: Any) -> str:
    return value if isinstance(value, str) else ""


READERS = {
    "llm": _read_genkit_model_call,
    "embedding": _read_model_name,
    "retriever": _read_genkit_retriever,
}
