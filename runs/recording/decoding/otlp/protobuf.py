"""OTLP/HTTP traces: protobuf bodies to spans, and the answer. JSON bodies are in `otlp_json`.

Facts: the OTLP specification 1.x (ids are bytes in protobuf and hex in JSON; 64-bit integers are
strings in JSON; a partly refused request is answered with `partial_success`).
"""

from collections.abc import Iterable
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from runs.recording.decoding.otlp import http
from runs.recording.decoding.otlp.salvage import in_protobuf, salvage
from runs.recording.decoding.otlp.values import attributes_of, raw_of, resource_of, scope_of
from runs.recording.records.record import Refused
from runs.recording.records.span import KINDS, STATUSES, BadSpan, Span, SpanEvent, us_from_ns

NO_TRACE_ID = bytes(16)
NO_SPAN_ID = bytes(8)


def decode_protobuf(body: bytes) -> tuple[list[Span], list[Refused]]:
    """The spans of an ExportTraceServiceRequest in the order sent, and those refused.
    Raises UnreadableBody when the body is no such message."""
    request = ExportTraceServiceRequest()
    spans: list[Span] = []
    refused: list[Refused] = []
    try:
        request.ParseFromString(body)
    except DecodeError:
        for told, scope, messages, unreadable in salvage(body):
            refused.extend(unreadable)
            _read(messages, resource_of(told), scope_of(scope), spans, refused, (told, scope))
        return spans, refused
    for resource_spans in request.resource_spans:
        resource = resource_of(resource_spans.resource)
        for scope_spans in resource_spans.scope_spans:
            around = (resource_spans.resource, scope_spans.scope)
            _read(scope_spans.spans, resource, scope_of(scope_spans.scope), spans, refused, around)
    return spans, refused


def _read(
    messages: Iterable[Any],
    resource: dict[str, Any],
    scope: str,
    spans: list[Span],
    refused: list[Refused],
    around: tuple[Any, Any],
) -> None:
    for message in messages:
        try:
            spans.append(_span(message, resource, scope))
        except BadSpan as error:
            parts = (part.SerializeToString() for part in (message, *around))
            refused.append(Refused(str(error), raw_of(message), in_protobuf(*parts)))


def encode_response(partial: tuple[int, str] | None, content_type: str) -> bytes:
    """An ExportTraceServiceResponse in the request's content type; `partial` is how many spans
    were refused and why."""
    response = ExportTraceServiceResponse()
    return http.encode_response(response, "rejected_spans", partial, content_type)


def _span(message: Any, resource: dict[str, Any], scope: str) -> Span:
    trace_id, span_id = message.trace_id, message.span_id
    if len(trace_id) != 16 or trace_id == NO_TRACE_ID:
        raise BadSpan("The trace id is not 16 bytes, or all zero.")
    if len(span_id) != 8 or span_id == NO_SPAN_ID:
        raise BadSpan("The span id is not 8 bytes, or all zero.")
    parent = message.parent_span_id
    status = message.status
    kind, code = message.kind, status.code
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
    )
