"""What can be saved of an OTLP request that does not parse as a whole.

Protobuf refuses a request for one text that is not UTF-8 or one value nested too deep. Here its
outer messages are walked by hand, so that only the spans or logs that do not parse are lost.
Facts: the protobuf wire format; field numbers of opentelemetry/proto/trace/v1/trace.proto, which
logs/v1/logs.proto shares.
"""

from collections.abc import Iterator
from typing import Any, TypeVar

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as LogMessage
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from runs.recording.records.record import Refused
from runs.recording.records.request_body import UnreadableBody
from runs.recording.records.span import base64_text

MAX_FIELDS = 200_000
RESOURCE_SPANS = 1
RESOURCE, SCOPE_SPANS = 1, 2
SCOPE, SPAN = 1, 2
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

Group = tuple[Resource, InstrumentationScope, list[Any], list[Refused]]
M = TypeVar("M", bound=Message)
_NAMES: dict[type[Message], str] = {SpanMessage: "span", LogMessage: "log"}


def salvage(body: bytes, message: type[Message] = SpanMessage) -> list[Group]:
    """(resource, scope, spans that parse, spans that do not) for each ScopeSpans; so for logs, with
    their `message`. Raises UnreadableBody when the body is no protobuf message of this shape."""
    groups: list[Group] = []
    for resource_spans in _messages(body, RESOURCE_SPANS):
        resource = _first(resource_spans, RESOURCE, Resource())
        for scope_spans in _messages(resource_spans, SCOPE_SPANS):
            scope = _first(scope_spans, SCOPE, InstrumentationScope())
            around = (resource.SerializeToString(), scope.SerializeToString())
            groups.append((resource, scope, *_spans(scope_spans, message, *around)))
    if not any(spans for _, _, spans, _ in groups):
        raise UnreadableBody("The body is not an OTLP request in protobuf.")
    return groups


def _spans(
    scope_spans: bytes, message: type[Message], resource: bytes, scope: bytes
) -> tuple[list[Any], list[Refused]]:
    spans: list[Any] = []
    refused: list[Refused] = []
    for data in _messages(scope_spans, SPAN):
        span = message()
        try:
            span.ParseFromString(data)
            spans.append(span)
        except DecodeError:
            reason = "is not readable: text that is not UTF-8, or nested too deep."
            alone = in_protobuf(data, resource, scope)
            raw = {"protobuf": base64_text(data)}
            refused.append(Refused(f"The {_NAMES[message]} {reason}", raw, alone))
    return spans, refused


def _first(data: bytes, number: int, message: M) -> M:
    for found in _messages(data, number):
        try:
            message.ParseFromString(found)
        except DecodeError:
            message.Clear()
        break
    return message


def _messages(data: bytes, number: int) -> Iterator[bytes]:
    """The length-delimited fields with this number."""
    position = 0
    for _ in range(MAX_FIELDS):
        if position >= len(data):
            return
        tag, position = _varint(data, position)
        wire = tag & 7
        if wire == VARINT:
            _, position = _varint(data, position)
            continue
        if wire == BYTES:
            length, position = _varint(data, position)
        elif wire in (FIXED64, FIXED32):
            length = 8 if wire == FIXED64 else 4
        else:
            raise UnreadableBody("The body is not an OTLP request in protobuf.")
        if position + length > len(data):
            raise UnreadableBody("The body ends too early.")
        if wire == BYTES and tag >> 3 == number:
            yield data[position : position + length]
        position += length
    raise UnreadableBody("The body is not an OTLP request in protobuf.")


def in_protobuf(span: bytes, resource: bytes, scope: bytes) -> bytes:
    """A whole request of three encoded messages; the span need not be readable."""
    scope_spans = field(SCOPE, scope) + field(SPAN, span)
    return field(RESOURCE_SPANS, field(RESOURCE, resource) + field(SCOPE_SPANS, scope_spans))


def field(number: int, data: bytes) -> bytes:
    """A length-delimited field on the wire."""
    length, size = bytearray(), len(data)
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    return bytes([number << 3 | BYTES, *length, size]) + data


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data) and shift < 70:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
    raise UnreadableBody("The body ends too early.")
