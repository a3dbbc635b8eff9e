"""OTLP requests in JSON, as an exporter would post them, made of few words."""

import json
from typing import Any

from django.test import Client

SECOND = 1_000_000_000
BEGAN = 1_796_065_200 * SECOND  # nanoseconds since the epoch
KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}


def trace_id(number: int) -> str:
    return f"{number:032x}"


def span_id(number: int) -> str:
    return f"{number:016x}"


def otlp_span(
    trace: int,
    number: int,
    name: str,
    parent: int | None = None,
    at: tuple[float, float] = (0, 1),
    kind: str = "internal",
    links: tuple[tuple[int, int], ...] = (),
    failed: bool = False,
    **attributes: object,
) -> dict[str, Any]:
    """Return a span; `at` in seconds, `links` are pairs of trace and span. Attributes are texts or
    numbers, with "__" for each dot of their names."""
    start, end = (str(BEGAN + round(seconds * SECOND)) for seconds in at)
    span: dict[str, Any] = {
        "traceId": trace_id(trace),
        "spanId": span_id(number),
        "name": name,
        "kind": KINDS[kind],
        "startTimeUnixNano": start,
        "endTimeUnixNano": end,
        "status": {"code": 2, "message": "it broke"} if failed else {},
        "attributes": _attributes(attributes),
        "links": [{"traceId": trace_id(of), "spanId": span_id(to)} for of, to in links],
    }
    if parent is not None:
        span["parentSpanId"] = span_id(parent)
    return span


def _attributes(values: dict[str, object]) -> list[dict[str, Any]]:
    return [
        {"key": name.replace("__", "."), "value": _value(value)} for name, value in values.items()
    ]


def _value(value: object) -> dict[str, Any]:
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"stringValue": value if isinstance(value, str) else json.dumps(value)}


def otlp_request(
    spans: list[dict[str, Any]], service: str = "kiln", **resource_attributes: object
) -> bytes:
    attributes = {"service__name": service, **resource_attributes}
    resource = {"attributes": _attributes(attributes)}
    scope_spans = [{"scope": {"name": "tests"}, "spans": spans}]
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": scope_spans}]}
    return json.dumps(body).encode()


def post_spans(
    key: str, spans: list[dict[str, Any]], service: str = "kiln", **resource_attributes: object
) -> None:
    """Post spans to /v1/traces."""
    response = Client().post(
        "/v1/traces",
        otlp_request(spans, service, **resource_attributes),
        content_type="application/json",
        headers={"x-api-key": key},
    )
    assert response.status_code == 200, response.content
