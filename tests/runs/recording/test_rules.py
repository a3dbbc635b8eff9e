"""The rules of the record: whatever the order, the splitting and the repetition of real spans, the
same rows are stored; and one bad span costs no good one."""

import threading
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from nodes.models import NodeExecution
from runs.models import App, RefusedRecord, Run
from runs.recording.decoding.traces import decode_traces
from runs.recording.records.record import NodeRecord
from runs.recording.storing import ingest
from runs.recording.storing.related_rows import app_ids
from runs.recording.storing.store import save_records
from tests.cases.test_cases import FOLDER
from tests.conftest import PROTOBUF, capture, rolled_back
from tests.otlp_spans import otlp_request, otlp_span
from tests.runs.recording.snapshot import snapshot

CAPTURES = [
    "dify-phoenix", "langgraph-openinference", "pydantic-ai", "openai-agents-openinference",
    "google-adk", "haystack-native", "langfuse", "langgraph-openllmetry", "llamaindex-workflow",
    "logfire-pydantic-graph", "traceloop-sdk", "vercel-ai-v7", "producers/langgraph-py-hitl",
    "producers/n8n", "producers/autogen", "producers/anthropic-langgraph",
]  # fmt: skip


def records_of(name: str) -> list[NodeRecord]:
    return [r for body in capture(name) for r in decode_traces(body, PROTOBUF).records]


# Traces of several roots, or whose root is elsewhere, cut off or cancelled.
ROOTLESS = ["06-", "08-", "09-", "13-", "15-", "29-", "32-", "36-", "46-", "68-", "72-", "90-"]


def records_of_case(number: str) -> list[NodeRecord]:
    (folder,) = (FOLDER / "telemetry").glob(f"{number}*")
    bodies = [path.read_bytes() for path in sorted(folder.glob("request-*.json"))]
    return [r for body in bodies for r in decode_traces(body, "application/json").records]


def records_of_turns() -> list[NodeRecord]:
    """Return a conversation in one trace: three turns, the second failed; calls of another service
    whose clock is ahead; links; work after the last answer, and a health check beside them."""
    said = {"gen_ai__operation__name": "invoke_agent", "gen_ai__conversation__id": "c"}
    own = [
        otlp_span(1, n, "potter", at=(n, n + 0.9), failed=n == 2, input__value=f"Turn {n}?",
                  **({} if n == 2 else {"output__value": f"Answer {n}."}), **said)
        for n in (1, 2, 3)
    ]  # fmt: skip
    own.append(otlp_span(1, 9, "save memory", at=(4, 5), links=((1, 3), (2, 7))))
    others = [
        otlp_span(1, 10 + n, "serve", n, (n + 60.1, n + 60.8), "server") for n in (1, 2, 3)
    ] + [otlp_span(2, 7, "GET /healthz", at=(0, 1), kind="server", http__request__method="GET")]
    bodies = (otlp_request(own), otlp_request(others, "parts"))
    return [r for body in bodies for r in decode_traces(body, "application/json").records]


def stored(requests: list[list[NodeRecord]]) -> dict[str, Any]:
    with rolled_back():
        for request in requests:
            save_records(request)
        return snapshot()


