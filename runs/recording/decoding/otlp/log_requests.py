"""OTLP/HTTP log requests: protobuf and JSON bodies to log records, and the answer.

Facts: opentelemetry/proto/logs/v1/logs.proto. The name of an event is a field of its own since
1.5 of the protocol; before, the attribute `event.name`.
"""

import re
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as LogMessage

from runs.recording.decoding.otlp import content_types
from runs.recording.decoding.otlp import json_values as in_json
from runs.recording.decoding.otlp import protobuf_values as in_protobuf
from runs.recording.decoding.otlp.record_groups import (
    RecordGroup,
    decode_records,
    json_groups,
    protobuf_groups,
)
from runs.recording.records.record import Refused, StepLog
from runs.recording.records.span import LAST_US, BadSpan

LAST_NS = LAST_US * 1000 + 999
EXCEPTION = frozenset({"exception.type", "exception.message"})
SOURCE_PLACE = re.compile(r"event \S+:\d+")
FIELDS = ("resource_logs", "scope_logs", "log_records")
SEVERITIES = ("", "trace", "debug", "info", "warn", "error", "fatal")


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One log. Ids are lower-case hex, "" where the log belongs to no span. `time_ns` is when it
    happened, else when it was observed, in nanoseconds since the epoch, which put messages in
    order; 0 where neither is known. `severity` is text in lower case. Values are JSON-like, as
    those of `records.span.Span`."""

    trace_id: str
    span_id: str
    time_ns: int
    name: str
    severity: str
    body: Any
    attributes: dict[str, Any]
    resource: dict[str, Any]
    scope: str

    @property
    def time_us(self) -> int | None:
        return self.time_ns // 1000 or None

    def line(self) -> StepLog:
        """Return the log as it is kept with its step."""
        fields = {
            "name": self.name,
            "severity": self.severity,
            "body": self.body,
            "attributes": self.attributes,
            "scope": self.scope,
        }
        tells = self.name.startswith("gen_ai.") or not EXCEPTION.isdisjoint(self.attributes)
        return StepLog(self.time_ns, {key: value for key, value in fields.items() if value}, tells)


# -- protobuf --------------------------------------------------------------------------------------


def decode_protobuf_logs(body: bytes) -> tuple[list[LogRecord], list[Refused]]:
    """Return the logs of an ExportLogsServiceRequest in the order sent, and those refused. Raises
    UnreadableBody when the body is no such message."""
    groups = protobuf_groups(body, ExportLogsServiceRequest(), LogMessage, FIELDS)
    return decode_records(groups, _protobuf_log)


def _protobuf_log(message: Any, group: RecordGroup) -> LogRecord:
    attributes = in_protobuf.attributes_of(message.attributes)
    return LogRecord(
        _checked_id(message.trace_id.hex(), 32, "trace"),
        _checked_id(message.span_id.hex(), 16, "span"),
        _first_valid_ns(message.time_unix_nano, message.observed_time_unix_nano),
        _event_name(message.event_name, attributes),
        _severity_name(message.severity_text, message.severity_number),
        in_protobuf.value_of(message.body, 0),
        attributes,
        group.resource,
        group.scope,
    )


# -- JSON ------------------------------------------------------------------------------------------


def decode_json_logs(body: bytes) -> tuple[list[LogRecord], list[Refused]]:
    """Return the logs of an ExportLogsServiceRequest in JSON, and those refused. Raises
    UnreadableBody when the body is not such a document."""
    document = in_json.parse_request(body, "logs")
    return decode_records(json_groups(document, FIELDS), _json_log)


def _json_log(item: Any, group: RecordGroup) -> LogRecord:
    if not isinstance(item, dict):
        raise BadSpan("A log is not a JSON object.")
    text_of, integer, pick = in_json.text_of, in_json.integer_or_none, in_json.pick
    attributes = in_json.attributes_of(in_json.items_of(item, "attributes"))
    body = item.get("body")
    name = text_of(item, "eventName", "event_name")
    severity_number = integer(pick(item, "severityNumber", "severity_number"))
    return LogRecord(
        _checked_id(text_of(item, "traceId", "trace_id").lower(), 32, "trace"),
        _checked_id(text_of(item, "spanId", "span_id").lower(), 16, "span"),
        _first_valid_ns(
            integer(pick(item, "timeUnixNano", "time_unix_nano")),
            integer(pick(item, "observedTimeUnixNano", "observed_time_unix_nano")),
        ),
        _event_name(name, attributes),
        _severity_name(text_of(item, "severityText", "severity_text"), severity_number or 0),
        in_json.value_of(body, 0) if isinstance(body, dict) else None,
        attributes,
        group.resource,
        group.scope,
    )


# -- in both encodings -----------------------------------------------------------------------------


def _checked_id(hex_id: str, digits: int, name: str) -> str:
    """Return the id; "" where the log is in no trace. Raises BadSpan."""
    if not hex_id.strip("0"):
        return ""
    if len(hex_id) != digits or not in_json.HEX_DIGITS.issuperset(hex_id):
        raise BadSpan(f"The {name} id is not {digits} hex digits.")
    return hex_id


def _event_name(name: str, attributes: dict[str, Any]) -> str:
    """Return the name of the event: the field for it, else the attribute. What Rust's `tracing`
    puts into the field ("event src/main.rs:12", a place in the source) is no name."""
    attribute = str(attributes.get("event.name") or "")
    return attribute if attribute and SOURCE_PLACE.fullmatch(name) else name or attribute


def _first_valid_ns(happened: int | None, observed: int | None) -> int:
    return next((ns for ns in (happened, observed) if ns and 0 < ns <= LAST_NS), 0)


def _severity_name(text: str, number: int) -> str:
    if text:
        return text.lower()
    return SEVERITIES[(number + 3) // 4] if 0 < number <= 24 else ""


def encode_log_response(partial: tuple[int, str] | None, content_type: str) -> bytes:
    """Return an ExportLogsServiceResponse in the request's content type; `partial` is how many logs
    were refused and why."""
    response = ExportLogsServiceResponse()
    return content_types.encode_export_response(
        response, "rejected_log_records", partial, content_type
    )
