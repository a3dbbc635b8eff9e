"""Dify Enterprise telemetry: spans of runs and nodes, and a log beside each that has its values.

Facts, read in Dify's `api/enterprise/telemetry` (data dictionary, older and newer exporter):
- Spans `dify.workflow.run`, `dify.node.execution` and `.draft` (a step run alone on the canvas). A
  log of the same name repeats the attributes, and has inputs, outputs and process data as JSON
  text; the newer exporter sends them on the span as well.
- Where content is switched off, a value is `ref:<kind of id>=<id>` instead.
- Nodes are children of their run; a node of an iteration or loop has the container's graph id, and
  (in the log, later on the span) the number of its pass. The predecessor is given by its graph id.
- A workflow used as a tool has its spans in the trace of the workflow that uses it, and names the
  execution that it runs in (`dify.parent.…`); its logs have a trace of their own. The id of the run
  joins them.
- Turns of chat apps and the steps that belong to them are sent as logs only (the data dictionary's
  "standalone logs"): their trace is the run's where there is one, else the message's. A log is
  written when the step has ended; most logs contain the duration.
"""

import json
from hashlib import blake2b
from typing import Any

from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.decoding.dify.vocabulary import ENDED_BADLY, RUN_STATUSES, duration_us
from runs.recording.records.span import Span
from runs.recording.records.usage import cost, to_count

NAME = "dify-enterprise"

RUN_SPAN = "dify.workflow.run"
NODE_SPAN = "dify.node.execution"
DRAFT_NODE_SPAN = "dify.node.execution.draft"
# A log fills more than the span, but is kept by itself: what was received is the span's.
RANK = {"received": 1, "node_id": 1, "title": 1, "inputs": 1, "outputs": 1, "process_data": 1}
REFERENCE_PREFIX = "ref:"
MESSAGE = "dify.message.run"
# Event → the beginning of its attributes, the kind of step.
LOG_ONLY_EVENTS = {
    MESSAGE: ("dify.message", "chain"),
    "dify.tool.execution": ("dify.tool", "tool"),
    "dify.moderation.check": ("dify.moderation", "moderation"),
    "dify.suggested_question.generation": ("dify.suggested_question", "llm"),
    "dify.dataset.retrieval": ("dify.retrieval", "knowledge-retrieval"),
    "dify.generate_name.execution": ("dify.generate_name", "llm"),
    "dify.prompt_generation.execution": ("dify.prompt_generation", "llm"),
}
STEP_STATUSES = {
    "succeeded": "succeeded",
    "success": "succeeded",
    "normal": "succeeded",
    "failed": "failed",
    "error": "failed",
    "exception": "exception",
    "stopped": "stopped",
    "paused": "paused",
    "running": "running",
    "retry": "retry",
}
RECORDS = frozenset({RUN_SPAN, NODE_SPAN, DRAFT_NODE_SPAN, *LOG_ONLY_EVENTS})
INPUT_NAMES = ("inputs", "query", "instruction")
OUTPUT_NAMES = ("outputs", "output", "questions", "action")
DURATION_NAMES = ("duration", "time_cost", "latency")


def applies(span: Span, prefixes: set[str]) -> bool:
    return "dify" in prefixes and span.name in RECORDS


def read(reading: SpanReading) -> None:
    reading.fields["rank"] = RANK
    _read_app_and_run_ids(reading)
    if reading.span.name in LOG_ONLY_EVENTS:
        _read_log_only_event(reading)
    elif reading.span.name == RUN_SPAN:
        _read_enterprise_run(reading)
    else:
        _read_enterprise_node(reading)
    reading.settle_run("version")  # that of the service is Dify's, not the workflow's


def _read_app_and_run_ids(reading: SpanReading) -> None:
    """Read app, run id and message id, which every record has. Only logs have the app's name."""
    if reading.attributes.get("dify.app.name"):
        reading.fields["rank"] = RANK | {"service": 1, "title": 2}
    reading.fill_from("service", "dify.app.name", "dify.app_id", "dify.app.id")
    attributes = reading.attributes
    names = (("dify-run", "dify.workflow.run_id"), ("dify-message", "dify.message.id"))
    ids = tuple((kind, str(attributes[name])) for kind, name in names if attributes.get(name))
    reading.fill_run("source_ids", ids or None, "dify.workflow.run_id")


