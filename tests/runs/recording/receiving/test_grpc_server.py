"""OTLP over gRPC, through a real channel."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from django.core.management import CommandError, call_command
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from runs.models import IngestKey, ReceivedRequest, Run
from runs.recording.receiving.grpc_server import grpc_server

EXPORT = "/opentelemetry.proto.collector.{}Service/Export"
pytestmark = pytest.mark.django_db(transaction=True)  # calls are answered by threads of the server


@pytest.fixture
def channel() -> Iterator[grpc.Channel]:
    server, port = grpc_server("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    server.stop(None).wait()


def spans(*names: str) -> bytes:
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for number, name in enumerate(names, 1):
        scope.spans.add(
            trace_id=bytes([number] * 16), span_id=bytes([number] * 8), name=name,
            start_time_unix_nano=1_796_000_000 * 10**9, end_time_unix_nano=1_796_000_001 * 10**9,
            attributes=[{"key": "openinference.span.kind", "value": {"string_value": "CHAIN"}}],
        )  # fmt: skip
    return request.SerializeToString()


def export(
    channel: grpc.Channel, body: bytes, signal: str = "trace.v1.Trace", **metadata: str
) -> Any:
    headers = [(key.replace("_", "-"), value) for key, value in metadata.items()]
    call = channel.unary_unary(EXPORT.format(signal))
    return call(body, metadata=headers, timeout=20, compression=grpc.Compression.Gzip)


def test_spans_logs_and_metrics_are_taken(channel: grpc.Channel, ingest_key: str) -> None:
    answer = export(channel, spans("Greet", "Part"), authorization=f"Bearer {ingest_key}")
    assert not ExportTraceServiceResponse.FromString(answer).partial_success.rejected_spans
    assert set(Run.objects.values_list("name", flat=True)) == {"Greet", "Part"}
    assert export(channel, b"", "logs.v1.Logs", x_api_key=ingest_key) == b""
    assert export(channel, b"", "metrics.v1.Metrics", x_api_key=ingest_key) == b""
    listed = set(ReceivedRequest.objects.values_list("door", "status", "records"))
    assert ("/v1/traces", 200, 2) in listed


def test_a_refusal_is_a_status_and_a_sentence(channel: grpc.Channel, ingest_key: str) -> None:
    _, reader = IngestKey.create("reader", can_ingest=False, can_read=True)
    for key, body, code, sentence in (
        ("", spans("a"), "UNAUTHENTICATED", "No valid key: none was sent."),
        (reader, spans("a"), "PERMISSION_DENIED", "This key can read but not record."),
        (ingest_key, b"no protobuf", "INVALID_ARGUMENT", "The body is not"),
    ):
        with pytest.raises(grpc.RpcError) as refused:
            export(channel, body, **({"x_api_key": key} if key else {}))
        assert refused.value.code().name == code
        assert refused.value.details().startswith(sentence)
    assert not Run.objects.exists()


def test_keys_do_not_travel_in_clear(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    with pytest.raises(CommandError, match="must not travel in clear"):
        call_command("serve_grpc", host="0.0.0.0")
    with pytest.raises(CommandError, match="needs both"):
        call_command("serve_grpc", tls_key="key.pem")
