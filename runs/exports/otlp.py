"""Runs as OTLP in JSON: what `POST /v1/traces` of any backend takes.

Spans are made of what was received. Inputs and outputs go back under the attribute that they came
from where it held the whole value, else under OpenInference's; `waylog.step` beside them tells a
Waylog the rest (see the dialect `waylog`). Facts: OTLP 1.x in JSON (ids in hex, 64-bit integers as
text), OpenInference's names of attributes.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import blake2b
from itertools import groupby, islice
from typing import Any
from uuid import UUID

import orjson

from nodes.choices import ERRORS
from nodes.clock import hex_id
from nodes.models import NodeExecution, Payload
from runs.models import Run
from runs.recording.decoding.dialects.waylog import SPAN_FIELDS, STEP_ATTRIBUTE, VALUE_FIELDS
from runs.recording.records.payload_values import canonical
from runs.recording.records.record import NodeRecord
from runs.recording.records.record_json import record_to_json
from runs.recording.records.span import MAX_DEPTH
from runs.recording.storing.execution_rows import records_of

SPAN_ID, TRACE_ID = re.compile("[0-9a-f]{16}"), re.compile("[0-9a-f]{32}")
SPANS_AT_ONCE = 100
KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
# Attributes that hold inputs or outputs as a whole.
WHOLE = re.compile(
    r"(input|output)\.value|(traceloop\.entity|langfuse\.(trace|observation))\.(input|output)"
    r"|gen_ai\.tool\.call\.(arguments|result)|haystack\.component\.(input|output)"
    r"|haystack\.pipeline\.(input|output)_data|mlflow\.span(Inputs|Outputs)"
    r"|genkit:(input|output)|lmnr\.span\.(input|output)"
)
USUAL = {"inputs": "input.value", "outputs": "output.value", "process_data": "waylog.process_data"}
# Kinds of OpenInference, where they are not the kind in capitals.
OPENINFERENCE = {"llm": "LLM", "agent": "AGENT", "tool": "TOOL", "retriever": "RETRIEVER",
                 "knowledge-retrieval": "RETRIEVER", "embedding": "EMBEDDING",
                 "reranker": "RERANKER", "guardrail": "GUARDRAIL",
                 "evaluator": "EVALUATOR"}  # fmt: skip
CONVENTIONS = ("openinference.", "gen_ai.", "llm.")


def otlp_lines(runs: Iterable[Run]) -> Iterator[bytes]:
    """A request a run, one a line, as collectors write files. Runs were loaded `with_sources()`."""
    for run in runs:
        yield from trace_request(run)
        yield b"\n"


def trace_request(run: Run) -> Iterator[bytes]:
    """One ExportTraceServiceRequest with all spans of a run, piece by piece."""
    ids = _SpanIds(run.id)
    steps = records_of(run)
    yield b'{"resourceSpans":['
    comma = b""
    while part := list(islice(steps, SPANS_AT_ONCE)):
        for _, group in groupby(part, key=lambda pair: (pair[0].resource_id, _scope(pair[1]))):
            yield comma + orjson.dumps(_resource_spans(list(group), ids))
            comma = b","
    yield b"]}"


class _SpanIds:
    """Producers' ids of a run's steps as span ids."""

    def __init__(self, run_id: UUID) -> None:
        self.known: dict[str, str] = {}
        steps = NodeExecution.objects.filter(run=run_id, hints__contains='"span_ids"')
        for source_id, hints in steps.values_list("source_id", "hints"):
            own = [id_ for id_ in orjson.loads(hints)["span_ids"] if SPAN_ID.fullmatch(id_)]
            self.known |= dict.fromkeys([source_id, *own], own[0]) if own else {}

    def __getitem__(self, source_id: str) -> str:
        return self.known.get(source_id) or _hex(source_id, SPAN_ID, 8)


def _hex(id_: str, form: re.Pattern[str], size: int) -> str:
    """The id itself where it is one of OpenTelemetry's (a UUID is a trace id), else derived."""
    plain = hex_id(id_).lower()
    if form.fullmatch(plain) and plain.strip("0"):
        return plain
    return blake2b(id_.encode("utf-8", "replace"), digest_size=size).hexdigest()


def _scope(record: NodeRecord) -> str:
    return str((record.received or {}).get("scope") or "")