def _read_enterprise_run(reading: SpanReading) -> None:
    attributes = reading.attributes
    reading.fields["is_run"] = True
    _identify_by(reading, "dify.workflow.run_id")
    reading.fill("kind", "workflow", "name")
    reading.fill_from("title", "dify.app.name")
    reading.fill("title", "workflow", "name")
    _read_enterprise_values(reading, "dify.workflow")
    status = attributes.get("dify.workflow.status")
    # A step has no status "partial-succeeded"; the span of the run itself succeeded.
    step_status = "succeeded" if status == "partial-succeeded" else status
    _read_enterprise_status(reading, "dify.workflow", step_status)
    # The usage of a run is the sum of its nodes', not a usage of its own.
    reading.fields["usage"] = None
    parents = ("dify.parent.workflow.run_id", "dify.parent.node.execution_id")
    if any(attributes.get(name) for name in parents):
        reading.fill_from("parent_source_id", "dify.parent.node.execution_id")
        reading.settle_run("conversation")
        return  # it is a step of the run around it, and has no facts about that run
    if isinstance(status, str) and status in RUN_STATUSES:
        reading.fill_run("status", status, "dify.workflow.status")
    _read_enterprise_user(reading)
    reading.fill_run_from("version", "dify.workflow.version")
    is_chat = attributes.get("dify.conversation.id") or attributes.get("dify.message.id")
    reading.fill_run("mode", "chatflow" if is_chat else "workflow", "dify.conversation.id")
    tokens = to_count(attributes.get("gen_ai.usage.total_tokens"))
    reading.fill_run("reported_tokens", tokens, "gen_ai.usage.total_tokens")
    duration = duration_us(attributes.get("dify.workflow.elapsed_time"))
    reading.fill_run("reported_duration_us", duration, "dify.workflow.elapsed_time")


def _read_enterprise_node(reading: SpanReading) -> None:
    attributes = reading.attributes
    _identify_by(reading, "dify.node.execution_id")
    reading.fields["is_run"] = False
    reading.fill("kind", _enterprise_kind(attributes), "dify.node.type")
    reading.fill_from("title", "dify.node.title", "gen_ai.tool.name", "dify.span.name")
    reading.fill_from("node_id", "dify.node.id")
    _read_enterprise_values(reading, "dify.node")
    _read_enterprise_status(reading, "dify.node", attributes.get("dify.node.status"))
    reading.fields["handled"] = reading.fields.get("status") == "exception"
    for kind in ("iteration", "loop"):
        reading.fill_from("container", f"dify.node.{kind}_id")
        index = f"dify.node.{kind}_index"
        reading.fill("iteration_index", to_count(attributes.get(index)), index)
    price = cost(attributes.get("dify.node.total_price"), attributes.get("dify.node.currency"))
    if price is not None and price.amount:  # a node that uses no model has the price 0
        reading.fill("cost", price, "dify.node.total_price")
    if reading.span.name == DRAFT_NODE_SPAN:
        reading.fill_run("trigger", "single-step", "name")
        _read_enterprise_user(reading)
    reading.settle_run("conversation")  # the run's own span has it


def _enterprise_kind(attributes: dict[str, Any]) -> str:
    """Return the kind of a step. The newer exporter sends spans of steps inside a node as well
    (`dify.span.type`)."""
    kind = attributes.get("dify.node.type") or attributes.get("dify.span.type") or "task"
    return {"retrieval": "retriever", "operation": "task"}.get(str(kind), str(kind))


def _identify_by(reading: SpanReading, attribute: str) -> None:
    """Identify the step by Dify's own id, which every way of receiving it has. The id of the span
    is kept, because it may be the parent of other spans."""
    reading.fill_from("source_id", attribute)
    if "source_id" in reading.fields and reading.span.span_id:
        reading.fields["span_ids"] = (reading.span.span_id,)


def _read_enterprise_user(reading: SpanReading) -> None:
    """Read user, trigger and conversation."""
    reading.fill_run_from("user", "gen_ai.user.id", "dify.invoked_by", "dify.user.id")
    reading.fill_run_from("trigger", "dify.invoke_from")
    reading.fill_run_from("conversation", "dify.conversation.id")
    reading.settle_run("conversation")


