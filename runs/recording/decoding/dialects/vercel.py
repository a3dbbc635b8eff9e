"""The Vercel AI SDK, versions 3 to 7: `ai.*`, and what version 7 adds to the GenAI conventions.

Facts: the AI SDK's own sources. Up to 6 (and by choice in 7) an operation is a span, as
`ai.generateText`, around one span for each call of the model, as `ai.generateText.doGenerate`, and
one for each `ai.toolCall`. From 7 on they follow the GenAI conventions: `invoke_agent` around
`agent_step`s, each around a `chat` and its `execute_tool`s.

A prompt is {system, prompt, messages}; a message {role, content: text or parts}; a part has a type
("text", "reasoning", "tool-call", "tool-result", "image", "file", …) and names in camel case, which
changed from version to version (`args` became `input`, `result` became `output: {type, value}`).
"""

from typing import Any

from runs.recording.decoding.dialects.chat_messages import ChatMessage, chat_messages
from runs.recording.decoding.dialects.gen_ai import (
    CACHE_WRITE_TOKENS,
    CACHED_TOKENS,
    INPUT_TOKENS,
    OUTPUT_TOKENS,
)
from runs.recording.decoding.dialects.gen_ai_messages import named_parameters
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import list_or_empty, object_or_empty, objects_in, readable
from runs.recording.records.span import Span
from runs.recording.records.usage import cost, first_count, to_count, usage

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
SDK_INPUT = (USAGE + "inputTokens", USAGE + "promptTokens", USAGE + "tokens", *INPUT_TOKENS)
SDK_OUTPUT = (USAGE + "outputTokens", USAGE + "completionTokens", *OUTPUT_TOKENS)
SDK_TOTAL = (USAGE + "totalTokens",)
SDK_CACHED = (DETAILS + "cacheReadTokens", USAGE + "cachedInputTokens", *CACHED_TOKENS)
SDK_CACHE_WRITE = (DETAILS + "cacheWriteTokens", *CACHE_WRITE_TOKENS)
SDK_UNCACHED = (DETAILS + "noCacheTokens",)
SDK_REASONING = (USAGE + "outputTokenDetails.reasoningTokens", USAGE + "reasoningTokens")
# Before version 6 these providers' counts were passed on as they are: without the cached part.
CACHE_EXCLUDING_PROVIDERS = ("anthropic", "amazon-bedrock", "bedrock", "vertex.anthropic")
METADATA = "ai.response.providerMetadata"
# What providers reported beside the usage, until the usage had fields for it.
PROVIDER_CACHED = ("cacheReadInputTokens", "cache_read_input_tokens", "cachedPromptTokens")
PROVIDER_CACHE_WRITE = (
    "cacheCreationInputTokens", "cacheWriteInputTokens", "cache_creation_input_tokens",
)  # fmt: skip
PROVIDER_REASONING = ("reasoningTokens",)

# Facts that the caller passes along: up to version 6, and from 7 on.
CONTEXT_PREFIXES = ("ai.telemetry.metadata.", "ai.settings.context.")
CONVERSATION_KEYS = (
    "sessionId", "session_id", "conversationId", "conversation_id", "threadId", "thread_id",
    "chatId", "chat_id",
)  # fmt: skip
USER_KEYS = ("userId", "user_id", "user")
TEXT_ATTRIBUTES = ("ai.response.text", "ai.result.text")
OBJECT_ATTRIBUTES = ("ai.response.object", "ai.result.object")
CALLS_ATTRIBUTES = ("ai.response.toolCalls", "ai.result.toolCalls")
REASONING = "ai.response.reasoning"
FILES = "ai.response.files"
FINISH_REASONS = ("ai.response.finishReason", "ai.finishReason")


def applies(span: Span, prefixes: set[str]) -> bool:
    return "ai" in prefixes or (span.scope == SCOPE and "gen_ai" in prefixes)


