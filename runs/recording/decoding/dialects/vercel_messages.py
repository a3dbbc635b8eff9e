"""Messages, texts and documents as the Vercel AI SDK tells them, in the form of `messages`.

A prompt is {system, prompt, messages}; a message {role, content: text or parts}; a part has a type
("text", "reasoning", "tool-call", "tool-result", "image", "file", …) and names in camel case, which
changed from version to version (`args` became `input`, `result` became `output: {type, value}`).
"""

from typing import Any

from runs.recording.decoding.dialects.chat_messages import (
    ChatMessage,
    chat_message,
    chat_messages,
    tool_call,
)
from runs.recording.decoding.dialects.gen_ai_messages import PARAMETER_ATTRIBUTES
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import readable

TEXT = ("ai.response.text", "ai.result.text")
OBJECT = ("ai.response.object", "ai.result.object")
CALLS = ("ai.response.toolCalls", "ai.result.toolCalls")
REASONING = "ai.response.reasoning"
FILES = "ai.response.files"
FINISH = ("ai.response.finishReason", "ai.finishReason")


def read_inputs(reading: SpanReading) -> None:
    """Fill {"messages", "tools", "parameters"} from the prompt of an operation or of a call."""
    told = reading.attributes
    name = "ai.prompt.messages" if "ai.prompt.messages" in told else "ai.prompt"
    prompt = readable(told.get(name))
    messages = sdk_messages(prompt) if isinstance(prompt, list) else _prompt(prompt)
    if not messages or "inputs" in reading.fields:
        reading.fill_payload("inputs", name)
        return
    inputs: dict[str, Any] = {"messages": messages}
    tools = [_tool_name(tool) for tool in _list(told.get("ai.prompt.tools"))]
    if tools := [tool for tool in tools if tool]:
        inputs["tools"] = tools
    if parameters := {key: told[source] for source, key in PARAMETER_ATTRIBUTES if source in told}:
        inputs["parameters"] = parameters
    reading.fill("inputs", inputs, name)
    reading.use((name,))


def read_outputs(reading: SpanReading, as_message: bool) -> None:
    """What the model said: of a call its message; of an operation just the text or the object, as
    its caller got it."""
    told = reading.attributes
    text, of_text = _first(told, TEXT)
    made, of_object = _first(told, OBJECT)
    calls, of_calls = _first(told, CALLS)
    calls = _list(calls)
    if not as_message and made is not None:
        reading.fill_payload("outputs", of_object, is_json=True)
        return
    if not as_message and text is not None and not calls:
        reading.fill_payload("outputs", of_text)
        return
    content: Any = made if text is None else text
    parts = [{"type": "reasoning", "text": told.get(REASONING)}] if told.get(REASONING) else []
    parts += [_part(part) for part in _list(told.get(FILES)) if isinstance(part, dict)]
    if parts:
        content = [*parts, {"type": "text", "text": content}] if content else parts
    if "outputs" in reading.fields or not (content or calls):
        return
    said = chat_message({"role": "assistant", "content": content})
    if calls:
        said["tool_calls"] = [sdk_call(call) for call in calls if isinstance(call, dict)]
    if finish := _first(told, FINISH)[0]:
        said["finish_reason"] = finish
    reading.fill("outputs", {"messages": [said]}, of_text or of_object or of_calls or REASONING)
    reading.use(name for name in (of_text, of_object, of_calls, REASONING, FILES) if name)


def read_texts(reading: SpanReading) -> None:
    """What was embedded or ranked; vectors stay among the attributes."""
    told = reading.attributes
    for name in ("ai.value", "ai.values"):
        if name in told and "inputs" not in reading.fields:
            value = told[name]
            texts = [readable(text, is_json=True) for text in _list(value)]
            reading.fill("inputs", texts or readable(value, is_json=True), name)
            reading.use((name,))
    documents = [readable(item, is_json=True) for item in _list(told.get("ai.documents"))]
    if documents and "inputs" not in reading.fields:
        reading.fill("inputs", {"documents": documents}, "ai.documents")
        reading.use(("ai.documents",))
    ranked = [readable(item, is_json=True) for item in _list(told.get("ai.ranking"))]
    if ranked and "outputs" not in reading.fields:
        found = [_ranked(item, documents) for item in ranked]
        reading.fill("outputs", {"documents": found}, "ai.ranking")
        reading.use(("ai.ranking",))


