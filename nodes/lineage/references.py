"""What the settings of a node say of where its inputs come from. Pure.

Facts: Dify's app DSL 0.1 to 0.6. A selector is a list of the id of a node and the names on the way
to the value, also `sys`, `env` and `conversation`; in texts it is {{#id.name#}}. Which setting
holds it differs by node type and does not matter: a list that begins with the id of a node of the
graph is nothing else, unless it is a constant. Its editor keeps what was set before a switch was
turned: that is not read (`_unread`).
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nodes.lineage.values import Path

GLOBAL = frozenset({"sys", "env", "conversation", "rag"})
MAX_REFERENCES = 200
_IN_TEXT = re.compile(r"\{\{#([^#{}.]{1,255})\.([^#{}]{1,400})#\}\}")
# Settings that hold no reference, whatever they look like.
_NO_REFERENCES = frozenset({
    "code", "desc", "structured_output", "output_schema", "options", "default_value",
})  # fmt: skip
# Settings that name what an assigner writes. What it does not overwrite it reads as well.
_TARGETS = frozenset({"assigned_variable_selector", "variable_selector"})
_OVERWRITES = (None, "over-write", "set", "clear")
# What an assigner does without a value.
_VALUELESS = ("clear", "remove-first", "remove-last")
# What an input is called that comes by a setting of another name.
NAMES = {
    "query_variable_selector": "query", "query_attachment_selector": "attachments",
    "input_variable_selector": "value", "context": "#context#", "vision": "#files#",
}  # fmt: skip
_MEANT = ("variable", "label", "key", "output_variable_name")


@dataclass(frozen=True, slots=True)
class Reference:
    """`node`: the id of a node of the graph, or sys, env, conversation; `path` below its outputs.
    `field` is the setting that says so, `name` the input that it becomes, where the setting names
    one; `in_text`: as a part of a text."""

    node: str
    path: Path
    field: str
    name: str = ""
    in_text: bool = False

    @property
    def variable(self) -> str:
        """As its producer writes it: 1001.question."""
        return ".".join([self.node, *map(str, self.path)])


def references(
    kind: str, config: Mapping[str, Any] | None, nodes: Collection[str]
) -> list[Reference]:
    """All that a node's settings refer to, in their order, each once. `nodes`: ids of the graph."""
    found = _Walk(kind, nodes).of(dict(config or {}), "", "")
    unique: dict[tuple[str, Path, str], Reference] = {}
    for one in found:
        # Each setting of these is for a variable of its own.
        field = one.field if kind in ("assigner", "variable-aggregator") else ""
        unique.setdefault((one.node, one.path, field or one.name or one.field), one)
        if len(unique) >= MAX_REFERENCES:
            break
    return list(unique.values())


class _Walk:
    def __init__(self, kind: str, nodes: Collection[str]) -> None:
        self.kind = kind
        self.nodes = nodes

    def of(self, value: Any, field: str, name: str, depth: int = 0) -> Iterator[Reference]:
        if depth > 12:
            return
        if isinstance(value, str):
            yield from self.in_text(value, field, name)
        elif isinstance(value, dict):
            if value.get("enabled") is not False:
                yield from self.of_dict(value, field, name, depth)
        elif isinstance(value, list):
            if self.is_selector(value):
                yield Reference(value[0], tuple(value[1:]), field, name)
                return
            for number, item in enumerate(value):
                yield from self.of(item, f"{field}[{number}]", name, depth + 1)

    def of_dict(
        self, value: dict[str, Any], field: str, name: str, depth: int
    ) -> Iterator[Reference]:
        meant = next((value[key] for key in _MEANT if isinstance(value.get(key), str)), name)
        unread = _NO_REFERENCES | _unread(value)
        if (
            self.kind == "assigner"
            and value.get("operation", value.get("write_mode")) in _OVERWRITES
        ):
            unread |= _TARGETS
        for key, inner in value.items():
            if key in unread:
                continue
            place, below = f"{field}.{key}".removeprefix("."), meant
            if isinstance(inner, dict) and "value" in inner and "type" in inner:
                below = key  # parameters of tools and agents by name
            elif not field:
                below = NAMES.get(key, key)
            if key == "value" and value.get("type") == "constant" and isinstance(inner, list):
                for number, item in enumerate(inner):  # a list, not a selector
                    yield from self.of(item, f"{place}[{number}]", below, depth + 1)
            else:
                yield from self.of(inner, place, below, depth + 1)

    def is_selector(self, value: list[Any]) -> bool:
        return (
            len(value) > 1
            and all(isinstance(part, str) for part in value)
            and (value[0] in self.nodes or value[0] in GLOBAL)
        )

    def in_text(self, text: str, field: str, name: str) -> Iterator[Reference]:
        for match in _IN_TEXT.finditer(text):
            if match[1] in self.nodes or match[1] in GLOBAL:
                whole = match[0] == text.strip()
                yield Reference(match[1], tuple(match[2].split(".")), field, name, not whole)


def _unread(value: dict[str, Any]) -> set[str]:
    """Settings that have no effect because of another one beside them."""
    kind, grouped = value.get("type"), value.get("advanced_settings")
    if isinstance(grouped, dict):
        grouped = grouped.get("group_enabled")
    rules = (
        ("text", value.get("edition_type") == "jinja2"),
        ("jinja2_text", value.get("edition_type") == "basic"),
        ("variables", grouped is True),
        ("groups", value.get("group_enabled") is False),
        ("value", value.get("auto") in (1, True)),  # a model fills in this parameter of a tool
        ("value", "constant" in (value.get("value_type"), value.get("input_type"))),
        ("value", value.get("operation") in _VALUELESS),
        ("value", "file" in value and kind == "file"),
        ("value", "selector" in value and kind == "variable"),
        ("file", kind == "text"),
        ("selector", kind == "constant"),
        ("data", kind == "none"),
        ("config", kind == "no-auth"),
    )
    return {key for key, unread in rules if unread}