def read(reading: SpanReading) -> None:
    attributes = reading.attributes
    operation = _operation_id(attributes)
    call = operation.rpartition(".")[2]
    if call in CALLS:
        _read_sdk_call(reading, CALLS[call])
    elif operation == "ai.toolCall":
        _read_sdk_tool_call(reading)
    elif operation in KINDS:
        _read_sdk_operation(reading, operation)
    elif attributes.get("gen_ai.operation.name"):
        _read_version_7(reading)
    _read_sdk_usage(reading)
    if operation:
        reading.fill_from("model", "ai.response.model", "ai.model.id", "gen_ai.request.model")
        provider = str(attributes.get("ai.model.provider") or attributes.get("gen_ai.system") or "")
        reading.fill("provider", provider.partition(".")[0], "ai.model.provider")
    _read_context(reading)


def _operation_id(attributes: dict[str, Any]) -> str:
    """Return the operation, as "ai.generateText.doGenerate", or "" for other spans. In
    `operation.name` the function's id may follow it."""
    operation = str(attributes.get("ai.operationId") or attributes.get("operation.name") or "")
    return operation.partition(" ")[0] if operation.startswith("ai.") else ""


def _read_sdk_call(reading: SpanReading, kind: str) -> None:
    """Read one call of a model. All spans of an operation have its function's id, so that the model
    is the title of a call."""
    reading.fill("kind", kind, "ai.operationId")
    reading.fill_from("title", "ai.model.id", "gen_ai.request.model")
    if kind == "llm":
        _read_sdk_inputs(reading)
        _read_sdk_outputs(reading, as_message=True)
        if reading.attributes.get("ai.response.finishReason") == "error":
            reading.fill("status", "failed", "ai.response.finishReason")
            if not any(event.name == "exception" for event in reading.span.events):
                message = "The model's stream ended with an error."
                reading.fill("error", message, "ai.response.finishReason")
    else:
        _read_embedded_or_ranked(reading)


def _read_sdk_tool_call(reading: SpanReading) -> None:
    reading.fill("kind", "tool", "ai.operationId")
    reading.fill_from("title", "ai.toolCall.name")
    reading.fill_payload("inputs", "ai.toolCall.args", is_json=True)
    reading.fill_payload("outputs", "ai.toolCall.result", is_json=True)


def _read_sdk_operation(reading: SpanReading, operation: str) -> None:
    kind = KINDS[operation]
    reading.fill("kind", kind, "ai.operationId")
    reading.fill_from("title", "ai.telemetry.functionId", "resource.name")
    # Version 4 sends the limit of calls of the model before it calls it.
    steps = to_count(reading.attributes.get("ai.settings.maxSteps")) or 1
    named = "title" in reading.fields or steps > 1
    reading.fill("title", operation, "ai.operationId")
    if kind == "agent":
        _read_sdk_inputs(reading)
        _read_sdk_outputs(reading, as_message=False)
    else:
        _read_embedded_or_ranked(reading)
    _read_run_or_wrapper(reading, named)


def _read_run_or_wrapper(reading: SpanReading, named: bool) -> None:
    """Read an operation as the run where it is the root, else as a wrapper where it has no name of
    its own: it repeats the calls below it, unless it failed."""
    span = reading.span
    if span.parent_span_id is None:
        reading.fill("is_run", True, "parent")
        name = reading.fields.get("title") or span.name
        reading.fill_run("name", name, "ai.telemetry.functionId")
    elif not named and span.status != "error":
        reading.fill("folded", True, "ai.telemetry.functionId")


def _read_version_7(reading: SpanReading) -> None:
    """Read what version 7 adds to the GenAI conventions."""
    operation = reading.attributes["gen_ai.operation.name"]
    if operation == "agent_step":
        reading.fill("folded", True, "gen_ai.operation.name")
    elif operation == "invoke_agent":
        messages = _in_calling_order(reading.parsed("gen_ai.output.messages"))
        if messages and "outputs" not in reading.fields:
            reading.fill("outputs", {"messages": messages}, "gen_ai.output.messages")
            reading.consume(("gen_ai.output.messages",))
        reading.fill_from("title", "gen_ai.agent.name")
        _read_run_or_wrapper(reading, "title" in reading.fields)
    elif operation == "execute_tool":
        reading.fill_payload("inputs", "gen_ai.tool.call.arguments", is_json=True)
        reading.fill_payload("outputs", "gen_ai.tool.call.result", is_json=True)
    elif operation in ("embeddings", "rerank"):
        _read_embedded_or_ranked(reading)
        if reading.span.parent_span_id is None:
            _read_run_or_wrapper(reading, named=False)


