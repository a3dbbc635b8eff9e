"""Chat messages of a model call in one form, whichever dialect they come from.

    {"role": "system" | "user" | "assistant" | "tool" | …,
     "content": text, or a list of parts when there is more than text,
     "tool_calls": [{"id": …, "name": …, "arguments": JSON value or text}],   # assistant
     "tool_call_id": …, "name": …,                                            # tool
     "finish_reason": …}

Only `role` and `content` are always there. A part is {"type": "text", "text": …},
{"type": "reasoning", "text": …}, {"type": "image" | "audio" | "video" | "file", "url": … or "data":
base64, "mime_type": …}, or a part of another type as the producer wrote it. The result of a tool
is a message of its own with the role "tool"; its content is text (JSON text where the result is not
text). System instructions that are sent apart from the messages come first, as a "system" message.
"""

from typing import Any

import orjson

from runs.recording.records.json_text import objects_in, readable

ChatMessage = dict[str, Any]
MEDIA_TYPES = ("image", "audio", "video", "file")


def chat_messages(value: Any) -> list[ChatMessage] | None:
    """Return messages that are sent as JSON: OpenTelemetry's {role, parts}, or {role, content} as
    in OpenAI's API; None when `value` is no list of messages."""
    if isinstance(value, dict):
        value = value.get("messages", [value])
    if not isinstance(value, list) or not value:
        return None
    messages: list[ChatMessage] = []
    for item in value:
        if not isinstance(item, dict) or not (
            "role" in item or "parts" in item or "content" in item
        ):
            return None
        messages.extend(_messages_from_parts(item) if "parts" in item else [chat_message(item)])
    return messages


def system_message(value: Any) -> ChatMessage | None:
    """Return system instructions (text, or a list of parts) as a message."""
    content = _normal_content(value) if isinstance(value, list) else value
    has_content = content and isinstance(content, (str, list))
    return {"role": "system", "content": content} if has_content else None


def chat_message(source: dict[str, Any]) -> ChatMessage:
    """Return a message from one in OpenAI's form: role, content (text or parts), tool_calls,
    tool_call_id, name."""
    content = source.get("content")
    if content is None:
        content = source.get("text")  # as Dify keeps its prompts
    normal: ChatMessage = {"role": _role_or_user(source), "content": _normal_content(content)}
    calls = source.get("tool_calls")
    if isinstance(calls, list) and calls:
        normal["tool_calls"] = [tool_call(call) for call in objects_in(calls)]
    for key in ("tool_call_id", "name", "finish_reason"):
        if source.get(key):
            normal[key] = source[key]
    return normal


def tool_call(call: dict[str, Any]) -> dict[str, Any]:
    """Return a tool call from {id, name, arguments} or {id, function: {name, arguments}}."""
    function = call.get("function")
    source = function if isinstance(function, dict) else call
    arguments = source.get("arguments", source.get("args"))
    return {"id": call.get("id"), "name": source.get("name"), "arguments": readable(arguments)}


def tool_call_part(call_id: Any, name: Any, arguments: Any) -> dict[str, Any]:
    """Return OpenTelemetry's part for a tool call."""
    return {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}


def tool_response_part(call_id: Any, result: Any, name: Any = None) -> dict[str, Any]:
    """Return OpenTelemetry's part for the result of a tool."""
    return {"type": "tool_call_response", "id": call_id, "name": name, "result": result}


def _messages_from_parts(message: dict[str, Any]) -> list[ChatMessage]:
    """Return OpenTelemetry's message. Results of tools in it become messages of their own: after
    the message where it makes tool calls, else before it."""
    parts = message["parts"] if isinstance(message["parts"], list) else [message["parts"]]
    results: list[ChatMessage] = []
    calls: list[dict[str, Any]] = []
    content_parts: list[Any] = []
    for part in parts:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "tool_call_response":
            results.append(_tool_result_message(part))
        elif kind == "tool_call":
            calls.append(tool_call(part))
        else:
            content_parts.append(part)
    if results and not content_parts and not calls:
        return results
    content = _normal_content(content_parts)
    normal: ChatMessage = {"role": _role_or_user(message), "content": content}
    if calls:
        normal["tool_calls"] = calls
    for key in ("name", "finish_reason"):
        if message.get(key):
            normal[key] = message[key]
    return [normal, *results] if calls else [*results, normal]


def _tool_result_message(part: dict[str, Any]) -> ChatMessage:
    content = as_text(part.get("result", part.get("response")))
    normal: ChatMessage = {"role": "tool", "content": content, "tool_call_id": part.get("id")}
    if part.get("name"):
        normal["name"] = part["name"]
    return normal


def as_text(value: Any) -> str:
    """Return text as it is, None as "", and anything else as JSON text."""
    if isinstance(value, str):
        return value
    return "" if value is None else orjson.dumps(value, default=str).decode()


def _role_or_user(message: dict[str, Any]) -> str:
    role = message.get("role")
    return role if isinstance(role, str) and role else "user"


def _normal_content(content: Any) -> Any:
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        return as_text(content)
    parts = [_normal_part(part) for part in content]
    if all(part.get("type") == "text" for part in parts):
        return "\n".join(as_text(part.get("text")) for part in parts)
    return parts


def _normal_part(part: Any) -> dict[str, Any]:
    if not isinstance(part, dict):
        return {"type": "text", "text": as_text(part)}
    kind = part.get("type")
    if kind in ("text", "input_text", "output_text") or (kind is None and "text" in part):
        return {"type": "text", "text": part.get("content", part.get("text"))}
    if kind in ("reasoning", "thinking"):
        text = part.get("content", part.get("thinking", part.get("text")))
        return {"type": "reasoning", "text": as_text(text)}
    if kind in ("image_url", "blob", "uri", *MEDIA_TYPES):
        return _media_part(part)
    return part


def _media_part(part: dict[str, Any]) -> dict[str, Any]:
    kind = str(part.get("modality") or part["type"])
    kind = "image" if kind == "image_url" else kind if kind in MEDIA_TYPES else "file"
    url = part.get("image_url", part.get("uri", part.get("url")))
    if isinstance(url, dict):
        url = url.get("url")
    mime = part.get("mime_type", part.get("media_type"))
    fields = {"url": url, "data": part.get("content", part.get("data")), "mime_type": mime}
    return {"type": kind, **{key: value for key, value in fields.items() if value is not None}}
