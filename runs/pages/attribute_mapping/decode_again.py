"""Decode a stored step once more: the span as it was received, and what the dialects make of it.
Only one thing about the first decoding is stored: which attributes gave the values that moved into
inputs, outputs and process data."""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from nodes.clock import to_us
from nodes.content.payloads import load_value
from nodes.models import NodeExecution
from runs.recording.decoding.dialects import read_span
from runs.recording.records.record import NodeRecord
from runs.recording.records.span import TRACE_FACTS, Span, SpanEvent

SPAN_ID = re.compile(r"[0-9a-f]{16}")
# Decoders that do not read spans, and how the `scope` of the steps that they store begins.
NOT_SPANS = ("dify-database", "dify-events")
NOT_SPAN_SCOPES = ("dify ",)
REST = "langfuse"
VALUES = ("inputs", "process_data", "outputs")

# Field → (dialect, attribute).
ReadFrom = dict[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class DecodedAgain:
    """`span` and `record` are None for a step that was not received as a span. `kept`: what was
    stored about how it was decoded; `hints`: what it reported for the tree and the run."""

    span: Span | None
    record: NodeRecord | None
    kept: ReadFrom
    hints: dict[str, Any]

    @property
    def read_from(self) -> ReadFrom:
        return {**(self.record.read_from if self.record else {}), **self.kept}


def decode_again(execution: NodeExecution) -> DecodedAgain:
    """Return an execution that was loaded `with_payloads()`, decoded again from what is stored."""
    received = execution.received
    hints = orjson.loads(execution.hints) if execution.hints else {}
    kept = {name: (source[0], source[1]) for name, source in received.get("read_from", {}).items()}
    if not _came_as_span(execution, received, kept, hints):
        return DecodedAgain(None, None, kept, hints)
    span = _span_from_execution(execution, received, kept)
    return DecodedAgain(span, _record_from_span(span), kept, hints)


def _came_as_span(
    execution: NodeExecution, received: dict[str, Any], kept: ReadFrom, hints: dict[str, Any]
) -> bool:
    scope = str(received.get("scope") or "")
    if scope.startswith(NOT_SPAN_SCOPES) or any(name in NOT_SPANS for name, _ in kept.values()):
        return False
    has_span_id = SPAN_ID.fullmatch(execution.source_id) or hints.get("span_ids")
    return bool(has_span_id or scope == REST)


def _record_from_span(span: Span) -> NodeRecord | None:
    try:
        return read_span(span)
    except Exception:  # a later version of a dialect may fail on what an earlier one accepted
        return None


def _span_from_execution(
    execution: NodeExecution, received: dict[str, Any], kept: ReadFrom
) -> Span:
    """Return the span, with the values that had moved back under the names of their attributes."""
    attributes = dict(received.get("attributes") or {})
    for name, (_, attribute) in kept.items():
        payload = getattr(execution, name)
        if payload is not None:
            attributes.setdefault(attribute, load_value(payload))
    resource = load_value(execution.resource) if execution.resource else {}
    failed = execution.told_status == "failed" or received.get("status") == "error"
    return Span(
        trace_id="",
        span_id=execution.source_id,
        parent_span_id=execution.parent_source_id or None,
        name=received.get("name", execution.title),
        kind=received.get("kind", "internal"),
        start_us=to_us(execution.started_at),
        end_us=to_us(execution.ended_at),
        status="error" if failed else "unset",
        status_message=received.get("status_message", execution.error if failed else ""),
        attributes=attributes,
        events=[_span_event(event) for event in received.get("events") or ()],
        links=received.get("links") or [],
        resource=resource if isinstance(resource, dict) else {},
        scope=str(received.get("scope") or ""),
        trace_facts={
            name: received[name] for name in (*TRACE_FACTS, "scope_attributes") if name in received
        },
    )


def _span_event(event: dict[str, Any]) -> SpanEvent:
    return SpanEvent(event["name"], event["time_us"], event["attributes"])
