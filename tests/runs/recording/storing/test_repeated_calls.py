"""A model call that Anthropic's SDK reports in a trace of its own, beside the run that made it."""

from typing import Any

import pytest

from runs.models import Run
from runs.recording.decoding.dialects import read_fields
from runs.recording.records.record import NodeRecord
from runs.recording.storing.store import save_records
from tests.runs.recording.captured import make_span

AGENT, SDK = "a" * 32, "b" * 32
MODEL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "claude-sonnet-4-5"}


def agent(start: int = 1_000_000, **attributes: Any) -> list[NodeRecord]:
    """Return a run with a model call as an instrumentation reports it, of a second."""
    parts = [
        make_span(trace_id=AGENT, span_id="1" * 16, start_us=start, end_us=start + 2_000_000),
        make_span(
            {"openinference.span.kind": "LLM", "llm.model_name": "claude-sonnet-4-5-20250929"},
            trace_id=AGENT, span_id="2" * 16, parent_span_id="1" * 16,
            start_us=start, end_us=start + 1_000_000,
        ),
    ]  # fmt: skip
    return [record for span in parts for record in read_fields(span).records()]


def sdk_call(**changes: Any) -> list[NodeRecord]:
    changes = {"trace_id": SDK, "span_id": "3" * 16, "scope": "com.anthropic.sdk.python 2.14.0",
               "start_us": 1_100_000, "end_us": 1_900_000} | changes  # fmt: skip
    return read_fields(make_span(MODEL, **changes)).records()


def listed() -> set[str]:
    return {source.source_id for run in Run.objects.listed() for source in run.sources.all()}


@pytest.mark.django_db
@pytest.mark.parametrize("order", [1, -1])
def test_a_call_within_a_call_of_another_run_is_left_out_of_lists(order: int) -> None:
    for records in (agent(), sdk_call())[::order]:
        save_records(records)
    assert listed() == {AGENT}
    assert Run.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("order", [1, -1])
def test_a_call_that_no_other_run_has_is_a_run(order: int) -> None:
    for records in (agent(start=5_000_000), sdk_call())[::order]:
        save_records(records)
    assert listed() == {AGENT, SDK}


@pytest.mark.django_db
def test_a_failed_call_beside_its_instrumentation_is_one_call() -> None:
    beside = sdk_call(trace_id=AGENT, parent_span_id="1" * 16, status="error")
    save_records([*agent(), *beside])
    assert Run.objects.get().model_calls == 1