def sdk_messages(told: list[Any]) -> list[ChatMessage] | None:
    """Messages of the SDK. None when it is no list of messages."""
    items = []
    for item in told:
        if not isinstance(item, dict) or "role" not in item:
            return None
        parts = item.get("content") if isinstance(item.get("content"), list) else item.get("parts")
        if isinstance(parts, list) and parts:
            flat = [part for told_part in parts for part in _parts(told_part)]
            item = {"role": item["role"], "parts": flat}
        items.append(item)
    return chat_messages(items)


def in_calling_order(told: Any) -> list[ChatMessage] | None:
    """Version 7 tells what an agent said in all its steps as one message, the last text first:
    calls, what came back, then the text. None where there is nothing to put in order."""
    if not isinstance(told, list) or len(told) != 1 or not isinstance(told[0], dict):
        return None
    parts = told[0].get("parts")
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        return None
    tools = [part for part in parts if str(part.get("type", "")).startswith("tool_call")]
    said = [part for part in parts if part not in tools]
    if not tools or not said:
        return None
    role = told[0].get("role")
    return chat_messages([{"role": role, "parts": tools}, {**told[0], "parts": said}])


def _prompt(told: Any) -> list[ChatMessage] | None:
    """A prompt as its caller wrote it: {system, prompt, messages}, each text or messages."""
    if not isinstance(told, dict):
        return None
    items: list[Any] = []
    for key, role in (("system", "system"), ("messages", "user"), ("prompt", "user")):
        value = told.get(key)
        if isinstance(value, str) and value:
            items.append({"role": role, "content": value})
        elif isinstance(value, dict):
            items.append(value)
        elif isinstance(value, list):
            items.extend(value)
    return sdk_messages(items)


def _parts(told: Any) -> list[Any]:
    """A part of a message by the names of OpenTelemetry. A call that the page kept with its result
    becomes both."""
    if not isinstance(told, dict):
        return [told]
    kind = told.get("type")
    if kind == "tool-invocation" and isinstance(told.get("toolInvocation"), dict):
        inner = told["toolInvocation"]
        call = _parts({**inner, "type": "tool-call"})
        return call + (_parts({**inner, "type": "tool-result"}) if "result" in inner else [])
    if kind == "tool-call":
        return [{"type": "tool_call", **sdk_call(told)}]
    if kind == "tool-result":
        result = told.get("output", told.get("result"))
        if isinstance(result, dict) and set(result) <= {"type", "value", "providerOptions"}:
            result = result.get("value", result)
        found = {"id": told.get("toolCallId"), "name": told.get("toolName"), "response": result}
        return [{"type": "tool_call_response", **found}]
    return [_part(told)]


def _part(told: dict[str, Any]) -> dict[str, Any]:
    """Text, reasoning and media; a medium is an address or base64 data."""
    if told.get("type") not in ("image", "file"):
        return told
    data = told.get("image", told.get("data", told.get("url")))
    mime = str(told.get("mediaType") or told.get("mimeType") or "")
    kind = mime.partition("/")[0]
    kind = kind if kind in ("image", "audio", "video") else str(told["type"])
    is_address = isinstance(data, str) and data.startswith(("http://", "https://", "data:"))
    part = {"type": kind, "uri" if is_address else "data": data, "mime_type": mime or None}
    return {key: value for key, value in part.items() if value is not None}


def sdk_call(told: dict[str, Any]) -> dict[str, Any]:
    """One call of a tool: {toolCallId, toolName, input or args}."""
    arguments = told.get("input", told.get("args"))
    name, call_id = told.get("toolName"), told.get("toolCallId")
    return tool_call({"id": call_id, "name": name, "arguments": arguments})


def _ranked(item: Any, documents: list[Any]) -> Any:
    """One of the ranking: the document itself, or its place among those that were ranked."""
    if not isinstance(item, dict):
        return item
    place = item.get("index", item.get("originalIndex"))
    content = item.get("document")
    if content is None and isinstance(place, int) and 0 <= place < len(documents):
        content = documents[place]
    return {"content": content, "score": item.get("relevanceScore", item.get("score"))}


def _tool_name(told: Any) -> str:
    tool = readable(told)
    return str(tool.get("name") or "") if isinstance(tool, dict) else ""


def _list(told: Any) -> list[Any]:
    value = readable(told)
    return value if isinstance(value, list) else []


def _first(told: dict[str, Any], names: tuple[str, ...]) -> tuple[Any, str]:
    """The first of these that says something, and its name."""
    for name in names:
        if told.get(name) not in (None, ""):
            return told[name], name
    return None, ""
