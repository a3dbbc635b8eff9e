"""Recordings of a real Dify: the same run by its event stream and by a tracing provider, in any
order and any parts, is one run with the tree and the exact times that tracing tells."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from django.test import Client

from nodes.models import NodeExecution
from runs.models import Run
from runs.recording.decoding.dify_stream.stream_event import RunRequest
from runs.recording.decoding.dify_stream.stream_reader import StreamReader
from runs.recording.decoding.langfuse_rest import read_batch
from runs.recording.decoding.traces import decode_traces
from runs.recording.records.record import NodeRecord
from runs.recording.storing.store import save_records
from tests.conftest import rolled_back
from tests.runs.recording.captured import PROTOBUF
from tests.runs.recording.test_rules import check_every_delivery

CASES = Path(__file__).parents[2] / "cases" / "dify-real"
RUNS = ["both-broken", "both-lf-chat-2", "both-order-failbranch"]
TOLERANCE_US = 20_000


def by_stream(case: str, service: str) -> list[NodeRecord]:
    reader = StreamReader(RunRequest(service))
    decoded = reader.feed((CASES / case / "request-01.sse").read_bytes())
    return decoded.records + reader.end().records


def by_tracing(case: str) -> list[NodeRecord]:
    protobuf = CASES / case / "request-02.pb"
    if protobuf.exists():
        return decode_traces(protobuf.read_bytes(), PROTOBUF).records
    batch = orjson.loads((CASES / case / "request-02.json").read_bytes())
    return read_batch(batch["batch"], f"real-{case}").records


def steps() -> dict[str, tuple[int, int, int]]:
    """Return by source id of each visible step its depth, start and end in microseconds."""
    run = Run.objects.get()
    visible = NodeExecution.objects.in_run(run.pk).visible()
    return {
        step.source_id: (step.depth, *(microseconds(at) for at in (step.started_at, step.ended_at)))
        for step in visible
    }


def microseconds(time: Any) -> int:
    return round(time.timestamp() * 1_000_000) if time else 0


@pytest.mark.any_database
@pytest.mark.django_db
@pytest.mark.parametrize("case", RUNS)
def test_any_order_of_arrival_gives_the_same_rows(case: str) -> None:
    traced = by_tracing(case)
    records = by_stream(case, traced[0].service) + traced
    assert len(check_every_delivery(records, examples=15)["runs"]) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("case", RUNS)
def test_the_tree_and_the_exact_times_are_those_of_tracing(case: str, console: Client) -> None:
    traced = by_tracing(case)
    streamed = by_stream(case, traced[0].service)
    with rolled_back():
        save_records(traced)
        alone = steps()
    edges = []
    for requests in ([streamed, traced], [traced, streamed]):
        with rolled_back():
            for request in requests:
                save_records(request)
            together = steps()
            for source_id, (depth, *times) in alone.items():
                assert together[source_id][0] == depth
                for ours, theirs in zip(together[source_id][1:], times, strict=True):
                    assert abs(ours - theirs) <= TOLERANCE_US
            first = min(start for _, start, _ in alone.values())
            assert min(start for _, start, _ in together.values()) >= first - TOLERANCE_US
            graph = console.get(f"/apps/{Run.objects.get().app.slug}/graph.json").json()
            edges.append(sorted((edge["source"], edge["target"]) for edge in graph["edges"]))
    assert edges[0] == edges[1] and edges[0]
