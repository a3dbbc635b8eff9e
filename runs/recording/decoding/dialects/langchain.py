"""LangChain's own forms, which its tracers send as they are: messages, results of tools, usage in
the answer of a model; and the names of its wrapper steps."""

import re
from collections.abc import Iterator
from typing import Any

from nodes.content.messages import read_message
from runs.recording.records.json_text import readable

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


def tool_result(value: Any) -> Any:
    """Return the result of a tool without the message that LangChain wraps around it."""
    message = read_message(value)
    if message and message.role == "tool" and len(message.results) == 1:
        return readable(message.results[0].value)
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
