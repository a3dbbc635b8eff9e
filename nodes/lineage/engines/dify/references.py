"""Finds the variables that the settings of a node refer to. Pure.

Facts: Dify's app DSL 0.1 to 0.6. A selector is a list of the id of a node and the names that lead
to the value, also `sys`, `env` and `conversation`; in texts it is {{#id.name#}}. Which setting
holds it differs by node type and does not matter: a list that begins with the id of a node of the
graph is nothing else, unless it is a constant. Its editor keeps what was set before a switch was
turned: that is not read (`_switched_off`).
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nodes.lineage.values import ValuePath

GLOBAL_SCOPES = frozenset({"sys", "env", "conversation", "rag"})
MAX_REFERENCES, MAX_DEPTH = 200, 12
TEXT_REFERENCE = re.compile(r"\{\{#([^#{}.]{1,255})\.([^#{}]{1,400})#\}\}")
# Settings that hold no reference, whatever they look like.
_NEVER_REFERENCES = frozenset({
    "code", "desc", "structured_output", "output_schema", "options", "default_value",
})  # fmt: skip
# Settings that name what an assigner writes. What it does not overwrite it reads as well.
_TARGET_SETTINGS = frozenset({"assigned_variable_selector", "variable_selector"})
_OVERWRITING = (None, "over-write", "set", "clear")
# What an assigner does without a value.
_WITHOUT_VALUE = ("clear", "remove-first", "remove-last")
# Setting → the input that it becomes, where their names differ.
_INPUT_NAMES = {
    "query_variable_selector": "query", "query_attachment_selector": "attachments",
    "input_variable_selector": "value", "context": "#context#", "vision": "#files#",
}  # fmt: skip
# What the setting beside a selector may call the input that it becomes.
_NAME_SETTINGS = ("variable", "label", "key", "output_variable_name")


@dataclass(frozen=True, slots=True)
class VariableReference:
    """`node`: the id of a node of the graph, or sys, env, conversation; `path` below its outputs.
    `field` is the setting that refers to it, `name` the input that it becomes, where the setting
    names one; `in_text`: as a part of a text."""

    node: str
    path: ValuePath
    field: str
    name: str = ""
    in_text: bool = False

    @property
    def variable(self) -> str:
        """Return the variable as Dify writes it: 1001.question."""
        return ".".join([self.node, *map(str, self.path)])


def references_of(
    kind: str, config: Mapping[str, Any] | None, node_ids: Collection[str]
) -> list[VariableReference]:
    """Return all that a node's settings (`config`) refer to, in their order, each once. `node_ids`:
    those of the graph."""
    references = _ReferenceReader(kind, node_ids).read_value(dict(config or {}), "", "")
    unique: dict[tuple[str, ValuePath, str], VariableReference] = {}
    for reference in references:
        # Each setting of these is for a variable of its own.
        field = reference.field if kind in ("assigner", "variable-aggregator") else ""
        key = (reference.node, reference.path, field or reference.name or reference.field)
        unique.setdefault(key, reference)
        if len(unique) >= MAX_REFERENCES:
            break
    return list(unique.values())


class _ReferenceReader:
    def __init__(self, kind: str, node_ids: Collection[str]) -> None:
        self.kind = kind
        self.node_ids = node_ids

    def read_value(
        self, value: Any, field: str, name: str, depth: int = 0
    ) -> Iterator[VariableReference]:
        """Yield the references in the value of a setting (`field`), which becomes the input
        `name`."""
        if depth > MAX_DEPTH:
            return
        if isinstance(value, str):
            yield from self.read_text(value, field, name)
        elif isinstance(value, dict):
            if value.get("enabled") is not False:
                yield from self.read_object(value, field, name, depth)
        elif isinstance(value, list):
            if self.is_selector(value):
                yield VariableReference(value[0], tuple(value[1:]), field, name)
                return
            for number, item in enumerate(value):
                yield from self.read_value(item, f"{field}[{number}]", name, depth + 1)

    def read_object(
        self, value: dict[str, Any], field: str, name: str, depth: int
    ) -> Iterator[VariableReference]:
        names = (value[key] for key in _NAME_SETTINGS if isinstance(value.get(key), str))
        input_name = next(names, name)
        ignored = _NEVER_REFERENCES | _switched_off(value)
        if (
            self.kind == "assigner"
            and value.get("operation", value.get("write_mode")) in _OVERWRITING
        ):
            ignored |= _TARGET_SETTINGS
        for key, inner in value.items():
            if key in ignored:
                continue
            inner_field, inner_name = f"{field}.{key}".removeprefix("."), input_name
            if isinstance(inner, dict) and "value" in inner and "type" in inner:
                inner_name = key  # parameters of tools and agents by name
            elif not field:
                inner_name = _INPUT_NAMES.get(key, key)
            if key == "value" and value.get("type") == "constant" and isinstance(inner, list):
                for number, item in enumerate(inner):  # a list, not a selector
                    yield from self.read_value(
                        item, f"{inner_field}[{number}]", inner_name, depth + 1
                    )
            else:
                yield from self.read_value(inner, inner_field, inner_name, depth + 1)

    def is_selector(self, value: list[Any]) -> bool:
        return (
            len(value) > 1
            and all(isinstance(part, str) for part in value)
            and (value[0] in self.node_ids or value[0] in GLOBAL_SCOPES)
        )

    def read_text(self, text: str, field: str, name: str) -> Iterator[VariableReference]:
        for match in TEXT_REFERENCE.finditer(text):
            if match[1] in self.node_ids or match[1] in GLOBAL_SCOPES:
                path, is_whole = tuple(match[2].split(".")), match[0] == text.strip()
                yield VariableReference(match[1], path, field, name, not is_whole)


def _switched_off(value: dict[str, Any]) -> set[str]:
    """Return the settings that have no effect because of another one beside them."""
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
        ("value", value.get("operation") in _WITHOUT_VALUE),
        ("value", "file" in value and kind == "file"),
        ("value", "selector" in value and kind == "variable"),
        ("file", kind == "text"),
        ("selector", kind == "constant"),
        ("data", kind == "none"),
        ("config", kind == "no-auth"),
    )
    return {key for key, is_off in rules if is_off}
