"""Runs as CSV: flat, one run a line, or one step a line. Columns are named as in the JSON twins."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from nodes.models import NodeExecution
from runs.json.execution import execution_json
from runs.json.run import run_json
from runs.models import Run

RUN = (
    "id", "url", "app.slug", "app.name", "app.mode", "version.number", "version.label", "name",
    "environment", "status", "stalled", "started_at", "finished_at", "duration_us",
    "input_preview", "output_preview", "error", "failed_node.node_id", "failed_node.title",
    "tokens.input", "tokens.output", "tokens.cached", "tokens.reasoning", "tokens.total",
    "cost.amount", "cost.currency", "cost.state", "api_calls.model", "api_calls.tool",
    "api_calls.http", "steps", "iterations", "retries", "conversation.source_id", "user",
    "trigger", "tags", "source.kind", "source.ids", "reported.tokens", "reported.cost",
    "reported.duration_us",
)  # fmt: skip
STEP = (
    "run", "app.slug", "id", "parent", "depth", "index", "node_id", "kind", "title", "status",
    "iteration", "attempt", "taken", "started_at", "finished_at", "duration_us", "self_us",
    "tokens.input", "tokens.output", "tokens.cached", "tokens.reasoning", "tokens.total",
    "cost.amount", "cost.currency", "cost.state", "counted", "model", "provider", "error",
    "error_type", "inputs_preview", "outputs_preview", "source_id",
)  # fmt: skip
# A spreadsheet takes a cell that begins so for a formula, also in its full-width forms.
FORMULA = tuple("=+-@＝＋－＠")
STEPS_AT_ONCE = 500


class _LineBuffer:
    """What `csv` writes to: keeps the line for whoever asks."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text = text


def run_lines(runs: Iterable[Run], base_url: str = "") -> Iterator[bytes]:
    """The file, line by line. Runs were loaded `for_list().with_sources()`; `base_url` (http://host,
    no slash) makes links absolute."""
    return _lines(RUN, (run_json(run, base_url) for run in runs))


def step_lines(runs: Iterable[Run]) -> Iterator[bytes]:
    """The same of the steps of the runs, plumbing left out."""
    return _lines(STEP, (row for run in runs for row in _steps(run)))


def _steps(run: Run) -> Iterator[dict[str, Any]]:
    of_run = {"run": str(run.id), "app": {"slug": run.app.slug}}
    steps, index = NodeExecution.objects.in_run(run.id).visible(), None
    steps = steps.defer("hints", "received_body")
    while page := list(steps.after_index(index)[:STEPS_AT_ONCE]):
        yield from (of_run | execution_json(step) for step in page)
        index = page[-1].index


def _lines(columns: tuple[str, ...], rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    line = _LineBuffer()
    writer = csv.writer(line)
    for cells in chain([columns], ([_cell(row, name) for name in columns] for row in rows)):
        writer.writerow(cells)
        yield line.text.encode()


def _cell(row: Mapping[str, Any], column: str) -> str:
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
    return _harmless(value) if isinstance(value, str) else str(value)


def _harmless(text: str) -> str:
    """On one line, and no formula to any program."""
    text = " ".join(text.replace("\0", "").splitlines())
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text
