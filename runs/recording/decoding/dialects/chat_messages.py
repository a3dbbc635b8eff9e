"""Chat messages of a model call, as dialects fill them into inputs and outputs:

    {"messages": [message, …], "tools": [name, …], "parameters": {…}}

A message is stored as its producer wrote it, so that nothing of it is lost: one place alone,
`nodes.content.messages`, reads all forms. A dialect adds what a message does not say itself, as its
role; of one that is sent in attributes or an event it makes an object of the same names. System
instructions that are sent apart from the messages come first, as a message of the role "system".
"""

from typing import Any

import orjson

from nodes.content.messages import is_message

ChatMessage = dict[str, Any]
# One of these makes a message of an object that does not say its role.
CONTENT_KEYS = frozenset({"content", "contents", "parts", "tool_calls"})


def chat_messages(value: Any, role: str = "user") -> list[ChatMessage] | None:
    """Return the messages that `value` consists of; None when it is no list of messages. Those that
    do not say it have the role `role`."""
    if isinstance(value, dict):
        value = value["messages"] if value.keys() == {"messages"} else [value]
    if isinstance(value, list) and len(value) == 1 and _is_batch(value[0]):
        value = value[0]  # LangChain: a batch of one
    if not isinstance(value, list) or not value:
        return None
    messages = [_chat_message(item, role) for item in value]
    return None if None in messages else messages  # type: ignore[return-value]


def _is_batch(item: Any) -> bool:
    return isinstance(item, list) and bool(item) and not isinstance(item[0], str)


def _chat_message(item: Any, role: str) -> ChatMessage | None:
    if isinstance(item, list) and len(item) == 2 and all(isinstance(part, str) for part in item):
        return {"role": item[0], "content": item[1]}  # LangChain: a pair of texts
    if not isinstance(item, dict):
        return None
    if is_message(item) or isinstance(item.get("role"), str):
        return item
    return {"role": role, **item} if not CONTENT_KEYS.isdisjoint(item) else None


def system_message(value: Any) -> ChatMessage | None:
    """Return system instructions (text, or a list of parts) as a message."""
    has_content = value and isinstance(value, (str, list))
    return {"role": "system", "content": value} if has_content else None


def as_text(value: Any) -> str:
    """Return text as it is, None as "", and anything else as JSON text."""
    if isinstance(value, str):
        return value
    return "" if value is None else orjson.dumps(value, default=str).decode()
