"""Executions as records, as rows and in the database, in every direction.

`row_from_record` makes a row of a record, `load` rows of what is stored, `write` stores rows, and
`records_of` makes the records again that would produce what is stored (the inverse of
`row_from_record`; run files and exports use it).
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import lru_cache
from operator import attrgetter
from typing import Any
from uuid import UUID
from zlib import crc32

import orjson

from nodes.clock import to_us
from nodes.compression import pack, unpack
from nodes.content.previews import preview, preview_output
from nodes.content.system_prompt import prompt_digest, system_prompt
from nodes.kinds import kind_of
from nodes.models import PREVIEW_LENGTH, NodeExecution, Payload
from nodes.pricing import OwnRate, TokenUsage, price
from runs.models import Run
from runs.recording.deriving.tree import execution_id
from runs.recording.records.payload_values import (
    PayloadBatch,
    canonical,
    clean,
    payload_location,
)
from runs.recording.records.record import Cost, NodeRecord, RunFacts, StepLog, Usage
from runs.recording.records.record_json import InvalidRecord, parse_exact
from runs.recording.records.row import (
    COLUMN_BY_FIELD,
    LOG_COLUMNS,
    ExecutionRow,
    LogEntry,
    facts_from_hints,
)
from runs.recording.storing import bulk
from runs.recording.storing.bulk import time_text
from runs.recording.storing.identity import TRACE

# Columns whose value is the same in a row and in the database.
_PLAIN = [
    item.name
    for item in fields(ExecutionRow)
    if item.name
    not in ("id", "started_us", "ended_us", "hints", "received_body", "stored", "changed")
]
COLUMNS = ["id", "run_id", "app_id", "started_at", "ended_at", "duration_us", "hints",
           "received_body", *_PLAIN]  # fmt: skip
_UPDATED = [name for name in COLUMNS if name not in ("id", "run_id")]
_NOT_LOADED = ("received_body",)  # of rows that are written again
IDS_AT_ONCE = 1000  # ids in one query
STEPS_AT_ONCE = 100  # steps whose values are in memory

# Fields of a record that are kept in the hints of its row under the same name.
HINTS = ("is_run", "parent_elsewhere", "envelope", "folded", "chained", "nested", "handled",
         "calls", "called_as", "pass_index", "iteration_index", "container", "other_index",
         "other_container", "stand_in", "fan_out_index", "ran_after", "attempt", "attempt_of",
         "in_log", "moments", "task", "response_id", "span_ids", "deferred", "called_app",
         "transport", "sdk_call", "links")  # fmt: skip
_hint_values = attrgetter(*HINTS)
_NO_HINTS = _hint_values(NodeRecord("", "", "", "", ""))


# --- from a record to its row -------------------------------------------------------------------


def row_from_record(
    record: NodeRecord, run_id: UUID, service: str, app_id: int, payloads: PayloadBatch
) -> ExecutionRow:
    """Return a record as a row of its run; its values are added to `payloads`."""
    usage, cost, at = record.usage, record.cost, record.started_us
    if cost is not None and not cost.amount:
        cost = None  # what producers report whose price list does not know the model
    if at is None:
        at = record.ended_us
    if at is None and record.logs:
        at = record.logs[0].time_ns // 1000
    source_id = clean(record.source_id, 128)
    location = payload_location(app_id, at, record.trace)
    return ExecutionRow(
        id=execution_id(run_id, source_id),
        source_id=source_id,
        parent_source_id=clean(record.parent_source_id, 128) if record.parent_source_id else "",
        service=service,
        title=clean(record.title, 255),
        kind=clean(record.kind, 40),
        told_node_id=clean(record.node_id, 255) if record.node_id else "",
        told_status=record.status or "",
        started_us=record.started_us,
        ended_us=record.ended_us,
        model=clean(record.model, 200) if record.model else "",
        provider=clean(record.provider, 100) if record.provider else "",
        input_tokens=usage.input if usage else None,
        output_tokens=usage.output if usage else None,
        cached_tokens=usage.cached if usage else None,
        cache_write_tokens=usage.cache_write if usage else None,
        reasoning_tokens=usage.reasoning if usage else None,
        total_tokens=usage.total if usage else None,
        cost=cost.amount if cost else None,
        cost_currency=cost.currency[:3] if cost else "",
        cost_reported=cost is not None,
        error=clean(record.error) if record.error else "",
        error_type=clean(record.error_type, 200) if record.error_type else "",
        attempt=record.attempt or 1,
        taken=clean(record.taken, 255) if record.taken else "",
        hints=_hints_of(record),
        prompt_digest=_prompt_digest(record),
        inputs_preview=_preview_of(record.inputs, record.inputs_preview),
        outputs_preview=_preview_of(record.outputs, record.outputs_preview, preview_output),
        inputs_id=payloads.add(location, record.inputs, record.inputs_cut),
        outputs_id=payloads.add(location, record.outputs, record.outputs_cut),
        process_data_id=payloads.add(location, record.process_data, record.process_data_cut),
        received_body=_packed_received(record),
        resource_id=payloads.add_shared(app_id, at, record.resource or None),
    )


# The attributes of these fields are not among the received ones any more, so where they were is
# kept. For all other fields it follows from reading the attributes again.
_MOVED = ("inputs", "outputs", "process_data")


def _packed_received(record: NodeRecord) -> bytes | None:
    received: dict[str, Any] | None = record.received
    moved = {name: record.read_from[name] for name in _MOVED if name in record.read_from}
    if moved:
        received = {**(received or {}), "read_from": moved}
    return pack(canonical(received)[1])[1] if received else None


def _prompt_digest(record: NodeRecord) -> int | None:
    if kind_of(record.kind).call != "model":
        return None
    return prompt_digest(system_prompt(record.inputs, record.process_data))


def _preview_of(value: Any, ready_made: str | None, make: Callable[[Any], str] = preview) -> str:
    if value is None or value == "":
        return ""
    return make(value) if ready_made is None else clean(ready_made, PREVIEW_LENGTH)


def _hints_of(record: NodeRecord) -> dict[str, Any]:
    """Return what the record says for the tree and the run, as JSON, without what is empty."""
    hints: dict[str, Any] = {}
    if (values := _hint_values(record)) != _NO_HINTS:  # most steps have none
        for name, value in zip(HINTS, values, strict=True):
            if value is not None and value is not False and value != ():
                hints[name] = list(value) if isinstance(value, tuple) else value
    if facts := _facts_as_json(record.run):
        hints["run"] = facts
    if record.rank:
        ranks = {name: rank for name, rank in record.rank.items() if _has_value(record, name)}
        hints["rank"] = {COLUMN_BY_FIELD.get(name, name): rank for name, rank in ranks.items()}
    return hints


def _has_value(record: NodeRecord, name: str) -> bool:
    value = getattr(record, name)
    return value not in (None, "") and not (name == "kind" and value == "span")


@lru_cache(maxsize=2048)
def _facts_as_json(facts: RunFacts) -> dict[str, Any]:
    """Return the known facts as JSON. The spans of a run mostly have the same ones, so the result
    is shared: nobody may change it."""
    values = ((item.name, getattr(facts, item.name)) for item in fields(RunFacts))
    return {name: _fact_as_json(value) for name, value in values if value not in (None, ())}


def _fact_as_json(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value, 1000)
    if isinstance(value, tuple):
        return [_fact_as_json(item) for item in value]
    if isinstance(value, Cost):
        return [str(value.amount), value.currency]
    return value


def set_prices(
    rows: Iterable[ExecutionRow], own_rates: Callable[[], Sequence[OwnRate]], *, anew: bool = False
) -> None:
    """Price the model calls that are new or changed, `anew` those that are stored, too, and whose
    cost the producer did not report; note in `hints["price"]` where the price is from. `own_rates`
    is asked once there is something to price."""
    for row in rows:
        if row.stored is not None and not row.changed and not anew:
            continue
        before = (row.cost, row.cost_currency, row.hints.pop("price", None))
        if row.cost_reported or not row.model or kind_of(row.kind).call != "model":
            continue
        used = TokenUsage(
            row.input_tokens,
            row.output_tokens,
            row.cached_tokens,
            row.cache_write_tokens,
            row.reasoning_tokens,
        )
        known = price(row.model, row.provider, used, row.reported_start_us, own_rates())
        row.cost = known.amount if known else None
        row.cost_currency = known.currency if known else ""
        if known:
            row.hints["price"] = known.as_json()
        if before != (row.cost, row.cost_currency, row.hints.get("price")):
            row.changed = True


# --- from the database and back -----------------------------------------------------------------


def load(run_ids: Collection[UUID]) -> dict[UUID, list[ExecutionRow]]:
    """Return the stored rows of each run, without what was received (see `load_received`)."""
    by_run: dict[UUID, list[ExecutionRow]] = {}
    if not run_ids:
        return by_run
    names = ["run_id", "id", "started_at", "ended_at", "hints", *_PLAIN]
    stored = NodeExecution.objects.filter(run_id__in=run_ids).values_list(*names)
    for run_id, id_, started_at, ended_at, hints, *values in stored:
        plain: dict[str, Any] = {
            name: value.hex if isinstance(value, UUID) else value
            for name, value in zip(_PLAIN, values, strict=True)
        }
        row = ExecutionRow(
            id=id_.hex,
            started_us=to_us(started_at),
            ended_us=to_us(ended_at),
            hints=orjson.loads(hints) if hints else {},
            received_body=None,
            **plain,
        )
        row.stored = row.derived()
        by_run.setdefault(run_id, []).append(row)
    return by_run


def load_received(run_ids: Collection[UUID], rows: Iterable[ExecutionRow]) -> None:
    """Fill in what was received of stored rows of these runs before they are merged."""
    by_id = {row.id: row for row in rows}
    ids = list(by_id)
    for start in range(0, len(ids), IDS_AT_ONCE):
        part = ids[start : start + IDS_AT_ONCE]
        stored = NodeExecution.objects.filter(run_id__in=run_ids, id__in=part)
        for id_, received in stored.values_list("id", "received_body"):
            by_id[id_.hex].received_body = None if received is None else bytes(received)


_plain_values = attrgetter(*_PLAIN)
_COST = _PLAIN.index("cost")


def column_values(row: ExecutionRow, run_id: str, app_id: int) -> tuple[Any, ...]:
    """Return the values of `COLUMNS`."""
    plain = list(_plain_values(row))
    if row.cost is not None:
        plain[_COST] = str(row.cost)
    return (
        row.id,
        run_id,
        app_id,
        time_text(row.started_us),
        time_text(row.ended_us),
        row.duration_us,
        bulk.json_text(row.hints) if row.hints else "",
        row.received_body,
        *plain,
    )


def write(new: Iterable[Sequence[Any]], again: Iterable[Sequence[Any]]) -> None:
    """Insert new rows, and update those that are stored; each in `COLUMNS`."""
    key = ["run_id", "id"]
    bulk.insert(NodeExecution, COLUMNS, new, conflict=key)
    bulk.insert(NodeExecution, COLUMNS, again, conflict=key, update=_UPDATED, keep=_NOT_LOADED)


# --- from the database to records ---------------------------------------------------------------

FIELD_BY_COLUMN = {column: name for name, column in COLUMN_BY_FIELD.items()}
_TEXTS = ("model", "provider", "error", "error_type", "taken", "parent_source_id")
_TOKENS = {"input": "input_tokens", "output": "output_tokens", "cached": "cached_tokens",
           "cache_write": "cache_write_tokens", "reasoning": "reasoning_tokens",
           "total": "total_tokens"}  # fmt: skip

# What makes a stored value the value of a record.
PayloadReader = Callable[[Payload], Any]


def exact(payload: Payload) -> Any:
    """Return the value, with integers of any length; as text where it cannot be parsed."""
    try:
        return parse_exact(payload.raw) if payload.encoding == "json" else payload.text
    except InvalidRecord:
        return payload.text


def verbatim(payload: Payload) -> Any:
    """Return the value to be written into JSON as it is stored, without being parsed."""
    return orjson.Fragment(payload.raw) if payload.encoding == "json" else payload.text


def traces_of(run: Run) -> list[str]:
    """Return the producer's ids of the run's traces; the run was loaded `with_sources()`."""
    return sorted(source.source_id for source in run.sources.all() if source.kind == TRACE)


def records_of(run: Run, read: PayloadReader = exact) -> Iterator[tuple[NodeExecution, NodeRecord]]:
    """Yield each step of a run with its record. The run was loaded `with_sources()`."""
    traces = traces_of(run)
    for step in _each_step(run.id):
        yield step, _record_from_step(step, traces, read)


def _each_step(run_id: UUID) -> Iterator[NodeExecution]:
    """Yield all executions of a run with their payloads, in the order of the tree. Their ids are
    ordered first, and their values read in parts: a database that sorts rows with all their values
    would need room for them."""
    steps = NodeExecution.objects.in_run(run_id)
    ids = list(steps.values_list("id", flat=True))
    for start in range(0, len(ids), STEPS_AT_ONCE):
        part = ids[start : start + STEPS_AT_ONCE]
        by_id = {step.id: step for step in steps.with_payloads().filter(id__in=part)}
        yield from (by_id[id_] for id_ in part if id_ in by_id)


def _record_from_step(
    step: NodeExecution, traces: Sequence[str], read: PayloadReader
) -> NodeRecord:
    """Return what was received of a step, without what was read from its logs. Values are `read`
    from their payloads."""
    hints = orjson.loads(step.hints) if step.hints else {}
    from_logs = hints.get("assembled", ())
    values = _column_and_hint_fields(step, hints, from_logs)
    for name in ("inputs", "outputs", "process_data"):
        payload = getattr(step, name)
        if payload is not None and f"{name}_id" not in from_logs:
            values[name], values[f"{name}_cut"] = read(payload), payload.cut_of
            if name != "process_data":
                values[f"{name}_preview"] = getattr(step, f"{name}_preview")
    if step.resource is not None:
        values["resource"] = read(step.resource)
    if step.received_body is not None:
        values["received"] = _unpacked_received(bytes(step.received_body), read)
    ranks = hints.get("rank", {})
    return NodeRecord(
        trace=hints.get("logs_trace") or _trace_of(step, traces),
        source_id=step.source_id,
        service=step.service,
        logs=tuple(_log_lines(hints, read)),
        logs_cut=hints.get("logs_cut", False),
        rank={FIELD_BY_COLUMN.get(name, name): rank for name, rank in ranks.items()},
        run=facts_from_hints(hints),
        **values,
    )


def _column_and_hint_fields(
    step: NodeExecution, hints: dict[str, Any], from_logs: Collection[str]
) -> dict[str, Any]:
    """Return the fields of a record that are kept in columns and hints. Columns that were filled
    `from_logs` count as empty."""

    def column(name: str) -> Any:
        return LOG_COLUMNS[name] if name in from_logs else getattr(step, name)

    reported_times = hints.get("reported_times")
    started_us, ended_us = reported_times or (to_us(step.started_at), to_us(step.ended_at))
    usage = Usage(**{name: column(column_name) for name, column_name in _TOKENS.items()})
    cost = None
    if step.cost_reported and step.cost is not None:
        cost = Cost(step.cost, step.cost_currency)
    return {
        "title": column("title"),
        "kind": column("kind"),
        "node_id": step.told_node_id or None,
        "status": step.told_status or None,
        "started_us": None if "started_us" in from_logs else started_us,
        "ended_us": None if "ended_us" in from_logs else ended_us,
        "usage": usage if usage != Usage() else None,
        "cost": cost,
        "attempt": step.attempt if step.attempt > 1 else None,
        **{name: column(name) or None for name in _TEXTS},
        **{
            name: tuple(hints[name]) if isinstance(hints[name], list) else hints[name]
            for name in HINTS
            if name in hints
        },
    }


def _unpacked_received(body: bytes, read: PayloadReader) -> Any:
    raw = unpack(body) if not body.startswith(b"{") else body
    return orjson.Fragment(raw) if read is verbatim else parse_exact(raw)


def _log_lines(hints: dict[str, Any], read: PayloadReader) -> Iterator[StepLog]:
    entries = [LogEntry.from_text(text) for text in hints.get("logs", ())]
    payloads: Mapping[UUID, Payload] = {}
    if entries:
        payloads = Payload.objects.in_bulk([UUID(entry.payload_id) for entry in entries])
    for entry in entries:
        payload = payloads.get(UUID(entry.payload_id))
        if payload is not None:
            yield StepLog(entry.time_ns, read(payload), entry.tells)


def _trace_of(step: NodeExecution, traces: Sequence[str]) -> str:
    """Return the trace of the run that this step came with: its payloads lie beside it (see
    `payload_location`)."""
    by_checksum = {crc32(trace.encode("utf-8", "replace")) & 0xFFFF: trace for trace in traces}
    payloads = (step.inputs, step.outputs, step.process_data)
    checksums = (int(payload.pk.hex[10:14], 16) for payload in payloads if payload is not None)
    return next((by_checksum[sum_] for sum_ in checksums if sum_ in by_checksum), traces[0])
