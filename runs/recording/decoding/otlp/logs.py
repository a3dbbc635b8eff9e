"""OTLP/HTTP logs: protobuf and JSON bodies to log records, and the answer.

Facts: opentelemetry/proto/logs/v1/logs.proto. The name of an event is a field of its own since
1.5 of the protocol; before, the attribute `event.name`.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as LogMessage

from runs.recording.decoding.otlp import http
from runs.recording.decoding.otlp import json_values as in_json
from runs.recording.decoding.otlp import values as in_protobuf
from runs.recording.decoding.otlp.salvage import in_protobuf as alone_in_protobuf
from runs.recording.decoding.otlp.salvage import salvage
from runs.recording.records.json_text import NotJson, parse_json
from runs.recording.records.record import LogLine, Refused
from runs.recording.records.request_body import UnreadableBody
from runs.recording.records.span import LAST_US, BadSpan

LAST_NS = LAST_US * 1000 + 999
EXCEPTION = frozenset({"exception.type", "exception.message"})
SEVERITIES = ("", "trace", "debug", "info", "warn", "error", "fatal")


@dataclass(frozen=True, slots=True)
class LogRecord:
    """Ids in lower-case hex, "" where the log belongs to no span. `time_ns` is when it happened,
    else when it was seen, in nanoseconds since the epoch (they put messages in order); 0: not told.
    `severity` is text in lower case. Values are JSON-like, as those of `spans.Span`."""

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

    def line(self) -> LogLine:
        """The log as it is kept with its step."""
        told = {
            "name": self.name,
            "severity": self.severity,
            "body": self.body,
            "attributes": self.attributes,
            "scope": self.scope,
        }
        tells = self.name.startswith("gen_ai.") or not EXCEPTION.isdisjoint(self.attributes)
        return LogLine(self.time_ns, {key: value for key, value in told.items() if value}, tells)


def decode_protobuf(body: bytes) -> tuple[list[LogRecord], list[Refused]]:
    """The logs of an ExportLogsServiceRequest in the order sent, and those refused. Raises
    UnreadableBody when the body is no such message."""
    request = ExportLogsServiceRequest()
    logs: list[LogRecord] = []
    refused: list[Refused] = []
    try:
        request.ParseFromString(body)
    except DecodeError:
        for resource, scope, messages, unreadable in salvage(body, LogMessage):
            refused.extend(unreadable)
            _read(messages, resource, scope, logs, refused)
        return logs, refused
    for resource_logs in request.resource_logs:
        for scope_logs in resource_logs.scope_logs:
            around = (resource_logs.resource, scope_logs.scope)
            _read(scope_logs.log_records, *around, logs, refused)
    return logs, refused


def _read(
    messages: Iterable[Any],
    resource: Any,
    scope: Any,
    logs: list[LogRecord],
    refused: list[Refused],
) -> None:
    around = (in_protobuf.resource_of(resource), in_protobuf.scope_of(scope))
    for message in messages:
        try:
            logs.append(_log(message, *around))
        except BadSpan as error:
            parts = (part.SerializeToString() for part in (message, resource, scope))
            raw = {"name": message.event_name, "trace_id": message.trace_id.hex()}
            refused.append(Refused(str(error), raw, alone_in_protobuf(*parts)))


def _log(message: Any, resource: dict[str, Any], scope: str) -> LogRecord:
    attributes = in_protobuf.attributes_of(message.attributes)
    return LogRecord(
        _id(message.trace_id.hex(), 32, "trace"),
        _id(message.span_id.hex(), 16, "span"),
        _time(message.time_unix_nano, message.observed_time_unix_nano),
        message.event_name or str(attributes.get("event.name") or ""),
        _severity(message.severity_text, message.severity_number),
        in_protobuf.value_of(message.body, 0),
        attributes,
        resource,
        scope,
    )


def decode_json(body: bytes) -> tuple[list[LogRecord], list[Refused]]:
    """The same of a JSON document."""
    try:
        document = parse_json(body)
    except NotJson as error:
        raise UnreadableBody(f"The body is not readable JSON: {error}.") from error
    if not isinstance(document, dict):
        raise UnreadableBody("The body is not an OTLP logs request: it is not a JSON object.")
    logs: list[LogRecord] = []
    refused: list[Refused] = []
    for resource_logs in in_json.objects(document, "resourceLogs", "resource_logs"):
        resource = in_json.resource_of(resource_logs)
        for scope_logs in in_json.objects(resource_logs, "scopeLogs", "scope_logs"):
            scope = in_json.scope_of(scope_logs)
            for told in in_json.items_of(scope_logs, "logRecords", "log_records"):
                try:
                    logs.append(_json_log(told, resource, scope))
                except BadSpan as error:
                    around = (resource_logs.get("resource"), scope_logs.get("scope"))
                    alone = _alone(told, *around)
                    refused.append(Refused(str(error), in_json.raw_of(told), alone))
    return logs, refused


def _json_log(told: Any, resource: dict[str, Any], scope: str) -> LogRecord:
    if not isinstance(told, dict):
        raise BadSpan("A log is not a JSON object.")
    attributes = in_json.attributes_of(in_json.items_of(told, "attributes"))
    body = told.get("body")
    name = in_json.text_of(told, "eventName", "event_name")
    number = in_json.whole(in_json.pick(told, "severityNumber", "severity_number"))
    return LogRecord(
        _id(in_json.text_of(told, "traceId", "trace_id").lower(), 32, "trace"),
        _id(in_json.text_of(told, "spanId", "span_id").lower(), 16, "span"),
        _time(
            in_json.whole(in_json.pick(told, "timeUnixNano", "time_unix_nano")),
            in_json.whole(in_json.pick(told, "observedTimeUnixNano", "observed_time_unix_nano")),
        ),
        name or str(attributes.get("event.name") or ""),
        _severity(in_json.text_of(told, "severityText", "severity_text"), number or 0),
        in_json.value_of(body, 0) if isinstance(body, dict) else None,
        attributes,
        resource,
        scope,
    )


def _id(told: str, digits: int, name: str) -> str:
    """The id; "" where the log is in no trace."""
    if not told.strip("0"):
        return ""
    if len(told) != digits or not in_json.HEX_DIGITS.issuperset(told):
        raise BadSpan(f"The {name} id is not {digits} hex digits.")
    return told


def _time(happened: int | None, seen: int | None) -> int:
    return next((at for at in (happened, seen) if at and 0 < at <= LAST_NS), 0)


def _severity(text: str, number: int) -> str:
    if text:
        return text.lower()
    return SEVERITIES[(number + 3) // 4] if 0 < number <= 24 else ""


def _alone(told: Any, resource: Any, scope: Any) -> bytes:
    """A whole request of one log; b"" where it is nested too deep to be written."""
    scope_logs = {"scope": scope, "logRecords": [told]}
    request = {"resourceLogs": [{"resource": resource, "scopeLogs": [scope_logs]}]}
    try:
        return json.dumps(request).encode()
    except RecursionError:
        return b""


def encode_response(partial: tuple[int, str] | None, content_type: str) -> bytes:
    """An ExportLogsServiceResponse in the request's content type; `partial` is how many logs were
    refused and why."""
    response = ExportLogsServiceResponse()
    return http.encode_response(response, "rejected_log_records", partial, content_type)
