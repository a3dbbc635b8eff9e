"""OTLP/JSON bodies to spans.

Our own walk over the parsed document, because protobuf's JSON reader wants base64 ids where OTLP
has hex. Tolerates snake_case keys, numbers or text for 64-bit integers, numbers or names for enums,
and ignores what it does not know.
"""

import json
from collections.abc import Collection
from typing import Any

from runs.recording.decoding.otlp.json_values import (
    attributes_of,
    id_of,
    items_of,
    objects,
    pick,
    raw_of,
    resource_of,
    scope_of,
    text_of,
    time_of,
    whole,
)
from runs.recording.records.json_text import NotJson, parse_json
from runs.recording.records.record import Refused
from runs.recording.records.request_body import UnreadableBody
from runs.recording.records.span import KINDS, STATUSES, BadSpan, Span, SpanEvent


def decode_json(body: bytes) -> tuple[list[Span], list[Refused]]:
    """The spans of an ExportTraceServiceRequest in the order sent, and those refused.
    Raises UnreadableBody when the body is not such a document."""
    try:
        document = parse_json(body)
    except NotJson as error:
        raise UnreadableBody(f"The body is not readable JSON: {error}.") from error
    if not isinstance(document, dict):
        raise UnreadableBody("The body is not an OTLP trace request: it is not a JSON object.")
    spans: list[Span] = []
    refused: list[Refused] = []
    for resource_spans in objects(document, "resourceSpans", "resource_spans"):
        resource = resource_of(resource_spans)
        for scope_spans in objects(resource_spans, "scopeSpans", "scope_spans"):
            scope = scope_of(scope_spans)
            for told in items_of(scope_spans, "spans"):
                try:
                    spans.append(_span(told, resource, scope))
                except BadSpan as error:
                    around = (resource_spans.get("resource"), scope_spans.get("scope"))
                    refused.append(Refused(str(error), raw_of(told), in_json(told, *around)))
    return spans, refused


def _span(told: Any, resource: dict[str, Any], scope: str) -> Span:
    if not isinstance(told, dict):
        raise BadSpan("A span is not a JSON object.")
    status = pick(told, "status")
    status = status if isinstance(status, dict) else {}
    return Span(
        id_of(told, 32, "traceId", "trace_id"),
        id_of(told, 16, "spanId", "span_id"),
        _parent(told),
        text_of(told, "name"),
        _enum(pick(told, "kind"), KINDS, "SPAN_KIND_"),
        time_of(told, "startTimeUnixNano", "start_time_unix_nano"),
        time_of(told, "endTimeUnixNano", "end_time_unix_nano"),
        _enum(status.get("code"), STATUSES, "STATUS_CODE_"),
        text_of(status, "message"),
        attributes_of(items_of(told, "attributes")),
        [
            SpanEvent(
                text_of(event, "name"),
                time_of(event, "timeUnixNano", "time_unix_nano"),
                attributes_of(items_of(event, "attributes")),
            )
            for event in objects(told, "events")
        ],
        [
            {
                "trace_id": text_of(link, "traceId", "trace_id").lower(),
                "span_id": text_of(link, "spanId", "span_id").lower(),
                "attributes": attributes_of(items_of(link, "attributes")),
            }
            for link in objects(told, "links")
        ],
        resource,
        scope,
    )


def _parent(told: dict[str, Any]) -> str | None:
    # A parent id that is no id is kept as told: the span is then shown as an orphan, not lost.
    text = text_of(told, "parentSpanId", "parent_span_id").lower()
    return text if text.strip("0") else None


def _enum(told: Any, names: tuple[str, ...], prefix: str) -> str:
    if isinstance(told, str):
        name = told.removeprefix(prefix).lower()
        if name in names:
            return name
        told = whole(told)
    if isinstance(told, int) and 0 <= told < len(names):
        return names[told]
    return names[0]


def in_json(span: Any, resource: Any, scope: Any) -> bytes:
    """A whole request of one span; b"" where it is nested too deep to be written."""
    scope_spans = {"scope": scope, "spans": [span]}
    request = {"resourceSpans": [{"resource": resource, "scopeSpans": [scope_spans]}]}
    try:
        return json.dumps(request).encode()
    except RecursionError:
        return b""


def cut(body: bytes, trace: str, ids: Collection[str]) -> bytes:
    """A whole request of the span of `trace` whose id is one of `ids`; b"" where there is none."""
    for told in objects(parse_json(body), "resourceSpans", "resource_spans"):
        for part in objects(told, "scopeSpans", "scope_spans"):
            for span in objects(part, "spans"):
                own = text_of(span, "spanId", "span_id").lower()
                if own in ids and text_of(span, "traceId", "trace_id").lower() == trace:
                    return in_json(span, told.get("resource"), part.get("scope"))
    return b""
