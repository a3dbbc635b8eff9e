"""Dify's traces as its providers send them since 1.20: Langfuse over OTLP, and others alike.

Facts, read in Dify's `core/ops` (provider_export, workflow_trace) and seen on the wire:
- What Dify knows of a span are attributes `dify.…`; the Langfuse provider puts them into the
  observation's metadata (`langfuse.observation.metadata.dify.…`).
- `dify.span.type` is `workflow` for the run, and `node` or what the node is for a node, which has
  its ids in the graph and in the run. A call of a model inside a node has the ids of its node.
- A node is the child of what it runs in: the run, an iteration, a loop, or a workflow's tool.
- A node that is tried again has a span for each attempt, all with the id of the one execution.
- The session is the conversation, or else the run.
"""

from typing import Any

from runs.recording.decoding.dialects import dify_enterprise, dify_metadata
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.decoding.dify.vocabulary import text_or_none
from runs.recording.records.span import Span
from runs.recording.records.usage import to_count

NAME = "dify-trace"

LANGFUSE_METADATA = "langfuse.observation.metadata."
TYPE = "dify.span.type"
OUTPUTS = ("langfuse.observation.output", "dify.outputs")
STATUSES = {
    "succeeded": "succeeded",
    "failed": "failed",
    "exception": "exception",
    "stopped": "stopped",
    "paused": "paused",
}
# Types of spans that say no more than that they are part of a workflow.
PLAIN_TYPES = frozenset({"node", "span", "chain", "task"})


def applies(span: Span, prefixes: set[str]) -> bool:
    if "langfuse" in prefixes:
        return LANGFUSE_METADATA + TYPE in span.attributes
    if span.name in dify_enterprise.RECORDS:
        return False  # they have some of these attributes, too
    return TYPE in span.attributes and "dify.workflow.run_id" in span.attributes


def read(reading: SpanReading) -> None:
    prefix = LANGFUSE_METADATA if LANGFUSE_METADATA + TYPE in reading.attributes else ""
    values = _DifyValues(reading, prefix)
    reading.fields["is_run"] = False
    execution_id = values.text("dify.node.execution_id")
    if values.text(TYPE) == "workflow" and execution_id is None:
        _read_workflow_span(reading, values)
    elif execution_id is not None:
        _read_node_span(reading, values, execution_id)
    if run_id := values.text("dify.workflow.run_id"):
        ids = [("dify-run", run_id)]
        if message := values.text("dify.message.id"):
            ids.append(("dify-message", message))
        reading.fill_run("source_ids", tuple(ids), prefix + "dify.workflow.run_id")
    reading.fill_run(
        "conversation", values.text("dify.conversation.id"), prefix + "dify.conversation.id"
    )
    reading.settle_run("conversation")
    status = STATUSES.get(values.text("dify.span.status") or "")
    reading.fill("status", status, prefix + "dify.span.status")
    reading.fields["handled"] = reading.fields.get("status") == "exception"


class _DifyValues:
    """The values that Dify gives a span, by the names that it gives them. `prefix` is what a
    provider puts before each name."""

    def __init__(self, reading: SpanReading, prefix: str) -> None:
        self.reading, self.prefix = reading, prefix

    def text(self, name: str) -> str | None:
        return text_or_none(self.reading.attributes.get(self.prefix + name))

    def value(self, name: str) -> Any:
        return self.reading.parsed(self.prefix + name)


def _read_workflow_span(reading: SpanReading, values: _DifyValues) -> None:
    reading.fields["is_run"] = True
    reading.fill("source_id", values.text("dify.workflow.run_id"), "dify.workflow.run_id")
    reading.fields["span_ids"] = (reading.span.span_id,)
    reading.fields["rank"] = {"started_us": 1, "ended_us": 1}
    reading.fill("kind", "workflow", TYPE)
    reading.fill_run("version", values.text("dify.workflow.version"), "dify.workflow.version")
    reading.fill_run("user", values.text("dify.user.id"), "dify.user.id")
    for name in ("triggered_from", "invoke_from"):
        reading.fill_run("trigger", values.text(name), name)
    is_chat = values.text("dify.conversation.id") or values.text("dify.message.id")
    reading.fill_run("mode", "chatflow" if is_chat else "workflow", "dify.conversation.id")
    reading.fields["usage"] = None  # the sum of its nodes'


def _read_node_span(reading: SpanReading, values: _DifyValues, execution_id: str) -> None:
    span_type, node_type = values.text(TYPE) or "node", values.text("node_type")
    if node_type is None and span_type not in PLAIN_TYPES:
        # A call inside the node, which the node is known by.
        reading.fill("kind", span_type, TYPE)
        if span_type == "llm":
            reading.about_step_above = (execution_id, {"kind": span_type})
        return
    reading.fill("kind", node_type, "node_type")
    reading.fill("kind", None if span_type in PLAIN_TYPES else span_type, TYPE)
    if "kind" not in reading.fields:
        reading.fields["kind"] = "span"
    reading.fill("title", values.text("dify.span.name"), "dify.span.name")
    reading.fill("node_id", values.text("dify.node.id"), "dify.node.id")
    for kind in ("iteration", "loop"):
        index = to_count(values.value(f"{kind}_index"))
        reading.fill("iteration_index", index, f"{kind}_index")
    outputs = next((value for name in OUTPUTS if (value := reading.parsed(name))), None)
    reading.fields["attempt_of"] = execution_id
    has_failed = reading.span.status == "error"
    own_id = f"{execution_id[:100]}/{reading.span.span_id}" if has_failed else execution_id
    reading.fill("source_id", own_id, "dify.node.execution_id")
    reading.fields["span_ids"] = (reading.span.span_id,)
    reading.fields["rank"] = {"started_us": 1, "ended_us": 1}
    dify_metadata.fill_branch(reading, reading.fields["kind"], outputs, OUTPUTS[0])
