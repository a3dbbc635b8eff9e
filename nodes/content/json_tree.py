"""A JSON value as a tree to click through, in one flat list of marks: values may be nested deeper
than templates or the stack can go. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from nodes.content.limits import MAX_NAME, MAX_TEXT, visible_name
from nodes.formats import visible

MAX_NODES = 500
MAX_DEPTH = 60  # browsers stop nesting elements at some hundred levels
OPEN_DEPTH = 2
LONG_VALUE = 400  # characters of a text that count as one more value


@dataclass(frozen=True, slots=True)
class TreeMark:
    """`open` starts a group, `close` ends it, `leaf` is a value; `note` says what was left out.
    `kind` is the value's type: text, number, literal."""

    form: Literal["open", "close", "leaf", "note"]
    key: str = ""
    text: str = ""
    kind: str = ""
    is_open: bool = False


def tree_marks(value: Any, limit: int = MAX_NODES) -> list[TreeMark]:
    """Return the marks of `value`, of at most about `limit` values, where a long text counts as
    several. A note ends a tree that was cut."""
    marks: list[TreeMark] = []
    stack: list[Iterator[tuple[str, Any]]] = [iter([("", value)])]
    left, count = limit, 0
    while stack:
        member = next(stack[-1], None)
        if member is None:
            stack.pop()
            if stack:
                marks.append(TreeMark("close"))
            continue
        if left <= 0:
            marks.append(TreeMark("note", text=f"Only the first {count:,} values are shown here."))
            marks.extend(TreeMark("close") for _ in stack[1:])
            return marks
        key, inner = member
        left -= 1 + min(len(inner), MAX_TEXT) // LONG_VALUE if isinstance(inner, str) else 1
        count += 1
        if not isinstance(inner, (dict, list)) or not inner:
            marks.append(_leaf(key, inner))
        elif len(stack) > MAX_DEPTH:
            marks.append(TreeMark("note", key, "nested deeper: see the raw text"))
        else:
            is_open = len(stack) <= OPEN_DEPTH
            marks.append(TreeMark("open", key, _size_in_brackets(inner), is_open=is_open))
            stack.append(_members(inner))
    return marks


def _members(value: dict[str, Any] | list[Any]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        return iter([(_visible_key(str(key)), inner) for key, inner in value.items()])
    return iter([(str(number), inner) for number, inner in enumerate(value)])


def _visible_key(name: str) -> str:
    return visible_name(name) + ("…" if len(name) > MAX_NAME else "")


def _size_in_brackets(value: dict[str, Any] | list[Any]) -> str:
    return f"{{{len(value)}}}" if isinstance(value, dict) else f"[{len(value)}]"


def _leaf(key: str, value: Any) -> TreeMark:
    if isinstance(value, str):
        cut = f"… ({len(value):,} characters)" if len(value) > MAX_TEXT else ""
        return TreeMark("leaf", key, visible(value[:MAX_TEXT]) + cut, "text")
    if value is None or isinstance(value, bool):
        return TreeMark("leaf", key, {None: "null", True: "true", False: "false"}[value], "literal")
    if isinstance(value, (dict, list)):
        return TreeMark("leaf", key, "{}" if isinstance(value, dict) else "[]", "literal")
    return TreeMark("leaf", key, str(value), "number")
