"""Messages of a conversation with a model, whatever shape their producer gives them. Pure.

Shapes read: OpenAI chat and Responses items, Anthropic content blocks, OpenTelemetry GenAI parts,
OpenInference messages, Gemini contents, LangChain messages (dumped, `type`/`data`, constructor).
"""

from dataclasses import dataclass
from typing import Any

import orjson

ROLES = {
    "human": "user", "ai": "assistant", "model": "assistant", "bot": "assistant",
    "function": "tool", "developer": "system", "AIMessageChunk": "assistant",
    "HumanMessage": "user", "AIMessage": "assistant", "ToolMessage": "tool",
    "SystemMessage": "system",
}  # fmt: skip
LANGCHAIN_TYPES = frozenset({"human", "ai", "system", "tool", "function", "AIMessageChunk"})
RESPONSE_ITEMS = {
    "function_call": "assistant",
    "function_call_output": "tool",
    "reasoning": "assistant",
}


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call that a model requested; `arguments` decoded where they are JSON text."""

    name: str
    arguments: Any
    id: str = ""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The result of a tool call; `id` is the call's."""

    value: Any
    id: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `rest` are content parts that are neither text nor tools (images, files)."""

    role: str
    text: str = ""
    name: str = ""
    thinking: str = ""
    calls: tuple[ToolCall, ...] = ()
    results: tuple[ToolResult, ...] = ()
    rest: tuple[Any, ...] = ()


def read_message(value: Any) -> Message | None:
    """Return the message that `value` is, or None where it is no message."""
    raw = _unwrap(value)
    if raw is None:
        return None
    kind = _as_text(raw.get("type"))  # a JSON schema has a list there
    role = raw.get("role") or RESPONSE_ITEMS.get(kind, kind)
    role = role if isinstance(role, str) else "user"
    parts = _MessageParts()
    for key in ("content", "contents", "parts"):
        parts.add_content(raw.get(key))
    if not (raw.get("content") or raw.get("parts")):
        parts.add_content(raw.get("text"))  # Dify's prompts
    if kind in RESPONSE_ITEMS:
        parts.add_content([raw])
    for call in _as_list(raw.get("tool_calls")):
        parts.add_call(call)
    if isinstance(raw.get("function_call"), dict):
        parts.add_call(raw["function_call"])
    role = ROLES.get(role, role)
    results = tuple(parts.results)
    text = "\n\n".join(parts.texts)
    call_id = _as_text(raw.get("tool_call_id"))
    if role == "tool" and text and not results:
        results = (ToolResult(decoded_json(text), call_id, _as_text(raw.get("name"))),)
        text = ""
    return Message(
        role=role,
        text=text,
        name=_as_text(raw.get("name")),
        thinking="\n\n".join(parts.thinking) or _as_text(raw.get("reasoning_content")),
        calls=tuple(parts.calls),
        results=results,
        rest=tuple(parts.rest),
    )


def read_messages(value: Any) -> list[Message] | None:
    """Return the messages of a list that holds nothing else, or None."""
    if not isinstance(value, list) or not value:
        return None
    if len(value) == 1 and isinstance(value[0], list):
        value = value[0]  # LangChain: a batch of one
    messages = []
    for item in value:
        message = read_message(item)
        if message is None:
            return None
        messages.append(message)
    return messages or None


def decoded_json(value: Any) -> Any:
    """Return a string that holds a JSON object or list decoded, anything else as it is."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


def _unwrap(value: Any) -> dict[str, Any] | None:
    """Return the dict that carries role and content, out of what producers wrap around it."""
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("role"), str):
        return value if _CONTENT_KEYS & value.keys() else None
    kind = _as_text(value.get("type"))
    if kind in LANGCHAIN_TYPES:
        if isinstance(value.get("data"), dict):
            return {**value["data"], "type": kind}
        return value if "content" in value else None
    if kind == "constructor" and isinstance(value.get("kwargs"), dict):
        return _unwrap_constructor(value)
    if kind in RESPONSE_ITEMS and ("call_id" in value or "summary" in value):
        return value
    inner = value.get("message")
    if isinstance(inner, dict) and set(value) <= _MESSAGE_SIBLINGS:
        return _unwrap(inner)
    return None


