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
    """A call of a tool that a model asked for; `arguments` decoded where they are JSON text."""

    name: str
    arguments: Any
    id: str = ""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered; `id` is the call's."""

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
    """The message that `value` is, or None when it is none."""
    raw = _unwrap(value)
    if raw is None:
        return None
    kind = _text(raw.get("type"))  # a JSON schema has a list there
    role = raw.get("role") or RESPONSE_ITEMS.get(kind, kind)
    role = role if isinstance(role, str) else "user"
    parts = _Parts()
    for key in ("content", "contents", "parts"):
        parts.add_content(raw.get(key))
    if not (raw.get("content") or raw.get("parts")):
        parts.add_content(raw.get("text"))  # Dify's prompts
    if kind in RESPONSE_ITEMS:
        parts.add_content([raw])
    for call in _list(raw.get("tool_calls")):
        parts.add_call(call)
    if isinstance(raw.get("function_call"), dict):
        parts.add_call(raw["function_call"])
    role = ROLES.get(role, role)
    results = tuple(parts.results)
    text = "\n\n".join(parts.texts)
    call_id = _text(raw.get("tool_call_id"))
    if role == "tool" and text and not results:
        results = (ToolResult(decoded_json(text), call_id, _text(raw.get("name"))),)
        text = ""
    return Message(
        role=role,
        text=text,
        name=_text(raw.get("name")),
        thinking="\n\n".join(parts.thinking) or _text(raw.get("reasoning_content")),
        calls=tuple(parts.calls),
        results=results,
        rest=tuple(parts.rest),
    )


def read_messages(value: Any) -> list[Message] | None:
    """The messages of a list that holds nothing else, or None."""
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
    """A string that holds a JSON object or list, decoded; anything else as it is."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


def _unwrap(value: Any) -> dict[str, Any] | None:
    """The dict that carries role and content, out of the wrappings that producers put around."""
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("role"), str):
        return value if _CONTENT_KEYS & value.keys() else None
    kind = _text(value.get("type"))
    if kind in LANGCHAIN_TYPES:
        if isinstance(value.get("data"), dict):
            return {**value["data"], "type": kind}
        return value if "content" in value else None
    if kind == "constructor" and isinstance(value.get("kwargs"), dict):
        return _unwrap_constructor(value)
    if kind in RESPONSE_ITEMS and ("call_id" in value or "summary" in value):
        return value
    inner = value.get("message")
    if isinstance(inner, dict) and set(value) <= _AROUND_A_MESSAGE:
        return _unwrap(inner)
    return None


_CONTENT_KEYS = {"content", "contents", "parts", "tool_calls", "text"}
# What stands beside "message" in a choice (OpenAI) or generation (LangChain).
_AROUND_A_MESSAGE = frozenset(
    {"message", "finish_reason", "index", "logprobs", "text", "generation_info", "type"}
)


def _unwrap_constructor(value: dict[str, Any]) -> dict[str, Any] | None:
    """LangChain's serialised objects: {"lc": 1, "id": […, "AIMessage"], "kwargs": {…}}."""
    path = value.get("id")
    name = path[-1] if isinstance(path, list) and path else ""
    if not isinstance(name, str) or "Message" not in name:
        return None
    kwargs = value["kwargs"]
    return {"type": name.removesuffix("Chunk"), **kwargs} if "content" in kwargs else None


class _Parts:
    """Collects the parts of one message's content by what they are."""

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
            for part in _list(content):
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
        kind = _text(part.get("type"))
        if kind in ("tool_call", "tool_use", "function_call") or "function_call" in part:
            self.add_call(part.get("function_call") or part)
        elif result := _result(kind, part):
            self.results.append(result)
        elif kind in ("thinking", "reasoning") or part.get("thought") is True:
            self.thinking.extend(filter(None, [_thought(part)]))
        elif isinstance(text := part.get("text", part.get("content")), str):
            self.texts.append(text)
        elif part:
            self.rest.append(part)

    def add_call(self, call: Any) -> None:
        """OpenAI, OpenInference, LangChain, Anthropic, Gemini and GenAI calls. The same call told
        twice (LangChain: as content block and in tool_calls) counts once."""
        if not isinstance(call, dict):
            return
        outer = _dict(call.get("tool_call")) or call
        inner = _dict(outer.get("function")) or outer
        arguments: Any = next(
            (inner[key] for key in ("arguments", "args", "input") if inner.get(key) is not None), {}
        )
        name = _text(inner.get("name"))
        call_id = _text(outer.get("id") or outer.get("call_id"))
        known = {(one.id, one.name) for one in self.calls if one.id}
        if name and (call_id, name) not in known:
            self.calls.append(ToolCall(name, decoded_json(arguments), call_id))


def _result(kind: str, part: dict[str, Any]) -> ToolResult | None:
    """The answer of a tool: GenAI `tool_call_response`, Anthropic `tool_result`, Responses
    `function_call_output`, Gemini `function_response`."""
    if isinstance(inner := part.get("function_response"), dict):
        return ToolResult(inner.get("response"), _text(inner.get("id")), _text(inner.get("name")))
    if kind not in ("tool_call_response", "tool_result", "function_call_output"):
        return None
    keys = ("response", "result", "output", "content")
    value = next((part[key] for key in keys if part.get(key) is not None), None)
    call_id = _text(part.get("id") or part.get("tool_use_id") or part.get("call_id"))
    return ToolResult(decoded_json(value), call_id, _text(part.get("name")))


def _thought(part: dict[str, Any]) -> str:
    """The text of a thinking part; Responses items keep it as a list of summaries."""
    for key in ("thinking", "content", "text", "reasoning"):
        if isinstance(text := part.get(key), str):
            return text
    texts = [
        _text(item.get("text")) for item in _list(part.get("summary")) if isinstance(item, dict)
    ]
    return "\n\n".join(texts)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
