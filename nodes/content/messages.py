"""Messages of a conversation with a model, whatever shape their producer gives them. Pure.

Recording keeps messages as they came; this module alone reads them. Shapes read: OpenAI chat
messages and Responses items, Anthropic, Bedrock, Gemini, OpenTelemetry GenAI, OpenInference,
LangChain (dumped, `type`/`data`, constructor), the Vercel AI SDK, Genkit, Haystack, LlamaIndex,
pydantic-ai. A message is a list of parts in the order in which they stand in it. What no reader
knows is a part too: nothing of a message is dropped, but for fields that are empty.
"""

from dataclasses import dataclass
from typing import Any

from nodes.content.embedded_json import decoded_text
from nodes.content.message_parts import (
    CITATION_KEYS,
    MessageMedia,
    MessagePart,
    MessageParts,
    MessageText,
    OtherPart,
    ToolCall,
    ToolResult,
    UnreadFields,
    takes_error,
)

LANGCHAIN_ROLES = {
    "human": "user", "ai": "assistant", "system": "system", "tool": "tool", "function": "tool",
    "HumanMessage": "user", "AIMessage": "assistant", "SystemMessage": "system",
    "ToolMessage": "tool", "FunctionMessage": "tool", "AIMessageChunk": "assistant",
}  # fmt: skip
ROLES = {
    **LANGCHAIN_ROLES, "model": "assistant", "bot": "assistant", "developer": "system",
}  # fmt: skip
# OpenAI's Responses API: items that are messages without a role.
RESPONSE_ITEMS = frozenset({"reasoning", "mcp_list_tools", "mcp_approval_request", "compaction"})
RESPONSE_ENDINGS = ("_call", "_call_output", "_approval_response")
CONTENT_KEYS = frozenset(
    {
        "content", "contents", "parts", "blocks", "text", "tool_calls", "function_call", "refusal",
        "reasoning_content", "reasoning", "audio", "images",
    }
)  # fmt: skip
# What stands beside "message" in a choice (OpenAI) or generation (LangChain).
MESSAGE_SIBLINGS = frozenset(
    {
        "message", "finish_reason", "index", "logprobs", "text", "generation_info", "type",
        "stop_reason", "native_finish_reason", "content_filter_results",
    }
)  # fmt: skip
# What a message is known by, if its content was not sent.
SPEAKERS = frozenset({"system", "user", "assistant", "tool"})
KEYS_BESIDE_CONTENT = frozenset(
    {"role", "name", "id", "index", "finish_reason", "tool_call_id", "gen_ai.system"}
)
FINISH_KEYS = ("finish_reason", "finishReason", "stop_reason", "stopReason")
THINKING_KEYS = ("reasoning_content", "reasoning", "thinking", "reasoning_details",
                 "thinking_blocks")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `parts` in the order in which they stand in it."""

    role: str
    parts: tuple[MessagePart, ...] = ()
    name: str = ""

    @property
    def text(self) -> str:
        """What was written or spoken, without thoughts."""
        return "\n\n".join(
            part.text
            for part in self.parts
            if isinstance(part, MessageText) and part.form != "thinking"
        )

    @property
    def thinking(self) -> str:
        return "\n\n".join(
            part.text
            for part in self.parts
            if isinstance(part, MessageText) and part.form == "thinking"
        )

    @property
    def calls(self) -> list[ToolCall]:
        return [part for part in self.parts if isinstance(part, ToolCall)]

    @property
    def results(self) -> list[ToolResult]:
        return [part for part in self.parts if isinstance(part, ToolResult)]

    @property
    def rest(self) -> list[Any]:
        """Parts that are neither text nor tools (images, files), as they came."""
        return [part.value for part in self.parts if isinstance(part, MessageMedia | OtherPart)]


def read_message(value: Any) -> Message | None:
    """Return the message that `value` is, or None where it is no message."""
    fields = _message_fields(value)
    return None if fields is None else _read_fields(fields)


def is_message(value: Any) -> bool:
    return _message_fields(value) is not None


def read_messages(value: Any) -> list[Message] | None:
    """Return the messages of a list that holds nothing else, or None."""
    if not isinstance(value, list) or not value:
        return None
    if len(value) == 1 and isinstance(value[0], list):
        value = value[0]  # LangChain: a batch of one
    fields = [_message_fields(item) for item in value]
    return [_read_fields(each) for each in fields if each] if fields and all(fields) else None


def _message_fields(value: Any) -> dict[str, Any] | None:
    """Return the dict that carries role and content, out of what producers wrap around it."""
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("role"), str):
        has_content = not CONTENT_KEYS.isdisjoint(value)
        return value if has_content or _is_without_content(value) else None
    if isinstance(value.get("_role"), str) and "_content" in value:  # Haystack, before 2.9
        return {name.removeprefix("_"): value[name] for name in value}
    kind = value.get("type")
    if isinstance(kind, str) and (fields := _fields_by_type(kind, value)):
        return fields
    inner = value.get("message")
    if isinstance(inner, dict) and value.keys() <= MESSAGE_SIBLINGS:
        fields = _message_fields(inner)
        return None if fields is None else {**_without(value, "message", "text", "type"), **fields}
    inner = value.get("content")
    if isinstance(inner, dict) and isinstance(inner.get("parts"), list):  # Gemini's candidate
        return {"role": "model", **_without(value, "content"), **inner}
    return None


def _is_without_content(value: dict[str, Any]) -> bool:
    """Return whether this is a message whose content the producer did not send."""
    return value["role"] in SPEAKERS and value.keys() <= KEYS_BESIDE_CONTENT


def _fields_by_type(kind: str, value: dict[str, Any]) -> dict[str, Any] | None:
    """Return the fields of a message that says by its type what it is: LangChain's, dumped,
    {type, data} or {"lc": 1, "type": "constructor", "id": […, "AIMessage"], "kwargs": {…}}, and
    items of OpenAI's Responses API."""
    if kind in LANGCHAIN_ROLES:
        if isinstance(value.get("data"), dict):
            return {**value["data"], "type": kind}
        return value if "content" in value else None
    if kind == "constructor" and isinstance(kwargs := value.get("kwargs"), dict):
        path = value.get("id")
        name = path[-1] if isinstance(path, list) and path else ""
        is_dumped = isinstance(name, str) and "Message" in name and "content" in kwargs
        return {**kwargs, "type": name.removesuffix("Chunk")} if is_dumped else None
    return value if _is_response_item(kind, value) else None


