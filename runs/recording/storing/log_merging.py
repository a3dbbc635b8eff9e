"""Reads the logs of a step together.

Logs come one by one, before or after their span, and a message of a model call may be one of many.
So a row keeps them as a set (`hints["logs"]`), united by the merge like everything else, and what
they say is read from the whole set, in the order of their times. It fills only what the step's own
span left open; which columns these were is kept (`hints["assembled"]`), so that the merge can empty
them before anything else is merged (`records.row.merge_row`).
"""

import logging
from collections.abc import Callable, Collection, Iterable
from typing import Any
from uuid import UUID

from nodes.kinds import KINDS
from nodes.models import Payload
from runs.recording.decoding.dialects import gen_ai, plain_opentelemetry
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import readable
from runs.recording.records.payload_values import PayloadBatch, payload_location
from runs.recording.records.record import NodeRecord
from runs.recording.records.row import ExecutionRow, LogEntry, fill_from_logs
from runs.recording.records.span import Span, SpanEvent
from runs.recording.storing.execution_rows import row_from_record

logger = logging.getLogger(__name__)

# A step keeps so many of its logs, the earliest; the page says when there were more.
MAX_LOGS = 1000
NOT_RECEIVED = "(span not received)"
# Of messages at the same time the one that comes first in a call.
ORDER = ("gen_ai.system.message", "gen_ai.user.message", "gen_ai.assistant.message",
         "gen_ai.tool.message", "gen_ai.choice")  # fmt: skip
# Logs that are written when the call has ended.
ENDS = frozenset({"gen_ai.choice", "gen_ai.client.inference.operation.details"})
FAILED = frozenset({"failed", "exception", "retry"})
# Kinds of steps that logs of a model call may be about; "span": nothing is known of it.
ABOUT_CALLS = frozenset({"span", "agent", "workflow", "tool"}) | {
    key for key, kind in KINDS.items() if kind.call == "model"
}
FILLED = ("title", "kind", "model", "provider", "usage", "error", "error_type", "inputs", "outputs")


