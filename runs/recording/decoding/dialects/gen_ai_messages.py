"""Messages of a model call in the four generations of the GenAI conventions, newest first."""

from collections.abc import Callable
from typing import Any

from runs.recording.decoding.dialects.chat_messages import (
    ChatMessage,
    chat_message,
    chat_messages,
    system_message,
)
from runs.recording.decoding.dialects.indexed_attributes import (
    indexed_objects,
    nested_object,
    sorted_by_index,
)
from runs.recording.decoding.dialects.llm_api import api_messages
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import readable
from runs.recording.records.span import Event

SYSTEM = "gen_ai.system_instructions"
DETAILS_EVENT = "gen_ai.client.inference.operation.details"
ROLE_EVENTS = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
BLOCKS = frozenset({"type", "text", "toolUse", "toolResult", "reasoningContent", "image"})
PARAMETER_ATTRIBUTES = [
    (f"gen_ai.request.{name}", name)
    for name in (
        "temperature",
        "top_p",
        "top_k",
        "max_tokens",
        "seed",
        "stop_sequences",
        "frequency_penalty",
        "presence_penalty",
        "choice.count",
        "reasoning.level",
    )
]
# As OpenLLMetry names them.
PARAMETER_ATTRIBUTES += [
    (f"llm.{name}", name.rpartition(".")[2])
    for name in ("top_k", "frequency_penalty", "presence_penalty", "chat.stop_sequences")
]


def read_gen_ai_messages(reading: SpanReading) -> None:
    """Fill inputs {"messages", "tools", "parameters"} and outputs {"messages"}."""
    for source in (_from_attributes, _from_details_event, _from_events, _from_indexed, _from_text):
        if "inputs" not in reading.fields or "outputs" not in reading.fields:
            source(reading)


def _fill(
    reading: SpanReading, field: str, messages: list[ChatMessage] | None, attribute: str
) -> bool:
    if not messages or field in reading.fields:
        return False
    value: dict[str, Any] = {"messages": messages}
    if field == "inputs":
        told = reading.attributes
        tools = _tool_names(told.get("gen_ai.tool.definitions")) or _functions(told)
        if tools:
            value["tools"] = tools
        parameters = {name: told[key] for key, name in PARAMETER_ATTRIBUTES if key in told}
        if parameters:
            value["parameters"] = parameters
    reading.fill(field, value, attribute)
    return True


def _tool_names(told: Any) -> list[str]:
    definitions = readable(told)
    if not isinstance(definitions, list):
        return []
    tools = [_function(tool) for tool in definitions if isinstance(tool, dict)]
    return [tool["name"] for tool in tools if tool.get("name")]


def _function(tool: dict[str, Any]) -> dict[str, Any]:
    """OpenAI's form of a definition has the function inside."""
    return nested_object(tool, "function") or tool


def _functions(told: dict[str, Any]) -> list[str]:
    """OpenLLMetry's: llm.request.functions.N.name."""
    functions = indexed_objects(told, "llm.request.functions.", set())
    return [str(function["name"]) for function in functions if function.get("name")]


def _from_attributes(reading: SpanReading) -> None:
    _from_structured(reading, reading.attributes, reading.use)


def _from_details_event(reading: SpanReading) -> None:
    for index, event in enumerate(reading.span.events):
        if event.name == DETAILS_EVENT:
            before = set(reading.fields)
            _from_structured(reading, event.attributes, lambda names: None)
            if set(reading.fields) != before and set(event.attributes) <= STRUCTURED:
                reading.consumed_events.add(index)


def _from_structured(
    reading: SpanReading, told: dict[str, Any], use: Callable[[tuple[str, ...]], None]
) -> None:
    name = "gen_ai.input.messages"
    if name in told:
        messages = chat_messages(readable(told[name]))
        system = system_message(readable(told.get(SYSTEM)))
        if messages and system:
            messages.insert(0, system)
        if _fill(reading, "inputs", messages, name):
            use((name, SYSTEM))
    name = "gen_ai.output.messages"
    if name in told and _fill(reading, "outputs", chat_messages(readable(told[name])), name):
        use((name,))


STRUCTURED = frozenset({"gen_ai.input.messages", "gen_ai.output.messages", SYSTEM})


