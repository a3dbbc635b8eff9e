"""The Vercel AI SDK, versions 3 to 7: `ai.*`, and what version 7 adds to the GenAI conventions.

Facts: the AI SDK's own sources. Up to 6 (and by choice in 7) an operation is a span, as
`ai.generateText`, around one span for each call of the model, as `ai.generateText.doGenerate`, and
one for each `ai.toolCall`. From 7 on they follow the GenAI conventions: `invoke_agent` around
`agent_step`s, each around a `chat` and its `execute_tool`s. Messages are in `vercel_messages`.
"""

from typing import Any

from runs.recording.decoding.dialects.gen_ai import CACHE_WRITE, CACHED, INPUT, OUTPUT
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.decoding.dialects.vercel_messages import (
    in_calling_order,
    read_inputs,
    read_outputs,
    read_texts,
)
from runs.recording.records.json_text import readable
from runs.recording.records.span import Span
from runs.recording.records.usage import cost, first_count, usage, whole

NAME = "vercel"
SCOPE = "gen_ai"  # the tracer's name from version 7 on

KINDS = {
    "ai.toolCall": "tool",
    "ai.embed": "embedding",
    "ai.embedMany": "embedding",
    "ai.rerank": "reranker",
    "ai.generateText": "agent",
    "ai.streamText": "agent",
    "ai.generateObject": "agent",
    "ai.streamObject": "agent",
}
CALLS = {"doGenerate": "llm", "doStream": "llm", "doEmbed": "embedding", "doRerank": "reranker"}

USAGE = "ai.usage."
DETAILS = USAGE + "inputTokenDetails."
ALL_INPUT = (USAGE + "inputTokens", USAGE + "promptTokens", USAGE + "tokens", *INPUT)
ALL_OUTPUT = (USAGE + "outputTokens", USAGE + "completionTokens", *OUTPUT)
TOTAL = (USAGE + "totalTokens",)
ALL_CACHED = (DETAILS + "cacheReadTokens", USAGE + "cachedInputTokens", *CACHED)
ALL_CACHE_WRITE = (DETAILS + "cacheWriteTokens", *CACHE_WRITE)
UNCACHED = (DETAILS + "noCacheTokens",)
REASONING = (USAGE + "outputTokenDetails.reasoningTokens", USAGE + "reasoningTokens")
# Before version 6 these providers' counts were passed on as they are: without the cached part.
EXCLUSIVE = ("anthropic", "amazon-bedrock", "bedrock", "vertex.anthropic")
METADATA = "ai.response.providerMetadata"
# What providers tell beside the usage, until the usage had a place for it.
MORE_CACHED = ("cacheReadInputTokens", "cache_read_input_tokens", "cachedPromptTokens")
MORE_CACHE_WRITE = (
    "cacheCreationInputTokens", "cacheWriteInputTokens", "cache_creation_input_tokens",
)  # fmt: skip
MORE_REASONING = ("reasoningTokens",)

# Facts that the caller passes along: up to version 6, and from 7 on.
PASSED = ("ai.telemetry.metadata.", "ai.settings.context.")
CONVERSATIONS = (
    "sessionId", "session_id", "conversationId", "conversation_id", "threadId", "thread_id",
    "chatId", "chat_id",
)  # fmt: skip
USERS = ("userId", "user_id", "user")


def applies(span: Span, spoken: set[str]) -> bool:
    return "ai" in spoken or (span.scope == SCOPE and "gen_ai" in spoken)


def read(reading: SpanReading) -> None:
    told = reading.attributes
    operation = _operation(told)
    call = operation.rpartition(".")[2]
    if call in CALLS:
        _read_call(reading, CALLS[call])
    elif operation == "ai.toolCall":
        _read_tool(reading)
    elif operation in KINDS:
        _read_operation(reading, operation)
    elif told.get("gen_ai.operation.name"):
        _read_genai(reading)
    _read_usage(reading)
    if operation:
        reading.fill_from("model", "ai.response.model", "ai.model.id", "gen_ai.request.model")
        provider = str(told.get("ai.model.provider") or told.get("gen_ai.system") or "")
        reading.fill("provider", provider.partition(".")[0], "ai.model.provider")
    _read_run(reading)


def _operation(told: dict[str, Any]) -> str:
    """As "ai.generateText.doGenerate"; the function's id may follow in `operation.name`."""
    name = str(told.get("ai.operationId") or told.get("operation.name") or "").partition(" ")[0]
    return name if name.startswith("ai.") else ""


def _read_call(reading: SpanReading, kind: str) -> None:
    """One call of a model. All spans of an operation bear its function's id; the model tells calls
    apart."""
    reading.fill("kind", kind, "ai.operationId")
    reading.fill_from("title", "ai.model.id", "gen_ai.request.model")
    if kind == "llm":
        read_inputs(reading)
        read_outputs(reading, as_message=True)
        if reading.attributes.get("ai.response.finishReason") == "error":
            reading.fill("status", "failed", "ai.response.finishReason")
            if not any(event.name == "exception" for event in reading.span.events):
                message = "The model's stream ended with an error."
                reading.fill("error", message, "ai.response.finishReason")
    else:
        read_texts(reading)


