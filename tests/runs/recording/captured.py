"""Records read from captures, and from small spans made by hand."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from nodes.content.message_parts import (
    OTHER_FIELDS,
    MessageMedia,
    MessagePart,
    MessageText,
    OtherPart,
    ToolResult,
)
from nodes.content.messages import read_message
from runs.recording.decoding.dialects import read_span
from runs.recording.decoding.dialects.chat_messages import as_text
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


def as_read(value: Any) -> Any:
    """Return inputs or outputs with their messages in one form, as pages read them: {role, content:
    text or parts, tool_calls, tool_call_id, name, finish_reason}. The result of a tool is a message
    of its own, after a message that calls tools, else before it."""
    if not isinstance(value, dict) or "messages" not in value:
        return value
    return {**value, "messages": [each for item in value["messages"] for each in _as_read(item)]}


def _as_read(item: Any) -> list[dict[str, Any]]:
    message = read_message(item)
    assert message, item
    content = [part for part in map(_part_as_read, message.parts) if part]
    is_text = all(part["type"] == "text" for part in content)
    normal: dict[str, Any] = {"role": message.role, "content": message.text if is_text else content}
    results = [_result_as_read(result) for result in message.results]
    if results and not content and not message.calls:
        return results
    if message.calls:
        normal["tool_calls"] = [asdict(call) for call in message.calls]
        if not any(call["id"] for call in normal["tool_calls"]):
            normal["tool_calls"] = [call | {"id": None} for call in normal["tool_calls"]]
    if message.name:
        normal["name"] = message.name
    reason = item.get("finish_reason") or (item.get("meta") or {}).get("finish_reason")
    normal |= {"finish_reason": reason} if reason else {}
    return [normal, *results] if message.calls else [*results, normal]


def _result_as_read(result: ToolResult) -> dict[str, Any]:
    normal = {"role": "tool", "content": as_text(result.value), "tool_call_id": result.id}
    return normal | ({"name": result.name} if result.name else {})


def _part_as_read(part: MessagePart) -> dict[str, Any] | None:
    match part:
        case MessageText(text, form):
            return {"type": "reasoning" if form == "thinking" else form, "text": text}
        case MessageMedia():
            fields = {"url": part.address, "data": part.data, "mime_type": part.mime_type}
            return {"type": part.kind} | {key: value for key, value in fields.items() if value}
        case OtherPart(value, label) if label != OTHER_FIELDS:
            return value if isinstance(value, dict) else {"type": label, "value": value}
    return None