def attach_logs(row: ExecutionRow, record: NodeRecord, payloads: PayloadBatch, app_id: int) -> None:
    """Keep a record's logs with its row."""
    entries = set()
    for log in record.logs:
        location = payload_location(app_id, log.time_ns // 1000, record.trace)
        payload_id = payloads.add(location, log.value)
        if payload_id is not None:
            entries.add(str(LogEntry(log.time_ns, log.tells, payload_id)))
    if entries:
        row.hints |= {"logs": sorted(entries), "logs_trace": record.trace}
    if record.logs_cut:
        row.hints["logs_cut"] = True


def merge_logs(
    steps: Iterable[tuple[UUID, ExecutionRow]],
    payloads: PayloadBatch,
    app_id_of: Callable[[str], int],
) -> None:
    """Read the logs of those rows that something new was merged into. `steps`: rows, each with the
    id of its run; `app_id_of` returns the id of the app of a service."""
    unread = [
        (run_id, row)
        for run_id, row in steps
        if "logs" in row.hints and "assembled" not in row.hints
    ]
    entries = {row.id: _log_entries(row) for _, row in unread}
    ids = {entry.payload_id for of in entries.values() for entry in of if entry.tells}
    values = _payload_values(ids, payloads)
    for run_id, row in unread:
        telling = [entry for entry in entries[row.id] if entry.payload_id in values]
        telling.sort(key=lambda e: (e.time_ns, _message_order(values[e.payload_id]), e.payload_id))
        events = [_log_event(entry, values[entry.payload_id]) for entry in telling]
        first_us = entries[row.id][0].time_ns // 1000 or None
        try:
            record = _record_from_logs(row, events, first_us)
        except Exception as error:
            # Messages that we cannot make sense of must not cost what came with them.
            logger.warning("logs of %s not understood: %s", row.source_id, type(error).__name__)
            record = _record_from_logs(row, [], first_us)
        app_id = app_id_of(row.service)
        fill_from_logs(row, row_from_record(record, run_id, row.service, app_id, payloads))


def _log_entries(row: ExecutionRow) -> list[LogEntry]:
    if len(row.hints["logs"]) > MAX_LOGS:
        row.hints["logs"] = row.hints["logs"][:MAX_LOGS]
        row.hints["logs_cut"] = True
    return [LogEntry.from_text(text) for text in row.hints["logs"]]


def _payload_values(ids: Collection[str], payloads: PayloadBatch) -> dict[str, Any]:
    """Return the values of payloads, some of which are about to be written, by id; only those that
    are JSON objects."""
    values = {}
    for id_ in ids:
        if id_ in payloads.rows:
            columns = dict(zip(PayloadBatch.COLUMNS, payloads.rows[id_], strict=True))
            values[id_] = Payload(**columns).value
    rest = [id_ for id_ in ids if id_ not in values]
    if rest:
        for payload in Payload.objects.filter(id__in=rest):
            values[payload.pk.hex] = payload.value
    return {id_: value for id_, value in values.items() if isinstance(value, dict)}


def _message_order(value: dict[str, Any]) -> int:
    name = value.get("name")
    return ORDER.index(name) if name in ORDER else len(ORDER)


def _log_event(entry: LogEntry, value: dict[str, Any]) -> SpanEvent:
    """Return the log as the event of a span: what its body says is among the attributes."""
    attributes = dict(value.get("attributes") or {})
    body = readable(value.get("body"))
    if isinstance(body, dict):
        attributes |= body
    elif body is not None:
        attributes.setdefault("content", body)
    name = value.get("name") or ""
    if not name.startswith("gen_ai."):
        name = "exception"
    return SpanEvent(name, entry.time_ns // 1000, attributes)


def _record_from_logs(
    row: ExecutionRow, events: list[SpanEvent], first_us: int | None
) -> NodeRecord:
    """Return what the logs say about the step, by the rules for a span with these events."""
    attributes = {
        name: value
        for event in events
        for name, value in event.attributes.items()
        if name.startswith("gen_ai.") and not name.endswith((".messages", "_instructions"))
    }
    is_call = any(event.name.startswith("gen_ai.") for event in events)
    if is_call and row.kind not in ABOUT_CALLS:
        # Of a call below this step, which had another span as the current one (OpenLIT's streams).
        is_call, events = False, [it for it in events if not it.name.startswith("gen_ai.")]
    if is_call:
        attributes.setdefault("gen_ai.operation.name", "chat")
    reading = SpanReading(_span_from_logs(row, attributes, events))
    for dialect in (gen_ai, plain_opentelemetry) if is_call else (plain_opentelemetry,):
        reading.dialect = dialect.NAME
        dialect.read(reading)
    filled = {name: reading.fields[name] for name in FILLED if name in reading.fields}
    for name, known in (
        ("inputs", row.inputs_id), ("outputs", row.outputs_id), ("usage", row.total_tokens)
    ):  # fmt: skip
        if known is not None or not is_call:
            filled.pop(name, None)
    has_span = row.started_us is not None or row.ended_us is not None
    times = [event.time_us for event in events if event.name in ENDS and event.time_us]
    return NodeRecord(
        trace=row.hints["logs_trace"],
        source_id=row.source_id,
        service=row.service,
        started_us=first_us if not has_span else None,
        ended_us=max(times, default=None) if not has_span else None,
        **filled,
    )


def _span_from_logs(row: ExecutionRow, attributes: dict[str, Any], events: list[SpanEvent]) -> Span:
    """Return the step as a span of its logs, named as spans of model calls are."""
    names = (attributes.get(f"gen_ai.{name}") for name in ("operation.name", "request.model"))
    name = " ".join(str(part) for part in names if part) or NOT_RECEIVED
    status = "error" if row.told_status in FAILED else "unset"
    return Span(
        "", "", "", name, "internal", None, None, status, "", attributes, events, [], {}, ""
    )  # fmt: skip
