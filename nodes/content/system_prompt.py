"""The system prompt of a model call: its instructions, apart from the conversation. Pure."""

from hashlib import blake2b
from typing import Any

from nodes.content.embedded_json import decoded_json
from nodes.content.messages import read_message

# Where the messages of a call are in its inputs; `prompts` is what Dify keeps beside them.
MESSAGE_KEYS = ("messages", "prompts", "input_messages", "input", "contents", "request")
INSTRUCTION_KEYS = ("system", "system_prompt", "instructions", "system_instruction")
OTHER_ROLES = frozenset({"user", "assistant", "tool", "model", "human", "ai", "function"})
MAX_DEPTH = 3


def system_prompt(*values: Any) -> str:
    """Return the system prompt in the first of `values` (inputs, process data) that has one, ""
    for none."""
    return next((text for value in values if (text := _instructions(value, MAX_DEPTH))), "")


def prompt_digest(text: str) -> int | None:
    """Return a number of 63 bits that is the same for the same prompt, None for ""."""
    words = "\n".join(line.rstrip() for line in text.strip().splitlines())
    if not words:
        return None
    digest = blake2b(words.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def _is_said_by_others(item: Any) -> bool:
    """Return whether an item is a message of another role, told without reading it: most are."""
    if not isinstance(item, dict):
        return True
    role = item.get("role")
    return isinstance(role, str) and role in OTHER_ROLES


def _instructions(value: Any, depth: int) -> str:
    if isinstance(value, list):
        if len(value) == 1 and isinstance(value[0], list):
            value = value[0]  # LangChain: a batch of one
        messages = (read_message(item) for item in value if not _is_said_by_others(item))
        return "\n\n".join(
            message.text for message in messages if message and message.role == "system"
        ).strip()
    if isinstance(value, str) and value[:1] in ("[", "{"):
        decoded = decoded_json(value)
        return "" if decoded is value else _instructions(decoded, depth)
    if not isinstance(value, dict) or not depth:
        return ""
    for key in INSTRUCTION_KEYS:
        text = value.get(key)
        if isinstance(text, str) and text:
            return text
    return next(
        (text for key in MESSAGE_KEYS if (text := _instructions(value.get(key), depth - 1))), ""
    )
