"""Dify's workflow graph, from a DSL file or from the database, as a version keeps it. Pure.

Nodes keep their place, container and settings; an edge keeps the case that it stands for as people
read it (IF, ELSE, the name of a class) instead of Dify's handle. Notes on the canvas are no nodes.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from runs.recording.decoding.dify.node_settings import shown_settings
from runs.recording.decoding.dify.vocabulary import mapping
from runs.recording.records.json_text import deeper_than, readable
from runs.recording.records.payload_values import clean

MAX_NODES, MAX_EDGES = 5_000, 20_000
MAX_LABEL, MAX_NOTE, MAX_DEPTH = 80, 4_000, 60
# The editor gives these no title.
TITLES = {"iteration-start": "Start", "loop-start": "Start", "loop-end": "Exit loop"}
PLAIN_HANDLES = frozenset({"", "source", "None"})
ERROR_CASES = {"fail-branch": "Error", "success-branch": "Success"}


@dataclass(frozen=True, slots=True)
class DifyGraph:
    """`stored` is {"nodes": […], "edges": […]} as nodes.graph.graph reads it. For reading runs:
    `cases` has the label of (node id, handle), `before` of each node the (node id, handle) that
    lead to it, `parents` the container of each node inside one."""

    stored: dict[str, list[dict[str, Any]]]
    notes: list[dict[str, Any]] = field(default_factory=list)
    cases: Mapping[tuple[str, str], str] = field(default_factory=dict)
    before: Mapping[str, list[tuple[str, str]]] = field(default_factory=dict)
    parents: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Equal for graphs that do the same: places and notes do not count. 32 hex digits."""
        nodes = [
            {name: value for name, value in node.items() if name not in ("x", "y")}
            for node in self.stored["nodes"]
        ]
        edges = sorted((e["source"], e["target"], e["handle"]) for e in self.stored["edges"])
        return digest_of([sorted(nodes, key=lambda node: str(node["id"])), edges])


def digest_of(value: Any) -> str:
    """32 hex digits of canonical JSON."""
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return hashlib.sha256(text).hexdigest()[:32]


def read_graph(told: Any) -> DifyGraph:
    """The graph {"nodes", "edges", "viewport"} that Dify keeps; what is unreadable is left out."""
    told = mapping(readable(told))
    told = {} if deeper_than(told, MAX_DEPTH) else told
    nodes: dict[str, dict[str, Any]] = {}
    notes = []
    cases: dict[tuple[str, str], str] = {}
    for item in _dicts(told.get("nodes"))[:MAX_NODES]:
        data = mapping(item.get("data"))
        key = clean(str(item.get("id") or ""), 255)
        if item.get("type") == "custom-note":
            notes += _note(item, data)
        elif key and key not in nodes:
            nodes[key] = _node(key, item, data)
            cases |= {(key, handle): label for handle, label in _cases(data).items()}
    edges, before = _edges(_dicts(told.get("edges"))[:MAX_EDGES], nodes, cases)
    parents = {key: node["parent"] for key, node in nodes.items() if node["parent"]}
    _place_inner(told, nodes)
    stored = {"nodes": list(nodes.values()), "edges": edges}
    return DifyGraph(stored, notes, cases, before, parents)


def _node(key: str, item: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    place = next((p for name in ("positionAbsolute", "position")
                  if isinstance(p := item.get(name), dict)), {})  # fmt: skip
    kind = clean(str(data.get("type") or "span"), 40)
    parent = item.get("parentId") or (
        (data.get("isInIteration") and data.get("iteration_id"))
        or (data.get("isInLoop") and data.get("loop_id"))
    )
    return {
        "id": key,
        "kind": kind,
        "title": clean(str(data.get("title") or TITLES.get(kind) or key), 255),
        "x": _number(place.get("x")),
        "y": _number(place.get("y")),
        "parent": clean(str(parent), 255) if parent and str(parent) != key else None,
        "config": storable(shown_settings(kind, data)),
    }


def _place_inner(told: dict[str, Any], nodes: dict[str, dict[str, Any]]) -> None:
    """Older files tell the place of a node in a container from the container's corner alone."""
    for item in _dicts(told.get("nodes")):
        node = nodes.get(str(item.get("id")))
        above = nodes.get(node["parent"] or "") if node else None
        if node and above and not isinstance(item.get("positionAbsolute"), dict):
            for axis in ("x", "y"):
                if node[axis] is not None and above[axis] is not None:
                    node[axis] += above[axis]


def _cases(data: dict[str, Any]) -> dict[str, str]:
    """Handle → what people call that way out of a node."""
    found: dict[str, str] = {}
    kind = data.get("type")
    if data.get("error_strategy") == "fail-branch":
        found |= ERROR_CASES
    if kind == "if-else":
        cases = [str(case.get("case_id") or case.get("id")) for case in _dicts(data.get("cases"))]
        for place, handle in enumerate(cases or ["true"]):
            found[handle] = f"ELIF {place}" if place else "IF"
        found["false"] = "ELSE"
    named = {"question-classifier": ("classes", "name"), "human-input": ("user_actions", "title")}
    if kind in named:
        items, name = named[str(kind)]
        for item in _dicts(data.get(items)):
            found[str(item.get("id"))] = str(item.get(name) or item.get("id"))
    return {handle: label_of(label) for handle, label in found.items()}


def label_of(text: str) -> str:
    """A case's name on one short line."""
    line = " ".join(clean(text, 1000).split())
    return line if len(line) <= MAX_LABEL else line[: MAX_LABEL - 1].rstrip() + "…"


def _edges(
    told: list[dict[str, Any]], nodes: Mapping[str, Any], cases: Mapping[tuple[str, str], str]
) -> tuple[list[dict[str, str]], dict[str, list[tuple[str, str]]]]:
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    before: dict[str, list[tuple[str, str]]] = {}
    for item in told:
        source, target = (clean(str(item.get(end)), 255) for end in ("source", "target"))
        handle = str(item.get("sourceHandle") or "")
        if source not in nodes or target not in nodes or (source, target, handle) in found:
            continue
        label = cases.get((source, handle), "" if handle in PLAIN_HANDLES else label_of(handle))
        found[source, target, handle] = {"source": source, "target": target, "handle": label}
        before.setdefault(target, []).append((source, handle))
    return list(found.values()), before


def _note(item: dict[str, Any], data: dict[str, Any]) -> list[dict[str, Any]]:
    text = clean("\n".join(_lines(readable(data.get("text")))))[:MAX_NOTE].strip()
    return [{"text": text, "author": clean(str(data.get("author") or ""), 100)}] if text else []


def _lines(value: Any) -> list[str]:
    """The text of a note, which its editor keeps as a tree of paragraphs."""
    if isinstance(value, str):
        return [value]
    lines = []
    for block in _dicts(mapping(mapping(value).get("root")).get("children")):
        words, waiting = [], [block]
        while waiting:
            part = waiting.pop()
            if isinstance(part.get("text"), str):
                words.append(part["text"])
            waiting += reversed(_dicts(part.get("children")))
        lines.append("".join(words))
    return lines


def storable(value: Any) -> Any:
    """JSON that both databases hold: text without NUL, keys that are text, finite numbers."""
    if isinstance(value, dict):
        return {clean(str(key), 255): storable(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [storable(inner) for inner in value]
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) < 2**63 else str(value)
    return value if value is None or isinstance(value, bool) else clean(str(value))


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _number(value: Any) -> float | None:
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9
    return value if fits else None
