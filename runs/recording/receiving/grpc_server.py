"""OTLP over gRPC. Each call is answered by the endpoint of OTLP over HTTP that takes the same body,
so that keys, limits, storage and inbox are the same. Needs the package grpcio."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import grpc
from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.core.signals import request_started
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTracePartialSuccess

from runs.recording.receiving import otlp
from runs.recording.receiving.endpoint import PROTOBUF

# The services of opentelemetry-proto, each with its one method Export.
SERVICES: dict[str, tuple[str, Callable[..., HttpResponseBase]]] = {
    "opentelemetry.proto.collector.trace.v1.TraceService": ("/v1/traces", otlp.traces),
    "opentelemetry.proto.collector.logs.v1.LogsService": ("/v1/logs", otlp.logs),
    "opentelemetry.proto.collector.metrics.v1.MetricsService": ("/v1/metrics", otlp.metrics),
}
# Clients send again after UNAVAILABLE (https://opentelemetry.io/docs/specs/otlp/#failures).
CODES = {
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    503: grpc.StatusCode.UNAVAILABLE,
}


def grpc_server(address: str, tls: tuple[bytes, bytes] | None = None) -> tuple[grpc.Server, int]:
    """Return a server, not started, that listens at `address` (host:port), and the port that it
    got; `tls` is a private key and a chain of certificates in PEM. Raises RuntimeError where it
    cannot listen."""
    server = grpc.server(
        ThreadPoolExecutor(settings.WAYLOG_THREADS, "grpc"),
        options=[
            ("grpc.max_receive_message_length", settings.WAYLOG_MAX_BODY),
            ("grpc.so_reuseport", 0),
        ],
    )
    for service, (path, view) in SERVICES.items():
        # Without deserializers, bodies come and answers go as bytes.
        method = grpc.unary_unary_rpc_method_handler(partial(_answer, path, view))
        handler = grpc.method_handlers_generic_handler(service, {"Export": method})
        server.add_generic_rpc_handlers((handler,))
    if tls is None:
        return server, server.add_insecure_port(address)
    return server, server.add_secure_port(address, grpc.ssl_server_credentials([tls]))


def _answer(
    path: str, view: Callable[..., HttpResponseBase], body: bytes, context: grpc.ServicerContext
) -> bytes:
    """Answer one call; a refusal ends it with a status and a sentence."""
    request_started.send(sender=grpc_server)  # old connections to the database are closed
    response = view(_http_request(path, body, context))
    assert isinstance(response, HttpResponse)  # these endpoints do not stream
    try:
        if response.status_code != 200:
            # A google.rpc.Status, which has its message where this one has its own.
            sentence = ExportTracePartialSuccess.FromString(response.content).error_message
            code = CODES.get(response.status_code, grpc.StatusCode.INVALID_ARGUMENT)
            context.abort(code, sentence)  # raises
        return response.content
    finally:
        response.close()  # writes to the inbox


def _http_request(path: str, body: bytes, context: grpc.ServicerContext) -> WSGIRequest:
    """Return a call as the request that it would be over HTTP. Its metadata are headers; whether
    the way to this server is safe, the command that starts it has checked."""
    environ: dict[str, Any] = {
        f"HTTP_{key.upper().replace('-', '_')}": value
        for key, value in context.invocation_metadata()
        if isinstance(value, str)
    }
    environ |= {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "CONTENT_TYPE": PROTOBUF,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "https",
    }
    environ.pop("HTTP_CONTENT_ENCODING", None)
    environ.pop("HTTP_X_FORWARDED_PROTO", None)
    return WSGIRequest(environ)
