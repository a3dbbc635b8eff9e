"""Runs as CSV, with a run or a step on each line. Columns have the names of the JSON fields.

The last columns have what went in and came out as text: whole on request, else as much as a cell of
a spreadsheet holds, with a mark where more was recorded.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, TypeVar

from nodes import formats
from nodes.content.payloads import head_text
from nodes.content.previews import lone_text
from nodes.models import NodeExecution, Payload
from runs.json.execution import execution_json
from runs.json.run import run_json
from runs.models import Run

RUN_COLUMNS = (
    "id", "url", "app.slug", "app.name", "app.mode", "version.number", "version.label", "name",
    "environment", "status", "stalled", "started_at", "finished_at", "duration_us",
    "input_preview", "output_preview", "error", "failed_node.node_id", "failed_node.title",
    "tokens.input", "tokens.output", "tokens.cached", "tokens.reasoning", "tokens.total",
    "cost.amount", "cost.currency", "cost.state", "api_calls.model", "api_calls.tool",
    "api_calls.http", "steps", "iterations", "retries", "conversation.source_id", "user",
    "trigger", "tags", "source.kind", "source.ids", "reported.tokens", "reported.cost",
    "reported.duration_us", "inputs", "outputs",
)  # fmt: skip
STEP_COLUMNS = (
    "run", "app.slug", "id", "parent", "depth", "index", "node_id", "kind", "title", "status",
    "iteration", "attempt", "taken", "started_at", "finished_at", "duration_us", "self_us",
    "tokens.input", "tokens.output", "tokens.cached", "tokens.reasoning", "tokens.total",
    "cost.amount", "cost.currency", "cost.state", "counted", "model", "provider", "error",
    "error_type", "inputs_preview", "outputs_preview", "source_id", "inputs", "process_data",
    "outputs",
)  # fmt: skip
RUN_VALUES, STEP_VALUES = ("inputs", "outputs"), ("inputs", "process_data", "outputs")
MAX_CELL = 32_000  # characters; a cell of a spreadsheet holds 32,767
MAX_UNWRAPPED = 1_000_000  # bytes of a value that is looked into for its lone text
ROWS_AT_ONCE = 20  # rows whose values are in memory at a time
# Spreadsheets read a cell that begins with one of these, or its full-width form, as a formula.
FORMULA_SIGNS = tuple("=+-@＝＋－＠")
STEPS_AT_ONCE = 500


RowType = TypeVar("RowType", Run, NodeExecution)


class _LineBuffer:
    """The file that `csv` writes to. Keeps the last line as `text`."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text = text


def run_lines(
    runs: Iterable[Run], base_url: str = "", *, whole_values: bool = False
) -> Iterator[bytes]:
    """Yield a CSV of runs line by line. Runs were loaded `for_list().with_sources()`; `base_url`
    (http://host, no slash at the end) makes links absolute."""
    rows = (
        run_json(run, base_url) | values
        for run, values in _with_values(runs, RUN_VALUES, whole=whole_values)
    )
    return _csv_lines(RUN_COLUMNS, rows)


def step_lines(runs: Iterable[Run], *, whole_values: bool = False) -> Iterator[bytes]:
    """Yield a CSV of the runs' steps line by line, without wrapper spans."""
    return _csv_lines(
        STEP_COLUMNS, (row for run in runs for row in _step_rows(run, whole=whole_values))
    )


def _step_rows(run: Run, *, whole: bool) -> Iterator[dict[str, Any]]:
    run_fields = {"run": str(run.id), "app": {"slug": run.app.slug}}
    steps, index = NodeExecution.objects.in_run(run.id).visible(), None
    steps = steps.defer("hints", "received_body")
    while page := list(steps.after_index(index)[:STEPS_AT_ONCE]):
        for step, values in _with_values(page, STEP_VALUES, whole=whole):
            yield run_fields | execution_json(step) | values
        index = page[-1].index


def _with_values(
    rows: Iterable[RowType], names: tuple[str, ...], *, whole: bool
) -> Iterator[tuple[RowType, dict[str, str]]]:
    """Yield each row with the texts of its values by name. A query for every 20 rows."""
    remaining = iter(rows)
    while some := list(islice(remaining, ROWS_AT_ONCE)):
        ids = {name: [getattr(row, f"{name}_id") for row in some] for name in names}
        stored = Payload.objects.in_bulk([pk for pks in ids.values() for pk in pks if pk])
        for number, row in enumerate(some):
            payloads = {name: stored.get(ids[name][number]) for name in names}
            yield row, {name: _value_text(p, whole=whole) for name, p in payloads.items() if p}


def _value_text(payload: Payload, *, whole: bool) -> str:
    """Return a value as the text of a cell, with a mark where it was cut."""
    text = lone_text(payload.value) if payload.size <= MAX_UNWRAPPED else ""
    if not text:
        text = payload.text if whole else head_text(payload, MAX_CELL + 1)
    marks = []
    if not whole and len(text) > MAX_CELL:
        text = text[:MAX_CELL]
        marks.append(f"cut here, the value has {formats.size(payload.size)}")
    if payload.cut_of is not None:
        marks.append(f"cut by the producer, which had {formats.size(payload.cut_of)}")
    return f"{text} […] ({'; '.join(marks)})" if marks else text


def _csv_lines(columns: tuple[str, ...], rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    buffer = _LineBuffer()
    writer = csv.writer(buffer)
    for cells in chain([columns], ([_csv_cell(row, name) for name in columns] for row in rows)):
        writer.writerow(cells)
        yield buffer.text.encode()


def _csv_cell(row: Mapping[str, Any], column: str) -> str:
    """Return the text of `column`, a path of names separated by dots."""
    value: Any = row
    for name in column.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        value = [f"{name}={inner}" for name, inner in value.items()]
    if isinstance(value, list):
        value = "; ".join(str(inner) for inner in value)
    if not isinstance(value, str):
        return str(value)
    # Lines of a value are its own; anything else stands on one.
    lines = value.replace("\0", "").splitlines()
    return _without_formula(("\n" if column in STEP_VALUES else " ").join(lines))


def _without_formula(text: str) -> str:
    """Return `text`, quoted where a spreadsheet would read it as a formula."""
    return f"'{text}" if text.lstrip().startswith(FORMULA_SIGNS) else text
