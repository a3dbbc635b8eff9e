"""OTLP/HTTP traces: protobuf bodies to spans, and the answer. JSON bodies are in `otlp_json`.

Facts: the OTLP specification 1.x (ids are bytes in protobuf and hex in JSON; 64-bit integers are
strings in JSON; a partly refused request is answered with `partial_success`).
"""

from collections.abc import Iterable
from typing import Any

import orjson
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from runs.recording.records import Refused
from runs.recording.salvage import salvage
from runs.recording.spans import (
    KINDS,
    MAX_DEPTH,
    STATUSES,
    BadSpan,
    Event,
    Span,
    base64_text,
    finite,
    microseconds,
)

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
            _read(messages, _resource(told), _scope(scope), spans, refused)
        return spans, refused
    for resource_spans in request.resource_spans:
        resource = _resource(resource_spans.resource)
        for scope_spans in resource_spans.scope_spans:
            _read(scope_spans.spans, resource, _scope(scope_spans.scope), spans, refused)
    return spans, refused


def _read(
    messages: Iterable[Any],
    resource: dict[str, Any],
    scope: str,
    spans: list[Span],
    refused: list[Refused],
) -> None:
    for message in messages:
        try:
            spans.append(_span(message, resource, scope))
        except BadSpan as error:
            refused.append(Refused(str(error), _raw(message)))


def _resource(told: Any) -> dict[str, Any]:
    try:
        return _attributes(told.attributes)
    except BadSpan:  # nested too deep: the spans that share it are still good
        return {}


def _scope(told: Any) -> str:
    return f"{told.name} {told.version}".strip()


def encode_response(partial: tuple[int, str] | None, content_type: str) -> bytes:
    """An ExportTraceServiceResponse in the request's content type; `partial` is how many spans
    were refused and why."""
    if content_type.split(";")[0].strip().lower() == "application/json":
        if partial is None:
            return b"{}"
        count, reason = partial
        told = {"rejectedSpans": str(count), "errorMessage": reason}
        return orjson.dumps({"partialSuccess": told})
    response = ExportTraceServiceResponse()
    if partial is not None:
        count, reason = partial
        response.partial_success.CopyFrom(
            ExportTracePartialSuccess(rejected_spans=count, error_message=reason)
        )
    answer: bytes = response.SerializeToString()
    return answer


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
        microseconds(message.start_time_unix_nano),
        microseconds(message.end_time_unix_nano),
        STATUSES[code] if 0 <= code < len(STATUSES) else "unset",
        status.message,
        _attributes(message.attributes),
        [
            Event(event.name, microseconds(event.time_unix_nano), _attributes(event.attributes))
            for event in message.events
        ],
        [
            {
                "trace_id": link.trace_id.hex(),
                "span_id": link.span_id.hex(),
                "attributes": _attributes(link.attributes),
            }
            for link in message.links
        ],
        resource,
        scope,
    )


def _attributes(pairs: Any, depth: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in pairs:
        value = pair.value
        # Most attributes are text: asking for it first saves the look at which field is set.
        found[pair.key] = value.string_value or _value(value, depth)
    return found


def _value(value: Any, depth: int) -> Any:
    field = value.WhichOneof("value")
    if field is None:
        return None
    content = getattr(value, field)
    if field == "double_value":
        return finite(content)
    if field == "bytes_value":
        return base64_text(content)
    if field == "array_value":
        depth = _deeper(depth)
        return [item.string_value or _value(item, depth) for item in content.values]
    if field == "kvlist_value":
        return _attributes(content.values, _deeper(depth))
    return content


def _deeper(depth: int) -> int:
    if depth >= MAX_DEPTH:
        raise BadSpan(f"An attribute is nested more than {MAX_DEPTH} levels deep.")
    return depth + 1


def _raw(message: Any) -> dict[str, Any]:
    return {"name": message.name, "protobuf": base64_text(message.SerializeToString())}
