"""Dify's workflow graph, from a DSL file or from the database, as a version keeps it. Pure.

Nodes keep their position, container and settings; an edge keeps the name of the branch that it
stands for (IF, ELSE, the name of a class) instead of Dify's handle. Notes on the canvas are no
nodes.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from runs.recording.decoding.dify.node_settings import visible_settings
from runs.recording.records.json_text import deeper_than, object_or_empty, readable
from runs.recording.records.payload_values import clean

MAX_NODES, MAX_EDGES = 5_000, 20_000
MAX_LABEL, MAX_NOTE, MAX_DEPTH = 80, 4_000, 60
# The editor gives these no title.
TITLES = {"iteration-start": "Start", "loop-start": "Start", "loop-end": "Exit loop"}
PLAIN_HANDLES = frozenset({"", "source", "None"})
ERROR_BRANCHES = {"fail-branch": "Error", "success-branch": "Success"}


@dataclass(frozen=True, slots=True)
class DifyGraph:
    """A graph. `stored` is {"nodes": […], "edges": […]} as nodes.graph.graph reads it. For reading
    runs: `branches` has the name of the branch for (node id, handle), `before` for each node the
    (node id, handle) that lead to it, `parents` the container of each node inside one."""

    stored: dict[str, list[dict[str, Any]]]
    notes: list[dict[str, Any]] = field(default_factory=list)
    branches: Mapping[tuple[str, str], str] = field(default_factory=dict)
    before: Mapping[str, list[tuple[str, str]]] = field(default_factory=dict)
    parents: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Return 32 hex digits, equal for graphs that do the same: positions and notes do not
        count, nor ids of data sets, which an export encrypts anew."""
        nodes = [
            {
                **{name: value for name, value in node.items() if name not in ("x", "y")},
                "config": {k: v for k, v in node["config"].items() if k != "dataset_ids"},
            }
            for node in self.stored["nodes"]
        ]
        edges = sorted((e["source"], e["target"], e["handle"]) for e in self.stored["edges"])
        return json_digest([sorted(nodes, key=lambda node: str(node["id"])), edges])


def json_digest(value: Any) -> str:
    """Return 32 hex digits of a value's canonical JSON."""
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return hashlib.sha256(text).hexdigest()[:32]


def read_graph(graph: Any) -> DifyGraph:
    """Return the graph {"nodes", "edges", "viewport"} that Dify keeps, as JSON or as JSON text;
    what is unreadable is left out."""
    graph = object_or_empty(readable(graph))
    graph = {} if deeper_than(graph, MAX_DEPTH) else graph
    nodes: dict[str, dict[str, Any]] = {}
    notes = []
    branches: dict[tuple[str, str], str] = {}
    items = _objects_in(graph.get("nodes"))
    for item in items[:MAX_NODES]:
        data = object_or_empty(item.get("data"))
        key = clean(str(item.get("id") or ""), 255)
        if item.get("type") == "custom-note":
            notes += _canvas_note(item, data)
        elif key and key not in nodes:
            nodes[key] = _graph_node(key, item, data)
            branches |= {(key, handle): label for handle, label in _branch_labels(data).items()}
    edges, before = _graph_edges(_objects_in(graph.get("edges"))[:MAX_EDGES], nodes, branches)
    parents = {key: node["parent"] for key, node in nodes.items() if node["parent"]}
    _make_positions_absolute(items, nodes)
    stored = {"nodes": list(nodes.values()), "edges": edges}
    return DifyGraph(stored, notes, branches, before, parents)