def _read_sdk_usage(reading: SpanReading) -> None:
    attributes = reading.attributes
    input = first_count(attributes, SDK_INPUT)
    output = first_count(attributes, SDK_OUTPUT)
    total = first_count(attributes, SDK_TOTAL)
    metadata = _provider_metadata(attributes)
    cached = first_count(attributes, SDK_CACHED)
    cached = first_count(metadata, PROVIDER_CACHED) if cached is None else cached
    written = first_count(attributes, SDK_CACHE_WRITE)
    written = first_count(metadata, PROVIDER_CACHE_WRITE) if written is None else written
    reasoning = first_count(attributes, SDK_REASONING)
    reasoning = first_count(metadata, PROVIDER_REASONING) if reasoning is None else reasoning
    from_cache = (cached or 0) + (written or 0)
    uncached = first_count(attributes, SDK_UNCACHED)
    if input is not None:
        if output is not None and reasoning and total == input + output + reasoning:
            output += reasoning  # Gemini's way, before version 6
        if uncached is not None:
            input = max(input, uncached + from_cache)
        elif _excludes_cached(attributes, input, to_count(metadata.get("input_tokens"))):
            input, total = input + from_cache, None
    reading.fill("usage", usage(input, output, total, cached, written, reasoning), "ai.usage")
    reading.fill("cost", cost(metadata.get("cost")), METADATA)


def _excludes_cached(attributes: dict[str, Any], input: int, raw: int | None) -> bool:
    """Return whether the input is the provider's own count and that provider leaves out cached
    tokens. `raw`: the count in the provider's metadata."""
    provider = str(attributes.get("ai.model.provider", ""))
    return provider.startswith(CACHE_EXCLUDING_PROVIDERS) and raw in (None, input)


