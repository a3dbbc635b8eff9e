"""OTLP/HTTP trace requests: protobuf and JSON bodies to spans, and the answer.

Facts: the OTLP specification 1.x (ids are bytes in protobuf and hex in JSON; 64-bit integers are
strings in JSON; a partly refused request is answered with `partial_success`).

JSON is read by a walk of our own over the parsed document, because protobuf's JSON reader wants
base64 ids where OTLP has hex. The walk tolerates snake_case keys, numbers or text for 64-bit
integers, numbers or names for enums, and ignores what it does not know.
"""

from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from runs.recording.decoding.otlp import content_types
from runs.recording.decoding.otlp import json_values as in_json
from runs.recording.decoding.otlp import protobuf_values as in_protobuf
from runs.recording.decoding.otlp.record_groups import (
    RecordGroup,
    decode_records,
    json_groups,
    protobuf_groups,
)
from runs.recording.records.json_text import parse_json
from runs.recording.records.record import Refused
from runs.recording.records.span import (
    KINDS,
    STATUSES,
    TRACE_FACTS,
    BadSpan,
    Span,
    SpanEvent,
    parent_is_remote,
    us_from_ns,
)

NO_TRACE_ID = bytes(16)
NO_SPAN_ID = bytes(8)
FIELDS = ("resource_spans", "scope_spans", "spans")


def encode_trace_response(partial: tuple[int, str] | None, content_type: str) -> bytes:
    """Return an ExportTraceServiceResponse in the request's content type; `partial` is how many
    spans were refused and why."""
    response = ExportTraceServiceResponse()
    return content_types.encode_export_response(response, "rejected_spans", partial, content_type)


def single_span_request(
    body: bytes, content_type: str, trace: str, span_ids: Collection[str]
) -> bytes:
    """Return a whole request, with resource and scope, that holds the span of `trace` whose id is
    one of `span_ids` (hex), cut out of the request that it came in. The inbox keeps a refused span
    so, to be replayed. b"" where the span is not in the body."""
    is_json = "json" in content_type
    groups = json_groups(parse_json(body), FIELDS) if is_json else _protobuf_spans(body)
    read = _json_span if is_json else _protobuf_span
    for group in groups:
        for record in group.records:
            with suppress(BadSpan):
                span = read(record, group)
                if span.trace_id == trace and span.span_id in span_ids:
                    return group.refuse(record, "").body
    return b""


# -- protobuf --------------------------------------------------------------------------------------


def decode_protobuf_spans(body: bytes) -> tuple[list[Span], list[Refused]]:
    """Return the spans of an ExportTraceServiceRequest in the order sent, and those refused.
    Raises UnreadableBody when the body is no such message."""
    return decode_records(_protobuf_spans(body), _protobuf_span)


def _protobuf_spans(body: bytes) -> Iterator[RecordGroup]:
    return protobuf_groups(body, ExportTraceServiceRequest(), SpanMessage, FIELDS)


def _protobuf_span(message: Any, group: RecordGroup) -> Span:
    trace_id, span_id = message.trace_id, message.span_id
    if len(trace_id) != 16 or trace_id == NO_TRACE_ID:
        raise BadSpan("The trace id is not 16 bytes, or all zero.")
    if len(span_id) != 8 or span_id == NO_SPAN_ID:
        raise BadSpan("The span id is not 8 bytes, or all zero.")
    parent = message.parent_span_id
    status = message.status
    kind, code = message.kind, status.code
    attributes_of = in_protobuf.attributes_of
    return Span(
        trace_id.hex(),
        span_id.hex(),
        parent.hex() if parent and parent != NO_SPAN_ID else None,
        message.name,
        KINDS[kind] if 0 <= kind < len(KINDS) else "unspecified",
        us_from_ns(message.start_time_unix_nano),
        us_from_ns(message.end_time_unix_nano),
        STATUSES[code] if 0 <= code < len(STATUSES) else "unset",
        status.message,
        attributes_of(message.attributes),
        [
            SpanEvent(event.name, us_from_ns(event.time_unix_nano), attributes_of(event.attributes))
            for event in message.events
        ],
        [
            {
                "trace_id": link.trace_id.hex(),
                "span_id": link.span_id.hex(),
                "attributes": attributes_of(link.attributes),
            }
            for link in message.links
        ],
        group.resource,
        group.scope,
        parent_is_remote(message.flags),
        _facts_of_scope(group)
        | {name: value for name in TRACE_FACTS if (value := getattr(message, name))},
    )