def _read_log_only_event(reading: SpanReading) -> None:
    """Read a step that is sent as a log only."""
    attributes = reading.attributes
    event = reading.span.name
    prefix, kind = LOG_ONLY_EVENTS[event]
    is_turn = event == MESSAGE
    message_id = str(attributes.get("dify.message.id") or "")
    inside_run = bool(attributes.get("dify.workflow.run_id"))
    reading.fields["is_run"] = is_turn and not inside_run
    # In a chatflow the nodes did the work; the message repeats the sum of their usage.
    reading.fields["folded"] = is_turn and inside_run
    if is_turn and message_id and not inside_run:
        reading.fill("source_id", message_id, "dify.message.id")
    log_id = f"{message_id or prefix}:{_log_digest(reading.span)}"
    reading.fill("source_id", log_id, "dify.message.id")
    if not is_turn and not inside_run:
        reading.fill("parent_source_id", message_id, "dify.message.id")
    reading.fill("kind", kind, "name")
    reading.fill_from("title", "gen_ai.tool.name", "dify.tool.name")
    reading.fill("title", event.split(".")[1].replace("_", " "), "name")
    _read_log_times(reading, prefix)
    _read_enterprise_values(reading, prefix)
    _read_retrieved_documents(reading)
    _read_enterprise_status(reading, prefix, attributes.get(f"{prefix}.status"))
    price = cost(attributes.get(f"{prefix}.total_price"), attributes.get(f"{prefix}.currency"))
    reading.fill("cost", price, f"{prefix}.total_price")
    if is_turn:
        _read_message_turn(reading, inside_run)


def _read_message_turn(reading: SpanReading, inside_run: bool) -> None:
    if inside_run:
        reading.fields["usage"] = None
    reading.fill_run("mode", "chatflow", "name")
    reading.fill_run_from("conversation", "dify.conversation.id")
    reading.fill_run_from("user", "gen_ai.user.id", "dify.message.from_end_user_id")
    reading.fill_run_from("trigger", "dify.invoke_from")


def _read_log_times(reading: SpanReading, prefix: str) -> None:
    """Read the times of a log: it was written when the step ended."""
    written_us = reading.span.end_us
    for name in DURATION_NAMES:
        duration = duration_us(reading.attributes.get(f"{prefix}.{name}"))
        if duration is not None and written_us is not None:
            reading.fill("started_us", max(written_us - duration, 1), f"{prefix}.{name}")
    reading.fill("started_us", written_us, "time")


def _log_digest(span: Span) -> str:
    """Return a digest that is the same for the same log: a message may have several logs of one
    event."""
    content = json.dumps([span.name, span.end_us, span.attributes], sort_keys=True)
    return blake2b(content.encode(), digest_size=8).hexdigest()


def _read_enterprise_values(reading: SpanReading, prefix: str) -> None:
    """Read inputs, outputs and process data. References to content that is held back are not shown
    as values; they stay among the received attributes."""
    for field, names in (
        ("inputs", [f"{prefix}.{name}" for name in INPUT_NAMES] + ["input.value"]),
        ("outputs", [f"{prefix}.{name}" for name in OUTPUT_NAMES] + ["output.value"]),
        ("process_data", [f"{prefix}.process_data"]),
    ):
        for name in names:
            if is_content_reference(reading.attributes.get(name)):
                reading.fields.setdefault(field, None)  # later dialects must not show it
            else:
                reading.fill_payload(field, name)


def _read_retrieved_documents(reading: SpanReading) -> None:
    if not is_content_reference(reading.attributes.get("dify.dataset.documents")):
        reading.fill_payload("outputs", "dify.dataset.documents")


def is_content_reference(value: Any) -> bool:
    """Return whether a value is a reference to content that is held back, as `ref:message_id=…`."""
    return isinstance(value, str) and value.startswith(REFERENCE_PREFIX) and "=" in value[:40]


def _read_enterprise_status(reading: SpanReading, prefix: str, status: Any) -> None:
    """Read status and error; a log with an error and without a status is of a failed step."""
    error = reading.attributes.get(f"{prefix}.error")
    reading.fill("status", STEP_STATUSES.get(str(status)), f"{prefix}.status")
    if status is None and reading.span.name in LOG_ONLY_EVENTS:
        reading.fill("status", "failed" if error else "succeeded", f"{prefix}.error")
    if reading.fields.get("status") in ENDED_BADLY:
        reading.fill_from("error", f"{prefix}.error", "error.message")