def _from_events(reading: SpanReading) -> None:
    """Up to 1.36: one event per message, `gen_ai.choice` for what the model gave back."""
    inputs: list[ChatMessage] = []
    outputs: list[ChatMessage] = []
    used: set[int] = set()
    for index, event in enumerate(reading.span.events):
        role = ROLE_EVENTS.get(event.name)
        if role is not None:
            inputs.extend(_event_messages(event.attributes, role))
        elif event.name == "gen_ai.choice":
            outputs.extend(_choice(event.attributes))
        elif event.name in ("gen_ai.content.prompt", "gen_ai.content.completion"):
            _content_event(event, inputs, outputs)
        else:
            continue
        used.add(index)
    filled = _fill(reading, "inputs", inputs, "gen_ai.*.message")
    if _fill(reading, "outputs", outputs, "gen_ai.choice") or filled:
        reading.consumed_events |= used


def content_blocks(value: Any) -> list[dict[str, Any]] | None:
    """The content of a message as blocks of the Bedrock or Anthropic APIs; None when it is none."""
    if not isinstance(value, list) or not value:
        return None
    is_blocks = all(isinstance(item, dict) and not BLOCKS.isdisjoint(item) for item in value)
    return value if is_blocks else None


def _of_blocks(told: Any, role: str) -> list[ChatMessage] | None:
    found = content_blocks(readable(told))
    return api_messages([{"role": role, "content": found}]) if found else None


def _event_messages(told: dict[str, Any], role: str) -> list[ChatMessage]:
    return _of_blocks(told.get("content"), role) or [_event_message(told, role)]


def _event_message(told: dict[str, Any], role: str) -> ChatMessage:
    body = {key: readable(value) if key != "content" else value for key, value in told.items()}
    body.setdefault("role", role)
    if role == "tool" and "id" in body:
        body.setdefault("tool_call_id", body["id"])
    return chat_message(body)


def _choice(told: dict[str, Any]) -> list[ChatMessage]:
    body = readable(told.get("message"))
    if messages := _of_blocks(body, "assistant"):
        return [{**messages[0], "finish_reason": told.get("finish_reason")}, *messages[1:]]
    if isinstance(body, str):
        body = {"content": body}
    if not isinstance(body, dict):
        body = {"content": told.get("content"), "tool_calls": readable(told.get("tool_calls"))}
    return [chat_message({"role": "assistant", "finish_reason": told.get("finish_reason"), **body})]


def _content_event(event: Event, inputs: list[ChatMessage], outputs: list[ChatMessage]) -> None:
    is_prompt = event.name.endswith("prompt")
    told = event.attributes.get("gen_ai.prompt" if is_prompt else "gen_ai.completion")
    role = "user" if is_prompt else "assistant"
    (inputs if is_prompt else outputs).extend(_text_or_messages(told, role))


def _text_or_messages(told: Any, role: str) -> list[ChatMessage]:
    value = readable(told)
    messages = chat_messages(value)
    if messages:
        return messages
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return [chat_message({"role": role, "content": text}) for text in value]  # Spring AI
    return [chat_message({"role": role, "content": told})] if told else []


def _from_indexed(reading: SpanReading) -> None:
    """Up to 1.26 (and OpenLLMetry): gen_ai.prompt.N.role, gen_ai.completion.N.content …"""
    for field, prefix, role in (
        ("inputs", "gen_ai.prompt.", "user"),
        ("outputs", "gen_ai.completion.", "assistant"),
    ):
        if field in reading.fields:
            continue
        used: set[str] = set()
        items = indexed_objects(reading.attributes, prefix, used)
        messages = [_indexed_message(item, role) for item in items]
        if _fill(reading, field, messages, f"{prefix}N"):
            reading.use(used)


def _indexed_message(item: dict[str, Any], role: str) -> ChatMessage:
    told = {"role": role, **item, "tool_calls": sorted_by_index(item.get("tool_calls"))}
    told.setdefault("content", item.get("user"))  # OpenLLMetry's Haystack: gen_ai.prompt.0.user
    content = readable(told.get("content"))
    told["content"] = content if isinstance(content, list) else told.get("content")
    return chat_message(told)


def _from_text(reading: SpanReading) -> None:
    """The whole prompt and completion in one attribute each, as text or as JSON."""
    for field, name, role in (
        ("inputs", "gen_ai.prompt", "user"),
        ("outputs", "gen_ai.completion", "assistant"),
    ):
        told = reading.attributes.get(name)
        if told and _fill(reading, field, _text_or_messages(told, role), name):
            reading.use((name,))