def _is_response_item(kind: str, value: dict[str, Any]) -> bool:
    if kind in RESPONSE_ITEMS or kind.endswith(RESPONSE_ENDINGS):
        return "call_id" in value or "summary" in value or "id" in value
    return False


def _without(value: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value[name] for name in value if name not in names}


def _read_fields(fields: dict[str, Any]) -> Message:
    unread, parts = UnreadFields(fields), MessageParts()
    kind, role = unread.take_text("type"), unread.take_text("role")
    if not role and _is_response_item(kind, fields):
        role = "tool" if kind.endswith(RESPONSE_ENDINGS[1:]) else "assistant"
        if not parts.add_known(kind, unread):
            return Message(role, (OtherPart(dict(unread), kind),))
        parts.add_left(unread)
        return Message(role, tuple(parts.items))
    role = ROLES.get(role or kind, role or kind)
    unread.open("additional_kwargs")  # LangChain, LlamaIndex
    name = unread.take_text("name")
    for key in THINKING_KEYS:
        parts.add_thinking(unread.pop(key, None))
    if role == "tool":
        _read_tool_message(parts, unread, name)
    else:
        _read_content(parts, unread)
    _read_what_stands_beside(parts, unread)
    parts.add_left(unread)
    return Message(role, tuple(parts.items), name)


def _read_content(parts: MessageParts, unread: UnreadFields) -> None:
    before = len(parts.items)
    for key in ("content", "contents", "parts", "blocks"):
        parts.add_content(unread.pop(key, None))
    if len(parts.items) == before:
        parts.add_content(unread.pop("text", None))  # Dify's prompts


def _read_tool_message(parts: MessageParts, unread: UnreadFields, name: str) -> None:
    """Read the content of a tool's message: the result, unless its parts say which are results."""
    content = unread.get("content")
    _read_content(parts, unread)
    if any(isinstance(part, ToolResult) for part in parts.items):
        return
    texts = [part.text for part in parts.items if isinstance(part, MessageText)]
    others = [part for part in parts.items if not isinstance(part, MessageText)]
    value = decoded_text("\n".join(texts)) if texts else None
    if isinstance(content, dict) and not texts:
        value, others = content, []
    if value is not None or not others:
        call_id = unread.take_text("tool_call_id", "call_id")
        parts.items[:] = [ToolResult(value, call_id, name, takes_error(unread)), *others]


def _read_what_stands_beside(parts: MessageParts, unread: UnreadFields) -> None:
    """Read the fields beside the content that hold parts as well."""
    for key in ("refusal", "audio"):
        if value := unread.pop(key, None):
            parts.add({"type": key, key: value})
    parts.add_content(unread.pop("images", None))
    calls = unread.pop("tool_calls", None)
    for call in calls if isinstance(calls, list) else ():
        parts.add_call(call)
    if isinstance(unread.get("function_call"), dict):
        parts.add_call(unread.pop("function_call"))
    for key in CITATION_KEYS:
        parts.add_citations(unread.pop(key, None))
    for key in FINISH_KEYS:
        unread.pop(key, None)  # said of the whole call, beside its messages
