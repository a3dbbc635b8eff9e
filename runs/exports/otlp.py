"""Runs as OTLP in JSON, which `POST /v1/traces` of any backend accepts.

Spans are made from what was received. Inputs and outputs return to the attribute that they came
from where it held the whole value, else they go under OpenInference's. The attribute `waylog.step`
beside them holds the rest for another Waylog (see the dialect `waylog`). Sources: OTLP 1.x in JSON
(ids in hex, 64-bit integers as text), OpenInference's attribute names.
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
from runs.recording.records.span import MAX_DEPTH, TRACE_FACTS
from runs.recording.storing.execution_rows import records_of

SPAN_ID, TRACE_ID = re.compile("[0-9a-f]{16}"), re.compile("[0-9a-f]{32}")
SPANS_AT_ONCE = 100
KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
# Attributes that hold the inputs or outputs of a step as a whole.
WHOLE_VALUE = re.compile(
    r"(input|output)\.value|(traceloop\.entity|langfuse\.(trace|observation))\.(input|output)"
    r"|gen_ai\.tool\.call\.(arguments|result)|haystack\.component\.(input|output)"
    r"|haystack\.pipeline\.(input|output)_data|mlflow\.span(Inputs|Outputs)"
    r"|genkit:(input|output)|lmnr\.span\.(input|output)"
)
DEFAULT_ATTRIBUTES = {
    "inputs": "input.value",
    "outputs": "output.value",
    "process_data": "waylog.process_data",
}
# OpenInference's span kinds; every other kind of step is a CHAIN there.
OPENINFERENCE_KINDS = {"llm": "LLM", "agent": "AGENT", "tool": "TOOL", "retriever": "RETRIEVER",
                 "knowledge-retrieval": "RETRIEVER", "embedding": "EMBEDDING",
                 "reranker": "RERANKER", "guardrail": "GUARDRAIL",
                 "evaluator": "EVALUATOR"}  # fmt: skip
CONVENTIONS = ("openinference.", "gen_ai.", "llm.")


def otlp_lines(runs: Iterable[Run]) -> Iterator[bytes]:
    """Yield one request for each run, one a line, as collectors write files. Runs were loaded
    `with_sources()`."""
    for run in runs:
        yield from trace_request(run)
        yield b"\n"


def trace_request(run: Run) -> Iterator[bytes]:
    """Yield an ExportTraceServiceRequest with all spans of a run, piece by piece."""
    ids = _SpanIds(run.id)
    steps = records_of(run)
    yield b'{"resourceSpans":['
    separator = b""
    while batch := list(islice(steps, SPANS_AT_ONCE)):
        for _, group in groupby(batch, key=_resource_and_scope):
            yield separator + orjson.dumps(_resource_spans(list(group), ids))
            separator = b","
    yield b"]}"


class _SpanIds:
    """Maps the producer's ids of a run's steps to span ids: those received, else derived ones."""

    def __init__(self, run_id: UUID) -> None:
        self.known: dict[str, str] = {}
        steps = NodeExecution.objects.filter(run=run_id, hints__contains='"span_ids"')
        for source_id, hints in steps.values_list("source_id", "hints"):
            own = [id_ for id_ in orjson.loads(hints)["span_ids"] if SPAN_ID.fullmatch(id_)]
            self.known |= dict.fromkeys([source_id, *own], own[0]) if own else {}

    def __getitem__(self, source_id: str) -> str:
        return self.known.get(source_id) or _otel_id(source_id, SPAN_ID, 8)


def _otel_id(id_: str, form: re.Pattern[str], size: int) -> str:
    """Return the id in hex where it has the form of OpenTelemetry's (a UUID is a trace id), else
    `size` bytes derived from it."""
    plain = hex_id(id_).lower()
    if form.fullmatch(plain) and plain.strip("0"):
        return plain
    return blake2b(id_.encode("utf-8", "replace"), digest_size=size).hexdigest()


def _resource_and_scope(pair: tuple[NodeExecution, NodeRecord]) -> tuple[Any, ...]:
    step, record = pair
    return step.resource_id, _scope(record), _scope_attributes(record)


def _scope(record: NodeRecord) -> str:
    return str((record.received or {}).get("scope") or "")


def _scope_attributes(record: NodeRecord) -> Any:
    return (record.received or {}).get("scope_attributes") or {}


def _resource_spans(group: list[tuple[NodeExecution, NodeRecord]], ids: _SpanIds) -> dict[str, Any]:
    _, first = group[0]
    resource = first.resource or {"service.name": first.service}
    name, _, version = _scope(first).rpartition(" ")
    scope: dict[str, Any] = {"name": name, "version": version} if name else {"name": version}
    if attributes := _scope_attributes(first):
        scope["attributes"] = _attribute_list(attributes)
    return {
        "resource": {"attributes": _attribute_list(resource)},
        "scopeSpans": [{"scope": scope, "spans": [_span(*pair, ids) for pair in group]}],
    }


def _span(step: NodeExecution, record: NodeRecord, ids: _SpanIds) -> dict[str, Any]:
    received = record.received if isinstance(record.received, dict) else {}
    failed = step.status in ERRORS or received.get("status") == "error"
    span: dict[str, Any] = {
        "traceId": _otel_id(record.trace, TRACE_ID, 16),
        "spanId": ids[record.source_id],
        "name": received.get("name") or step.title,
        "kind": KINDS.get(received.get("kind", ""), 1),
        "startTimeUnixNano": _nanoseconds(record.started_us),
        "endTimeUnixNano": _nanoseconds(record.ended_us),
        "attributes": _attribute_list(_span_attributes(step, record, received)),
        "events": [
            {
                "name": event["name"],
                "timeUnixNano": _nanoseconds(event.get("time_us")),
                "attributes": _attribute_list(event.get("attributes") or {}),
            }
            for event in received.get("events") or ()
        ],
        "links": [
            {
                "traceId": link.get("trace_id", ""),
                "spanId": link.get("span_id", ""),
                "attributes": _attribute_list(link.get("attributes") or {}),
            }
            for link in received.get("links") or ()
        ],
    }
    span |= {key: received[name] for name, key in TRACE_FACTS.items() if name in received}
    if record.parent_source_id:
        span["parentSpanId"] = ids[record.parent_source_id]
    if failed:
        span["status"] = {"code": 2, "message": received.get("status_message") or step.error}
    return span


def _span_attributes(
    step: NodeExecution, record: NodeRecord, received: dict[str, Any]
) -> dict[str, Any]:
    """Return the received attributes, those for the step's values, and `waylog.step`."""
    attributes = dict(received.get("attributes") or {})
    read_from = received.get("read_from") or {}
    sent = set(attributes)
    values: dict[str, tuple[str, str]] = {}
    for field in VALUE_FIELDS:
        payload: Payload | None = getattr(step, field)
        if payload is None:
            continue
        _, attribute = read_from.get(field, ("", ""))
        if not WHOLE_VALUE.fullmatch(attribute) or attribute in attributes:
            attribute = DEFAULT_ATTRIBUTES[field]
            if attribute in attributes:
                attribute = f"waylog.{field}"
        attributes[attribute] = payload.text
        if getattr(record, field) is not None:
            sent.add(attribute)
            values[field] = (attribute, payload.encoding)
        if attribute in ("input.value", "output.value") and payload.encoding == "json":
            attributes.setdefault(attribute.replace("value", "mime_type"), "application/json")
    if not any(name.startswith(CONVENTIONS) for name in sent):
        attributes = _openinference_attributes(step) | attributes
    fields = record_to_json(replace(record, read_from=read_from))
    rest = {name: value for name, value in fields.items() if name not in SPAN_FIELDS}
    for_waylog = {"step": rest, "values": values, "added": sorted(set(attributes) - sent)}
    return attributes | {STEP_ATTRIBUTE: canonical(for_waylog)[1].decode()}


