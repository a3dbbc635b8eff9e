"""OTLP/HTTP trace requests: protobuf and JSON bodies to spans, and the answer.

Facts: the OTLP specification 1.x (ids are bytes in protobuf and hex in JSON; 64-bit integers are
strings in JSON; a partly refused request is answered with `partial_success`).

JSON is read by a walk of our own over the parsed document, because protobuf's JSON reader wants
base64 ids where OTLP has hex. The walk tolerates snake_case keys, numbers or text for 64-bit
integers, numbers or names for enums, and ignores what it does not know.
"""

from collections.abc import Collection, Iterable
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from runs.recording.decoding.otlp import content_types
from runs.recording.decoding.otlp import json_values as in_json
from runs.recording.decoding.otlp import protobuf_values as in_protobuf
from runs.recording.decoding.otlp.salvage import salvage, single_record_request
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
JSON_KEYS = ("resourceSpans", "scopeSpans", "spans")


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
    if "json" in content_type:
        return _single_span_of_json(body, trace, span_ids)
    request = ExportTraceServiceRequest()
    try:
        request.ParseFromString(body)
    except DecodeError:
        return b""
    for resource_spans in request.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                if span.trace_id.hex() == trace and span.span_id.hex() in span_ids:
                    messages = (span, resource_spans.resource, scope_spans.scope)
                    return single_record_request(*(m.SerializeToString() for m in messages))
    return b""


# -- protobuf --------------------------------------------------------------------------------------


def decode_protobuf_spans(body: bytes) -> tuple[list[Span], list[Refused]]:
    """Return the spans of an ExportTraceServiceRequest in the order sent, and those refused.
    Raises UnreadableBody when the body is no such message."""
    request = ExportTraceServiceRequest()
    spans: list[Span] = []
    refused: list[Refused] = []
    try:
        request.ParseFromString(body)
    except DecodeError:
        for resource, scope, messages, unreadable in salvage(body):
            refused.extend(unreadable)
            attributes = in_protobuf.resource_of(resource)
            _add_protobuf_spans(messages, attributes, resource, scope, spans, refused)
        return spans, refused
    for resource_spans in request.resource_spans:
        resource = resource_spans.resource
        attributes = in_protobuf.resource_of(resource)  # once: all its spans share one dict
        for scope_spans in resource_spans.scope_spans:
            messages, scope = scope_spans.spans, scope_spans.scope
            _add_protobuf_spans(messages, attributes, resource, scope, spans, refused)
    return spans, refused


def _add_protobuf_spans(
    messages: Iterable[Any],
    resource_attributes: dict[str, Any],
    resource: Any,
    scope: Any,
    spans: list[Span],
    refused: list[Refused],
) -> None:
    """Append the spans of one scope to `spans`, or to `refused`."""
    scope_name = in_protobuf.scope_of(scope)
    facts = _facts_of_scope(in_protobuf.resource_of(scope))
    for message in messages:
        try:
            spans.append(_protobuf_span(message, resource_attributes, scope_name, facts))
        except BadSpan as error:
            parts = (part.SerializeToString() for part in (message, resource, scope))
            request = single_record_request(*parts)
            refused.append(Refused(str(error), in_protobuf.raw_of(message), request))


def _facts_of_scope(attributes: dict[str, Any]) -> dict[str, Any]:
    return {"scope_attributes": attributes} if attributes else {}


def _protobuf_span(
    message: Any, resource: dict[str, Any], scope: str, facts: dict[str, Any]
) -> Span:
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
        resource,
        scope,
        parent_is_remote(message.flags),
        facts | {name: value for name in TRACE_FACTS if (value := getattr(message, name))},
    )


# -- JSON ------------------------------------------------------------------------------------------


def decode_json_spans(body: bytes) -> tuple[list[Span], list[Refused]]:
    """Return the spans of an ExportTraceServiceRequest in the order sent, and those refused.
    Raises UnreadableBody when the body is not such a document."""
    document = in_json.parse_request(body, "trace")
    spans: list[Span] = []
    refused: list[Refused] = []
    for resource_spans in in_json.objects(document, "resourceSpans", "resource_spans"):
        resource = in_json.resource_of(resource_spans)
        for scope_spans in in_json.objects(resource_spans, "scopeSpans", "scope_spans"):
            scope = in_json.scope_of(scope_spans)
            facts = _facts_of_scope(in_json.scope_attributes_of(scope_spans))
            for item in in_json.items_of(scope_spans, "spans"):
                try:
                    spans.append(_json_span(item, resource, scope, facts))
                except BadSpan as error:
                    envelope = (resource_spans.get("resource"), scope_spans.get("scope"))
                    request = in_json.single_record_request(JSON_KEYS, item, *envelope)
                    refused.append(Refused(str(error), in_json.raw_of(item), request))
    return spans, refused


def _json_span(item: Any, resource: dict[str, Any], scope: str, facts: dict[str, Any]) -> Span:
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
        resource,
        scope,
        parent_is_remote(in_json.integer_or_none(item.get("flags")) or 0),
        facts | _json_trace_facts(item),
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


def _single_span_of_json(body: bytes, trace: str, span_ids: Collection[str]) -> bytes:
    text_of = in_json.text_of
    for resource_spans in in_json.objects(parse_json(body), "resourceSpans", "resource_spans"):
        for scope_spans in in_json.objects(resource_spans, "scopeSpans", "scope_spans"):
            for span in in_json.objects(scope_spans, "spans"):
                span_id = text_of(span, "spanId", "span_id").lower()
                if span_id in span_ids and text_of(span, "traceId", "trace_id").lower() == trace:
                    envelope = (resource_spans.get("resource"), scope_spans.get("scope"))
                    return in_json.single_record_request(JSON_KEYS, span, *envelope)
    return b""
