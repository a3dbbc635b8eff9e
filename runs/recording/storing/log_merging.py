"""What the logs of a step tell, read together.

Logs come one by one, before or after their span, and a message of a model call may be one of many.
So a row keeps them as a set (`hints["logs"]`), united by the join like all that is told, and what
they tell is read from the whole set, in the order of their times. It fills only what the step's own
span left open; which columns these were is kept (`hints["assembled"]`), so that the join can take
them back before anything else is told (`rows.join`).
"""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from nodes.models import Payload
from runs.recording.decoding.dialects import gen_ai, plain_opentelemetry
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import readable
from runs.recording.records.payload_values import PayloadBatch, payload_location
from runs.recording.records.record import NodeRecord
from runs.recording.records.row import LOG_COLUMNS, ExecutionRow, fill_missing
from runs.recording.records.span import Span, SpanEvent
from runs.recording.storing.row_io import row_of

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
FILLED = ("title", "kind", "model", "provider", "usage", "error", "error_type", "inputs", "outputs")

Apps = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One log in a row's hints, as text that sorts by time: 20 digits of nanoseconds, "!" where it
    tells of the step's values, else "-", and the id of its payload."""

    time_ns: int
    tells: bool
    payload: str

    def __str__(self) -> str:
        return f"{self.time_ns:020d}{'!' if self.tells else '-'}{self.payload}"

    @classmethod
    def of(cls, text: str) -> "LogEntry":
        return cls(int(text[:20]), text[20] == "!", text[21:])


def attach_logs(row: ExecutionRow, record: NodeRecord, payloads: PayloadBatch, app_id: int) -> None:
    """Keep a record's logs with its row."""
    entries = set()
    for log in record.logs:
        place = payload_location(app_id, log.time_ns // 1000, record.trace)
        payload = payloads.add(place, log.value)
        if payload is not None:
            entries.add(str(LogEntry(log.time_ns, log.tells, payload)))
    if entries:
        row.hints |= {"logs": sorted(entries), "logs_trace": record.trace}
    if record.logs_cut:
        row.hints["logs_cut"] = True


def merge_logs(
    rows: Mapping[UUID, Mapping[str, ExecutionRow]], payloads: PayloadBatch, apps: Apps
) -> None:
    """Read the logs of those rows that were told something new. `rows` by run; `apps`: the id of
    the app of a service."""
    waiting = [
        (run_id, row)
        for run_id, members in rows.items()
        for row in members.values()
        if "logs" in row.hints and "assembled" not in row.hints
    ]
    entries = {row.id: _entries(row) for _, row in waiting}
    wanted = {entry.payload for of in entries.values() for entry in of if entry.tells}
    values = _values(wanted, payloads)
    for run_id, row in waiting:
        telling = [entry for entry in entries[row.id] if entry.payload in values]
        telling.sort(key=lambda e: (e.time_ns, _place(values[e.payload]), e.payload))
        events = [_event(entry, values[entry.payload]) for entry in telling]
        first_us = entries[row.id][0].time_ns // 1000 or None
        try:
            record = _record(row, events, first_us)
        except Exception as error:
            # Messages that we cannot make sense of must not cost what came with them.
            logger.warning("logs of %s not understood: %s", row.source_id, type(error).__name__)
            record = _record(row, [], first_us)
        told = row_of(record, run_id, row.service, apps(row.service), payloads)
        row.hints["assembled"] = [name for name in LOG_COLUMNS if fill_missing(row, told, name)]


def _entries(row: ExecutionRow) -> list[LogEntry]:
    if len(row.hints["logs"]) > MAX_LOGS:
        row.hints["logs"] = row.hints["logs"][:MAX_LOGS]
        row.hints["logs_cut"] = True
    return [LogEntry.of(text) for text in row.hints["logs"]]


def _values(ids: Collection[str], payloads: PayloadBatch) -> dict[str, Any]:
    """The values of payloads, of which some are about to be written."""
    found = {}
    for id_ in ids:
        if id_ in payloads.rows:
            columns = dict(zip(PayloadBatch.COLUMNS, payloads.rows[id_], strict=True))
            found[id_] = Payload(**columns).value
    rest = [id_ for id_ in ids if id_ not in found]
    if rest:
        for payload in Payload.objects.filter(id__in=rest):
            found[payload.pk.hex] = payload.value
    return {id_: value for id_, value in found.items() if isinstance(value, dict)}


def _place(value: dict[str, Any]) -> int:
    name = value.get("name")
    return ORDER.index(name) if name in ORDER else len(ORDER)


def _event(entry: LogEntry, value: dict[str, Any]) -> SpanEvent:
    """The log as the event of a span: what its body tells is among the attributes."""
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


def _record(row: ExecutionRow, events: list[SpanEvent], first_us: int | None) -> NodeRecord:
    """What the logs tell of the step, by the rules for a span with these events."""
    attributes = {
        name: value
        for event in events
        for name, value in event.attributes.items()
        if name.startswith("gen_ai.") and not name.endswith((".messages", "_instructions"))
    }
    is_call = any(event.name.startswith("gen_ai.") for event in events)
    if is_call:
        attributes.setdefault("gen_ai.operation.name", "chat")
    reading = SpanReading(_span(row, attributes, events))
    for dialect in (gen_ai, plain_opentelemetry) if is_call else (plain_opentelemetry,):
        reading.dialect = dialect.NAME
        dialect.read(reading)
    found = {name: reading.fields[name] for name in FILLED if name in reading.fields}
    for name, known in (
        ("inputs", row.inputs_id), ("outputs", row.outputs_id), ("usage", row.total_tokens)
    ):  # fmt: skip
        if known is not None or not is_call:
            found.pop(name, None)
    has_span = row.started_us is not None or row.ended_us is not None
    times = [event.time_us for event in events if event.name in ENDS and event.time_us]
    return NodeRecord(
        trace=row.hints["logs_trace"],
        source_id=row.source_id,
        service=row.service,
        started_us=first_us if not has_span else None,
        ended_us=max(times, default=None) if not has_span else None,
        **found,
    )


def _span(row: ExecutionRow, attributes: dict[str, Any], events: list[SpanEvent]) -> Span:
    """The step as a span of its logs; named as spans of model calls are."""
    names = (attributes.get(f"gen_ai.{name}") for name in ("operation.name", "request.model"))
    name = " ".join(str(part) for part in names if part) or NOT_RECEIVED
    status = "error" if row.told_status in FAILED else "unset"
    return Span(
        "", "", "", name, "internal", None, None, status, "", attributes, events, [], {}, ""
    )  # fmt: skip
