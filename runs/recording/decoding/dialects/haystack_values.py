"""Haystack's own objects in the values of its components: chat messages, documents, usage."""

from typing import Any

from runs.recording.records.record import Usage
from runs.recording.records.usage import api_usage

# Keys of a chat message; before 2.12 they began with an underscore.
MESSAGE = ("role", "content", "name", "meta")
OF_DOCUMENTS = ("id", "content", "score")


def in_normal_parts(value: Any) -> Any:
    """The value with every chat message in it written as OpenTelemetry's {role, parts}."""
    if isinstance(value, list):
        return [_message(item) or item for item in value]
    if isinstance(value, dict):
        return {key: in_normal_parts(item) if key in LISTS else item for key, item in value.items()}
    return value


LISTS = frozenset({"messages", "replies"})


def _message(told: Any) -> dict[str, Any] | None:
    if not isinstance(told, dict):
        return None
    body = {key: told.get(key, told.get(f"_{key}")) for key in MESSAGE}
    if not isinstance(body["role"], str) or not isinstance(body["content"], list):
        return None
    meta = body["meta"] if isinstance(body["meta"], dict) else {}
    return {
        "role": body["role"],
        "name": body["name"],
        "finish_reason": meta.get("finish_reason"),
        "parts": [_part(part) for part in body["content"]],
    }


def _part(told: Any) -> Any:
    if not isinstance(told, dict):
        return told
    if isinstance(call := told.get("tool_call"), dict):
        name, arguments = call.get("tool_name"), call.get("arguments")
        return {"type": "tool_call", "id": call.get("id"), "name": name, "arguments": arguments}
    if isinstance(result := told.get("tool_call_result"), dict):
        origin = result.get("origin")
        origin = origin if isinstance(origin, dict) else {}
        return {
            "type": "tool_call_response",
            "id": origin.get("id"),
            "name": origin.get("tool_name"),
            "result": result.get("result"),
        }
    if isinstance(thought := told.get("reasoning"), dict):
        return {"type": "reasoning", "content": thought.get("reasoning_text")}
    for kind in ("image", "file"):
        if isinstance(medium := told.get(kind), dict):
            data = medium.get(f"base64_{kind}", medium.get("base64_data"))
            mime = medium.get("mime_type")
            return {"type": "blob", "modality": kind, "content": data, "mime_type": mime}
    return told


def documents(value: Any) -> dict[str, Any] | None:
    """{"documents": [{id, content, score, metadata}]}: Haystack writes the metadata of a document
    among its own fields. None where there are none."""
    found = value.get("documents") if isinstance(value, dict) else None
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        return None
    return {**value, "documents": [_document(item) for item in found]}


def _document(told: dict[str, Any]) -> dict[str, Any]:
    rest = {key: told[key] for key in told if key not in (*OF_DOCUMENTS, "meta")}
    meta = told.get("meta")
    rest |= meta if isinstance(meta, dict) else {}
    metadata = {key: value for key, value in rest.items() if value is not None}
    document = {key: told[key] for key in OF_DOCUMENTS if key in told}
    return {**document, "metadata": metadata} if metadata else document


def usage_of(output: Any) -> tuple[str | None, Usage | None]:
    """Model and usage, in the metadata of the first reply or beside the replies. All replies of a
    call tell the same."""
    if not isinstance(output, dict):
        return None, None
    meta = output.get("meta")
    replies = output.get("replies")
    found = [*(meta if isinstance(meta, list) else [meta])]
    for reply in replies if isinstance(replies, list) else ():
        if isinstance(reply, dict):
            found.append(reply.get("meta", reply.get("_meta")))
    for told in found:
        if isinstance(told, dict):
            model, usage = told.get("model"), api_usage(told.get("usage"))
            if model or usage:
                return model if isinstance(model, str) else None, usage
    return None, None