# -- JSON ------------------------------------------------------------------------------------------


def decode_json_spans(body: bytes) -> tuple[list[Span], list[Refused]]:
    """Return the spans of an ExportTraceServiceRequest in the order sent, and those refused.
    Raises UnreadableBody when the body is not such a document."""
    document = in_json.parse_request(body, "trace")
    return decode_records(json_groups(document, FIELDS), _json_span)


def _json_span(item: Any, group: RecordGroup) -> Span:
    if not isinstance(item, dict):
        raise BadSpan("A span is not a JSON object.")
    status = in_json.pick(item, "status")
    status = status if isinstance(status, dict) else {}
    text_of, time_of = in_json.text_of, in_json.time_of
    return Span(
        in_json.id_of(item, 32, "traceId", "trace_id"),
        in_json.id_of(item, 16, "spanId", "span_id"),
        _json_parent_id(item),
        text_of(item, "name"),
        _enum_name(in_json.pick(item, "kind"), KINDS, "SPAN_KIND_"),
        time_of(item, "startTimeUnixNano", "start_time_unix_nano"),
        time_of(item, "endTimeUnixNano", "end_time_unix_nano"),
        _enum_name(status.get("code"), STATUSES, "STATUS_CODE_"),
        text_of(status, "message"),
        in_json.attributes_of(in_json.items_of(item, "attributes")),
        [
            SpanEvent(
                text_of(event, "name"),
                time_of(event, "timeUnixNano", "time_unix_nano"),
                in_json.attributes_of(in_json.items_of(event, "attributes")),
            )
            for event in in_json.objects(item, "events")
        ],
        [
            {
                "trace_id": text_of(link, "traceId", "trace_id").lower(),
                "span_id": text_of(link, "spanId", "span_id").lower(),
                "attributes": in_json.attributes_of(in_json.items_of(link, "attributes")),
            }
            for link in in_json.objects(item, "links")
        ],
        group.resource,
        group.scope,
        parent_is_remote(in_json.integer_or_none(item.get("flags")) or 0),
        _facts_of_scope(group) | _json_trace_facts(item),
    )


def _json_trace_facts(item: dict[str, Any]) -> dict[str, Any]:
    facts = {name: in_json.pick(item, key, name) for name, key in TRACE_FACTS.items()}
    counts = {name: in_json.integer_or_none(facts[name]) for name in facts if "count" in name}
    return {name: value for name, value in (facts | counts).items() if value}


def _json_parent_id(item: dict[str, Any]) -> str | None:
    # A parent id that is no id is kept as it came: the span is then shown as an orphan, not lost.
    text = in_json.text_of(item, "parentSpanId", "parent_span_id").lower()
    return text if text.strip("0") else None


def _enum_name(value: Any, names: tuple[str, ...], prefix: str) -> str:
    """Return the member of `names` that an enum's number, or its name with `prefix`, stands for;
    the first one for anything else."""
    if isinstance(value, str):
        name = value.removeprefix(prefix).lower()
        if name in names:
            return name
        value = in_json.integer_or_none(value)
    if isinstance(value, int) and 0 <= value < len(names):
        return names[value]
    return names[0]


def _facts_of_scope(group: RecordGroup) -> dict[str, Any]:
    return {"scope_attributes": group.scope_attributes} if group.scope_attributes else {}
