"""Messages of a model call in OpenInference: attributes numbered by message, part and tool call."""

from typing import Any

from runs.recording.decoding.dialects.chat_messages import ChatMessage, as_text, tool_call
from runs.recording.decoding.dialects.indexed_attributes import (
    indexed_objects,
    nested_object,
    sorted_by_index,
)
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import readable


def read_inputs(reading: SpanReading) -> None:
    """Fill inputs {"messages", "tools", "parameters"}."""
    told = reading.attributes
    messages = _messages(reading, "llm.input_messages.")
    if not messages:
        prompts = indexed_objects(told, "llm.prompts.", reading.consumed)
        texts = [nested_object(prompt, "prompt").get("text") for prompt in prompts]
        if not texts and isinstance(told.get("llm.prompts"), list):
            texts = told["llm.prompts"]
            reading.use(("llm.prompts",))
        messages = [{"role": "user", "content": as_text(text)} for text in texts]
    if not messages:
        return
    inputs: dict[str, Any] = {"messages": messages}
    used: set[str] = set()
    tools = [_tool_name(item) for item in indexed_objects(told, "llm.tools.", used)]
    if any(tools):
        inputs["tools"] = [name for name in tools if name]
    parameters = readable(told.get("llm.invocation_parameters"))
    if parameters:
        inputs["parameters"] = parameters
        if isinstance(parameters, dict) and "tools" in inputs:
            # The definitions of the tools are told a second time here.
            inputs["parameters"] = {key: parameters[key] for key in parameters if key != "tools"}
    reading.fill("inputs", inputs, "llm.input_messages")


def read_outputs(reading: SpanReading) -> None:
    """Fill outputs {"messages"} from chat messages or, of older models, from completions."""
    told = reading.attributes
    messages = _messages(reading, "llm.output_messages.")
    if not messages:
        choices = indexed_objects(told, "llm.choices.", reading.consumed)
        texts = [nested_object(choice, "completion").get("text") for choice in choices]
        messages = [{"role": "assistant", "content": as_text(text)} for text in texts]
    if messages:
        reading.fill("outputs", {"messages": messages}, "llm.output_messages")


def _tool_name(item: dict[str, Any]) -> str | None:
    schema = readable(nested_object(item, "tool").get("json_schema"))
    if not isinstance(schema, dict):
        return None
    function = schema.get("function")
    name = function.get("name") if isinstance(function, dict) else schema.get("name")
    return name if isinstance(name, str) else None


def _messages(reading: SpanReading, prefix: str) -> list[ChatMessage]:
    if f"{prefix}0.message.role" not in reading.attributes and not any(
        name.startswith(prefix) for name in reading.attributes
    ):
        return []
    items = indexed_objects(reading.attributes, prefix, reading.consumed)
    return [_message(nested_object(item, "message")) for item in items]


def _message(told: dict[str, Any]) -> ChatMessage:
    content = told.get("content")
    if content is None and "contents" in told:
        content = _contents(told["contents"])
    normal: ChatMessage = {"role": as_text(told.get("role")) or "user", "content": content or ""}
    calls = [tool_call(_call(item)) for item in sorted_by_index(told.get("tool_calls"))]
    if told.get("function_call_name"):
        name, arguments = told["function_call_name"], told.get("function_call_arguments_json")
        calls.append(tool_call({"name": name, "arguments": arguments}))
    if calls:
        normal["tool_calls"] = calls
    for key in ("tool_call_id", "name"):
        if told.get(key):
            normal[key] = told[key]
    return normal


def _call(item: dict[str, Any]) -> dict[str, Any]:
    return nested_object(item, "tool_call")


def _contents(told: Any) -> Any:
    parts: list[dict[str, Any]] = []
    for item in sorted_by_index(told):
        part = nested_object(item, "message_content")
        image = nested_object(nested_object(part, "image"), "image").get("url")
        if image is not None:
            parts.append({"type": "image", "url": image})
        else:
            kind = "reasoning" if part.get("type") == "reasoning" else "text"
            parts.append({"type": kind, "text": as_text(part.get("text"))})
    if all(part["type"] == "text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts
