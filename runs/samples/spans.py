"""Spans as exporters send them, and the request bodies that carry them. Pure: no ORM, no settings.

Times are integer microseconds since the epoch; ids follow from a name, so that the same sample is
the same run however often it is sent.
"""

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1 import trace_pb2

CONTENT_TYPE = "application/x-protobuf"
SPANS_PER_BODY = 512
SEED = "waylog-samples-1"
UNSET = trace_pb2.Status.STATUS_CODE_UNSET
OK = trace_pb2.Status.STATUS_CODE_OK
ERROR = trace_pb2.Status.STATUS_CODE_ERROR
INTERNAL = trace_pb2.Span.SPAN_KIND_INTERNAL
CLIENT = trace_pb2.Span.SPAN_KIND_CLIENT
FLAGS = 0x100  # "is remote" is known and false, as current SDKs send it


def seeded_digest(name: str) -> bytes:
    return hashlib.sha256(f"{SEED}/{name}".encode()).digest()


def trace_id(name: str) -> bytes:
    return seeded_digest(f"trace/{name}")[:16]


def span_id(name: str) -> bytes:
    return seeded_digest(f"span/{name}")[:8]


def uuid_of(name: str) -> str:
    """Return a UUID (version 4 in form) that follows from the name."""
    return str(uuid.UUID(bytes=seeded_digest(f"uuid/{name}")[:16], version=4))


def dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class SampleEvent:
    name: str
    at_us: int
    attributes: dict[str, Any]


@dataclass(slots=True)
class SampleSpan:
    """One span. `status` is (code, message). `attributes` may grow until the span is encoded."""

    name: str
    trace: bytes
    id: bytes
    parent: bytes
    start_us: int
    end_us: int
    attributes: dict[str, Any]
    kind: "trace_pb2.Span.SpanKind.ValueType" = INTERNAL
    status: "tuple[trace_pb2.Status.StatusCode.ValueType, str]" = (UNSET, "")
    events: list[SampleEvent] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Producer:
    """The sender: the resource's attributes and the instrumentation scope."""

    resource: tuple[tuple[str, str], ...]
    scope: str
    scope_version: str = ""


@dataclass(frozen=True, slots=True)
class SampleRun:
    """All spans of one run, in the order its exporter sends them."""

    producer: Producer
    spans: list[SampleSpan]

    @property
    def start_us(self) -> int:
        return min(span.start_us for span in self.spans)


def request_bodies(runs: Iterable[SampleRun]) -> Iterator[tuple[bytes, int]]:
    """Yield request bodies of about `SPANS_PER_BODY` spans, each with the number of whole runs in
    it."""
    batch: list[SampleRun] = []
    size = 0
    for run in runs:
        if batch and size + len(run.spans) > SPANS_PER_BODY:
            yield _encode_runs(batch), len(batch)
            batch, size = [], 0
        batch.append(run)
        size += len(run.spans)
    if batch:
        yield _encode_runs(batch), len(batch)


def _encode_runs(runs: list[SampleRun]) -> bytes:
    request = ExportTraceServiceRequest()
    by_producer: dict[Producer, trace_pb2.ScopeSpans] = {}
    for run in runs:
        producer = run.producer
        if producer not in by_producer:
            resource_spans = request.resource_spans.add()
            for key, value in producer.resource:
                _set_value(resource_spans.resource.attributes.add(key=key).value, value)
            _set_value(resource_spans.resource.attributes.add(key="waylog.sample").value, True)
            scope_spans = resource_spans.scope_spans.add()
            scope_spans.scope.name = producer.scope
            scope_spans.scope.version = producer.scope_version
            by_producer[producer] = scope_spans
        for span in run.spans:
            _fill_span(by_producer[producer].spans.add(), span)
    return request.SerializeToString()


def _fill_span(target: trace_pb2.Span, span: SampleSpan) -> None:
    target.trace_id, target.span_id, target.parent_span_id = span.trace, span.id, span.parent
    target.name, target.kind, target.flags = span.name, span.kind, FLAGS
    target.start_time_unix_nano = span.start_us * 1000
    target.end_time_unix_nano = span.end_us * 1000
    target.status.code, target.status.message = span.status
    for key, value in span.attributes.items():
        _set_value(target.attributes.add(key=key).value, value)
    for event in span.events:
        message = target.events.add(name=event.name, time_unix_nano=event.at_us * 1000)
        for key, value in event.attributes.items():
            _set_value(message.attributes.add(key=key).value, value)


def _set_value(target: AnyValue, value: Any) -> None:
    if isinstance(value, str):
        target.string_value = value
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int):
        target.int_value = value
    elif isinstance(value, float):
        target.double_value = value
    else:
        target.array_value.SetInParent()
        for item in value:
            _set_value(target.array_value.values.add(), item)
