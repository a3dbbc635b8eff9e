from typing import Any

import orjson
import pytest

from runs.recording.decoding.otlp.trace_requests import decode_json_spans, decode_protobuf_spans
from runs.recording.records.request_body import UnreadableBody
from tests.runs.recording.decoding.otlp.export_requests import (
    TIME_NS,
    span_message,
    span_request,
    text_attribute,
)


def document(**changes: Any) -> bytes:
    fields: dict[str, Any] = {
        "traceId": "0A" * 16,
        "spanId": "0b" * 8,
        "name": "work",
        "startTimeUnixNano": str(TIME_NS),
        "endTimeUnixNano": TIME_NS + 1999,
    }
    return orjson.dumps(wrapped([fields | changes]))


def wrapped(spans: list[Any]) -> dict[str, Any]:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    scope = {"name": "tracer", "version": "1.2"}
    scope_spans = [{"scope": scope, "spans": spans}]
    return {"resourceSpans": [{"resource": resource, "scopeSpans": scope_spans}]}


def test_json_and_protobuf_give_the_same_span() -> None:
    sent = span_message(
        trace_id=bytes.fromhex("0a" * 16),
        span_id=bytes.fromhex("0b" * 8),
        kind=2,
        status={"code": 2, "message": "boom"},
        attributes=[text_attribute("a", "b")],
    )
    [expected], _ = decode_protobuf_spans(span_request(sent).SerializeToString())
    attributes = [{"key": "a", "value": {"stringValue": "b"}}]
    for kind, code in ((2, 2), ("SPAN_KIND_SERVER", "STATUS_CODE_ERROR"), ("2", "2")):
        status = {"code": code, "message": "boom"}
        body = document(kind=kind, status=status, attributes=attributes, unknownField=[1])
        assert decode_json_spans(body) == ([expected], [])


def test_snake_case_is_tolerated() -> None:
    fields = {"trace_id": "0a" * 16, "span_id": "0b" * 8, "parent_span_id": "", "name": "work"}
    fields["start_time_unix_nano"] = str(TIME_NS)
    body = {"resource_spans": [{"scope_spans": [{"spans": [fields]}]}]}
    [span], _ = decode_json_spans(orjson.dumps(body))
    assert (span.start_us, span.parent_span_id) == (1_795_000_000_123_456, None)


def test_json_values_of_every_type() -> None:
    values = {
        "text": {"stringValue": "天气"},
        "no": {"boolValue": False},
        "int": {"intValue": "42"},
        "number": {"intValue": 42},
        "not_a_number": {"intValue": "9" * 5000},
        "double": {"doubleValue": 1.5},
        "nan": {"doubleValue": "NaN"},
        "infinite": {"doubleValue": "-Infinity"},
        "bytes": {"bytesValue": "AP8="},
        "none": {},
        "list": {"arrayValue": {"values": [{"stringValue": "a"}, {"intValue": "1"}]}},
        "map": {"kvlistValue": {"values": [{"key": "a", "value": {"stringValue": "b"}}]}},
        "wrong": "text",
    }
    attributes = [{"key": key, "value": value} for key, value in values.items()]
    [span], _ = decode_json_spans(document(attributes=attributes))
    assert span.attributes == {
        "text": "天气",
        "no": False,
        "int": 42,
        "number": 42,
        "not_a_number": "9" * 5000,
        "double": 1.5,
        "nan": "NaN",
        "infinite": "-Infinity",
        "bytes": "AP8=",
        "none": None,
        "list": ["a", 1],
        "map": {"a": "b"},
        "wrong": None,
    }


@pytest.mark.parametrize(
    "bad",
    [{"traceId": "xyz"}, {"traceId": "0" * 32}, {"traceId": None}, {"spanId": "0b"}, {"spanId": 7}],
)
def test_one_bad_json_span_does_not_cost_the_good_one(bad: dict[str, Any]) -> None:
    body = orjson.loads(document())
    spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"]
    spans[:0] = [spans[0] | bad, "no span", None]
    good, refused = decode_json_spans(orjson.dumps(body))
    assert len(good) == 1
    assert len(refused) == 3


def test_a_json_value_nested_too_deep_costs_only_its_own_span() -> None:
    value: Any = {"stringValue": "x"}
    for _ in range(80):
        value = {"arrayValue": {"values": [value]}}
    deep = orjson.loads(document())["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    text = '{"traceId":"' + "0a" * 16 + '","spanId":"' + "0c" * 8 + '","attributes":[{"key":"d",'
    text += '"value":' + '{"arrayValue":{"values":[' * 80 + "{}" + "]}}" * 80 + "}]}"
    body = orjson.dumps(wrapped([deep])).replace(b'"spans":[', b'"spans":[' + text.encode() + b",")
    spans, refused = decode_json_spans(body)
    assert len(spans) == len(refused) == 1
    assert "deep" in refused[0].reason


@pytest.mark.parametrize("levels", [1100, 10_000, 1_000_000])
def test_json_without_end_does_not_blow_the_stack(levels: int) -> None:
    with pytest.raises(UnreadableBody):
        decode_json_spans(b"[" * levels + b"]" * levels)


def test_lone_surrogates_and_broken_utf8_are_replaced() -> None:
    body = document(name="NAME")
    lone = body.replace(b"NAME", rb"a\ud800b \\ud800 \ud83d\ude00")
    assert decode_json_spans(lone)[0][0].name == "a\ufffdb \\ud800 😀"
    assert decode_json_spans(body.replace(b"NAME", b"a\xffb"))[0][0].name == "a\ufffdb"


@pytest.mark.parametrize("value", ["-5", "1e400", "never", 0, -1, 10**30, None, [], 1.5, True])
def test_json_times_that_are_none(value: Any) -> None:
    body = document(startTimeUnixNano="TIME").replace(b'"TIME"', str(value).encode())
    if isinstance(value, str) or value is None or isinstance(value, bool):
        body = document(startTimeUnixNano=value)
    assert decode_json_spans(body)[0][0].start_us is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b'"text"', b"\x0a\x00"])
def test_other_text_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableBody):
        decode_json_spans(body)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"resourceSpans": None},
        {"resourceSpans": [None, 3, {"scopeSpans": [None, {"spans": 3}]}]},
        {"resourceSpans": [{"resource": [], "scopeSpans": [{"scope": 3, "spans": []}]}]},
    ],
)
def test_requests_without_spans_are_empty(body: Any) -> None:
    assert decode_json_spans(orjson.dumps(body)) == ([], [])
