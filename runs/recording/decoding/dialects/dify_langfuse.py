"""Dify's Langfuse provider: what its metadata tell beyond Langfuse's own fields.

Facts, read in Dify's `langfuse_trace.py` (1.x): the trace is the run (of a chatflow: the message,
with a span `workflow` below it that has the run's id). Observations are node executions under their
own ids, flat below the run. A node's metadata are its execution's, with `node_name`, `node_type`
and `status`; its level is ERROR unless it succeeded; the status message of every node is the run's
error; what is called the input of a model call are its prompts.
"""

from typing import Any

from runs.recording.decoding.dialects import dify_metadata
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.decoding.dify.vocabulary import mapping, text
from runs.recording.records.json_text import readable
from runs.recording.records.span import Span

NAME = "dify-langfuse"

TRACE, STEP = "langfuse.trace.metadata", "langfuse.observation.metadata"
OUTPUT = "langfuse.observation.output"
MARKS = ("workflow_run_id", "node_execution_id", "workflow_app_log_id", "message_id")
# Steps of a chat app's turn, by the names that Dify gives them.
STEPS = {"moderation": "moderation", "dataset_retrieval": "knowledge-retrieval"}


def applies(span: Span, spoken: set[str]) -> bool:
    if "langfuse" not in spoken:
        return False
    told = _metadata(span.attributes)
    return "tenant_id" in told and any(mark in told for mark in MARKS)


def read(reading: SpanReading) -> None:
    known = reading.metadata = _metadata(reading.attributes)
    name = reading.span.name
    if "node_type" in known:
        _read_node(reading)
    elif reading.fields.get("is_run") or name == "workflow":
        is_workflow = name == "workflow" or not known.get("message_id")
        dify_metadata.read_run(reading, "workflow" if is_workflow else "message")
    else:
        reading.fill("kind", STEPS.get(name), "name")
        if name == "llm":
            known.setdefault("trace_entity_type", "message")
        dify_metadata.read_message_step(reading)
    reading.settle_run("conversation")
    reading.settle_run("name")  # "workflow" or "message"


def _read_node(reading: SpanReading) -> None:
    known = reading.metadata
    title = known.get("node_name") or reading.span.name
    output = mapping(readable(reading.attributes.get(OUTPUT)))
    if known.get("status") == "exception":
        # The run went on, so that its error is not this step's.
        reading.fill("error", text(output.get("error_message")), OUTPUT)
        reading.fields.setdefault("error", None)
    execution_id = known.get("node_execution_id")
    dify_metadata.read_node(reading, execution_id, title, STEP + ".node_name")
    reading.fill("error_type", text(output.get("error_type")), OUTPUT)


def _metadata(told: dict[str, Any]) -> dict[str, Any]:
    return mapping(readable(told.get(STEP) or told.get(TRACE)))
