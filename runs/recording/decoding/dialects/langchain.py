"""LangChain's own forms, which its tracers send as they are: messages, results of tools, usage in
the answer of a model; and the names of its wrapper steps."""

import re
from collections.abc import Iterator
from typing import Any

from runs.recording.records.json_text import object_or_empty, readable

ROLES = {
    "human": "user", "ai": "assistant", "system": "system", "tool": "tool", "function": "tool",
}  # fmt: skip
MESSAGE_CLASS = re.compile(r"(Human|AI|System|Tool|Function)Message(?:Chunk)?")
# Compositions of other steps, templates and parsers: named so unless the developer named them.
WRAPPER = re.compile(
    r"(Runnable(Sequence|Parallel|Assign|Passthrough|Binding|Each|Map|Pick|Callable)"
    r"|Channel(Write|Read)|Branch)(<.*)?"
    r"|__start__|_write|\w*(PromptTemplate|OutputParser|ToolsParser)",
    re.DOTALL,
)
HIDDEN_TAG = "langsmith:hidden"
MAX_DEPTH = 6


def is_wrapper(name: str, failed: bool) -> bool:
    """Return whether a step of this name only composes other steps, or shapes a value between them.
    A parser or template that failed is worth showing; a composition fails because of a step in
    it."""
    if WRAPPER.fullmatch(name) is None:
        return False
    return not (failed and name.endswith(("Template", "Parser")))


def langchain_message(item: Any) -> Any:
    """Return a message in one of LangChain's forms (dumped, {type, data}, serialized, a pair of
    texts) as {role, content, tool_calls, …}; anything else as it is."""
    if isinstance(item, list) and len(item) == 2 and all(isinstance(part, str) for part in item):
        return {"role": ROLES.get(item[0], item[0]), "content": item[1]}
    if not isinstance(item, dict) or isinstance(item.get("role"), str):
        return item
    fields, role = _fields_and_role(item)
    if role is None or not isinstance(fields, dict):
        return item
    kwargs = object_or_empty(fields.get("additional_kwargs"))
    calls = fields.get("tool_calls") or kwargs.get("tool_calls")
    content = fields.get("content")
    if calls and isinstance(content, list):
        content = [part for part in content if not _repeats_tool_call(part)]
    return {**fields, "role": role, "content": content, "tool_calls": calls}


def _fields_and_role(item: dict[str, Any]) -> tuple[Any, str | None]:
    kind = item.get("type")
    if kind == "constructor":
        path = item.get("id")
        class_name = path[-1] if isinstance(path, list) and path else None
        return item.get("kwargs"), _role_of_class(class_name)
    data = item.get("data")
    return (data if isinstance(data, dict) else item), _role_of_class(kind)


def _role_of_class(kind: Any) -> str | None:
    if not isinstance(kind, str):
        return None
    match = MESSAGE_CLASS.fullmatch(kind)
    return ROLES.get(match.group(1).lower() if match else kind)


def _repeats_tool_call(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") in ("tool_use", "function_call")


def tool_result(value: Any) -> Any:
    """Return the result of a tool without the message that LangChain wraps around it."""
    message = langchain_message(value)
    if isinstance(message, dict) and message.get("role") == "tool" and "content" in message:
        return readable(message["content"])
    return value


def usage_metadata(value: Any) -> dict[str, Any] | None:
    """Return the `usage_metadata` of the first message in the answer of a model."""
    return next(_usage_metadata_in(value, MAX_DEPTH), None)


def _usage_metadata_in(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    if depth == 0:
        return
    if isinstance(value, list):
        for item in value[:1]:
            yield from _usage_metadata_in(item, depth - 1)
    elif isinstance(value, dict):
        usage = value.get("usage_metadata")
        if isinstance(usage, dict):
            yield usage
        for key in ("kwargs", "message", "generations", "output", "data"):
            yield from _usage_metadata_in(value.get(key), depth - 1)