def _graph_node(key: str, item: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    position = _position_of(item)
    kind = clean(str(data.get("type") or "span"), 40)
    parent = item.get("parentId") or (
        (data.get("isInIteration") and data.get("iteration_id"))
        or (data.get("isInLoop") and data.get("loop_id"))
    )
    return {
        "id": key,
        "kind": kind,
        "title": clean(str(data.get("title") or TITLES.get(kind) or key), 255),
        "x": _coordinate(position.get("x")),
        "y": _coordinate(position.get("y")),
        "parent": clean(str(parent), 255) if parent and str(parent) != key else None,
        "config": storable(visible_settings(kind, data)),
    }


def _make_positions_absolute(items: list[dict[str, Any]], nodes: dict[str, dict[str, Any]]) -> None:
    """Add the position of its container to that of each inner node: older files give the latter
    from the container's corner alone."""
    for item in items:
        node = nodes.get(str(item.get("id")))
        above = nodes.get(node["parent"] or "") if node else None
        if node and above and not isinstance(item.get("positionAbsolute"), dict):
            for axis in ("x", "y"):
                if node[axis] is not None and above[axis] is not None:
                    node[axis] += above[axis]


def _branch_labels(data: dict[str, Any]) -> dict[str, str]:
    """Return handle → what people call that branch of a node."""
    labels: dict[str, str] = {}
    kind = data.get("type")
    if data.get("error_strategy") == "fail-branch":
        labels |= ERROR_BRANCHES
    if kind == "if-else":
        cases = _objects_in(data.get("cases"))
        handles = [str(case.get("case_id") or case.get("id")) for case in cases]
        for number, handle in enumerate(handles or ["true"]):
            labels[handle] = f"ELIF {number}" if number else "IF"
        labels["false"] = "ELSE"
    named = {"question-classifier": ("classes", "name"), "human-input": ("user_actions", "title")}
    if kind in named:
        items, name = named[str(kind)]
        for item in _objects_in(data.get(items)):
            labels[str(item.get("id"))] = str(item.get(name) or item.get("id"))
    return {handle: branch_label(label) for handle, label in labels.items()}


def branch_label(text: str) -> str:
    """Return a branch's name on one short line."""
    line = " ".join(clean(text, 1000).split())
    return line if len(line) <= MAX_LABEL else line[: MAX_LABEL - 1].rstrip() + "…"


def _graph_edges(
    items: list[dict[str, Any]], nodes: Mapping[str, Any], branches: Mapping[tuple[str, str], str]
) -> tuple[list[dict[str, str]], dict[str, list[tuple[str, str]]]]:
    """Return the edges between known nodes, each once, and `DifyGraph.before`."""
    edges: dict[tuple[str, str, str], dict[str, str]] = {}
    before: dict[str, list[tuple[str, str]]] = {}
    for item in items:
        source, target = (clean(str(item.get(end)), 255) for end in ("source", "target"))
        handle = str(item.get("sourceHandle") or "")
        if source not in nodes or target not in nodes or (source, target, handle) in edges:
            continue
        unnamed = "" if handle in PLAIN_HANDLES else branch_label(handle)
        label = branches.get((source, handle), unnamed)
        edges[source, target, handle] = {"source": source, "target": target, "handle": label}
        before.setdefault(target, []).append((source, handle))
    return list(edges.values()), before


def _canvas_note(item: dict[str, Any], data: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the note as a list of one; [] for a note without text. `colour` is the name of a theme
    of Dify's editor; positions are those of the editor's canvas, as of nodes."""
    text = clean("\n".join(_note_lines(readable(data.get("text")))))[:MAX_NOTE].strip()
    if not text:
        return []
    position = _position_of(item)
    return [{
        "text": text,
        "author": clean(str(data.get("author") or ""), 100),
        "colour": clean(str(data.get("theme") or ""), 20),
        "x": _coordinate(position.get("x")),
        "y": _coordinate(position.get("y")),
        "width": _coordinate(data.get("width") or item.get("width")),
    }]  # fmt: skip


def _position_of(item: dict[str, Any]) -> dict[str, Any]:
    return next((p for name in ("positionAbsolute", "position")
              if isinstance(p := item.get(name), dict)), {})  # fmt: skip


def _note_lines(value: Any) -> list[str]:
    """Return the lines of a note's text, which its editor keeps as a tree of paragraphs."""
    if isinstance(value, str):
        return [value]
    lines = []
    for block in _objects_in(object_or_empty(object_or_empty(value).get("root")).get("children")):
        texts, stack = [], [block]
        while stack:
            element = stack.pop()
            if isinstance(element.get("text"), str):
                texts.append(element["text"])
            stack += reversed(_objects_in(element.get("children")))
        lines.append("".join(texts))
    return lines


def storable(value: Any) -> Any:
    """Return the value as JSON that both databases hold: text without NUL, keys that are text,
    finite numbers."""
    if isinstance(value, dict):
        return {clean(str(key), 255): storable(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [storable(inner) for inner in value]
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) < 2**63 else str(value)
    return value if value is None or isinstance(value, bool) else clean(str(value))


def _objects_in(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _coordinate(value: Any) -> float | None:
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9
    return value if fits else None
