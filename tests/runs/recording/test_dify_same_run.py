"""A run that Dify's tracing sent and that its database has is one run, whichever came first."""

from collections.abc import Callable
from typing import Any

import pytest

from runs.models import App, Run
from runs.recording.decoding.dify_stream.stream_event import RunRequest
from runs.recording.decoding.dify_stream.stream_reader import StreamReader
from runs.recording.storing import store
from tests.runs.recording.decoding.dify_stream.streams import recorded
from tests.runs.recording.importing.dify_database.dify_rows import (
    PHOENIX,
    imported,
    put_captured_run,
    step,
    tree,
)
from tests.runs.recording.importing.dify_database.dify_tables import DifyTables
from tests.runs.recording.snapshot import snapshot

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def record_from(sources: str, db: DifyTables, record: Callable[..., Any]) -> tuple[Run, list[Any]]:
    """Record the captured run from tracing (t), event stream (e) and database (d), in the order of
    `sources`, and return it and its tree."""
    for source in sources:
        if source == "t":
            record("dify-phoenix")
        elif source == "e":
            reader = StreamReader(RunRequest("My App"))
            store.save_records(reader.feed(recorded()).records + reader.end().records)
        else:
            imported(db, "--since", "2026-01-01")
    [run] = Run.objects.with_source_id(PHOENIX)
    return run, tree(run)


EXPECTED = [
    (0, "start", "Start", "succeeded", ""),
    (0, "iteration", "Each item", "succeeded", ""),
    (1, "llm", "Write", "succeeded", "0"),
    (1, "llm", "Write", "exception", "1"),
    (0, "tool", "Search", "succeeded", ""),
    (0, "knowledge-retrieval", "KB", "succeeded", ""),
    (0, "end", "Output", "failed", ""),
]


@pytest.mark.parametrize("sources", ["t", "d", "td", "dt", "tdt", "ed", "de", "ted", "edt"])
def test_the_same_tree_and_totals(
    sources: str, dify: Callable[..., DifyTables], record: Callable[..., Any]
) -> None:
    db = dify()
    put_captured_run(db)
    run, steps = record_from(sources, db, record)
    assert steps == EXPECTED
    assert (run.status, run.error, run.failed_title) == ("failed", "boom", "Output")
    assert (run.app.name, run.version and run.version.label) == ("My App", "2026-06-01 00:00:00")
    assert (run.total_tokens, run.input_tokens, str(run.cost)) == (150, 120, "0.0000360000")
    assert (run.duration_us, run.reported_tokens) == (6_100_000, 300)
    assert step(run, "Write").node_id == ("Write" if sources == "t" else "1003")


@pytest.mark.parametrize("sources", ["td", "ed", "ted"])
def test_the_same_rows_whichever_came_first(
    sources: str, dify: Callable[..., DifyTables], record: Callable[..., Any]
) -> None:
    db = dify()
    put_captured_run(db)
    record_from(sources, db, record)
    first = snapshot()
    Run.objects.all().delete()
    App.objects.all().delete()
    record_from(sources[::-1], db, record)
    assert _comparable(snapshot()) == _comparable(first)


NUMBERED = {  # these name the database's own number of the app
    "app_id", "conversation_id", "error_group_id", "inputs_id", "outputs_id", "process_data_id",
    "resource_id",
}  # fmt: skip


def _comparable(tables: dict[str, list[dict[str, Any]]]) -> Any:
    return [
        {column: value for column, value in row.items() if column not in NUMBERED}
        for name in ("runs", "executions")
        for row in tables[name]
    ]
