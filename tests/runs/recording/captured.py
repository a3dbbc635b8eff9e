"""Records read from captures, and from small spans made by hand."""

from pathlib import Path
from typing import Any

from runs.recording.decoding.dialects import read_span
from runs.recording.decoding.traces import decode_traces
from runs.recording.records.record import NodeRecord
from runs.recording.records.span import Span, SpanEvent

CAPTURES = Path(__file__).parents[2] / "captures"
PROTOBUF = "application/x-protobuf"


def capture_bodies(name: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted(CAPTURES.glob(f"{name}-[0-9][0-9].bin"))]


def captured_records(name: str) -> list[NodeRecord]:
    """Return all records of a capture, in the order sent."""
    records: list[NodeRecord] = []
    for body in capture_bodies(name):
        decoded = decode_traces(body, PROTOBUF)
        assert decoded.refused == []
        records.extend(decoded.records)
    assert records
    return records


def captured_traces(name: str) -> list[list[NodeRecord]]:
    """Return the records of a capture by trace, each in the order of starting; the traces by the
    start of their root."""
    by_trace: dict[str, list[NodeRecord]] = {}
    for record in captured_records(name):
        by_trace.setdefault(record.trace, []).append(record)
    ordered = [
        sorted(group, key=lambda r: (r.started_us or 0, -(r.ended_us or 0)))
        for group in by_trace.values()
    ]
    return sorted(ordered, key=lambda group: group[0].started_us or 0)


def make_span(attributes: dict[str, Any] | None = None, **changes: Any) -> Span:
    """Return a finished internal root span with these attributes; `changes` replace its fields."""
    fields: dict[str, Any] = {
        "trace_id": "a" * 32,
        "span_id": "b" * 16,
        "parent_span_id": None,
        "name": "work",
        "kind": "internal",
        "start_us": 1_000_000,
        "end_us": 2_000_000,
        "status": "unset",
        "status_message": "",
        "attributes": attributes or {},
        "events": [],
        "links": [],
        "resource": {"service.name": "shop"},
        "scope": "",
    }
    return Span(**(fields | changes))


def read_record(attributes: dict[str, Any] | None = None, **changes: Any) -> NodeRecord:
    record = read_span(make_span(attributes, **changes))
    assert record is not None
    return record


def make_event(name: str, **attributes: Any) -> SpanEvent:
    return SpanEvent(name, 1_500_000, attributes)


def exception_event(type_name: str, message: str) -> SpanEvent:
    attributes = {"exception.type": type_name, "exception.message": message}
    return SpanEvent("exception", 1_900_000, attributes | {"exception.stacktrace": "Traceback …"})
