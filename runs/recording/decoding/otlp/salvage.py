"""Salvage what is readable of an OTLP request that does not parse as a whole.

Protobuf refuses a whole request for one text that is not UTF-8 or one value nested too deep. Here
the outer messages are walked by hand, so that only the spans or logs that do not parse are lost.
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

SalvagedScope = tuple[Resource, InstrumentationScope, list[Any], list[Refused]]
MessageT = TypeVar("MessageT", bound=Message)
_RECORD_NAMES: dict[type[Message], str] = {SpanMessage: "span", LogMessage: "log"}


def salvage(body: bytes, record_type: type[Message]) -> list[SalvagedScope]:
    """Return (resource, scope, spans that parse, spans that do not) for each ScopeSpans; for logs,
    whose `record_type` is LogRecord, the same for each ScopeLogs. Raises UnreadableBody when the
    body is no protobuf message of this shape."""
    groups: list[SalvagedScope] = []
    for resource_spans in _fields_of_number(body, RESOURCE_SPANS):
        resource = _first_message(resource_spans, RESOURCE, Resource())
        for scope_spans in _fields_of_number(resource_spans, SCOPE_SPANS):
            scope = _first_message(scope_spans, SCOPE, InstrumentationScope())
            envelope = (resource.SerializeToString(), scope.SerializeToString())
            groups.append((resource, scope, *_parsed_records(scope_spans, record_type, *envelope)))
    if not any(records for _, _, records, _ in groups):
        raise UnreadableBody("The body is not an OTLP request in protobuf.")
    return groups


def _parsed_records(
    scope_spans: bytes, record_type: type[Message], resource: bytes, scope: bytes
) -> tuple[list[Any], list[Refused]]:
    records: list[Any] = []
    refused: list[Refused] = []
    for data in _fields_of_number(scope_spans, SPAN):
        record = record_type()
        try:
            record.ParseFromString(data)
            records.append(record)
        except DecodeError:
            reason = "is not readable: text that is not UTF-8, or nested too deep."
            request = single_record_request(data, resource, scope)
            raw = {"protobuf": base64_text(data)}
            refused.append(Refused(f"The {_RECORD_NAMES[record_type]} {reason}", raw, request))
    return records, refused


def _first_message(data: bytes, number: int, message: MessageT) -> MessageT:
    """Parse the first field with this number into `message`; an unreadable one leaves it empty."""
    for content in _fields_of_number(data, number):
        try:
            message.ParseFromString(content)
        except DecodeError:
            message.Clear()
        break
    return message


def _fields_of_number(data: bytes, number: int) -> Iterator[bytes]:
    """Yield the contents of the length-delimited fields with this number."""
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


def single_record_request(record: bytes, resource: bytes, scope: bytes) -> bytes:
    """Return a whole request of three encoded messages; the span or log need not be readable."""
    scope_spans = length_delimited(SCOPE, scope) + length_delimited(SPAN, record)
    resource_spans = length_delimited(RESOURCE, resource) + length_delimited(
        SCOPE_SPANS, scope_spans
    )
    return length_delimited(RESOURCE_SPANS, resource_spans)


def length_delimited(number: int, data: bytes) -> bytes:
    """Return a length-delimited field as it is on the wire."""
    length, size = bytearray(), len(data)
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    return bytes([number << 3 | BYTES, *length, size]) + data


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """Return the number at `position`, and the position after it."""
    value = shift = 0
    while position < len(data) and shift < 70:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
    raise UnreadableBody("The body ends too early.")
