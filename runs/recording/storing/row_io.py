"""Rows of executions: from records, from the database, and back."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import fields
from functools import lru_cache
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson

from nodes.clock import to_us
from nodes.compression import pack
from nodes.content.previews import preview, preview_output
from nodes.kinds import kind_of
from nodes.models import PREVIEW_LENGTH, NodeExecution
from nodes.pricing import CURRENCY, price
from runs.recording.deriving.tree import execution_id
from runs.recording.records.payload_values import PayloadBatch, canonical, clean, payload_location
from runs.recording.records.record import Cost, NodeRecord, RunFacts
from runs.recording.records.row import COLUMN_BY_FIELD, ExecutionRow
from runs.recording.storing import bulk
from runs.recording.storing.bulk import time_text

_PLAIN = [
    item.name
    for item in fields(ExecutionRow)
    if item.name not in ("id", "started_us", "ended_us", "hints", "received_body", "stored")
]
COLUMNS = ["id", "run_id", "app_id", "started_at", "ended_at", "duration_us", "hints",
           "received_body", *_PLAIN]  # fmt: skip
_UPDATED = [name for name in COLUMNS if name not in ("id", "run_id")]
HINTS = ("is_run", "envelope", "folded", "chained", "handled", "pass_index", "iteration_index",
         "container", "stand_in", "fan_out_index", "ran_after", "attempt", "span_ids")  # fmt: skip
_told_hints = attrgetter(*HINTS)
_NO_HINTS = _told_hints(NodeRecord("", "", "", "", ""))
_NOT_LOADED = ("received_body",)  # of rows that are written again
AT_ONCE = 1000  # ids in one question


def row_of(
    record: NodeRecord, run_id: UUID, service: str, app_id: int, payloads: PayloadBatch
) -> ExecutionRow:
    """A record as a row of its run; its values go to `payloads`."""
    usage, cost, at = record.usage, record.cost, record.started_us
    if at is None:
        at = record.ended_us
    if at is None and record.logs:
        at = record.logs[0].time_ns // 1000
    source_id = clean(record.source_id, 128)
    place = payload_location(app_id, at, record.trace)
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
        hints=_hints(record),
        inputs_preview=_preview(record.inputs, record.inputs_preview),
        outputs_preview=_preview(record.outputs, record.outputs_preview, preview_output),
        inputs_id=payloads.add(place, record.inputs, record.inputs_cut),
        outputs_id=payloads.add(place, record.outputs, record.outputs_cut),
        process_data_id=payloads.add(place, record.process_data, record.process_data_cut),
        received_body=_received(record),
        resource_id=payloads.add_shared(app_id, at, record.resource or None),
    )


# Of these fields the attribute is not among the received ones any more: where it was is kept. Of
# all others it can be told by reading the attributes again.
_MOVED = ("inputs", "outputs", "process_data")


def _received(record: NodeRecord) -> bytes | None:
    received: dict[str, Any] | None = record.received
    moved = {name: record.read_from[name] for name in _MOVED if name in record.read_from}
    if moved:
        received = {**(received or {}), "read_from": moved}
    return pack(canonical(received)[1])[1] if received else None


def _preview(value: Any, made: str | None, read: Callable[[Any], str] = preview) -> str:
    if value is None or value == "":
        return ""
    return read(value) if made is None else clean(made, PREVIEW_LENGTH)


def _hints(record: NodeRecord) -> dict[str, Any]:
    """What the record tells for the tree and the run, as JSON; nothing where it tells nothing."""
    hints: dict[str, Any] = {}
    if (every := _told_hints(record)) != _NO_HINTS:  # most steps tell none
        for name, value in zip(HINTS, every, strict=True):
            if value is not None and value is not False and value != ():
                hints[name] = list(value) if isinstance(value, tuple) else value
    if told := _told_facts(record.run):
        hints["run"] = told
    if record.rank:
        ranks = {name: rank for name, rank in record.rank.items() if _tells(record, name)}
        hints["rank"] = {COLUMN_BY_FIELD.get(name, name): rank for name, rank in ranks.items()}
    return hints


def _tells(record: NodeRecord, name: str) -> bool:
    told = getattr(record, name)
    return told not in (None, "") and not (name == "kind" and told == "span")


@lru_cache(maxsize=2048)
def _told_facts(facts: RunFacts) -> dict[str, Any]:
    """The facts that are told, as JSON. The spans of a run mostly tell the same; nobody changes
    it."""
    every = ((item.name, getattr(facts, item.name)) for item in fields(RunFacts))
    return {name: _plain(value) for name, value in every if value is not None and value != ()}


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value, 1000)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Cost):
        return [str(value.amount), value.currency]
    return value


def as_json(value: Any) -> str:
    """Equal values give equal text, whatever order they were told in."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def set_prices(rows: Iterable[ExecutionRow], changed: Collection[str]) -> None:
    """Price the model calls that are new or changed and whose cost the producer did not tell."""
    for row in rows:
        if row.cost_reported or not row.model or (row.stored is not None and row.id not in changed):
            continue
        if kind_of(row.kind).call != "model":
            continue
        row.cost = price(
            row.model, row.provider, row.input_tokens, row.output_tokens, row.cached_tokens,
            row.cache_write_tokens, row.started_us,
        )  # fmt: skip
        row.cost_currency = CURRENCY if row.cost is not None else ""