def _provider_metadata(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return what the providers report about a call, with the fields of its usage in one object:
    {"anthropic": {"usage": {…}}}."""
    metadata: dict[str, Any] = {}
    for part in objects_in([*object_or_empty(readable(attributes.get(METADATA))).values()]):
        metadata |= object_or_empty(part.get("usage")) | part
    return metadata


def _read_context(reading: SpanReading) -> None:
    for prefix in CONTEXT_PREFIXES:
        reading.fill_run_from("conversation", *(prefix + name for name in CONVERSATION_KEYS))
        reading.fill_run_from("user", *(prefix + name for name in USER_KEYS))
        tags = reading.parsed(prefix + "tags")
        if isinstance(tags, list):
            reading.fill_run("tags", tuple(str(tag) for tag in tags), prefix + "tags")


def _read_sdk_inputs(reading: SpanReading) -> None:
    """Fill inputs {"messages", "tools", "parameters"} from the prompt of an operation or call."""
    attributes = reading.attributes
    name = "ai.prompt.messages" if "ai.prompt.messages" in attributes else "ai.prompt"
    prompt = reading.parsed(name)
    messages = chat_messages(prompt) if isinstance(prompt, list) else _prompt_messages(prompt)
    if not messages or "inputs" in reading.fields:
        reading.fill_payload("inputs", name)
        return
    inputs: dict[str, Any] = {"messages": messages}
    tools = [_sdk_tool_name(tool) for tool in _list_of_json(attributes.get("ai.prompt.tools"))]
    if tools := [tool for tool in tools if tool]:
        inputs["tools"] = tools
    if parameters := named_parameters(attributes):
        inputs["parameters"] = parameters
    reading.fill("inputs", inputs, name)
    reading.consume((name,))


def _read_sdk_outputs(reading: SpanReading, as_message: bool) -> None:
    """Fill outputs with the answer: of a call the message of the model (`as_message`), of an
    operation only the text or the object that it returned."""
    attributes = reading.attributes
    text, text_attribute = _first_attribute(attributes, TEXT_ATTRIBUTES)
    generated, object_attribute = _first_attribute(attributes, OBJECT_ATTRIBUTES)
    calls, calls_attribute = _first_attribute(attributes, CALLS_ATTRIBUTES)
    calls = _list_of_json(calls)
    if not as_message and generated is not None:
        reading.fill_payload("outputs", object_attribute, is_json=True)
        return
    if not as_message and text is not None and not calls:
        reading.fill_payload("outputs", text_attribute)
        return
    content: Any = generated if text is None else text
    thoughts, files = attributes.get(REASONING), _list_of_json(attributes.get(FILES))
    parts = [{"type": "reasoning", "text": thoughts}] if thoughts else []
    parts += objects_in(files)
    if parts:
        content = [*parts, {"type": "text", "text": content}] if content else parts
    if "outputs" in reading.fields or not (content or calls):
        return
    reply: ChatMessage = {"role": "assistant", "content": content or ""}
    if calls:
        reply["tool_calls"] = calls
    if finish := _first_attribute(attributes, FINISH_REASONS)[0]:
        reply["finish_reason"] = finish
    sources = [name for name in (text_attribute, object_attribute, calls_attribute) if name]
    reading.fill("outputs", {"messages": [reply]}, sources[0] if sources else REASONING)
    reading.consume((*sources, REASONING, FILES))


def _read_embedded_or_ranked(reading: SpanReading) -> None:
    """Read the texts that were embedded or ranked; vectors stay among the attributes."""
    attributes = reading.attributes
    for name in ("ai.value", "ai.values"):
        if name in attributes and "inputs" not in reading.fields:
            value = attributes[name]
            texts = [readable(text, is_json=True) for text in _list_of_json(value)]
            reading.fill("inputs", texts or readable(value, is_json=True), name)
            reading.consume((name,))
    items = _list_of_json(attributes.get("ai.documents"))
    documents = [readable(item, is_json=True) for item in items]
    if documents and "inputs" not in reading.fields:
        reading.fill("inputs", {"documents": documents}, "ai.documents")
        reading.consume(("ai.documents",))
    ranked = [readable(item, is_json=True) for item in _list_of_json(attributes.get("ai.ranking"))]
    if ranked and "outputs" not in reading.fields:
        result = [_ranked_document(item, documents) for item in ranked]
        reading.fill("outputs", {"documents": result}, "ai.ranking")
        reading.consume(("ai.ranking",))


def _in_calling_order(messages: Any) -> list[ChatMessage] | None:
    """Return the answer of an agent in the order of its steps: tool calls, their results, then the
    text. Version 7 sends all of it as one message with the last text first. None where there is
    nothing to put in order."""
    if not isinstance(messages, list) or len(messages) != 1 or not isinstance(messages[0], dict):
        return None
    parts = messages[0].get("parts")
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        return None
    tools = [part for part in parts if str(part.get("type", "")).startswith("tool_call")]
    texts = [part for part in parts if part not in tools]
    if not tools or not texts:
        return None
    role = messages[0].get("role")
    return chat_messages([{"role": role, "parts": tools}, {**messages[0], "parts": texts}])


def _prompt_messages(prompt: Any) -> list[ChatMessage] | None:
    """Return the messages of a prompt {system, prompt, messages}, each text or messages."""
    if not isinstance(prompt, dict):
        return None
    items: list[Any] = []
    for key, role in (("system", "system"), ("messages", "user"), ("prompt", "user")):
        value = prompt.get(key)
        if isinstance(value, str) and value:
            items.append({"role": role, "content": value})
        elif isinstance(value, dict):
            items.append(value)
        elif isinstance(value, list):
            items.extend(value)
    return chat_messages(items)


def _ranked_document(item: Any, documents: list[Any]) -> Any:
    """Return one item of a ranking as {content, score}. The item has the document itself, or its
    index among the documents that were ranked."""
    if not isinstance(item, dict):
        return item
    index = item.get("index", item.get("originalIndex"))
    content = item.get("document")
    if content is None and isinstance(index, int) and 0 <= index < len(documents):
        content = documents[index]
    return {"content": content, "score": item.get("relevanceScore", item.get("score"))}


def _sdk_tool_name(value: Any) -> str:
    tool = readable(value)
    return str(tool.get("name") or "") if isinstance(tool, dict) else ""


def _list_of_json(value: Any) -> list[Any]:
    return list_or_empty(readable(value))


def _first_attribute(attributes: dict[str, Any], names: tuple[str, ...]) -> tuple[Any, str]:
    """Return the first of these attributes that is not empty, and its name; else None and ""."""
    for name in names:
        if attributes.get(name) not in (None, ""):
            return attributes[name], name
    return None, ""
