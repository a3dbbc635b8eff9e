"""Messages of a model call in the four generations of the GenAI conventions, newest first."""

from typing import Any

from runs.recording.decoding.dialects.chat_messages import (
    ChatMessage,
    chat_messages,
    system_message,
)
from runs.recording.decoding.dialects.indexed_attributes import indexed_objects
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import object_or_empty, objects_in, readable
from runs.recording.records.span import SpanEvent

SYSTEM_INSTRUCTIONS = "gen_ai.system_instructions"
DETAILS_EVENT = "gen_ai.client.inference.operation.details"
ROLE_EVENTS = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
BLOCK_KEYS = frozenset({"type", "text", "toolUse", "toolResult", "reasoningContent", "image"})
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
    for source in (
        _read_json_attributes,
        _read_details_event,
        _read_message_events,
        _read_indexed_attributes,
        _read_text_attributes,
    ):
        if "inputs" not in reading.fields or "outputs" not in reading.fields:
            source(reading)


def _fill_messages(
    reading: SpanReading, field: str, messages: list[ChatMessage] | None, attribute: str
) -> bool:
    if not messages or field in reading.fields:
        return False
    value: dict[str, Any] = {"messages": messages}
    if field == "inputs":
        attributes = reading.attributes
        tools = _defined_tool_names(reading) or _indexed_function_names(attributes)
        if tools:
            value["tools"] = tools
        if parameters := named_parameters(attributes):
            value["parameters"] = parameters
    reading.fill(field, value, attribute)
    return True


