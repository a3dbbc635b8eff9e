"""Runs as CSV, with a run or a step on each line. Columns have the names of the JSON fields."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from nodes.models import NodeExecution
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
    "reported.duration_us",
)  # fmt: skip
STEP_COLUMNS = (
    "run", "app.slug", "id", "parent", "depth", "index", "node_id", "kind", "title", "status",
    "iteration", "attempt", "taken", "started_at", "finished_at", "duration_us", "self_us",
    "tokens.input", "tokens.output", "tokens.cached", "tokens.reasoning", "tokens.total",
    "cost.amount", "cost.currency", "cost.state", "counted", "model", "provider", "error",
    "error_type", "inputs_preview", "outputs_preview", "source_id",
)  # fmt: skip
# Spreadsheets read a cell that begins with one of these, or its full-width form, as a formula.
FORMULA_SIGNS = tuple("=+-@＝＋－＠")
STEPS_AT_ONCE = 500


class _LineBuffer:
    """The file that `csv` writes to. Keeps the last line as `text`."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text = text


def run_lines(runs: Iterable[Run], base_url: str = "") -> Iterator[bytes]:
    """Yield a CSV of runs line by line. Runs were loaded `for_list().with_sources()`; `base_url`
    (http://host, no slash at the end) makes links absolute."""
    return _csv_lines(RUN_COLUMNS, (run_json(run, base_url) for run in runs))


def step_lines(runs: Iterable[Run]) -> Iterator[bytes]:
    """Yield a CSV of the runs' steps line by line, without wrapper spans."""
    return _csv_lines(STEP_COLUMNS, (row for run in runs for row in _step_rows(run)))


def _step_rows(run: Run) -> Iterator[dict[str, Any]]:
    run_fields = {"run": str(run.id), "app": {"slug": run.app.slug}}
    steps, index = NodeExecution.objects.in_run(run.id).visible(), None
    steps = steps.defer("hints", "received_body")
    while page := list(steps.after_index(index)[:STEPS_AT_ONCE]):
        yield from (run_fields | execution_json(step) for step in page)
        index = page[-1].index


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
    return _without_formula(value) if isinstance(value, str) else str(value)


def _without_formula(text: str) -> str:
    """Return `text` on one line, quoted where a spreadsheet would read it as a formula."""
    text = " ".join(text.replace("\0", "").splitlines())
    return f"'{text}" if text.lstrip().startswith(FORMULA_SIGNS) else text
