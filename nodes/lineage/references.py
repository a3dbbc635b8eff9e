"""What the settings of a node say of where its inputs come from. Pure.

Facts: Dify's app DSL 0.1 to 0.6. A selector is a list of the id of a node and the names on the way
to the value, also `sys`, `env` and `conversation`; in texts it is {{#id.name#}}. Which setting
holds it differs by node type and does not matter: a list that begins with the id of a node of the
graph is nothing else.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nodes.lineage.values import Path

GLOBAL = frozenset({"sys", "env", "conversation"})
MAX_REFERENCES = 200
_IN_TEXT = re.compile(r"\{\{#([^#{}.]{1,255})\.([^#{}]{1,400})#\}\}")
# Settings that hold no reference, whatever they look like.
_NO_REFERENCES = frozenset({"code", "desc", "structured_output", "output_schema"})
# Settings that name what is written, not what is read.
_TARGETS = frozenset({"assigned_variable_selector"})
# What an input is called that comes by a setting of another name.
NAMES = {"query_variable_selector": "query", "query_attachment_selector": "query_attachments"}
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
        unique.setdefault((one.node, one.path, one.name or one.field), one)
        if len(unique) >= MAX_REFERENCES:
            break
    return list(unique.values())


def targets(kind: str, config: Mapping[str, Any] | None) -> list[tuple[str, ...]]:
    """The variables that a variable assigner writes: [("conversation", "language")]."""
    if kind != "assigner" or not config:
        return []
    items = config.get("items")
    told = [config.get("assigned_variable_selector")]
    if isinstance(items, list):
        told += [item.get("variable_selector") for item in items if isinstance(item, dict)]
    return [tuple(map(str, one)) for one in told if isinstance(one, list) and len(one) > 1]


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
        for key, inner in value.items():
            if key in _NO_REFERENCES or self.is_target(key):
                continue
            below = meant
            if isinstance(inner, dict) and "value" in inner and "type" in inner:
                below = key  # parameters of tools and agents by name
            elif not field:
                below = NAMES.get(key, key)
            yield from self.of(inner, f"{field}.{key}".removeprefix("."), below, depth + 1)

    def is_target(self, key: str) -> bool:
        return key in _TARGETS or (self.kind == "assigner" and key == "variable_selector")

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