@st.composite
def deliveries(draw: st.DrawFn, count: int) -> list[list[int]]:
    """Requests of indices: every index at least once, in any order, some again."""
    order = draw(st.permutations(range(count)))
    order += draw(st.lists(st.integers(0, count - 1), max_size=count // 2))
    cuts = sorted(draw(st.sets(st.integers(1, len(order) - 1), max_size=12)))
    return [order[a:b] for a, b in zip([0, *cuts], [*cuts, len(order)], strict=True)]


def check_every_delivery(
    records: list[NodeRecord], examples: int, rows_of: Callable[..., dict[str, Any]] = stored
) -> dict[str, Any]:
    """Check that `records` are stored as the same rows in any order, however they are split and
    repeated, by so many examples; return the rows."""
    app_ids({record.service for record in records})  # numbers of apps are the database's
    expected = rows_of([records])

    @settings(max_examples=examples)
    @given(deliveries(len(records)))
    def check(delivery: list[list[int]]) -> None:
        tables = rows_of([[records[index] for index in request] for request in delivery])
        for table, rows in expected.items():
            assert tables[table] == rows, table

    check()
    return expected


@pytest.mark.django_db
@pytest.mark.parametrize("name", [*CAPTURES, *ROOTLESS, "turns"])
def test_order_splitting_and_repetition_do_not_matter(name):
    if name == "turns":
        records = records_of_turns()
    else:
        records = records_of_case(name) if name in ROOTLESS else records_of(name)
    assert check_every_delivery(records, examples=8)["runs"]


@pytest.mark.django_db
def test_one_span_a_request_backwards():
    """The order in which a parent always comes after its children, and the run's own span last."""
    records = records_of("langgraph-openinference")
    app_ids({record.service for record in records})
    expected = stored([records])
    assert stored([[record] for record in reversed(records)]) == expected


@pytest.mark.django_db
def test_the_order_of_messages_does_not_decide_what_was_received():
    """What was received of a step, too, does not depend on which message came last."""
    records = [
        replace(_side_trace(), received={"attributes": {"a": text}, "scope": text})
        for text in ("x", "y", "z" * 2000)
    ]
    app_ids({record.service for record in records})
    expected = stored([records])
    assert expected["executions"][0]["received_body"]
    for order in permutations(records):
        assert stored([[record] for record in order]) == expected


@pytest.mark.django_db
def test_sending_again_changes_nothing(record):
    record("dify-phoenix")
    before = snapshot()
    record("dify-phoenix")
    assert snapshot() == before


@pytest.mark.django_db(transaction=True)
def test_many_processes_record_one_run(ingest_key):
    """Four senders at once, each with every fourth span of the same runs, as several workers do."""
    bodies = _single_span_requests(capture("langgraph-openinference"))[:40]
    answers: list[int] = []

    def send(part: list[bytes]) -> None:
        client = Client()
        for body in part:
            answer = client.post(
                "/v1/traces", body, content_type=PROTOBUF, headers={"x-api-key": ingest_key}
            )
            answers.append(answer.status_code)
        connection.close()

    threads = [threading.Thread(target=send, args=(bodies[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) == {200}
    at_once = snapshot()
    Run.objects.all().delete()
    for body in bodies:
        ingest.store_spans(body, PROTOBUF)
    assert snapshot() == at_once


def _single_span_requests(bodies: list[bytes]) -> list[bytes]:
    requests = []
    for body in bodies:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    request = ExportTraceServiceRequest()
                    request.resource_spans.add(resource=resource.resource).scope_spans.add(
                        scope=scope.scope, spans=[span]
                    )
                    requests.append(request.SerializeToString())
    return requests


@pytest.mark.django_db
def test_one_bad_span_never_costs_a_good_one(client, ingest_key):
    request = ExportTraceServiceRequest.FromString(capture("google-adk")[0])
    good = sum(len(s.spans) for r in request.resource_spans for s in r.scope_spans)
    bad = request.resource_spans[0].scope_spans[0].spans.add(name="bad", trace_id=b"short")
    bad.span_id = b"12345678"
    answer = client.post(
        "/v1/traces",
        request.SerializeToString(),
        content_type=PROTOBUF,
        headers={"x-api-key": ingest_key, "user-agent": "a-tester"},
    )
    assert answer.status_code == 200
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (partial.rejected_spans, bool(partial.error_message)) == (1, True)
    assert NodeExecution.objects.count() == good
    kept = RefusedRecord.objects.get()
    assert "bad" in kept.raw and kept.reason and kept.user_agent == "a-tester"


@pytest.mark.django_db
def test_traces_that_share_an_id_of_dify_are_one_run():
    """Both traces of a chatflow turn arrive on their own; the span that joins them arrives last."""
    base = records_of("dify-phoenix")
    turn = [record for record in base if record.trace.startswith("54d4fb7d")]
    other = _side_trace()
    app_ids({record.service for record in turn})
    expected = stored([[*turn, other]])
    assert len(expected["runs"]) == 1 and len(expected["sources"]) == 3
    assert stored([[other], turn]) == expected
    assert stored([turn, [other]]) == expected
    assert stored([[other], turn[:1], turn[1:]]) == expected


@pytest.mark.django_db
def test_a_link_to_a_run_that_was_joined_goes_on_working(console):
    turn = [r for r in records_of("dify-phoenix") if r.trace.startswith("54d4fb7d")]
    first, second = save_records([_side_trace()])[0], save_records(turn)[0]
    assert Run.objects.count() == 1
    for run_id in first | second:
        assert console.get(f"/runs/{run_id}/tracing/").status_code == 200


def _side_trace() -> NodeRecord:
    """A suggested question: its own OTLP trace, joined to the turn by the message id."""
    from runs.recording.records.record import RunFacts

    return NodeRecord(
        trace="ff" * 16, source_id="ab" * 8, service="My App", title="suggested_question",
        kind="tool", status="succeeded", started_us=10, ended_us=20,
        run=RunFacts(source_ids=(("dify-message", "m1"),)),
    )  # fmt: skip


@pytest.mark.django_db
def test_a_key_bound_to_an_app_writes_there_and_nowhere_else(client, record):
    from runs.models import IngestKey

    record("google-adk")
    before = snapshot()["executions"]
    app = App.objects.create(name="Mine", slug="mine")
    _, secret = IngestKey.create("bound", app=app)
    record("google-adk", key=secret)
    assert Run.objects.filter(app=app).count() == 3
    assert [row for row in snapshot()["executions"] if row["app_id"] != app.pk] == before


@pytest.mark.django_db
def test_what_only_the_database_refuses_costs_nothing_else(client, ingest_key, monkeypatch):
    """A limit of the database that no decoder knows: the record is refused alone."""
    from django.db import DataError

    from runs.recording.storing import execution_rows

    row_from_record = execution_rows.row_from_record

    def picky(record: NodeRecord, *args: Any) -> Any:
        if record.title == "lookup_order":
            raise DataError("value out of range")
        return row_from_record(record, *args)

    monkeypatch.setattr(execution_rows, "row_from_record", picky)
    answer = client.post(
        "/v1/traces", capture("google-adk")[0], content_type=PROTOBUF,
        headers={"x-api-key": ingest_key},
    )  # fmt: skip
    assert answer.status_code == 200 and b"out of range" in answer.content
    assert RefusedRecord.objects.count() == 2
    assert NodeExecution.objects.count() == 28


@pytest.mark.django_db(transaction=True)
def test_senders_that_share_prompts_and_conversations_do_not_block_each_other(ingest_key):
    """Two workers send runs of the same app, user and conversation, in opposite order."""
    bodies = capture("google-adk") + capture("pydantic-ai") + capture("langgraph-openinference")
    answers: list[int] = []

    def send(part: list[bytes]) -> None:
        client = Client()
        for body in part * 3:
            answer = client.post(
                "/v1/traces", body, content_type=PROTOBUF, headers={"x-api-key": ingest_key}
            )
            answers.append(answer.status_code)
        connection.close()

    threads = [threading.Thread(target=send, args=(p,)) for p in (bodies, bodies[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * len(answers)
