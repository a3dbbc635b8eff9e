"""Export requests of OTLP in protobuf, written by hand: spans and logs."""

from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as LogMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

TIME_NS = 1_795_000_000_123_456_789


def span_request(*spans: SpanMessage) -> ExportTraceServiceRequest:
    export = ExportTraceServiceRequest()
    group = export.resource_spans.add()
    group.resource.attributes.append(text_attribute("service.name", "shop"))
    scope = group.scope_spans.add()
    scope.scope.name, scope.scope.version = "tracer", "1.2"
    scope.spans.extend(spans)
    return export


def span_message(**changes: Any) -> SpanMessage:
    fields: dict[str, Any] = {
        "trace_id": b"t" * 16,
        "span_id": b"s" * 8,
        "name": "work",
        "start_time_unix_nano": TIME_NS,
        "end_time_unix_nano": TIME_NS + 1999,
    }
    return SpanMessage(**(fields | changes))


def text_attribute(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def any_value(content: Any) -> AnyValue:
    if isinstance(content, dict):
        pairs = [KeyValue(key=key, value=any_value(value)) for key, value in content.items()]
        return AnyValue(kvlist_value=KeyValueList(values=pairs))
    if isinstance(content, int):
        return AnyValue(int_value=content)
    return AnyValue(string_value=content)


def attribute_pairs(attributes: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()]


def log_message(**changes: Any) -> LogMessage:
    fields: dict[str, Any] = {
        "trace_id": b"t" * 16,
        "span_id": b"s" * 8,
        "time_unix_nano": TIME_NS,
        "event_name": "gen_ai.user.message",
        "severity_number": 9,
        "body": any_value({"content": "hello"}),
        "attributes": attribute_pairs({"gen_ai.system": "openai"}),
    }
    return LogMessage(**(fields | changes))


def log_request(*logs: LogMessage) -> bytes:
    export = ExportLogsServiceRequest()
    group = export.resource_logs.add()
    group.resource.attributes.extend(attribute_pairs({"service.name": "shop"}))
    scope = group.scope_logs.add()
    scope.scope.name, scope.scope.version = "events", "1.2"
    scope.log_records.extend(logs)
    return export.SerializeToString()
