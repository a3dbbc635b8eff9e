"""Plain OpenTelemetry: what every span has (service, name, status, exception events, HTTP calls).

It comes last, so that it fills what no richer dialect filled.
"""

from typing import Any
from urllib.parse import urlsplit

from runs.recording.decoding.dialects.span_outcome import read_outcome
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.span import Span

NAME = "opentelemetry"

RUN_KINDS = frozenset({"workflow", "agent", "chain", "task", "span"})


# Attributes that every call by OpenTelemetry's conventions for HTTP, databases, RPC and messaging
# has, in their old and new names, and those of web servers (ASGI) about one event of a request.
TRANSPORT = (
    "http.request.method", "http.method", "db.system.name", "db.system", "rpc.system.name",
    "rpc.system", "messaging.system", "asgi.event.type",
)  # fmt: skip
# What clients and servers of MCP agree on before any tool is called.
MCP_METHODS = frozenset({
    "initialize", "ping", "tools/list", "prompts/list", "resources/list",
    "resources/templates/list", "logging/setLevel",
})  # fmt: skip


def applies(span: Span, prefixes: set[str]) -> bool:
    return True


def read(reading: SpanReading) -> None:
    span = reading.span
    if span.kind == "client":
        _read_http_call(reading)
    reading.fill("title", span.name or "(no name)", "name")
    reading.fill("kind", "span", "")
    read_outcome(reading)
    _read_transport(reading)
    _read_resource_attributes(reading)
    reading.fill_run_from("conversation", "session.id")
    reading.fill_run_from("user", "user.id", "enduser.id")
    if span.kind == "consumer":
        reading.fields["deferred"] = True
    parent = reading.fields.get("parent_source_id", span.parent_span_id)
    if not _can_be_run(reading.fields):
        return
    if parent is None:
        reading.fields["is_run"] = True
        reading.fill_run("name", span.name, "name")
    elif span.parent_is_remote or (span.parent_is_remote is None and span.kind == "server"):
        reading.fields["parent_elsewhere"] = True


def _can_be_run(fields: dict[str, Any]) -> bool:
    """Return whether a root is the run: one that contains other steps is; a single model or tool
    call is a step."""
    return "is_run" not in fields and not fields.get("folded") and fields["kind"] in RUN_KINDS


def _read_resource_attributes(reading: SpanReading) -> None:
    resource = reading.span.resource
    project = _as_text_or_none(resource.get("openinference.project.name"))
    reading.fill("service", project, "openinference.project.name")
    service = _as_text_or_none(resource.get("service.name"))
    if service and not service.startswith("unknown_service"):
        reading.fill("service", service, "service.name")
    reading.fill("service", "unnamed", "")
    reading.fill_run(
        "version", _as_text_or_none(resource.get("service.version")), "service.version"
    )
    for name in ("deployment.environment.name", "deployment.environment"):
        reading.fill_run("environment", _as_text_or_none(resource.get(name)), name)


def _read_http_call(reading: SpanReading) -> None:
    """Read a client span by the HTTP conventions, new names and old."""
    attributes = reading.attributes
    method = _as_text_or_none(
        attributes.get("http.request.method") or attributes.get("http.method")
    )
    if not method or "kind" in reading.fields:
        return
    url = _as_text_or_none(attributes.get("url.full") or attributes.get("http.url"))
    reading.fill("kind", "http-request", "http.request.method")
    name = reading.span.name
    if name in ("", method, f"HTTP {method}"):
        address = attributes.get("server.address") or attributes.get("net.peer.name")
        host = _as_text_or_none(address) or _host_of_url(url or "")
        reading.fill("title", f"{method} {host}".strip(), "server.address")
    inputs = {"method": method, "url": url} if url else {"method": method}
    reading.fill("inputs", inputs, "url.full")
    code = attributes.get("http.response.status_code", attributes.get("http.status_code"))
    if code is not None:
        reading.fill("outputs", {"status_code": code}, "http.response.status_code")


def _read_transport(reading: SpanReading) -> None:
    """Say of calls of a transport that they are nothing else. An event of a web server's request
    (`http send`) is no step."""
    attributes, fields = reading.attributes, reading.fields
    if fields["kind"] not in ("span", "http-request") or reading.run.get("mode"):
        return
    method = attributes.get("mcp.method.name")
    if isinstance(method, str):
        is_transport = method in MCP_METHODS or method.startswith("notifications/")
    else:
        is_transport = any(name in attributes for name in TRANSPORT)
    if is_transport:
        fields["transport"] = True
    if "asgi.event.type" in attributes:
        fields.setdefault("folded", True)


def _host_of_url(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _as_text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None if value is None else str(value)
