"""Bodies of logs, in protobuf and JSON, to log records."""

import json
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceResponse,
)

from runs.recording.decoding.otlp.log_requests import (
    LogRecord,
    decode_json_logs,
    decode_protobuf_logs,
    encode_log_response,
)
from runs.recording.records.request_body import UnreadableBody
from tests.runs.recording.decoding.otlp.export_requests import (
    TIME_NS,
    attribute_pairs,
    log_message,
    log_request,
)

EXPECTED = LogRecord(
    trace_id="74" * 16,
    span_id="73" * 8,
    time_ns=TIME_NS,
    name="gen_ai.user.message",
    severity="info",
    body={"content": "hello"},
    attributes={"gen_ai.system": "openai"},
    resource={"service.name": "shop"},
    scope="events 1.2",
)


def in_json(**changes: Any) -> dict[str, Any]:
    hello = {"key": "content", "value": {"stringValue": "hello"}}
    system = {"key": "gen_ai.system", "value": {"stringValue": "openai"}}
    fields: dict[str, Any] = {
        "traceId": "74" * 16,
        "spanId": "73" * 8,
        "timeUnixNano": str(TIME_NS),
        "eventName": "gen_ai.user.message",
        "severityNumber": 9,
        "body": {"kvlistValue": {"values": [hello]}},
        "attributes": [system],
    }
    return fields | changes


def json_request(*logs: Any) -> bytes:
    service = {"key": "service.name", "value": {"stringValue": "shop"}}
    scope_logs = {"scope": {"name": "events", "version": "1.2"}, "logRecords": list(logs)}
    group = {"resource": {"attributes": [service]}, "scopeLogs": [scope_logs]}
    return json.dumps({"resourceLogs": [group]}).encode()


def test_a_log_is_the_same_in_both_encodings() -> None:
    assert decode_protobuf_logs(log_request(log_message())) == ([EXPECTED], [])
    assert decode_json_logs(json_request(in_json())) == ([EXPECTED], [])


def test_the_name_of_an_event_was_an_attribute_before() -> None:
    sent = log_message(event_name="", attributes=attribute_pairs({"event.name": "gen_ai.choice"}))
    [log], _ = decode_protobuf_logs(log_request(sent))
    assert log.name == "gen_ai.choice"


def test_a_log_without_a_time_has_the_one_when_it_was_seen() -> None:
    [log], _ = decode_protobuf_logs(
        log_request(log_message(time_unix_nano=0, observed_time_unix_nano=TIME_NS))
    )
    assert (log.time_ns, log.time_us) == (TIME_NS, TIME_NS // 1000)
    [log], _ = decode_json_logs(json_request(in_json(timeUnixNano="9" * 40)))
    assert (log.time_ns, log.time_us) == (0, None)


def test_a_log_may_be_in_no_trace() -> None:
    [log], refused = decode_protobuf_logs(log_request(log_message(trace_id=b"", span_id=bytes(8))))
    assert (log.trace_id, log.span_id, refused) == ("", "", [])


@pytest.mark.parametrize(
    ("decode", "body"),
    [
        (decode_protobuf_logs, log_request(log_message(trace_id=b"short"), log_message())),
        (decode_json_logs, json_request(in_json(traceId="zz"), in_json())),
        (decode_json_logs, json_request("no log", in_json())),
    ],
)
def test_a_bad_log_is_refused_alone_and_can_be_sent_again(decode, body) -> None:
    [log], [refused] = decode(body)
    assert log == EXPECTED
    assert decode(refused.body)[1][0].reason == refused.reason


def test_text_that_is_no_utf8_costs_one_log() -> None:
    broken = log_request(log_message(), log_message(severity_text="broken")).replace(
        b"broken", b"brok\xff\xff"
    )
    [log], [refused] = decode_protobuf_logs(broken)
    assert log == EXPECTED
    assert "not readable" in refused.reason and "log" in refused.reason


@pytest.mark.parametrize(
    ("decode", "body"),
    [(decode_protobuf_logs, b"\xff\xff"), (decode_json_logs, b"{"), (decode_json_logs, b"[]")],
)
def test_a_body_that_is_no_request(decode, body) -> None:
    with pytest.raises(UnreadableBody):
        decode(body)


def test_the_answer_says_what_was_refused() -> None:
    assert encode_log_response(None, "application/json") == b"{}"
    response = json.loads(encode_log_response((2, "no"), "application/json"))
    assert response == {"partialSuccess": {"rejectedLogRecords": "2", "errorMessage": "no"}}
    answer = ExportLogsServiceResponse.FromString(
        encode_log_response((2, "no"), "application/x-protobuf")
    )
    assert answer.partial_success.rejected_log_records == 2
    assert encode_log_response(None, "application/x-protobuf") == b""