def load(run_ids: Iterable[UUID]) -> dict[UUID, list[ExecutionRow]]:
    """Stored rows by run, without what was received (see `load_received`)."""
    ids = list(run_ids)
    found: dict[UUID, list[ExecutionRow]] = {}
    if not ids:
        return found
    names = ["run_id", "id", "started_at", "ended_at", "hints", *_PLAIN]
    rows = NodeExecution.objects.filter(run_id__in=ids).values_list(*names)
    for run_id, id_, started, ended, hints, *plain in rows:
        told: dict[str, Any] = {
            name: value.hex if isinstance(value, UUID) else value
            for name, value in zip(_PLAIN, plain, strict=True)
        }
        row = ExecutionRow(
            id=id_.hex,
            started_us=to_us(started),
            ended_us=to_us(ended),
            hints=orjson.loads(hints) if hints else {},
            received_body=None,
            **told,
        )
        row.stored = row.derived()
        found.setdefault(run_id, []).append(row)
    return found


def load_received(run_ids: Iterable[UUID], rows: Iterable[ExecutionRow]) -> None:
    """Complete stored rows of these runs that are about to be joined with others."""
    wanted = {row.id: row for row in rows}
    runs, ids = list(run_ids), list(wanted)
    for start in range(0, len(ids), AT_ONCE):
        found = NodeExecution.objects.filter(run_id__in=runs, id__in=ids[start : start + AT_ONCE])
        for id_, received in found.values_list("id", "received_body"):
            wanted[id_.hex].received_body = None if received is None else bytes(received)


_plain_values = attrgetter(*_PLAIN)
_COST = _PLAIN.index("cost")


class Writer:
    """Collects the rows of all touched runs, then writes those that are new or changed."""

    def __init__(self, changed: Collection[str]) -> None:
        self.changed = changed
        self.fresh: list[tuple[Any, ...]] = []
        self.again: list[tuple[Any, ...]] = []

    def add(self, run_id: UUID, app_id: int, rows: Iterable[ExecutionRow], rewrite: bool) -> None:
        """Note the rows of a run; `rewrite` those too that did not change (their app did)."""
        run = run_id.hex
        for row in rows:
            known = row.stored is not None
            if known and not rewrite and row.id not in self.changed and row.derived() == row.stored:
                continue
            plain = list(_plain_values(row))
            if row.cost is not None:
                plain[_COST] = str(row.cost)
            values = (
                row.id,
                run,
                app_id,
                time_text(row.started_us),
                time_text(row.ended_us),
                row.duration_us,
                as_json(row.hints) if row.hints else "",
                row.received_body,
                *plain,
            )
            (self.again if known else self.fresh).append(values)

    def write(self) -> None:
        key = ["run_id", "id"]
        bulk.insert(NodeExecution, COLUMNS, self.fresh, conflict=key)
        bulk.insert(
            NodeExecution, COLUMNS, self.again, conflict=key, update=_UPDATED, keep=_NOT_LOADED
        )