def _openinference_attributes(step: NodeExecution) -> dict[str, Any]:
    """Return the step's kind, model and tokens for backends that read OpenInference."""
    attributes = {
        "openinference.span.kind": OPENINFERENCE_KINDS.get(step.kind, "CHAIN"),
        "llm.model_name": step.model or None,
        "llm.provider": step.provider or None,
        "llm.token_count.prompt": step.input_tokens,
        "llm.token_count.completion": step.output_tokens,
        "llm.token_count.total": step.total_tokens,
    }
    return {name: value for name, value in attributes.items() if value is not None}


def _attribute_list(attributes: dict[str, Any], levels: int = MAX_DEPTH) -> list[dict[str, Any]]:
    """Return `attributes` as OTLP's list of KeyValue, nested at most `levels` deep."""
    return [{"key": name, "value": _any_value(value, levels)} for name, value in attributes.items()]


def _any_value(value: Any, levels: int) -> dict[str, Any]:
    """Return an AnyValue. Deeper values than the decoder of OTLP accepts become JSON text."""
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
            return {"arrayValue": {"values": [_any_value(item, levels - 1) for item in value]}}
        case dict():
            return {"kvlistValue": {"values": _attribute_list(value, levels - 1)}}
    return {"stringValue": str(value)}


def _nanoseconds(us: int | None) -> str:
    return str((us or 0) * 1000)
