"""Requests that can be read but make no sense: the good part is kept, and the rest is shown as
well as it can be, whatever comes first."""

from typing import Any

import pytest
from django.test import Client

from nodes.models import NodeExecution
from runs.models import RefusedRecord, Run
from tests.hostile import START, body, span
from tests.runs.recording.decoding.dify_stream.streams import finished, node, sse, started
from tests.runs.recording.decoding.langfuse_events import CHAT_EVENTS, langfuse_event
from tests.runs.recording.receiving.test_bad_bodies import (
    ENDPOINT_CASES,
    EndpointCase,
    Send,
    batch,
    check_refused,
    logs,
    send,
)

__all__ = ["send"]  # a fixture
# The events of Dify are stored on a thread of their own.
pytestmark = pytest.mark.django_db(transaction=True)
DAY_BEFORE, FAR = "2026-11-19T10:00:00Z", "9999-12-31T23:59:59-14:00"


def seen(id_: str, **fields: Any) -> dict[str, Any]:
    return langfuse_event("span-create", {"id": id_, "traceId": "t", "name": id_, **fields})


# Parts of a story: a circle of parents, a child before its parent by a day, times that are none,
# one id with two contents.
ODD: dict[EndpointCase, list[bytes]] = {
    ENDPOINT_CASES[1]: [body(spans).encode() for spans in (
        span(1, parent=2), span(2, parent=1), span(3, parent=1, start=START - 86_400 * 10**9),
        span(4, parent=3, start=0, end=0), span(5, parent=3, start=2**62), span(1, name="other"))],
    ENDPOINT_CASES[4]: [batch(spans) for spans in (
        seen("a", parentObservationId="b"), seen("b", parentObservationId="a"),
        seen("c", parentObservationId="a", startTime=DAY_BEFORE, endTime=DAY_BEFORE),
        seen("d", parentObservationId="d", startTime="0001-01-01", endTime=FAR),
        seen("a", parentObservationId="c", level="ERROR", input=[1]), seen("a", input={"b": 2}))],
    ENDPOINT_CASES[6]: [sse(spans) for spans in (
        started(), node("node_started", "a", iteration_id="n-b", created_at=0),
        node("iteration_started", "b", iteration_id="n-a", created_at=-86_400),
        node("node_finished", "a", iteration_id="n-b", created_at=10**12, elapsed_time="NaN"),
        node("node_finished", "a", title="other", node_type="llm", created_at=4e18),
        node("node_started", "c", predecessor_node_id="n-c", parallel_id="n-c"))],
}  # fmt: skip


@pytest.mark.parametrize("endpoint", ODD, ids=lambda endpoint: str(endpoint.path))
def test_odd_requests_in_any_order(send: Send, console: Client, endpoint: EndpointCase) -> None:
    trees = []
    for parts in (ODD[endpoint], ODD[endpoint][::-1], ODD[endpoint] * 2):
        Run.objects.all().delete()
        for part in parts:
            assert send(endpoint, part).status_code in (200, 207)
        run = Run.objects.get()
        for page in (
            f"/runs/{run.id}/tracing/?all=1",
            f"/runs/{run.id}.html",
            f"/runs/{run.id}.md",
        ):
            assert console.get(page).status_code == 200
        rows = NodeExecution.objects.order_by("source_id")
        trees.append(list(rows.values_list("source_id", "title", "depth", "index", "status")))
    assert len(trees[0]) >= 3
    assert trees[0] == trees[1] == trees[2]


def test_logs_with_ids_of_the_wrong_length(send: Send) -> None:
    for wrong_id in ({"traceId": "a" * 31}, {"spanId": "b" * 17}, {"spanId": "z" * 16}):
        answer = send(ENDPOINT_CASES[3], logs(**wrong_id))
        assert answer.json()["partialSuccess"]["rejectedLogRecords"] == "1"
    assert not Run.objects.exists()


@pytest.mark.parametrize("ids", [{"id": ""}, {"id": "o", "traceId": ""}, {"id": "\0" * 200}])
def test_langfuse_ids_that_are_none(send: Send, ids: dict[str, Any]) -> None:
    answer = send(ENDPOINT_CASES[4], batch(langfuse_event("span-create", ids), *CHAT_EVENTS)).json()
    assert len(answer["successes"]) >= len(CHAT_EVENTS)
    assert Run.objects.filter(steps=2).exists()


def nested(levels: int) -> bytes:
    return b"[" * levels + b"1" + b"]" * levels


DEEP = {
    ENDPOINT_CASES[4]: batch(seen("a", input="@"), *CHAT_EVENTS),
    ENDPOINT_CASES[6]: sse(started(), node("node_started", "a", inputs="@"), finished()),
}


@pytest.mark.parametrize("endpoint", DEEP, ids=lambda endpoint: str(endpoint.path))
def test_what_is_nested_too_deep_is_refused_alone(
    send: Send, console: Client, endpoint: EndpointCase
) -> None:
    """What is taken can be written again in every form."""
    for levels in (90, 300, 960):
        content = DEEP[endpoint].replace(b'"@"', nested(levels))
        assert send(endpoint, content).status_code in (200, 207)
        for run in Run.objects.all():
            for form in ("json", "otlp.json", "ndjson", "html"):
                answer = console.get(f"/runs/{run.id}.{form}")
                assert answer.status_code == 200 and b"".join(answer)
    reasons = set(RefusedRecord.objects.values_list("reason", flat=True))
    assert len(reasons) == 1 and "more than 100 levels" in reasons.pop()


def test_a_score_that_is_nested_too_deep(send: Send) -> None:
    content = b'{"traceId": "t", "name": "n", "value": %s}' % nested(960)
    check_refused(ENDPOINT_CASES[5], send(ENDPOINT_CASES[5], content), 400)
