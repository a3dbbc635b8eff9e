"""Messages of a model call in one form, whichever dialect told them.

    {"role": "system" | "user" | "assistant" | "tool" | …,
     "content": text, or a list of parts when there is more than text,
     "tool_calls": [{"id": …, "name": …, "arguments": JSON value or text}],   # assistant
     "tool_call_id": …, "name": …,                                            # tool
     "finish_reason": …}

Only `role` and `content` are always there. A part is {"type": "text", "text": …},
{"type": "reasoning", "text": …}, {"type": "image" | "audio" | "video" | "file", "url": … or "data":
base64, "mime_type": …}, or a part of another type as the producer wrote it. What a tool gave back
is a message of role "tool" of its own, its content text (JSON text where the result is no text).
System instructions that are told apart from the messages come first, as a "system" message.
"""

from typing import Any

import orjson

from runs.recording.records.json_text import readable

ChatMessage = dict[str, Any]
MEDIA = ("image", "audio", "video", "file")


def chat_messages(told: Any) -> list[ChatMessage] | None:
    """Messages told as JSON: OpenTelemetry's {role, parts}, or the OpenAI-like {role, content}.
    None when it is no list of messages."""
    if isinstance(told, dict):
        told = told.get("messages", [told])
    if not isinstance(told, list) or not told:
        return None
    messages: list[ChatMessage] = []
    for item in told:
        if not isinstance(item, dict) or not (
            "role" in item or "parts" in item or "content" in item
        ):
            return None
        messages.extend(_from_parts(item) if "parts" in item else [chat_message(item)])
    return messages


def system_message(told: Any) -> ChatMessage | None:
    """System instructions: text, or a list of parts."""
    content = _content(told) if isinstance(told, list) else told
    return (
        {"role": "system", "content": content}
        if content and isinstance(content, (str, list))
        else None
    )


def chat_message(told: dict[str, Any]) -> ChatMessage:
    """One OpenAI-like message: role, content (text or parts), tool_calls, tool_call_id, name."""
    content = told.get("content")
    if content is None:
        content = told.get("text")  # as Dify keeps its prompts
    normal: ChatMessage = {"role": _role(told), "content": _content(content)}
    calls = told.get("tool_calls")
    if isinstance(calls, list) and calls:
        normal["tool_calls"] = [tool_call(call) for call in calls if isinstance(call, dict)]
    for key in ("tool_call_id", "name", "finish_reason"):
        if told.get(key):
            normal[key] = told[key]
    return normal


def tool_call(told: dict[str, Any]) -> dict[str, Any]:
    """One tool call, from {id, name, arguments} or {id, function: {name, arguments}}."""
    function = told.get("function")
    source = function if isinstance(function, dict) else told
    arguments = source.get("arguments", source.get("args"))
    return {"id": told.get("id"), "name": source.get("name"), "arguments": readable(arguments)}


def _from_parts(told: dict[str, Any]) -> list[ChatMessage]:
    """OpenTelemetry's message; results of tools in it become messages of their own: after the calls
    that it makes, else before it."""
    parts = told["parts"] if isinstance(told["parts"], list) else [told["parts"]]
    results: list[ChatMessage] = []
    calls: list[dict[str, Any]] = []
    rest: list[Any] = []
    for part in parts:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "tool_call_response":
            results.append(_tool_result(part))
        elif kind == "tool_call":
            calls.append(tool_call(part))
        else:
            rest.append(part)
    if results and not rest and not calls:
        return results
    normal: ChatMessage = {"role": _role(told), "content": _content(rest)}
    if calls:
        normal["tool_calls"] = calls
    for key in ("name", "finish_reason"):
        if told.get(key):
            normal[key] = told[key]
    return [normal, *results] if calls else [*results, normal]


def _tool_result(part: dict[str, Any]) -> ChatMessage:
    result = part.get("result", part.get("response"))
    normal: ChatMessage = {
        "role": "tool",
        "content": as_text(result),
        "tool_call_id": part.get("id"),
    }
    if part.get("name"):
        normal["name"] = part["name"]
    return normal


def as_text(value: Any) -> str:
    """Text as it is, anything else as JSON text."""
    if isinstance(value, str):
        return value
    return "" if value is None else orjson.dumps(value, default=str).decode()


def _role(told: dict[str, Any]) -> str:
    role = told.get("role")
    return role if isinstance(role, str) and role else "user"


def _content(told: Any) -> Any:
    if told is None or isinstance(told, str):
        return told or ""
    if not isinstance(told, list):
        return as_text(told)
    parts = [_part(part) for part in told]
    if all(part.get("type") == "text" for part in parts):
        return "\n".join(as_text(part.get("text")) for part in parts)
    return parts


def _part(told: Any) -> dict[str, Any]:
    if not isinstance(told, dict):
        return {"type": "text", "text": as_text(told)}
    kind = told.get("type")
    if kind in ("text", "input_text", "output_text") or (kind is None and "text" in told):
        return {"type": "text", "text": told.get("content", told.get("text"))}
    if kind in ("reasoning", "thinking"):
        words = told.get("content", told.get("thinking", told.get("text")))
        return {"type": "reasoning", "text": as_text(words)}
    if kind in ("image_url", "blob", "uri", *MEDIA):
        return _medium(told)
    return told


def _medium(told: dict[str, Any]) -> dict[str, Any]:
    kind = str(told.get("modality") or told["type"])
    kind = "image" if kind == "image_url" else kind if kind in MEDIA else "file"
    url = told.get("image_url", told.get("uri", told.get("url")))
    if isinstance(url, dict):
        url = url.get("url")
    mime = told.get("mime_type", told.get("media_type"))
    told_parts = {"url": url, "data": told.get("content", told.get("data")), "mime_type": mime}
    return {"type": kind, **{key: value for key, value in told_parts.items() if value is not None}}