def _read_tool(reading: SpanReading) -> None:
    reading.fill("kind", "tool", "ai.operationId")
    reading.fill_from("title", "ai.toolCall.name")
    reading.fill_payload("inputs", "ai.toolCall.args", is_json=True)
    reading.fill_payload("outputs", "ai.toolCall.result", is_json=True)


def _read_operation(reading: SpanReading, operation: str) -> None:
    kind = KINDS[operation]
    reading.fill("kind", kind, "ai.operationId")
    reading.fill_from("title", "ai.telemetry.functionId", "resource.name")
    # Version 4 tells beforehand whether the model may be called again.
    steps = whole(reading.attributes.get("ai.settings.maxSteps")) or 1
    named = "title" in reading.fields or steps > 1
    reading.fill("title", operation, "ai.operationId")
    if kind == "agent":
        read_inputs(reading)
        read_outputs(reading, as_message=False)
    else:
        read_texts(reading)
    _fold_unnamed(reading, named)


def _fold_unnamed(reading: SpanReading, named: bool) -> None:
    """An operation without a name of its own repeats the calls below it, unless it failed. The one
    around everything is the run."""
    span = reading.span
    if span.parent_span_id is None:
        reading.fill("is_run", True, "parent")
        name = reading.fields.get("title") or span.name
        reading.fill_run("name", name, "ai.telemetry.functionId")
    elif not named and span.status != "error":
        reading.fill("folded", True, "ai.telemetry.functionId")


def _read_genai(reading: SpanReading) -> None:
    """Version 7. What is not said here follows the GenAI conventions."""
    told = reading.attributes
    operation = told["gen_ai.operation.name"]
    if operation == "agent_step":
        reading.fill("folded", True, "gen_ai.operation.name")
    elif operation == "invoke_agent":
        messages = in_calling_order(readable(told.get("gen_ai.output.messages")))
        if messages and "outputs" not in reading.fields:
            reading.fill("outputs", {"messages": messages}, "gen_ai.output.messages")
            reading.use(("gen_ai.output.messages",))
        reading.fill_from("title", "gen_ai.agent.name")
        _fold_unnamed(reading, "title" in reading.fields)
    elif operation == "execute_tool":
        reading.fill_payload("inputs", "gen_ai.tool.call.arguments", is_json=True)
        reading.fill_payload("outputs", "gen_ai.tool.call.result", is_json=True)
    elif operation in ("embeddings", "rerank"):
        read_texts(reading)
        if reading.span.parent_span_id is None:
            _fold_unnamed(reading, named=False)


def _read_usage(reading: SpanReading) -> None:
    told = reading.attributes
    input = first_count(told, ALL_INPUT)
    output = first_count(told, ALL_OUTPUT)
    total = first_count(told, TOTAL)
    more = _provider_metadata(told)
    cached = first_count(told, ALL_CACHED)
    cached = first_count(more, MORE_CACHED) if cached is None else cached
    written = first_count(told, ALL_CACHE_WRITE)
    written = first_count(more, MORE_CACHE_WRITE) if written is None else written
    reasoning = first_count(told, REASONING)
    reasoning = first_count(more, MORE_REASONING) if reasoning is None else reasoning
    from_cache = (cached or 0) + (written or 0)
    uncached = first_count(told, UNCACHED)
    if input is not None:
        if output is not None and reasoning and total == input + output + reasoning:
            output += reasoning  # Gemini's way, before version 6
        if uncached is not None:
            input = max(input, uncached + from_cache)
        elif _excludes_cached(told, input, whole(more.get("input_tokens"))):
            input, total = input + from_cache, None
    reading.fill("usage", usage(input, output, total, cached, written, reasoning), "ai.usage")
    reading.fill("cost", cost(more.get("cost")), METADATA)


def _excludes_cached(told: dict[str, Any], input: int, raw: int | None) -> bool:
    """Whether the input is the provider's own count, where that leaves out what was cached."""
    provider = str(told.get("ai.model.provider", ""))
    return provider.startswith(EXCLUSIVE) and raw in (None, input)


def _provider_metadata(told: dict[str, Any]) -> dict[str, Any]:
    """What the providers say of a call, the usage in it included: {"anthropic": {"usage": {…}}}."""
    by_provider = readable(told.get(METADATA))
    found: dict[str, Any] = {}
    for part in by_provider.values() if isinstance(by_provider, dict) else ():
        if isinstance(part, dict):
            inner = part.get("usage")
            found = {**found, **(inner if isinstance(inner, dict) else {}), **part}
    return found


def _read_run(reading: SpanReading) -> None:
    for prefix in PASSED:
        reading.fill_run_from("conversation", *(prefix + name for name in CONVERSATIONS))
        reading.fill_run_from("user", *(prefix + name for name in USERS))
        tags = readable(reading.attributes.get(prefix + "tags"))
        if isinstance(tags, list):
            reading.fill_run("tags", tuple(str(tag) for tag in tags), prefix + "tags")