def _resource_spans(group: list[tuple[NodeExecution, NodeRecord]], ids: _SpanIds) -> dict[str, Any]:
    _, first = group[0]
    resource = first.resource or {"service.name": first.service}
    name, _, version = _scope(first).rpartition(" ")
    scope = {"name": name, "version": version} if name else {"name": version}
    return {
        "resource": {"attributes": _attributes(resource)},
        "scopeSpans": [{"scope": scope, "spans": [_span(*pair, ids) for pair in group]}],
    }


def _span(step: NodeExecution, record: NodeRecord, ids: _SpanIds) -> dict[str, Any]:
    received = record.received if isinstance(record.received, dict) else {}
    failed = step.status in ERRORS or received.get("status") == "error"
    told: dict[str, Any] = {
        "traceId": _hex(record.trace, TRACE_ID, 16),
        "spanId": ids[record.source_id],
        "name": received.get("name") or step.title,
        "kind": KINDS.get(received.get("kind", ""), 1),
        "startTimeUnixNano": _nanoseconds(record.started_us),
        "endTimeUnixNano": _nanoseconds(record.ended_us),
        "attributes": _attributes(_told(step, record, received)),
        "events": [
            {
                "name": event["name"],
                "timeUnixNano": _nanoseconds(event.get("time_us")),
                "attributes": _attributes(event.get("attributes") or {}),
            }
            for event in received.get("events") or ()
        ],
        "links": [
            {
                "traceId": link.get("trace_id", ""),
                "spanId": link.get("span_id", ""),
                "attributes": _attributes(link.get("attributes") or {}),
            }
            for link in received.get("links") or ()
        ],
    }
    if record.parent_source_id:
        told["parentSpanId"] = ids[record.parent_source_id]
    if failed:
        told["status"] = {"code": 2, "message": received.get("status_message") or step.error}
    return told


def _told(step: NodeExecution, record: NodeRecord, received: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a span."""
    attributes = dict(received.get("attributes") or {})
    read_from = received.get("read_from") or {}
    sent = set(attributes)
    values: dict[str, tuple[str, str]] = {}
    for field in VALUE_FIELDS:
        payload: Payload | None = getattr(step, field)
        if payload is None:
            continue
        _, attribute = read_from.get(field, ("", ""))
        if not WHOLE.fullmatch(attribute) or attribute in attributes:
            attribute = USUAL[field] if USUAL[field] not in attributes else f"waylog.{field}"
        attributes[attribute] = payload.text
        if getattr(record, field) is not None:
            sent.add(attribute)
            values[field] = (attribute, payload.encoding)
        if attribute in ("input.value", "output.value") and payload.encoding == "json":
            attributes.setdefault(attribute.replace("value", "mime_type"), "application/json")
    if not any(name.startswith(CONVENTIONS) for name in sent):
        attributes = _openinference(step) | attributes
    told = record_to_json(replace(record, read_from=read_from))
    step_told = {name: value for name, value in told.items() if name not in SPAN_FIELDS}
    own = {"step": step_told, "values": values, "added": sorted(set(attributes) - sent)}
    return attributes | {STEP_ATTRIBUTE: canonical(own)[1].decode()}


def _openinference(step: NodeExecution) -> dict[str, Any]:
    """What a step is, for backends that read OpenInference."""
    told = {
        "openinference.span.kind": OPENINFERENCE.get(step.kind, "CHAIN"),
        "llm.model_name": step.model or None,
        "llm.provider": step.provider or None,
        "llm.token_count.prompt": step.input_tokens,
        "llm.token_count.completion": step.output_tokens,
        "llm.token_count.total": step.total_tokens,
    }
    return {name: value for name, value in told.items() if value is not None}


def _attributes(told: dict[str, Any], levels: int = MAX_DEPTH) -> list[dict[str, Any]]:
    return [{"key": name, "value": _value(value, levels)} for name, value in told.items()]


def _value(value: Any, levels: int) -> dict[str, Any]:
    """An AnyValue; what is nested deeper than OTLP is taken here, as JSON text."""
    match value:
        case None:
            return {}
        case bool():
            return {"boolValue": value}
        case int() if -(2**63) <= value < 2**63:
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case list() | dict() if not levels:
            return {"stringValue": canonical(value)[1].decode()}
        case list():
            return {"arrayValue": {"values": [_value(item, levels - 1) for item in value]}}
        case dict():
            return {"kvlistValue": {"values": _attributes(value, levels - 1)}}
    return {"stringValue": str(value)}


def _nanoseconds(us: int | None) -> str:
    return str((us or 0) * 1000)
