"""Streams of Dify's as rows with all that follows from them, without a database."""

from collections.abc import Iterable
from uuid import UUID

from runs.recording.decoding.dify_stream.stream_event import RunRequest
from runs.recording.decoding.dify_stream.stream_reader import StreamReader
from runs.recording.deriving.derive import derive
from runs.recording.records.payload_values import PayloadBatch
from runs.recording.records.record import NodeRecord
from runs.recording.records.row import ExecutionRow, merge_row
from runs.recording.storing.execution_rows import row_from_record

RUN = UUID(int=7)


def records_of_stream(body: bytes, service: str = "shop") -> list[NodeRecord]:
    """Return the records of one request."""
    reader = StreamReader(RunRequest(service))
    return reader.feed(body).records + reader.end().records


def rows_of_records(requests: Iterable[Iterable[NodeRecord]]) -> dict[str, ExecutionRow]:
    """Return by source id the rows of one run, derived after each request."""
    rows: dict[str, ExecutionRow] = {}
    for request in requests:
        for record in request:
            row = row_from_record(record, RUN, record.service, 1, PayloadBatch())
            if (known := rows.setdefault(row.source_id, row)) is not row:
                merge_row(known, row)
        derive(RUN, list(rows.values()))
    return rows
