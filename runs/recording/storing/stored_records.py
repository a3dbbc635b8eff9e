"""A stored step as the record that makes it again: the inverse of `rows_io.row_of`."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID
from zlib import crc32

import orjson

from nodes.clock import to_us
from nodes.compression import unpack
from nodes.models import NodeExecution, Payload
from runs.models import Run
from runs.recording.records.record import Cost, LogLine, NodeRecord, Usage
from runs.recording.records.record_json import InvalidRecord, parse_exact
from runs.recording.records.row import COLUMN_BY_FIELD, LOG_COLUMNS, facts_from_hints
from runs.recording.storing.identity import TRACE
from runs.recording.storing.log_merging import LogEntry
from runs.recording.storing.row_io import HINTS

AT_ONCE = 100  # steps whose values are in memory
FIELD_OF = {column: name for name, column in COLUMN_BY_FIELD.items()}
_TEXTS = ("kind", "model", "provider", "error", "error_type", "taken", "parent_source_id")
_TOKENS = {"input": "input_tokens", "output": "output_tokens", "cached": "cached_tokens",
           "cache_write": "cache_write_tokens", "reasoning": "reasoning_tokens",
           "total": "total_tokens"}  # fmt: skip

# What a stored value becomes in a record.
Reader = Callable[[Payload], Any]


def exact(payload: Payload) -> Any:
    """The value with integers of any length; what no parser takes as text."""
    try:
        return parse_exact(payload.raw) if payload.encoding == "json" else payload.text
    except InvalidRecord:
        return payload.text


def verbatim(payload: Payload) -> Any:
    """The value to be written into JSON as it is stored, without being read."""
    return orjson.Fragment(payload.raw) if payload.encoding == "json" else payload.text


def traces_of(run: Run) -> list[str]:
    """The producer's ids of the run's traces; the run was loaded `with_sources()`."""
    return sorted(source.source_id for source in run.sources.all() if source.kind == TRACE)


def each_step(run_id: UUID) -> Iterator[NodeExecution]:
    """All executions of a run with their payloads, in the order of the tree. Their ids are put in
    order first, and their values read in parts: a database that sorts rows with all their values
    would need room for them."""
    steps = NodeExecution.objects.in_run(run_id)
    ids = list(steps.values_list("id", flat=True))
    for start in range(0, len(ids), AT_ONCE):
        part = ids[start : start + AT_ONCE]
        found = {row.id: row for row in steps.with_payloads().filter(id__in=part)}
        yield from (found[id_] for id_ in part if id_ in found)


def records_of(run: Run, read: Reader = exact) -> Iterator[tuple[NodeExecution, NodeRecord]]:
    """Each step of a run with its record. The run was loaded `with_sources()`."""
    traces = traces_of(run)
    for step in each_step(run.id):
        yield step, record_of(step, traces, read)


def record_of(step: NodeExecution, traces: Sequence[str], read: Reader = exact) -> NodeRecord:
    """What was told of a step, without what was read from its logs. Values are `read` from their
    payloads."""
    hints = orjson.loads(step.hints) if step.hints else {}
    assembled = hints.get("assembled", ())
    told = _told(step, hints, assembled)
    for name in ("inputs", "outputs", "process_data"):
        payload = getattr(step, name)
        if payload is not None and f"{name}_id" not in assembled:
            told[name], told[f"{name}_cut"] = read(payload), payload.cut_of
            if name != "process_data":
                told[f"{name}_preview"] = getattr(step, f"{name}_preview")
    if step.resource is not None:
        told["resource"] = read(step.resource)
    if step.received_body is not None:
        told["received"] = _received(bytes(step.received_body), read)
    return NodeRecord(
        trace=hints.get("logs_trace") or _trace(step, traces),
        source_id=step.source_id,
        service=step.service,
        logs=tuple(_logs(hints, read)),
        logs_cut=hints.get("logs_cut", False),
        rank={FIELD_OF.get(name, name): rank for name, rank in hints.get("rank", {}).items()},
        run=facts_from_hints(hints),
        **told,
    )


def _told(step: NodeExecution, hints: dict[str, Any], assembled: Collection[str]) -> dict[str, Any]:
    """Fields of columns and hints."""

    def column(name: str) -> Any:
        return LOG_COLUMNS[name] if name in assembled else getattr(step, name)

    usage = Usage(**{name: column(of) for name, of in _TOKENS.items()})
    cost = None
    if step.cost_reported and step.cost is not None:
        cost = Cost(step.cost, step.cost_currency)
    return {
        "title": column("title"),
        "node_id": step.told_node_id or None,
        "status": step.told_status or None,
        "started_us": None if "started_us" in assembled else to_us(step.started_at),
        "ended_us": None if "ended_us" in assembled else to_us(step.ended_at),
        "usage": usage if usage != Usage() else None,
        "cost": cost,
        "attempt": step.attempt if step.attempt > 1 else None,
        **{name: column(name) or None for name in _TEXTS if name != "kind"},
        "kind": column("kind"),
        **{
            name: tuple(hints[name]) if isinstance(hints[name], list) else hints[name]
            for name in HINTS
            if name in hints
        },
    }


def _received(body: bytes, read: Reader) -> Any:
    raw = unpack(body) if not body.startswith(b"{") else body
    return orjson.Fragment(raw) if read is verbatim else parse_exact(raw)


def _logs(hints: dict[str, Any], read: Reader) -> Iterator[LogLine]:
    entries = [LogEntry.of(text) for text in hints.get("logs", ())]
    payloads: Mapping[UUID, Payload] = {}
    if entries:
        payloads = Payload.objects.in_bulk([UUID(entry.payload) for entry in entries])
    for entry in entries:
        payload = payloads.get(UUID(entry.payload))
        if payload is not None:
            yield LogLine(entry.time_ns, read(payload), entry.tells)


def _trace(step: NodeExecution, traces: Sequence[str]) -> str:
    """Of the run's traces the one that this step came with, which its payloads lie beside (see
    `values.place_of`)."""
    beside = {crc32(trace.encode("utf-8", "replace")) & 0xFFFF: trace for trace in traces}
    values = (step.inputs, step.outputs, step.process_data)
    near = (int(value.pk.hex[10:14], 16) for value in values if value is not None)
    return next((beside[place] for place in near if place in beside), traces[0])
