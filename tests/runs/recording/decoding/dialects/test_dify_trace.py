"""Dify's traces as its providers send them since 1.20, in Langfuse's metadata or as attributes."""

from typing import Any

import pytest

from nodes.models import NodeExecution
from runs.models import Run
from runs.recording.decoding.dialects import read_fields
from runs.recording.records.record import NodeRecord
from runs.recording.storing.store import save_records
from tests.runs.recording.captured import make_span

LANGFUSE = "langfuse.observation.metadata."
RUN, ROOT = "11111111-1111-4111-8111-111111111111", "f" * 16


def traced(span_type: str, name: str, prefix: str = LANGFUSE, **changes: Any) -> list[NodeRecord]:
    values = {"dify.span.type": span_type, "dify.span.name": name, "dify.workflow.run_id": RUN}
    values |= changes.pop("values", {})
    attributes = {prefix + key: value for key, value in values.items()}
    attributes |= changes.pop("attributes", {})
    if prefix:
        attributes |= {"langfuse.observation.type": "span", "session.id": RUN}
    changes = {"parent_span_id": ROOT, "scope": "langfuse-sdk" if prefix else "dify"} | changes
    return read_fields(make_span(attributes, name=name, **changes)).records()


def node(title: str, number: int, **changes: Any) -> list[NodeRecord]:
    values = {"dify.node.id": str(number), "dify.node.execution_id": f"e{number}"}
    values |= changes.pop("values", {})
    times = {"start_us": number * 1_000_000, "end_us": number * 1_000_000 + 900_000}
    changes = times | {"span_id": f"{number:016x}"} | changes
    return traced("node", title, values=values, **changes)


@pytest.mark.parametrize("prefix", [LANGFUSE, ""])
def test_run_and_node_have_the_ids_of_dify(prefix: str) -> None:
    facts = {"dify.workflow.version": "v2", "dify.user.id": "u-7"}
    [run] = traced("workflow", "Flow", prefix, values=facts, parent_span_id=None)
    assert (run.source_id, run.is_run, run.kind) == (RUN, True, "workflow")
    assert (run.run.version, run.run.user, run.run.conversation) == ("v2", "u-7", None)
    assert run.run.source_ids == (("dify-run", RUN),)
    [step] = node("Classify", 2, prefix=prefix, values={"node_type": "question-classifier"})
    assert (step.source_id, step.node_id, step.kind) == ("e2", "2", "question-classifier")


def test_the_call_of_a_model_tells_what_its_node_is() -> None:
    values = {"dify.node.id": "2", "dify.node.execution_id": "e2"}
    about_node, call = traced("llm", "gpt-4o-mini", values=values)
    assert (about_node.source_id, about_node.kind) == ("e2", "llm")
    assert (call.kind, call.parent_source_id) == ("llm", ROOT)


@pytest.mark.django_db
def test_failed_spans_of_one_execution_are_attempts():
    failed = {"status": "error", "status_message": "503"}
    spans = [
        *traced("workflow", "Flow", parent_span_id=None, span_id=ROOT, start_us=1),
        *node("Ask", 2, **failed, span_id="a" * 16, start_us=2_000_000),
        *node("Ask", 2, **failed, span_id="b" * 16, start_us=3_000_000, end_us=3_500_000),
        *node("Ask", 2, start_us=4_000_000, end_us=4_500_000),
    ]
    save_records(spans[::-1])
    steps = NodeExecution.objects.in_run(Run.objects.get().pk).visible()
    assert [(step.status, step.attempt) for step in steps] == [
        ("retry", 1), ("retry", 2), ("succeeded", 3),
    ]  # fmt: skip


def test_spans_of_dify_enterprise_stay_its_own() -> None:
    values = {"dify.span.type": "workflow", "dify.workflow.run_id": RUN}
    [run] = read_fields(make_span(values, name="dify.workflow.run")).records()
    assert (run.is_run, run.read_from["source_id"][0]) == (True, "dify-enterprise")