def named_parameters(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of the request by their short names, as "temperature"."""
    return {name: attributes[key] for key, name in PARAMETER_ATTRIBUTES if key in attributes}


def _defined_tool_names(reading: SpanReading) -> list[str]:
    definitions = objects_in(reading.parsed("gen_ai.tool.definitions"))
    tools = [_inner_function(tool) for tool in definitions]
    return [tool["name"] for tool in tools if tool.get("name")]


def _inner_function(tool: dict[str, Any]) -> dict[str, Any]:
    """Return the function in OpenAI's form of a tool definition; other definitions as they are."""
    return object_or_empty(tool.get("function")) or tool


def _indexed_function_names(attributes: dict[str, Any]) -> list[str]:
    """Return OpenLLMetry's tool names: llm.request.functions.N.name."""
    functions = indexed_objects(attributes, "llm.request.functions.", set())
    return [str(function["name"]) for function in functions if function.get("name")]


def _read_json_attributes(reading: SpanReading) -> None:
    reading.consumed.update(_read_json_messages(reading, reading.attributes))


def _read_details_event(reading: SpanReading) -> None:
    for index, event in enumerate(reading.span.events):
        if event.name == DETAILS_EVENT and (
            _read_json_messages(reading, event.attributes) == event.attributes.keys()
        ):
            reading.consumed_events.add(index)


def _read_json_messages(reading: SpanReading, attributes: dict[str, Any]) -> set[str]:
    """Read the newest generation from `attributes`, which are the span's or an event's. Return the
    names of those of which inputs and outputs hold all."""
    used: set[str] = set()
    for field, name in (("inputs", "gen_ai.input.messages"), ("outputs", "gen_ai.output.messages")):
        sent = readable(attributes.get(name))
        if not sent or field in reading.fields:
            continue
        messages = chat_messages(sent)
        if messages is None:
            reading.fill(field, sent, name)  # in whatever form
        elif field == "outputs":
            _fill_messages(reading, field, messages, name)
        else:
            system = system_message(readable(attributes.get(SYSTEM_INSTRUCTIONS)))
            used.update((SYSTEM_INSTRUCTIONS,) if system else ())
            _fill_messages(reading, field, [system, *messages] if system else messages, name)
        used.add(name)
    return used


def _read_message_events(reading: SpanReading) -> None:
    """Read messages up to 1.36: one event for each message, `gen_ai.choice` for the model's."""
    inputs: list[ChatMessage] = []
    outputs: list[ChatMessage] = []
    used: set[int] = set()
    for index, event in enumerate(reading.span.events):
        role = ROLE_EVENTS.get(event.name)
        if role is not None:
            inputs.append(_event_message(event.attributes, role))
        elif event.name == "gen_ai.choice":
            outputs.append(_choice_message(event.attributes))
        elif event.name in ("gen_ai.content.prompt", "gen_ai.content.completion"):
            _add_content_event(event, inputs, outputs)
        else:
            continue
        used.add(index)
    filled = _fill_messages(reading, "inputs", inputs, "gen_ai.*.message")
    if _fill_messages(reading, "outputs", outputs, "gen_ai.choice") or filled:
        reading.consumed_events |= used


def content_blocks(value: Any) -> list[dict[str, Any]] | None:
    """Return a message's content when it consists of blocks of the Bedrock or Anthropic APIs, else
    None."""
    if not isinstance(value, list) or not value:
        return None
    is_blocks = all(isinstance(item, dict) and not BLOCK_KEYS.isdisjoint(item) for item in value)
    return value if is_blocks else None


def _event_message(attributes: dict[str, Any], role: str) -> ChatMessage:
    message = {"role": role, **{key: readable(value) for key, value in attributes.items()}}
    if not content_blocks(message.get("content")) and "content" in attributes:
        message["content"] = attributes["content"]  # text stays text, even if it is JSON
    if role == "tool" and "tool_call_id" not in message and "id" in message:
        message["tool_call_id"] = message.pop("id")
    return message


def _choice_message(attributes: dict[str, Any]) -> ChatMessage:
    choice = {"role": "assistant", **attributes}
    reply = readable(choice.pop("message", None))
    if isinstance(reply, dict):
        return {**choice, **reply}
    if reply is not None:
        choice["content"] = reply if content_blocks(reply) else attributes["message"]
    elif "tool_calls" in choice:
        choice["tool_calls"] = readable(choice["tool_calls"])
    return choice


def _add_content_event(
    event: SpanEvent, inputs: list[ChatMessage], outputs: list[ChatMessage]
) -> None:
    is_prompt = event.name.endswith("prompt")
    value = event.attributes.get("gen_ai.prompt" if is_prompt else "gen_ai.completion")
    role = "user" if is_prompt else "assistant"
    (inputs if is_prompt else outputs).extend(_text_or_messages(value, role))


def _text_or_messages(value: Any, role: str) -> list[ChatMessage]:
    parsed = readable(value)
    messages = chat_messages(parsed, role)
    if messages:
        return messages
    if isinstance(parsed, list) and all(isinstance(item, str) for item in parsed):
        return [{"role": role, "content": text} for text in parsed]  # Spring AI
    return [{"role": role, "content": value}] if value else []


def _read_indexed_attributes(reading: SpanReading) -> None:
    """Read messages up to 1.26 (and OpenLLMetry's): gen_ai.prompt.N.role,
    gen_ai.completion.N.content …"""
    for field, prefix, role in (
        ("inputs", "gen_ai.prompt.", "user"),
        ("outputs", "gen_ai.completion.", "assistant"),
    ):
        if field in reading.fields:
            continue
        used: set[str] = set()
        items = indexed_objects(reading.attributes, prefix, used)
        messages = [_indexed_message(item, role) for item in items]
        if _fill_messages(reading, field, messages, f"{prefix}N"):
            reading.consumed.update(used)


def _indexed_message(item: dict[str, Any], role: str) -> ChatMessage:
    message = {"role": role, **item}
    if "content" not in message and "user" in message:
        message["content"] = message.pop("user")  # OpenLLMetry's Haystack: gen_ai.prompt.0.user
    content = readable(message.get("content"))
    if isinstance(content, list):
        message["content"] = content
    return message


def _read_text_attributes(reading: SpanReading) -> None:
    """Read prompt and completion from one attribute each, as text or as JSON."""
    for field, name, role in (
        ("inputs", "gen_ai.prompt", "user"),
        ("outputs", "gen_ai.completion", "assistant"),
    ):
        value = reading.attributes.get(name)
        if value and _fill_messages(reading, field, _text_or_messages(value, role), name):
            reading.consumed.add(name)
