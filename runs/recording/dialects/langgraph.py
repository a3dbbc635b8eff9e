"""LangGraph, as its tracers tell it: keys `langgraph_*` in the metadata of every span.

A span is the node itself when it bears the node's name. Functions that choose the way are children
of the node without a checkpoint of their own; what they return is the name of the next node.
"""

import re
from typing import Any

from runs.recording.dialects.reading import Reading

NODE_NAME = re.compile(r"[A-Za-z_][\w.:-]{0,99}")
SEND = re.compile(r"Send\(node='([^']{1,100})'")


def read(reading: Reading, kind: str) -> None:
    """`kind` is the OpenInference kind of the span, in lower case."""
    metadata = reading.metadata
    node = metadata.get("langgraph_node")
    if isinstance(node, str) and kind in ("chain", "agent"):
        if reading.span.name == node:
            reading.fill("node_id", node, "metadata.langgraph_node")
            reading.fill("title", node, "metadata.langgraph_node")
            reading.fill("fan_out_index", _fan_out(metadata), "metadata.langgraph_path")
        elif "checkpoint_ns" not in metadata:
            _read_branch(reading)
    if not reading.attributes.get("session.id"):
        thread = metadata.get("thread_id")
        if isinstance(thread, str):
            reading.fill_run("conversation", thread, "metadata.thread_id")


def _fan_out(metadata: dict[str, Any]) -> int | None:
    """The number of this item of a fan-out: path ["__pregel_push", number, …], or with the path of
    the sender in between."""
    path = metadata.get("langgraph_path")
    if isinstance(path, list) and path and path[0] == "__pregel_push":
        for part in path[1:]:
            if type(part) is int:
                return part
    return None


def _read_branch(reading: Reading) -> None:
    chosen = reading.attributes.get("output.value")
    if not isinstance(chosen, str):
        return
    if chosen.startswith('["Send('):
        targets = set(SEND.findall(chosen))
        if targets:
            reading.fill("kind", "branch", "output.value")
        if len(targets) == 1:
            reading.fill("taken", targets.pop(), "output.value")
    elif "output.mime_type" not in reading.attributes and NODE_NAME.fullmatch(chosen):
        reading.fill("kind", "branch", "output.value")
        reading.fill("taken", chosen, "output.value")
