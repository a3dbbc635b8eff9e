"""Dify's unified tracing runtime (1.18 and later): its provider "OpenTelemetry", and Phoenix where
`OPS_TRACE_UNIFIED_ENABLED` is set.

Facts, read in Dify's `core/ops/unified_trace` (trace_builder, hierarchy, otlp_adapter, otel):
- One span a request, parents first; the scope is `unified_<provider>_<service or project>`.
  `dify.span.id` is Dify's own id of what the span is about.
- `metadata` (JSON text) has nearly everything. On the span of a node: its id in the graph, the id
  of the execution, the execution's metadata, the attempts that were tried again, and tokens, which
  are 0 where it used none. On that of a run: ids of run, workflow, app, conversation and user,
  version, trigger, status, tokens and how long it took.
- A node is the child of its predecessor. The first node of a workflow has none: it is a child of
  the run, or, in a workflow that is used as a tool (since then under the run that uses it), of the
  tool's node.
- Passes of iterations and loops are synthetic spans, as long as their children.
- `session.id` is what the caller gave (`trace_session_id`), else the conversation, else the run.
- A chatflow turn is `chatflow_<run id>`, the message, around `workflow_<run id>`.
- The exception of a failed node has the class `RuntimeError`, whatever failed.
- Saving the settings sends a span `api_check`.
"""

from typing import Any

from runs.recording.decoding.dialects import dify_metadata
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.decoding.dify.vocabulary import (
    duration_us,
    text_or_none,
    timestamp_us,
)
from runs.recording.records.json_text import object_or_empty
from runs.recording.records.span import Span
from runs.recording.records.usage import to_count

NAME = "dify-unified"

SCOPE_PREFIX = "unified_"
DEFAULT_SERVICES = frozenset({"dify", "default"})
MAX_ATTEMPTS = 100


def applies(span: Span, prefixes: set[str]) -> bool:
    return "dify.span.synthetic" in span.attributes or (
        span.scope.startswith(SCOPE_PREFIX) and span.name == "api_check"
    )


def read(reading: SpanReading) -> None:
    attributes, metadata = reading.attributes, reading.metadata
    if "dify.span.synthetic" not in attributes:
        reading.ignored, reading.remark = True, dify_metadata.TEST_REQUEST
        return
    _read_app_name(reading)
    if "wrapper_type" in metadata:
        _read_pass(reading)
    elif "node_execution_id" in metadata:
        _read_unified_node(reading)
    elif metadata.get("trace_entity_type") == "message":
        _read_message(reading)
    elif "workflow_run_id" in metadata and reading.span.name.startswith("workflow_"):
        dify_metadata.read_run(reading, "workflow")
    else:
        reading.fill("kind", dify_metadata.MESSAGE_STEPS.get(reading.span.name), "name")
        dify_metadata.read_message_step(reading)
    reading.fill_run("conversation", metadata.get("trace_session_id"), "metadata.trace_session_id")
    reading.settle_run("conversation")
    reading.settle_run("name")
    reading.settle_run("version")  # the service's is not the workflow's
    reading.fields.setdefault("usage", None)
    reading.fields.setdefault("error_type", None)
    reading.fields.setdefault("is_run", False)


def _read_message(reading: SpanReading) -> None:
    """Read the message of a chat, or the call of a model that made it, which is synthetic."""
    metadata = reading.metadata
    message_id, is_call, _ = str(reading.attributes["dify.span.id"]).partition(":llm")
    metadata.setdefault("message_id", message_id)
    if not is_call:
        dify_metadata.read_run(reading, "message")
        return
    reading.fill("kind", "llm", "name")
    reading.fill("title", text_or_none(metadata.get("model_name")), "metadata.model_name")
    reading.fill("model", text_or_none(metadata.get("model_name")), "metadata.model_name")
    reading.fill("provider", text_or_none(metadata.get("model_provider")), "metadata")
    dify_metadata.read_usage(reading)
    dify_metadata.read_message_step(reading)


def _read_app_name(reading: SpanReading) -> None:
    """Read the name of the app where the service or project that names it was left at Dify's
    default."""
    resource = reading.span.resource
    service = resource.get("openinference.project.name") or resource.get("service.name")
    if service in DEFAULT_SERVICES and "node_execution_id" not in reading.metadata:
        reading.fill("service", text_or_none(reading.metadata.get("app_name")), "metadata.app_name")
        reading.fill("service", text_or_none(reading.metadata.get("app_id")), "metadata.app_id")


def _read_pass(reading: SpanReading) -> None:
    metadata = reading.metadata
    container, index = metadata.get("container_execution_id"), metadata.get("wrapper_index")
    reading.fields["folded"] = True
    dify_metadata.identify_by(reading, f"{container}/{index}")
    reading.fill("kind", "chain", "")
    reading.fill("pass_index", to_count(index), "metadata.wrapper_index")
    reading.fill("container", text_or_none(container), "metadata.container_execution_id")


def _read_unified_node(reading: SpanReading) -> None:
    metadata = reading.metadata
    kind = str(metadata.get("node_type") or "span")
    reading.fields["chained"] = True
    # Without a predecessor, its parent is what its workflow runs in: the run, or a tool's node.
    reading.fields["nested"] = kind == "start"
    reading.fill("node_id", text_or_none(metadata.get("node_id")), "metadata.node_id")
    title = reading.span.name.removeprefix(f"{kind}_")
    dify_metadata.read_node(reading, metadata["node_execution_id"], title, "name")
    outputs = object_or_empty(reading.parsed("output.value", is_json=True))
    dify_metadata.fill_branch(reading, kind, outputs, "output.value")
    reading.fill("error_type", text_or_none(outputs.get("error_type")), "output.value.error_type")
    if kind == "llm":
        # As in Dify: the prompts are process data, and the inputs are not sent.
        prompts = reading.parsed("input.value", is_json=True)
        if isinstance(prompts, list):
            reading.fields["rank"] = {**reading.fields["rank"], "inputs": -1}
    reading.attempts = _attempts(metadata)


def _attempts(metadata: dict[str, Any]) -> list[dict[str, Any]]:
    """Return fields of the attempts that were tried again. Their stamps are whole seconds."""
    attempts = metadata.get("retry_attempts")
    fields = []
    for attempt in attempts[:MAX_ATTEMPTS] if isinstance(attempts, list) else ():
        details = object_or_empty(attempt)
        number = to_count(details.get("retry_index"))
        if not number:
            continue
        started = timestamp_us(details.get("created_at"))
        elapsed = duration_us(details.get("elapsed_time")) or 0
        fields.append(
            {
                "attempt": number,
                "error": text_or_none(details.get("error")),
                "started_us": started,
                "ended_us": None if started is None else started + elapsed,
            }
        )
    return fields
