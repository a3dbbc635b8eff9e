"""Runs of a real Dify by its event stream, by a tracing provider and by its database, in any order
and any parts: one run, with one tree and one graph, at the exact times that any of them tells."""

from collections.abc import Callable, Iterable
from dataclasses import fields
from itertools import permutations
from typing import Any

import pytest
from django.test import Client

from runs.models import Run
from runs.recording.records.record import NodeRecord
from runs.recording.records.row import ExecutionRow
from runs.recording.storing.store import save_records
from tests.conftest import rolled_back
from tests.runs.recording.importing.dify_database.dify_tables import DifyTables
from tests.runs.recording.recorded_runs import RECORDED, by_database, by_stream, by_tracing
from tests.runs.recording.streamed_rows import rows_of_records
from tests.runs.recording.test_rules import check_every_delivery

TOLERANCE_US = 20_000
COLUMNS = [it.name for it in fields(ExecutionRow) if it.name not in ("stored", "changed")]

Step = tuple[int, str, str, str]


@pytest.fixture
def sources(request: Any, dify: Callable[..., DifyTables]) -> dict[str, list[NodeRecord]]:
    """Return the records of a run by each way: s(tream), t(racing), d(atabase)."""
    name = request.param
    return {"s": by_stream(name), "t": by_tracing(name), "d": by_database(name, dify)}


every_run = pytest.mark.parametrize("sources", RECORDED, indirect=True)


def steps_of(rows: dict[str, ExecutionRow]) -> list[ExecutionRow]:
    """Return the visible steps in order, without what not every way tells: attempts that were tried
    again, and entries of logs."""
    steps = sorted((row for row in rows.values() if not row.folded), key=lambda row: row.index)
    return [row for row in steps if row.status != "retry" and "in_log" not in row.hints]


def shape(steps: list[ExecutionRow]) -> list[Step]:
    return [(row.depth, row.title, row.iteration, row.status) for row in steps]


@pytest.mark.any_database
@pytest.mark.django_db
@every_run
def test_every_way_and_all_together_give_one_tree_at_the_exact_times(
    sources: dict[str, list[NodeRecord]],
) -> None:
    expected = steps_of(rows_of_records([sources["t"]]))
    assert expected
    for count in (1, 2, 3):
        for ways in permutations("std", count):
            steps = steps_of(rows_of_records(sources[way] for way in ways))
            assert shape(steps) == shape(expected), ways
            if ways == ("s",):
                continue  # knows no more than the second
            for ours, theirs in zip(steps, expected, strict=True):
                for time in ("started_us", "ended_us"):
                    difference = getattr(ours, time) - getattr(theirs, time)
                    assert abs(difference) <= TOLERANCE_US, (ways, ours.title)


@pytest.mark.any_database
@pytest.mark.django_db
@every_run
def test_any_order_of_arrival_gives_the_same_rows(sources: dict[str, list[NodeRecord]]) -> None:
    records = sources["s"] + sources["t"] + sources["d"]

    def columns(requests: Iterable[Iterable[NodeRecord]]) -> dict[str, Any]:
        rows = rows_of_records(requests)
        return {key: [getattr(row, it) for it in COLUMNS] for key, row in rows.items()}

    check_every_delivery(records, 5, columns)


@pytest.mark.django_db
@pytest.mark.parametrize("sources", ["broken", "agent", "handled"], indirect=True)
def test_any_order_of_arrival_is_stored_alike(sources: dict[str, list[NodeRecord]]) -> None:
    records = sources["s"] + sources["t"] + sources["d"]
    assert len(check_every_delivery(records, examples=6)["runs"]) == 1


@pytest.mark.any_database
@pytest.mark.django_db
@every_run
def test_every_way_gives_the_same_graph(
    sources: dict[str, list[NodeRecord]], console: Client
) -> None:
    """Tracing does not name the nodes of the graph, so that it is not alone here."""
    edges = {}
    for ways in ("s", "d", "std", "dts", "tds"):
        with rolled_back():
            for way in ways:
                save_records(sources[way])
            graph = console.get(f"/apps/{Run.objects.get().app.slug}/graph.json").json()
            edges[ways] = sorted(
                (edge["source"], edge["target"], edge["handle"] or "") for edge in graph["edges"]
            )
    assert edges["s"]
    assert all(edges[ways] == edges["s"] for ways in edges)
