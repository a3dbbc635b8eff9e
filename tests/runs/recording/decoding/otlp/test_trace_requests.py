import random
from typing import Any

import orjson
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from runs.recording.decoding.otlp.trace_requests import decode_protobuf_spans, encode_trace_response
from runs.recording.decoding.traces import decode_traces
from runs.recording.records.request_body import UnreadableBody
from tests.runs.recording.captured import capture_bodies
from tests.runs.recording.decoding.otlp.export_requests import (
    TIME_NS,
    span_message,
    span_request,
    text_attribute,
)


def test_a_span_as_it_was_sent() -> None:
    sent = span_message(
        parent_span_id=b"p" * 8,
        kind=SpanMessage.SPAN_KIND_CLIENT,
        status={"code": 2, "message": "boom"},
        events=[
            {
                "name": "exception",
                "time_unix_nano": TIME_NS,
                "attributes": [text_attribute("a", "b")],
            }
        ],
        links=[{"trace_id": b"l" * 16, "span_id": b"m" * 8}],
    )
    [span], refused = decode_protobuf_spans(span_request(sent).SerializeToString())
    assert refused == []
    assert span.trace_id == "74" * 16
    assert span.span_id == "73" * 8
    assert span.parent_span_id == "70" * 8
    assert (span.name, span.kind, span.scope) == ("work", "client", "tracer 1.2")
    assert (span.status, span.status_message) == ("error", "boom")
    assert span.resource == {"service.name": "shop"}
    assert span.events[0].name == "exception"
    assert span.events[0].attributes == {"a": "b"}
    assert span.links[0]["trace_id"] == "6c" * 16


def test_times_are_whole_microseconds_without_floats() -> None:
    [span], _ = decode_protobuf_spans(span_request(span_message()).SerializeToString())
    assert span.start_us == 1_795_000_000_123_456
    assert span.end_us == 1_795_000_000_123_458


@pytest.mark.parametrize("nanoseconds", [0, 1, 999])
def test_times_that_are_none(nanoseconds: int) -> None:
    sent = span_message(start_time_unix_nano=nanoseconds)
    [span], _ = decode_protobuf_spans(span_request(sent).SerializeToString())
    assert span.start_us is None


def test_values_of_every_type() -> None:
    values = {
        "text": AnyValue(string_value="天气"),
        "empty": AnyValue(string_value=""),
        "no": AnyValue(bool_value=False),
        "zero": AnyValue(int_value=0),
        "large": AnyValue(int_value=-(2**63)),
        "double": AnyValue(double_value=0.1),
        "nan": AnyValue(double_value=float("nan")),
        "bytes": AnyValue(bytes_value=b"\x00\xff"),
        "none": AnyValue(),
        "list": AnyValue(
            array_value=ArrayValue(values=[AnyValue(string_value="a"), AnyValue(int_value=1)])
        ),
        "map": AnyValue(kvlist_value=KeyValueList(values=[text_attribute("a", "b")])),
    }
    sent = span_message(
        attributes=[KeyValue(key=key, value=value) for key, value in values.items()]
    )
    [span], _ = decode_protobuf_spans(span_request(sent).SerializeToString())
    assert span.attributes == {
        "text": "天气",
        "empty": "",
        "no": False,
        "zero": 0,
        "large": -(2**63),
        "double": 0.1,
        "nan": "NaN",
        "bytes": "AP8=",
        "none": None,
        "list": ["a", 1],
        "map": {"a": "b"},
    }


@pytest.mark.parametrize(
    "bad",
    [
        {"trace_id": b"short"},
        {"trace_id": bytes(16)},
        {"span_id": b""},
        {"span_id": bytes(8)},
    ],
)
def test_one_bad_span_does_not_cost_the_good_one(bad: dict[str, Any]) -> None:
    spans, refused = decode_protobuf_spans(
        span_request(span_message(**bad), span_message()).SerializeToString()
    )
    assert len(spans) == len(refused) == 1
    assert refused[0].reason.endswith(".")
    assert refused[0].raw["name"] == "work"


def test_a_text_that_is_not_utf8_costs_only_its_own_span() -> None:
    body = span_request(span_message(name="BROKEN"), span_message(name="good")).SerializeToString()
    body = body.replace(b"BROKEN", b"\xff\xfe\xfd\xfc\xfb\xfa")
    [span], [refused] = decode_protobuf_spans(body)
    assert (span.name, span.scope, span.resource["service.name"]) == ("good", "tracer 1.2", "shop")
    assert "UTF-8" in refused.reason


def field(number: int, content: bytes) -> bytes:
    """A length-delimited field on the wire."""
    length, size = len(content), b""
    while length > 127:
        size, length = size + bytes([length & 127 | 128]), length >> 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + content


@pytest.mark.parametrize("levels", [49, 400, 20_000])
def test_a_value_nested_too_deep_costs_only_its_own_span(levels: int) -> None:
    # Protobuf itself refuses the whole body when it has more than 100 levels of messages.
    value = AnyValue(string_value="x").SerializeToString()
    for _ in range(levels):
        value = field(5, field(1, value))
    deep = span_message().SerializeToString() + field(9, field(1, b"deep") + field(2, value))
    good = span_message().SerializeToString()
    body = field(1, field(2, field(2, deep) + field(2, good)))
    spans, refused = decode_protobuf_spans(body)
    assert len(spans) == len(refused) == 1
    assert "deep" in refused[0].reason


def test_odd_spans_are_kept() -> None:
    odd = span_message(name="", start_time_unix_nano=TIME_NS, end_time_unix_nano=TIME_NS - 5000)
    [span], refused = decode_protobuf_spans(span_request(odd).SerializeToString())
    assert refused == []
    assert span.end_us is not None and span.start_us is not None
    assert span.end_us < span.start_us


@pytest.mark.parametrize("body", [b"\xff\xff\xff", b"no protobuf", b"{}", b"\x0a\xff\x01abc"])
def test_other_bytes_are_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableBody):
        decode_protobuf_spans(body)


def test_an_empty_request_is_empty() -> None:
    assert decode_protobuf_spans(b"") == ([], [])


def test_damaged_bodies_never_end_in_another_error() -> None:
    body, chance = capture_bodies("pydantic-ai")[0], random.Random(7)
    for _ in range(60):
        damaged = bytearray(body)
        for _ in range(chance.randrange(1, 6)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            decode_traces(bytes(damaged[: chance.randrange(len(damaged))]), "application/protobuf")
        except UnreadableBody as error:
            assert str(error).endswith(".")


def test_the_answer_is_in_the_content_type_of_the_request() -> None:
    assert encode_trace_response(None, "application/x-protobuf") == b""
    assert encode_trace_response(None, "application/json; charset=utf-8") == b"{}"
    answer = ExportTraceServiceResponse.FromString(
        encode_trace_response((2, "No id."), "application/x-protobuf")
    )
    assert answer.partial_success.rejected_spans == 2
    assert answer.partial_success.error_message == "No id."
    assert orjson.loads(encode_trace_response((2, "No id."), "application/json")) == {
        "partialSuccess": {"rejectedSpans": "2", "errorMessage": "No id."}
    }
