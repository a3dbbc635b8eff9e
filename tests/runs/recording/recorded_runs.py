"""Runs of a real Dify that were recorded by several ways: the event stream, a tracing provider, and
its database, whose tables are filled here from what the two others say."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import orjson

from runs.recording.decoding.langfuse_rest import read_batch
from runs.recording.decoding.traces import decode_traces
from runs.recording.records.record import NodeRecord
from runs.recording.storing import store
from tests.runs.recording.captured import PROTOBUF
from tests.runs.recording.importing.dify_database.dify_rows import imported
from tests.runs.recording.importing.dify_database.dify_tables import DifyTables
from tests.runs.recording.streamed_rows import records_of_stream

CASES = Path(__file__).parents[2] / "cases" / "dify-real"
SERVICE = "recorded"
# Each run: where its stream is, and where its tracing.
RECORDED = {
    "broken": ("stream-broken/request-01.sse", "phoenix-broken/request-01.pb"),
    "chat": ("stream-chat-1/request-01.sse", "phoenix-chat-1/request-01.pb"),
    "draft": ("stream-draft-order/request-01.sse", "phoenix-draft-order/request-01.pb"),
    "invoices": ("stream-invoices/request-01.sse", "phoenix-invoices/request-01.pb"),
    "night": ("stream-night/request-01.sse", "phoenix-night/request-01.pb"),
    "bulk": ("stream-order-bulk/request-01.sse", "phoenix-order-bulk/request-01.pb"),
    "retry": ("stream-order-retry/request-01.sse", "phoenix-order-retry/request-01.pb"),
    "agent": ("both-lf-chat-2/request-01.sse", "both-lf-chat-2/request-02.json"),
    "handled": ("both-order-failbranch/request-01.sse", "both-order-failbranch/request-02.pb"),
}
# A case of its own has ids of its own, which differ in their last part.
UUID_TEXT = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CASE_PART = 12


def by_tracing(name: str) -> list[NodeRecord]:
    path = CASES / RECORDED[name][1]
    if path.suffix == ".pb":
        records = decode_traces(path.read_bytes(), PROTOBUF).records
    else:
        records = read_batch(orjson.loads(path.read_bytes())["batch"], SERVICE).records
    return [replace(record, service=SERVICE) for record in records]


def by_stream(name: str) -> list[NodeRecord]:
    """Return the records of the stream, with the ids by which tracing knows the run."""
    traced = by_tracing(name)
    texts = {
        text for it in traced for text in (it.source_id, *(id_ for _, id_ in it.run.source_ids))
    }
    ids = {it[:-CASE_PART]: it for it in map(str.encode, texts) if UUID_TEXT.fullmatch(it)}
    body = (CASES / RECORDED[name][0]).read_bytes()
    body = UUID_TEXT.sub(lambda match: ids.get(match[0][:-CASE_PART], match[0]), body)
    return records_of_stream(body, SERVICE)


def by_database(name: str, dify: Callable[..., DifyTables]) -> list[NodeRecord]:
    """Return what an import reads from tables that hold the run."""
    db = dify()
    put_recorded_run(db, by_stream(name), by_tracing(name))
    records: list[NodeRecord] = []
    nothing_saved = store.SaveResult(set(), [])

    def take(read: list[NodeRecord], *_: Any) -> store.SaveResult:
        records.extend(read)
        return nothing_saved

    with mock.patch.object(store, "save_records", take):
        imported(db, "--since", "2026-01-01")
    return records


def put_recorded_run(db: DifyTables, streamed: list[NodeRecord], traced: list[NodeRecord]) -> None:
    """Fill the tables: exact times and ids of executions are those of tracing, values those of the
    stream."""
    run = next(it for it in streamed if it.is_run and it.kind == "workflow" and it.run.status)
    began = next(it for it in streamed if it.source_id == run.source_id and it.inputs)
    times = next(it for it in traced if it.source_id == run.source_id)
    db.run(
        db.app(SERVICE), "recorded", id=run.source_id, graph=None, created_by=None,
        status=run.run.status, error=run.error, inputs=began.inputs, outputs=run.outputs,
        total_tokens=run.run.reported_tokens, version="2026-06-01 00:00:00",
        type="chat" if times.run.mode == "chatflow" else "workflow",
        elapsed_time=(run.run.reported_duration_us or 0) / 1e6,
        **_columns_of_times(times),
    )  # fmt: skip
    ended = {it.source_id: it for it in streamed if it.status not in ("running", None)}
    containers = {it.title: it for it in ended.values() if it.stand_in and it.node_id}
    steps = [it for it in traced if not it.folded and not it.is_run and it.status != "retry"]
    steps.sort(key=lambda it: it.started_us or 0)
    for index, step in enumerate(steps, 1):
        sent = ended.get(step.source_id) or containers[step.title]
        attributes = sent.received["attributes"] if sent.received else {}
        db.node(
            run.source_id, index, str(sent.node_id), sent.kind, 0, id=step.source_id,
            title=sent.title, status=sent.status, error=sent.error, inputs=sent.inputs,
            process_data=sent.process_data, outputs=sent.outputs,
            execution_metadata=attributes.get("execution_metadata") or {},
            elapsed_time=((step.ended_us or 0) - (step.started_us or 0)) / 1e6,
            **_columns_of_times(step),
        )  # fmt: skip


def _columns_of_times(record: NodeRecord) -> dict[str, Any]:
    names = {"created_at": record.started_us, "finished_at": record.ended_us}
    return {
        name: datetime.fromtimestamp(time_us // 1_000_000, UTC).replace(
            microsecond=time_us % 1_000_000, tzinfo=None
        )
        for name, time_us in names.items()
        if time_us is not None
    }
