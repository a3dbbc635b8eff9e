"""Dify's Phoenix exporter: OpenInference with peculiarities.

Facts, read in Dify's `arize_phoenix_trace.py` (1.6 to after 1.14) and seen on the wire:
- `metadata` (JSON text) contains nearly everything. On a node span `node_id` is the id of the
  execution and `app_name` the title of the node; no graph id is sent, so the title is its key.
- The root span ("Dify", or named by the run) has the time of the dispatch, after its own children.
- Before 1.14.1 the run is a span `workflow` and nodes are named by their bare type, directly
  below it. Since then the run is `workflow_<run id>`, and a node is the child of its predecessor.
- Passes of iterations and loops are synthetic spans, in newer versions only.
- The status `exception` (an error that a strategy handled) is in `metadata.status` alone.
- `session.id` is the conversation, or else the run itself.
"""

from runs.recording.decoding.dialects import dify_metadata
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.decoding.dify.vocabulary import ENDED_BADLY, text_or_none
from runs.recording.records.json_text import object_or_empty, readable
from runs.recording.records.span import Span
from runs.recording.records.usage import to_count

NAME = "dify"

DIFY_ATTRIBUTES = ("dify.node.execution_id", "dify_trace_id", "dify.wrapper.synthetic")


def applies(span: Span, prefixes: set[str]) -> bool:
    attributes = span.attributes
    if span.scope.startswith("arize_phoenix_tracer_"):
        return True
    for mark in DIFY_ATTRIBUTES:
        if mark in attributes:
            return True
    metadata = attributes.get("metadata")
    return isinstance(metadata, str) and '"created_from"' in metadata and '"Dify"' in metadata


def read(reading: SpanReading) -> None:
    attributes, metadata = reading.attributes, reading.metadata
    if reading.span.name == "api_check" and "test" in attributes:
        reading.ignored, reading.remark = True, dify_metadata.TEST_REQUEST
        return
    _read_app_name(reading)
    if "dify_trace_id" in attributes:
        _read_dispatch_span(reading)
    elif "dify.wrapper.synthetic" in attributes:
        _read_synthetic_pass(reading)
    elif "node_type" in metadata:
        _read_phoenix_node(reading)
    elif metadata.get("trace_entity_type") == "workflow" or "workflow_run_version" in metadata:
        dify_metadata.read_run(reading, "workflow")
    elif reading.span.name == "message":
        dify_metadata.read_run(reading, "message")
    else:
        dify_metadata.read_message_step(reading)
    _read_error_class(reading)
    # Later dialects would take the id of the run for a conversation's, and the name of the root
    # span for the name of the run.
    reading.settle_run("conversation")
    reading.settle_run("name")


def _read_app_name(reading: SpanReading) -> None:
    """Read the name of the app where the project, which names it, was left at its default."""
    project = reading.span.resource.get("openinference.project.name")
    if project != "default":
        return
    metadata = reading.metadata
    if "node_type" not in metadata:
        reading.fill("service", text_or_none(metadata.get("app_name")), "metadata.app_name")
    reading.fill("service", text_or_none(metadata.get("app_id")), "metadata.app_id")


def _read_dispatch_span(reading: SpanReading) -> None:
    # Its id may be an X-Trace-Id that several runs share, so that it identifies no run.
    fields = reading.fields
    fields.update(
        folded=True, is_run=False, started_us=None, ended_us=None, status=None, error=None
    )
    reading.fill("title", "Dify", "name")
    reading.fill("kind", "span", "")


def _read_synthetic_pass(reading: SpanReading) -> None:
    attributes = reading.attributes
    reading.fields["folded"] = True
    reading.fill("kind", "chain", "")
    reading.fill("pass_index", to_count(attributes.get("dify.wrapper.index")), "dify.wrapper.index")
    reading.fill_from("container", "dify.wrapper.container_execution_id")


def _read_phoenix_node(reading: SpanReading) -> None:
    attributes, metadata = reading.attributes, reading.metadata
    reading.fields["chained"] = True
    execution_id = attributes.get("dify.node.execution_id") or metadata.get("node_id")
    dify_metadata.read_node(reading, execution_id, metadata.get("app_name"), "metadata.app_name")
    reading.fill("title", reading.span.name.removeprefix(f"{metadata['node_type']}_"), "name")
    output = reading.parsed("output.value", is_json=True)
    dify_metadata.fill_branch(reading, str(metadata["node_type"]), output, "output.value")


def _read_error_class(reading: SpanReading) -> None:
    if reading.fields.get("status") not in ENDED_BADLY:
        return
    output = reading.attributes.get("output.value")
    if isinstance(output, str) and '"error_type"' in output:
        error_type = object_or_empty(readable(output)).get("error_type")
        reading.fill("error_type", text_or_none(error_type), "output.value.error_type")
    # The exception event has "str" for its type, because Dify records a text as an exception.
    if all(event.attributes.get("exception.type") == "str" for event in reading.span.events):
        reading.fields.setdefault("error_type", None)
