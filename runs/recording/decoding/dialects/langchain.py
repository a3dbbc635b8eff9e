"""LangChain's own forms, which its tracers pass on as they are: messages, results of tools, usage
in what a model gave back; and the names of its plumbing."""

import re
from collections.abc import Iterator
from typing import Any

from runs.recording.records.json_text import readable

ROLES = {
    "human": "user", "ai": "assistant", "system": "system", "tool": "tool", "function": "tool",
}  # fmt: skip
MESSAGE_CLASS = re.compile(r"(Human|AI|System|Tool|Function)Message(?:Chunk)?")
# Compositions of other steps, templates and parsers: they have a name only where nobody gave one.
WRAPPER = re.compile(
    r"(Runnable(Sequence|Parallel|Assign|Passthrough|Binding|Each|Map|Pick|Callable)"
    r"|Channel(Write|Read)|Branch)(<.*)?"
    r"|__start__|_write|\w*(PromptTemplate|OutputParser|ToolsParser)",
    re.DOTALL,
)
HIDDEN_TAG = "langsmith:hidden"
MAX_DEPTH = 6


def is_wrapper(name: str, failed: bool) -> bool:
    """Whether a step by this name only composes others, or shapes a value on the way. A parser or
    template that failed is worth seeing; a composition fails because of what it composes."""
    if WRAPPER.fullmatch(name) is None:
        return False
    return not (failed and name.endswith(("Template", "Parser")))


def langchain_message(item: Any) -> Any:
    """A message in one of LangChain's forms (dumped, {type, data}, serialized, a pair of texts) as
    {role, content, tool_calls, …}; anything else as it is."""
    if isinstance(item, list) and len(item) == 2 and all(isinstance(part, str) for part in item):
        return {"role": ROLES.get(item[0], item[0]), "content": item[1]}
    if not isinstance(item, dict) or isinstance(item.get("role"), str):
        return item
    body, role = _body(item)
    if role is None or not isinstance(body, dict):
        return item
    extra = body.get("additional_kwargs")
    calls = body.get("tool_calls") or (extra.get("tool_calls") if isinstance(extra, dict) else None)
    content = body.get("content")
    if calls and isinstance(content, list):
        content = [part for part in content if not _repeats_a_call(part)]
    return {**body, "role": role, "content": content, "tool_calls": calls}


def _body(item: dict[str, Any]) -> tuple[Any, str | None]:
    kind = item.get("type")
    if kind == "constructor":
        path = item.get("id")
        return item.get("kwargs"), _role(path[-1] if isinstance(path, list) and path else None)
    data = item.get("data")
    return (data if isinstance(data, dict) else item), _role(kind)


def _role(kind: Any) -> str | None:
    if not isinstance(kind, str):
        return None
    match = MESSAGE_CLASS.fullmatch(kind)
    return ROLES.get(match.group(1).lower() if match else kind)


def _repeats_a_call(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") in ("tool_use", "function_call")


def tool_result(value: Any) -> Any:
    """What a tool gave back, out of the message that LangChain wraps around it."""
    told = langchain_message(value)
    if isinstance(told, dict) and told.get("role") == "tool" and "content" in told:
        return readable(told["content"])
    return value


def usage_metadata(value: Any) -> dict[str, Any] | None:
    """The `usage_metadata` of the first message in what a model gave back."""
    return next(_usages(value, MAX_DEPTH), None)


def _usages(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    if depth == 0:
        return
    if isinstance(value, list):
        for item in value[:1]:
            yield from _usages(item, depth - 1)
    elif isinstance(value, dict):
        usage = value.get("usage_metadata")
        if isinstance(usage, dict):
            yield usage
        for key in ("kwargs", "message", "generations", "output", "data"):
            yield from _usages(value.get(key), depth - 1)
