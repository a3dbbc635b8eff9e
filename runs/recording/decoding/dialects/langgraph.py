"""LangGraph's metadata, which several tracers send: keys `langgraph_*` on every span.

A span is the node itself when it has the node's name. A function that chooses the next node is a
child of the node without a checkpoint of its own; it returns the name of the next node. Nodes of
subgraphs may have equal names; the checkpoint namespace tells them apart: "docs:ID|search:ID" is
the node search in the subgraph of the node docs.
"""

import re
from typing import Any

from runs.recording.decoding.dialects.indexed_attributes import is_index
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import readable

NODE_NAME = re.compile(r"[A-Za-z_][\w.:-]{0,99}")
SEND = re.compile(r"Send\(node='([^']{1,100})'")
OUTPUT = "output.value"
NAMESPACES = ("langgraph_checkpoint_ns", "checkpoint_ns")
START, END = "__start__", "__end__"
UNNAMED = "RunnableLambda"  # a function without a name, in JavaScript


def read_metadata(
    reading: SpanReading, kind: str, returned: Any = None, attribute: str = OUTPUT, name: str = ""
) -> None:
    """Fill node id, title, chosen branch, conversation and user from `reading.metadata`.

    `kind` is OpenInference's kind of the span, in lower case. `returned` is the value that the span
    returned, and `attribute` where it was sent; without them OpenInference's own attribute is read.
    `name` is the name of the step where it is not the span's."""
    metadata = reading.metadata
    node = metadata.get("langgraph_node")
    if isinstance(node, str) and node != START and kind in ("chain", "agent"):
        if (name or reading.span.name) == node:
            reading.fill("node_id", _subgraph_of(metadata) + node, "metadata.langgraph_node")
            reading.fill("title", node, "metadata.langgraph_node")
            for key in NAMESPACES:
                if isinstance(task := metadata.get(key), str):
                    reading.fill("task", task, f"metadata.{key}")
            reading.fill("fan_out_index", _fan_out_index(metadata), "metadata.langgraph_path")
        else:
            if attribute == OUTPUT:
                returned = _plain_text_output(reading.attributes)
            # Of what may be a node itself, a text may be its result.
            if "checkpoint_ns" not in metadata or not isinstance(returned, str):
                _read_chosen_branch(reading, returned, attribute)
    if not reading.attributes.get("session.id"):
        thread = metadata.get("thread_id")
        if isinstance(thread, str):
            reading.fill_run("conversation", thread, "metadata.thread_id")
    user = metadata.get("user_id")
    if isinstance(user, (str, int)) and not reading.attributes.get("user.id"):
        reading.fill_run("user", str(user), "metadata.user_id")


def _subgraph_of(metadata: dict[str, Any]) -> str:
    """Return the names of the nodes in whose subgraphs a node is, each followed by a slash."""
    namespace = next((value for key in NAMESPACES if (value := metadata.get(key))), "")
    # Parts that are numbers count the calls of a subgraph within one node.
    parts = [part.partition(":")[0] for part in str(namespace).split("|") if not part.isdecimal()]
    return "".join(f"{name}/" for name in parts[:-1])


def _fan_out_index(metadata: dict[str, Any]) -> int | None:
    """Return the index of this item in a fan-out: the first number of the path ["__pregel_push",
    number, …], in which the path of the sender may come first."""
    path = metadata.get("langgraph_path")
    if isinstance(path, list) and path and path[0] == "__pregel_push":
        for part in path[1:]:
            if type(part) is int:
                return part
            if isinstance(part, str) and is_index(part):  # a list of text, as attributes are
                return int(part)
    return None


def _plain_text_output(attributes: dict[str, Any]) -> Any:
    """Return the output unless it is typed: OpenInference sends a MIME type with every value that
    is not plain text."""
    value = attributes.get(OUTPUT)
    is_name = isinstance(value, str) and not value.startswith(("[", '{"output":['))
    return None if is_name and "output.mime_type" in attributes else readable(value)


def _read_chosen_branch(reading: SpanReading, returned: Any, attribute: str) -> None:
    if isinstance(returned, dict) and returned.keys() == {"output"}:
        returned = returned["output"]  # as JavaScript wraps what is no object
    if isinstance(returned, list):
        targets = {target for item in returned if (target := _send_target(item))}
        if targets:
            reading.fill("kind", "branch", attribute)
            if reading.span.name == UNNAMED:
                reading.fill("title", "branch", attribute)
        if len(targets) == 1:
            reading.fill("taken", _target_id(reading, targets.pop()), attribute)
    elif isinstance(returned, str) and NODE_NAME.fullmatch(returned):
        reading.fill("kind", "branch", attribute)
        reading.fill("taken", _target_id(reading, returned), attribute)


def _target_id(reading: SpanReading, name: str) -> str:
    """Return the id of the node of this name in the graph that the branch is in."""
    return name if name == END else _subgraph_of(reading.metadata) + name


def _send_target(item: Any) -> str | None:
    """Return the node that a Send goes to: an object {node, arg} or, in JavaScript,
    {node, args}, or its repr as text."""
    if (
        isinstance(item, dict)
        and isinstance(item.get("node"), str)
        and item.keys() & {"arg", "args"}
    ):
        return str(item["node"])
    text = item.get("repr") if isinstance(item, dict) else item
    match = SEND.match(text) if isinstance(text, str) else None
    return match.group(1) if match else None
