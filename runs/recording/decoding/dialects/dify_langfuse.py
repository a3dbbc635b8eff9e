"""Dify's Langfuse provider: what its metadata contain beyond Langfuse's own fields.

Facts, read in Dify's `langfuse_trace.py` (1.x): the trace is the run (of a chatflow: the message,
with a span `workflow` below it that has the run's id). Observations are node executions under their
own ids, flat below the run. A node's metadata are its execution's, with `node_name`, `node_type`
and `status`; its level is ERROR unless it succeeded; the status message of every node is the run's
error; the input of a model call contains its prompts.
"""

from typing import Any

from runs.recording.decoding.dialects import dify_metadata
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.decoding.dify.vocabulary import text_or_none
from runs.recording.records.json_text import object_or_empty, readable
from runs.recording.records.span import Span

NAME = "dify-langfuse"

TRACE_METADATA, STEP_METADATA = "langfuse.trace.metadata", "langfuse.observation.metadata"
OUTPUT = "langfuse.observation.output"
DIFY_ID_KEYS = ("workflow_run_id", "node_execution_id", "workflow_app_log_id", "message_id")
# Steps of a chat app's turn, by the names that Dify gives them.
TURN_STEP_KINDS = {"moderation": "moderation", "dataset_retrieval": "knowledge-retrieval"}


def applies(span: Span, prefixes: set[str]) -> bool:
    if "langfuse" not in prefixes:
        return False
    metadata = _dify_metadata(span.attributes)
    return "tenant_id" in metadata and any(mark in metadata for mark in DIFY_ID_KEYS)


def read(reading: SpanReading) -> None:
    metadata = reading.metadata = _dify_metadata(reading.attributes)
    name = reading.span.name
    if "node_type" in metadata:
        _read_dify_langfuse_node(reading)
    elif reading.fields.get("is_run") or name == "workflow":
        is_workflow = name == "workflow" or not metadata.get("message_id")
        dify_metadata.read_run(reading, "workflow" if is_workflow else "message")
    else:
        reading.fill("kind", TURN_STEP_KINDS.get(name), "name")
        if name == "llm":
            metadata.setdefault("trace_entity_type", "message")
        dify_metadata.read_message_step(reading)
    reading.settle_run("conversation")
    reading.settle_run("name")  # "workflow" or "message"


def _read_dify_langfuse_node(reading: SpanReading) -> None:
    metadata = reading.metadata
    title = metadata.get("node_name") or reading.span.name
    output = object_or_empty(reading.parsed(OUTPUT))
    if metadata.get("status") == "exception":
        # The run went on, so that its error is not this step's.
        reading.fill("error", text_or_none(output.get("error_message")), OUTPUT)
        reading.fields.setdefault("error", None)
    execution_id = metadata.get("node_execution_id")
    dify_metadata.read_node(reading, execution_id, title, STEP_METADATA + ".node_name")
    reading.fill("error_type", text_or_none(output.get("error_type")), OUTPUT)
    dify_metadata.fill_branch(reading, str(metadata["node_type"]), output, OUTPUT)


def _dify_metadata(attributes: dict[str, Any]) -> dict[str, Any]:
    return object_or_empty(
        readable(attributes.get(STEP_METADATA) or attributes.get(TRACE_METADATA))
    )
