"""The sample week: its request bodies, and what they become in the store."""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import call_command
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from nodes.choices import NodeStatus
from nodes.models import NodeExecution, Payload
from runs import samples
from runs.choices import AppMode, RunStatus
from runs.models import App, Conversation, Run, RunSource, Version
from runs.samples.schedule import DAY, HOUR
from runs.samples.spans import request_bodies
from tests.conftest import shared_rows

NOW = int(datetime(2026, 3, 11, 14, 30, tzinfo=UTC).timestamp()) * 1_000_000
FEW = 5  # runs of each app: those with something to find


@pytest.fixture(scope="module")
def week() -> list[bytes]:
    return [body for body, _ in request_bodies(samples.sample_runs(NOW))]


@pytest.fixture(scope="module")
def few_loaded(django_db_setup: None, django_db_blocker: Any) -> Iterator[int]:
    with shared_rows(django_db_blocker):
        yield samples.load(limit=FEW)


@pytest.fixture
def loaded(few_loaded: int, db: None) -> int:
    return few_loaded


def spans_of(week: list[bytes]) -> list[Span]:
    return [
        span
        for body in week
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def attributes(message: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in message}


# -- the bodies, without a database --------------------------------------------------------------


def test_every_sender_says_that_it_is_a_sample(week: list[bytes]) -> None:
    for body in week:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            assert attributes(resource.resource.attributes)["waylog.sample"] is True


def test_every_parent_is_sent_in_the_same_trace_and_no_id_twice(week: list[bytes]) -> None:
    traces: dict[bytes, dict[bytes, bytes]] = defaultdict(dict)
    for span in spans_of(week):
        assert span.span_id not in traces[span.trace_id]
        traces[span.trace_id][span.span_id] = span.parent_span_id
    for parents in traces.values():
        assert [parent for parent in parents.values() if parent and parent not in parents] == []
        assert list(parents.values()).count(b"") == 1
    assert 120 <= len(traces) <= 180


def test_times_lie_in_the_week_before_now(week: list[bytes]) -> None:
    starts = [span.start_time_unix_nano // 1000 for span in spans_of(week)]
    ends = [span.end_time_unix_nano // 1000 for span in spans_of(week)]
    assert min(starts) == NOW - 7 * DAY
    assert NOW - HOUR < max(ends) <= NOW
    assert all(start <= end for start, end in zip(starts, ends, strict=True))


def test_most_of_the_work_is_done_in_working_hours(week: list[bytes]) -> None:
    hours = [
        span.start_time_unix_nano // 1000 % DAY // HOUR
        for span in spans_of(week)
        if not span.parent_span_id
    ]
    assert sum(7 <= hour < 20 for hour in hours) > 0.85 * len(hours)


def test_ids_are_the_same_at_any_time_of_loading(week: list[bytes]) -> None:
    later = [body for body, _ in request_bodies(samples.sample_runs(NOW + 9 * DAY + 5 * HOUR))]
    assert {span.trace_id for span in spans_of(later)} == {span.trace_id for span in spans_of(week)}


def test_a_busier_week_is_the_week_and_more(week: list[bytes]) -> None:
    busier = [body for body, _ in request_bodies(samples.sample_runs(NOW, times=3))]
    runs, more = ({s.span_id: s.SerializeToString() for s in spans_of(w)} for w in (week, busier))
    assert runs.items() <= more.items()
    assert len(more) > 2 * len(runs)


def test_the_same_now_gives_the_same_bodies(week: list[bytes]) -> None:
    assert [body for body, _ in request_bodies(samples.sample_runs(NOW))] == week


def test_tokens_fit_the_texts(week: list[bytes]) -> None:
    for span in spans_of(week):
        values = attributes(span.attributes)
        prompts = [
            value
            for key, value in values.items()
            if key.startswith("llm.input_messages.") and key.endswith(".content")
        ]
        if "llm.token_count.prompt" in values:
            letters = sum(map(len, prompts))
            assert letters / 6 < values["llm.token_count.prompt"] < letters * 1.5 + 600


def test_metadata_is_json_as_its_producers_write_it(week: list[bytes]) -> None:
    texts = [attributes(span.attributes).get("metadata") for span in spans_of(week)]
    assert all(isinstance(json.loads(text), dict) for text in texts if text)


# -- what becomes of them ------------------------------------------------------------------------


def test_the_week_is_a_hundred_and_some_runs_of_four_apps(db: None) -> None:
    count = samples.load()
    assert 120 <= count <= 160
    assert Run.objects.count() == count
    statuses = list(Run.objects.values_list("status", flat=True))
    assert 0.06 <= statuses.count(RunStatus.FAILED) / count <= 0.13
    assert set(statuses) == {RunStatus.SUCCEEDED, RunStatus.PARTIAL_SUCCEEDED, RunStatus.FAILED}
    modes = dict(App.objects.values_list("name", "mode"))
    assert modes == {
        "Contract review": AppMode.WORKFLOW,
        "Invoice intake": AppMode.WORKFLOW,
        "Research agent": AppMode.WORKFLOW,
        "Support chat": AppMode.CHATFLOW,
    }
    assert Version.objects.exclude(label="").count() == 8
    assert not NodeExecution.objects.filter(orphan=True).exists()


def test_sample_apps_are_marked(loaded: int) -> None:
    assert App.objects.count() == 4
    assert not App.objects.filter(is_sample=False).exists()


def test_failures_have_their_causes(loaded: int) -> None:
    failed = Run.objects.filter(status=RunStatus.FAILED)
    errors = {run.failed_title: run.error for run in failed}
    column = "Expecting ',' delimiter: line 1 column 812 (char 811)"
    assert column in errors["Read answer"]
    assert "maximum context length is 8192 tokens" in errors["Write summary"]
    assert any("Connection refused" in run.error for run in failed)
    assert any("cannot read amount" in run.error for run in failed)
    assert any("Recursion limit of 25" in run.error for run in failed)
    assert any("504" in run.error for run in failed)


def test_the_failed_review_ends_in_its_seventh_iteration(loaded: int) -> None:
    run = Run.objects.get(error__contains="JSONDecodeError")
    steps = NodeExecution.objects.in_run(run.pk).visible()
    assert set(steps.filter(title="Assess clause").values_list("iteration", flat=True)) == set(
        "0123456"
    )
    assert steps.get(status=NodeStatus.FAILED, title="Read answer").iteration_path == [6]


def test_a_review_with_a_retry_and_a_covered_rate_limit_succeeds_in_part(loaded: int) -> None:
    run = Run.objects.get(app__name="Contract review", status=RunStatus.PARTIAL_SUCCEEDED)
    attempts = NodeExecution.objects.in_run(run.pk).filter(title="Assess clause", iteration="1")
    assert [step.status for step in attempts] == [NodeStatus.RETRY, NodeStatus.SUCCEEDED]
    assert (run.retries, run.exceptions) == (1, 1)
    assert run.total_tokens == run.reported_tokens


def test_an_order_is_refunded_in_two_turns_of_one_conversation(loaded: int) -> None:
    refunds = NodeExecution.objects.filter(title="Refund payment", inputs_preview__contains="A-17")
    turns = Run.objects.filter(pk__in=refunds.values("run"))
    assert turns.count() == 2
    assert turns.values("conversation").distinct().count() == 1
    assert turns.first().conversation.runs.count() == 4


def test_the_same_question_is_answered_differently_after_an_article_changed(loaded: int) -> None:
    question = "How long can I return a pair of headphones"
    first, second = Run.objects.filter(inputs_preview__contains=question).order_by("started_at")
    assert "within 30 days" in first.outputs_preview
    assert "within 14 days" in second.outputs_preview
    assert first.version_id == second.version_id
    retrievals = NodeExecution.objects.filter(title="Help centre")
    assert retrievals.get(run=first).outputs_id != retrievals.get(run=second).outputs_id


def test_the_chat_in_use_has_the_graph_that_was_exported(loaded: int) -> None:
    run = Run.objects.filter(app__name="Support chat").select_related("version").first()
    assert run and run.version and run.version.graph
    titles = {node["title"] for node in run.version.graph["nodes"]}
    assert {"What is it about?", "Order service", "Refund payment"} <= titles


def test_branches_of_an_invoice_overlap(loaded: int) -> None:
    run = Run.objects.filter(app__name="Invoice intake", status=RunStatus.SUCCEEDED).first()
    names = ["extract_totals", "detect_fraud", "match_supplier"]
    steps = NodeExecution.objects.in_run(run.pk).filter(title__in=names)
    assert len(steps) == 3
    assert max(step.started_at for step in steps) < min(step.ended_at for step in steps)


def test_one_research_costs_ten_times_the_others(loaded: int) -> None:
    costs = sorted(
        Run.objects.filter(app__name="Research agent", status=RunStatus.SUCCEEDED).values_list(
            "cost", flat=True
        )
    )
    assert costs[-1] > 10 * costs[0]


def test_loading_twice_changes_nothing(loaded: int) -> None:
    def rows() -> list[Any]:
        hidden = ("last_seen_at",)
        return [
            {key: value for key, value in run.items() if key not in hidden}
            for run in Run.objects.order_by("pk").values()
        ] + list(NodeExecution.objects.order_by("pk").values())

    before = rows()
    assert samples.load(limit=FEW) == loaded
    assert rows() == before


def test_removal_leaves_nothing_of_the_samples_and_all_of_the_rest(
    loaded: int, record: Any
) -> None:
    tables = (App, Version, Run, Conversation, RunSource, NodeExecution, Payload)
    samples.remove()
    assert [table.objects.count() for table in tables] == [0] * len(tables)
    record("langgraph-openinference")
    before = [table.objects.count() for table in tables]
    assert samples.load(limit=1) > 0
    samples.remove()
    assert [table.objects.count() for table in tables] == before


def test_commands_say_what_they_did(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("load_samples")
    assert "sample runs were loaded" in capsys.readouterr().out
    call_command("remove_samples")
    assert "sample runs were removed" in capsys.readouterr().out
    call_command("remove_samples")
    assert "no sample runs" in capsys.readouterr().out