_CONTENT_KEYS = {"content", "contents", "parts", "tool_calls", "text"}
# What stands beside "message" in a choice (OpenAI) or generation (LangChain).
_MESSAGE_SIBLINGS = frozenset(
    {"message", "finish_reason", "index", "logprobs", "text", "generation_info", "type"}
)


def _unwrap_constructor(value: dict[str, Any]) -> dict[str, Any] | None:
    """Unwrap LangChain's serialised objects: {"lc": 1, "id": […, "AIMessage"], "kwargs": {…}}."""
    path = value.get("id")
    name = path[-1] if isinstance(path, list) and path else ""
    if not isinstance(name, str) or "Message" not in name:
        return None
    kwargs = value["kwargs"]
    return {"type": name.removesuffix("Chunk"), **kwargs} if "content" in kwargs else None


class _MessageParts:
    """Collects the parts of a message's content by what they are."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.thinking: list[str] = []
        self.calls: list[ToolCall] = []
        self.results: list[ToolResult] = []
        self.rest: list[Any] = []

    def add_content(self, content: Any) -> None:
        if isinstance(content, str):
            if content:
                self.texts.append(content)
        elif isinstance(content, dict):
            self.add_part(content)
        else:
            for part in _as_list(content):
                self.add_part(part)

    def add_part(self, part: Any) -> None:
        if isinstance(part, str):
            self.texts.append(part)
            return
        if not isinstance(part, dict):
            self.rest.append(part)
            return
        if isinstance(part.get("message_content"), dict):  # OpenInference
            part = part["message_content"]
        kind = _as_text(part.get("type"))
        if kind in ("tool_call", "tool_use", "function_call") or "function_call" in part:
            self.add_call(part.get("function_call") or part)
        elif result := _tool_result(kind, part):
            self.results.append(result)
        elif kind in ("thinking", "reasoning") or part.get("thought") is True:
            self.thinking.extend(filter(None, [_thinking_text(part)]))
        elif isinstance(text := part.get("text", part.get("content")), str):
            self.texts.append(text)
        elif part:
            self.rest.append(part)

    def add_call(self, call: Any) -> None:
        """Add an OpenAI, OpenInference, LangChain, Anthropic, Gemini or GenAI call. A call that
        stands twice (LangChain: as content block and in tool_calls) counts once."""
        if not isinstance(call, dict):
            return
        outer = _as_dict(call.get("tool_call")) or call
        inner = _as_dict(outer.get("function")) or outer
        arguments: Any = next(
            (inner[key] for key in ("arguments", "args", "input") if inner.get(key) is not None), {}
        )
        name = _as_text(inner.get("name"))
        call_id = _as_text(outer.get("id") or outer.get("call_id"))
        known = {(earlier.id, earlier.name) for earlier in self.calls if earlier.id}
        if name and (call_id, name) not in known:
            self.calls.append(ToolCall(name, decoded_json(arguments), call_id))


def _tool_result(kind: str, part: dict[str, Any]) -> ToolResult | None:
    """Return the result of a tool: GenAI `tool_call_response`, Anthropic `tool_result`, Responses
    `function_call_output`, Gemini `function_response`."""
    if isinstance(inner := part.get("function_response"), dict):
        return ToolResult(
            inner.get("response"),
            _as_text(inner.get("id")),
            _as_text(inner.get("name")),
        )
    if kind not in ("tool_call_response", "tool_result", "function_call_output"):
        return None
    keys = ("response", "result", "output", "content")
    value = next((part[key] for key in keys if part.get(key) is not None), None)
    call_id = _as_text(part.get("id") or part.get("tool_use_id") or part.get("call_id"))
    return ToolResult(decoded_json(value), call_id, _as_text(part.get("name")))


def _thinking_text(part: dict[str, Any]) -> str:
    """Return the text of a thinking part; Responses items keep it as a list of summaries."""
    for key in ("thinking", "content", "text", "reasoning"):
        if isinstance(text := part.get(key), str):
            return text
    texts = [
        _as_text(item.get("text"))
        for item in _as_list(part.get("summary"))
        if isinstance(item, dict)
    ]
    return "\n\n".join(texts)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else ""
