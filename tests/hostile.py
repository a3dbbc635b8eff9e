"""Spans as OTLP/JSON, made by hand, and texts that break things."""

import json
from collections.abc import Callable
from typing import Any

from django.test import Client

START = 1_790_000_000_000_000_000  # nanoseconds
SECOND = 1_000_000_000
Post = Callable[..., Any]

NASTY = [
    "", " ", "\0", "\0a\0", "\x01\x02\x1b\x7f\x85", "\ufffe\uffff", "\ud800", "a\nb\r\n", "\u2028",
    "\u202eabc\u2066", "</script><script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>",
    "</textarea></svg></foreignObject>", "{{ 7 }}{% now %}", "&lt;&amp", "x" * 1_000_000, "/", "..",
    "../..", "a/b", "%2F", "a?b#c", "//evil.example", "javascript:alert(1)", "😀", "runs", "new",
    "[x](javascript:alert(1))", "|" * 50, "__end__",
]  # fmt: skip


def value(content: Any) -> dict[str, Any]:
    """An AnyValue in OTLP/JSON."""
    if isinstance(content, bool):
        return {"boolValue": content}
    if isinstance(content, int):
        return {"intValue": str(content)}
    if isinstance(content, float):
        return {"doubleValue": content}
    if isinstance(content, str):
        return {"stringValue": content}
    if isinstance(content, list):
        return {"arrayValue": {"values": [value(item) for item in content]}}
    if isinstance(content, dict):
        return {"kvlistValue": {"values": attributes(content)}}
    return {}


def attributes(content: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value(item)} for key, item in content.items()]


def span(
    number: int,
    trace: str = "a" * 32,
    *,
    parent: int = 0,
    name: str = "step",
    start: Any = START,
    end: Any = START + SECOND,
    failed: str = "",
    kind: int = 1,
    attributes: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A span by number; `parent` 0 is none, `failed` the message of its status."""
    return {
        "traceId": trace,
        "spanId": f"{number:016x}",
        "parentSpanId": f"{parent:016x}" if parent else "",
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(start) if isinstance(start, int) else start,
        "endTimeUnixNano": str(end) if isinstance(end, int) else end,
        "status": {"code": 2, "message": failed} if failed else {},
        "attributes": [
            {"key": key, "value": value(item)} for key, item in (attributes or {}).items()
        ],
        **more,
    }


def body(
    *spans: dict[str, Any],
    service: str = "hostile",
    scope: Any = "",
    resource: dict[str, Any] | None = None,
) -> str:
    resource_attributes = attributes({"service.name": service, **(resource or {})})
    scope_spans = [{"scope": {"name": scope}, "spans": spans}]
    return json.dumps(
        {
            "resourceSpans": [
                {"resource": {"attributes": resource_attributes}, "scopeSpans": scope_spans}
            ]
        }
    )


def poster(ingest_key: str) -> Post:
    """A fixture: posts a JSON body of which every span has to be taken."""

    def send(content: str) -> None:
        answer = Client().post(
            "/v1/traces",
            content,
            content_type="application/json",
            headers={"x-api-key": ingest_key},
        )
        assert (answer.status_code, answer.content) == (200, b"{}"), answer.content

    return send


def nasty_run(text: str) -> str:
    """A run of an agent in which every name, id and value is `text`."""
    error = {f"exception.{part}": text for part in ("type", "message", "stacktrace")}
    event = {"name": text, "timeUnixNano": str(START), "attributes": attributes(error)}
    documents = {"openinference.span.kind": "RETRIEVER", "retrieval.documents.0.document.id": text,
                 "retrieval.documents.0.document.content": text, text: text}  # fmt: skip
    call = "llm.output_messages.0.message.tool_calls.0.tool_call.function."
    model = {
        "openinference.span.kind": "LLM", "llm.model_name": text, "graph.node.id": text,
        "llm.input_messages.0.message.role": text, "llm.input_messages.0.message.content": text,
        f"{call}name": text, f"{call}arguments": text, "llm.invocation_parameters": text,
    }  # fmt: skip
    agent = {"openinference.span.kind": "AGENT", "session.id": text, "user.id": text,
             "tag.tags": [text], "input.value": text, "output.value": text}  # fmt: skip
    return body(
        span(1, name=text, failed=text, attributes=agent),
        span(2, parent=1, name=text, failed=text, attributes=model, events=[event]),
        span(3, parent=1, name=text, attributes=documents),
        span(4, parent=77, name=text, attributes={"openinference.span.kind": "TOOL"}),
        service=text,
        resource={"service.version": text, "deployment.environment": text, text: text},
    )
