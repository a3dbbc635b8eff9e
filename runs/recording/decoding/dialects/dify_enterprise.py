"""Dify Enterprise telemetry: spans of runs and nodes, and a log beside each that has its values.

Facts, read in Dify's `api/enterprise/telemetry` (data dictionary, older and newer exporter):
- Spans `dify.workflow.run`, `dify.node.execution` and `.draft` (a step run alone on the canvas). A
  log of the same name tells the same attributes again, and inputs, outputs and process data as
  JSON text; the newer exporter tells them on the span as well.
- Where content is switched off, a value is `ref:<kind of id>=<id>` instead.
- Nodes are children of their run; a node of an iteration or loop tells the container's graph id,
  and (in the log, later on the span) the number of its pass. The predecessor is told by its graph
  id.
- A workflow used as a tool has its spans in the trace of the workflow that uses it, and names the
  execution that it runs in (`dify.parent.…`); its logs have a trace of their own. The id of the run
  joins them.
- Turns of chat apps and what belongs to them come as logs only: see `enterprise_events`.
"""

from typing import Any

from runs.recording.decoding.dialects import dify_enterprise_events as events
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.decoding.dify.vocabulary import RUN_STATUSES, duration_us
from runs.recording.records.span import Span
from runs.recording.records.usage import cost, whole

NAME = "dify-enterprise"

RUN = "dify.workflow.run"
NODE = "dify.node.execution"
DRAFT = "dify.node.execution.draft"
# Its log tells more, but is kept by itself: what was received is the span's.
RANK = {"received": 1, "node_id": 1, "title": 1, "inputs": 1, "outputs": 1, "process_data": 1}


def applies(span: Span, spoken: set[str]) -> bool:
    return "dify" in spoken and (span.name in (RUN, NODE, DRAFT) or span.name in events.EVENTS)


def read(reading: SpanReading) -> None:
    reading.fields["rank"] = RANK
    _read_app(reading)
    if reading.span.name in events.EVENTS:
        events.read(reading)
    elif reading.span.name == RUN:
        _read_run(reading)
    else:
        _read_node(reading)
    reading.settle_run("version")  # that of the service is Dify's, not the workflow's


def _read_app(reading: SpanReading) -> None:
    """What every record tells of its app and run. The name of an app is told in logs only."""
    if reading.attributes.get("dify.app.name"):
        reading.fields["rank"] = RANK | {"service": 1, "title": 2}
    reading.fill_from("service", "dify.app.name", "dify.app_id", "dify.app.id")
    told = reading.attributes
    names = (("dify-run", "dify.workflow.run_id"), ("dify-message", "dify.message.id"))
    ids = tuple((kind, str(told[name])) for kind, name in names if told.get(name))
    reading.fill_run("source_ids", ids or None, "dify.workflow.run_id")


def _read_run(reading: SpanReading) -> None:
    told = reading.attributes
    reading.fields["is_run"] = True
    _know_by(reading, "dify.workflow.run_id")
    reading.fill("kind", "workflow", "name")
    reading.fill_from("title", "dify.app.name")
    reading.fill("title", "workflow", "name")
    events.read_values(reading, "dify.workflow")
    status = told.get("dify.workflow.status")
    # A step has no "partial-succeeded"; the run's span itself did end well.
    events.read_status(
        reading, "dify.workflow", "succeeded" if status == "partial-succeeded" else status
    )
    # The run repeats the sum of its nodes; it is no usage of its own.
    reading.fields["usage"] = None
    if told.get("dify.parent.workflow.run_id") or told.get("dify.parent.node.execution_id"):
        reading.fill_from("parent_source_id", "dify.parent.node.execution_id")
        reading.settle_run("conversation")
        return  # a step of the run around it, of which it knows nothing
    if isinstance(status, str) and status in RUN_STATUSES:
        reading.fill_run("status", status, "dify.workflow.status")
    _read_user(reading)
    reading.fill_run_from("version", "dify.workflow.version")
    is_chat = told.get("dify.conversation.id") or told.get("dify.message.id")
    reading.fill_run("mode", "chatflow" if is_chat else "workflow", "dify.conversation.id")
    tokens = whole(told.get("gen_ai.usage.total_tokens"))
    reading.fill_run("reported_tokens", tokens, "gen_ai.usage.total_tokens")
    duration = duration_us(told.get("dify.workflow.elapsed_time"))
    reading.fill_run("reported_duration_us", duration, "dify.workflow.elapsed_time")


def _read_node(reading: SpanReading) -> None:
    told = reading.attributes
    _know_by(reading, "dify.node.execution_id")
    reading.fields["is_run"] = False
    reading.fill("kind", _kind(told), "dify.node.type")
    reading.fill_from("title", "dify.node.title", "gen_ai.tool.name", "dify.span.name")
    reading.fill_from("node_id", "dify.node.id")
    events.read_values(reading, "dify.node")
    events.read_status(reading, "dify.node", told.get("dify.node.status"))
    reading.fields["handled"] = reading.fields.get("status") == "exception"
    for kind in ("iteration", "loop"):
        reading.fill_from("container", f"dify.node.{kind}_id")
        index = f"dify.node.{kind}_index"
        reading.fill("iteration_index", whole(told.get(index)), index)
    price = cost(told.get("dify.node.total_price"), told.get("dify.node.currency"))
    if price is not None and price.amount:  # a node that uses no model has the price 0
        reading.fill("cost", price, "dify.node.total_price")
    if reading.span.name == DRAFT:
        reading.fill_run("trigger", "single-step", "name")
        _read_user(reading)
    reading.settle_run("conversation")  # told by the run


def _kind(told: dict[str, Any]) -> str:
    """The newer exporter has spans of what is inside a node, too (`dify.span.type`)."""
    kind = told.get("dify.node.type") or told.get("dify.span.type") or "task"
    return {"retrieval": "retriever", "operation": "task"}.get(str(kind), str(kind))


def _know_by(reading: SpanReading, attribute: str) -> None:
    """By Dify's own id the step is the same through every door; its span may be a parent."""
    reading.fill_from("source_id", attribute)
    if "source_id" in reading.fields and reading.span.span_id:
        reading.fields["span_ids"] = (reading.span.span_id,)


def _read_user(reading: SpanReading) -> None:
    """Who asked, and from where."""
    reading.fill_run_from("user", "gen_ai.user.id", "dify.invoked_by", "dify.user.id")
    reading.fill_run_from("trigger", "dify.invoke_from")
    reading.fill_run_from("conversation", "dify.conversation.id")
    reading.settle_run("conversation")
