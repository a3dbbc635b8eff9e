"""Answers requests to a wrong address with the right one, and shows them in the inbox."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve

from runs.access import key_from
from runs.recording.receiving.endpoint import ENDPOINTS, record_in_inbox, refusal_response
from runs.recording.receiving.request import IncomingRequest, Refusal

GRPC = "application/grpc"
# What producers send and no page of ours does.
MACHINE_TYPES = frozenset({
    "application/x-protobuf", "application/protobuf", "application/json", "application/x-ndjson",
    "application/x-thrift", "application/vnd.apache.thrift.binary", "text/event-stream",
})  # fmt: skip
SIGNALS = ("traces", "logs", "metrics")


class MisdirectedMiddleware:
    """Runs before the CSRF check and sign-in, which would answer a machine with a page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        is_lost = response.status_code == 404 and request.resolver_match is None
        if not is_lost or not _is_machine(request):
            return response
        return _response_of_intended_endpoint(request) or _advice_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], *_: object
    ) -> HttpResponse | None:
        # Only what takes posts from machines is exempt from the CSRF check.
        is_lost = not getattr(view, "csrf_exempt", False)
        is_lost = is_lost or (request.content_type or "").startswith(GRPC)
        return _advice_response(request) if is_lost and _is_machine(request) else None


def _response_of_intended_endpoint(request: HttpRequest) -> HttpResponseBase | None:
    """Return the answer of the endpoint that is meant: a slash too many at the end is no reason to
    refuse."""
    try:
        match = resolve(request.path_info.rstrip("/"))
    except Resolver404:
        return None
    return match.func(request, **match.kwargs) if match.func in ENDPOINTS else None


def advice(path: str, content_type: str, server: str) -> str:
    """Return what is wrong with an address and which one is right, in a sentence or two. `server`
    is http://host:port."""
    name = path.rstrip("/").rpartition("/")[2]
    signal = next((it for it in SIGNALS if it[:-1] in name.lower()), "traces")
    right = f"{server}/v1/{signal}"
    if content_type.startswith(GRPC):
        return (
            f"This is gRPC, but this port accepts OTLP over HTTP: set OTEL_EXPORTER_OTLP_PROTOCOL="
            f"http/protobuf and OTEL_EXPORTER_OTLP_ENDPOINT={server}, or start `manage.py "
            f"serve_grpc`, which takes gRPC on port 4317."
        )
    if "thrift" in content_type:
        return f"This is Jaeger's format: use an exporter for OTLP over HTTP and send to {right}."
    if path.count("/v1/") > 1:
        return (
            f"The path {path} is doubled: exporters add /v1/{signal} themselves. "
            f"Set OTEL_EXPORTER_OTLP_ENDPOINT={server}."
        )
    if path.startswith("/api/public"):
        return (
            f"Nothing takes a POST at {path}: Langfuse's clients want {server} as host, "
            f"OpenTelemetry's send to {server}/api/public/otel/v1/traces."
        )
    return (
        f"Nothing takes a POST at {path}: {signal} go to {right}. "
        f"With OTEL_EXPORTER_OTLP_ENDPOINT={server} exporters find it themselves."
    )


def _is_machine(request: HttpRequest) -> bool:
    content_type = request.content_type or ""
    return request.method == "POST" and (
        content_type in MACHINE_TYPES or content_type.startswith(GRPC)
    )


def _advice_response(request: HttpRequest) -> HttpResponse:
    incoming = IncomingRequest(request)
    incoming.key = key_from(request)
    server = request.build_absolute_uri("/")[:-1]
    incoming.problem = advice(request.path, incoming.content_type, server)
    # Clients of gRPC show the status of an answer that is none of theirs, some its text as well;
    # for one of theirs the server would have to send trailers.
    response = refusal_response(Refusal(404, incoming.problem), incoming.content_type)
    record_in_inbox(incoming, response)
    return response
