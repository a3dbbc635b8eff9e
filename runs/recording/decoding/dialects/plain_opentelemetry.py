"""Plain OpenTelemetry: what every span has (service, name, status, exception events, HTTP calls).

It comes last, so that it fills what no richer dialect filled.
"""

import re
from typing import Any
from urllib.parse import urlsplit

from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.span import Span

NAME = "opentelemetry"

# A LangGraph node that waits for a person raises one of these; nothing failed.
INTERRUPTS = frozenset({"GraphInterrupt", "NodeInterrupt"})
RUN_KINDS = frozenset({"workflow", "agent", "chain", "task", "span"})
STACK_HEAD = re.compile(r"\n\n([A-Za-z_$][\w$.]*)(?: \[\w+\])?: ")
FAILED_STATUSES = frozenset({"failed", "exception", "retry"})


def applies(span: Span, prefixes: set[str]) -> bool:
    return True


def read(reading: SpanReading) -> None:
    span = reading.span
    if span.kind == "client":
        _read_http_call(reading)
    reading.fill("title", span.name or "(no name)", "name")
    reading.fill("kind", "span", "")
    _read_span_status(reading)
    _read_resource_attributes(reading)
    reading.fill_run_from("conversation", "session.id")
    reading.fill_run_from("user", "user.id", "enduser.id")
    parent = reading.fields.get("parent_source_id", span.parent_span_id)
    if parent is None and _can_be_run(reading.fields):
        reading.fields["is_run"] = True
        reading.fill_run("name", span.name, "name")


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


def _read_span_status(reading: SpanReading) -> None:
    """Read status and error. UNSET is success. The message of the exception is preferred to the
    text of the status, which in many frameworks contains the class and the stack as well."""
    span = reading.span
    error_type, message = _last_exception(span) if span.events else ("", "")
    stated_type, status_message = without_stack(span.status_message)
    error_type = error_type or _as_text_or_none(reading.attributes.get("error.type")) or stated_type
    if error_type.rpartition(".")[2] in INTERRUPTS:
        reading.fill("status", "paused", "exception.type")
        return
    if span.status == "error":
        reading.fill("status", "failed", "status")
    elif span.end_us is not None:
        reading.fill("status", "succeeded", "status")
    if reading.fields.get("status") in FAILED_STATUSES:
        reading.fill("error", message, "exception.message")
        reading.fill("error", status_message, "status.message")
        reading.fill("error_type", error_type, "exception.type")


def _last_exception(span: Span) -> tuple[str, str]:
    """Return type and message of the last exception recorded on the span: the one that ended it."""
    for event in reversed(span.events):
        if event.name == "exception":
            attributes = event.attributes
            names = ("exception.type", "exception.message")
            error_type, message = (_as_text_or_none(attributes.get(name)) or "" for name in names)
            stack_type, message = without_stack(message)
            return error_type or stack_type, message
    return "", ""


def has_raised(span: Span) -> bool:
    """Return whether an exception ended the span, and not a wait for a person."""
    error_type, message = _last_exception(span)
    return bool(error_type or message) and error_type.rpartition(".")[2] not in INTERRUPTS


def without_stack(text: str) -> tuple[str, str]:
    """Return the type and the message of an error that LangChain.js tells with its stack:
    "MESSAGE\\n\\nTYPE: MESSAGE\\n    at …". Of other texts the type is "" and nothing is cut."""
    head, frame, _ = text.partition("\n    at ")
    if frame:
        for match in STACK_HEAD.finditer(head):
            message = head[: match.start()]
            if head[match.end() :] == message:
                return match[1], message
    return "", text


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


def _host_of_url(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _as_text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None if value is None else str(value)
