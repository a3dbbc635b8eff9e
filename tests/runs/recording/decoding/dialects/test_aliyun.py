"""Alibaba Cloud's and Tencent Cloud's conventions, as Dify's exporters for them send them."""

import json
from typing import Any
from uuid import UUID

import pytest

from nodes.models import NodeExecution
from runs.models import Run, RunSource
from runs.recording.records.record import NodeRecord
from runs.recording.storing.store import save_records
from tests.runs.recording.captured import as_read, read_record

RUN = "0a1b2c3d-0000-4000-8000-000000000001"
TRACE = UUID(RUN).hex
PROMPTS = [{"role": "system", "text": "Be brief."}, {"role": "user", "text": "Hello?"}]
DOCUMENTS = [{"content": "Waffles need eggs.", "metadata": {"document_id": "d1"}, "score": 0.9}]


def dify_attributes(kind: str, **attributes: Any) -> dict[str, Any]:
    return {"gen_ai.span.kind": kind, "gen_ai.framework": "dify", **attributes}


def dify_record(kind: str, name: str, attributes: dict[str, Any], **changes: Any) -> NodeRecord:
    return read_record(dify_attributes(kind, **attributes), name=name, trace_id=TRACE, **changes)


def model_call(values: str, **changes: Any) -> NodeRecord:
    """An LLM node; `values` names the attributes of its input and output."""
    attributes = {
        "gen_ai.session.id": "c1",
        "gen_ai.response.model": "qwen-max",
        "gen_ai.provider.name": "tongyi",
        "gen_ai.usage.input_tokens": "12",
        "gen_ai.usage.output_tokens": "3",
        "gen_ai.usage.total_tokens": "15",
        "gen_ai.prompt": json.dumps(PROMPTS),
        "gen_ai.completion": "Hello.",
        values.format("input"): json.dumps(PROMPTS),
        values.format("output"): "Hello.",
    }
    return dify_record("LLM", "Write", attributes, **changes)


@pytest.mark.parametrize("values", ["{}.value", "gen_ai.entity.{}"])
def test_a_model_call(values: str) -> None:
    record = model_call(values, parent_span_id="a" * 16)
    assert (record.kind, record.title, record.model, record.provider) == (
        "llm", "Write", "qwen-max", "tongyi",
    )  # fmt: skip
    assert record.usage is not None
    assert (record.usage.input, record.usage.output, record.usage.total) == (12, 3, 15)
    assert [message["content"] for message in as_read(record.inputs)["messages"]] == [
        "Be brief.",
        "Hello?",
    ]
    assert as_read(record.outputs)["messages"][0]["content"] == "Hello."
    assert record.run.conversation == "c1"


def test_a_generic_name_gives_way_to_the_model() -> None:
    record = dify_record("GENERATION", "GENERATION", {"gen_ai.response.model": "qwen-max"})
    assert (record.kind, record.title) == ("llm", "qwen-max")


def test_a_retrieval() -> None:
    record = dify_record("RETRIEVER", "Look up", {
        "retrieval.query": "waffles",
        "retrieval.document": json.dumps([{"document": DOCUMENTS[0]}]),
        "input.value": "waffles",
    })  # fmt: skip
    assert (record.kind, record.inputs) == ("retriever", {"query": "waffles"})
    assert record.outputs == {"documents": DOCUMENTS}


def test_a_tool() -> None:
    record = dify_record("TOOL", "Weather", {
        "tool.name": "weather", "tool.parameters": '{"city": "Bonn"}',
        "gen_ai.entity.output": "It rains.",
    }, parent_span_id="a" * 16)  # fmt: skip
    assert (record.kind, record.title) == ("tool", "weather")
    assert (as_read(record.inputs), record.outputs) == ({"city": "Bonn"}, "It rains.")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("TASK", "task"), ("AGENT", "agent"), ("CHAIN", "chain"), ("RERANKER", "reranker")],
)
def test_other_kinds(kind: str, expected: str) -> None:
    assert read_record({"gen_ai.span.kind": kind}, parent_span_id="a" * 16).kind == expected


def test_zeros_where_no_model_was_used_are_no_usage() -> None:
    zeros = {f"gen_ai.usage.{side}_tokens": "0" for side in ("input", "output", "total")}
    record = dify_record("TASK", "Code", zeros, parent_span_id="a" * 16)
    assert record.usage is None or not record.usage.total


@pytest.mark.django_db
def test_a_turn_of_a_chatflow_is_one_run():
    turn, flow = "1" * 16, "2" * 16
    save_records(
        [
            dify_record(
                "CHAIN",
                "message",
                {
                    "gen_ai.session.id": "c1",
                    "gen_ai.user.id": "u1",
                    "input.value": "Hello?",
                    "output.value": '{"answer": "Hi"}',
                },
                span_id=turn,
            ),
            dify_record(
                "CHAIN",
                "workflow",
                {"gen_ai.user.id": "u1", "input.value": '{"sys.query": "?"}'},
                span_id=flow,
                parent_span_id=turn,
            ),
            model_call("{}.value", span_id="3" * 16, parent_span_id=flow),
        ]
    )
    run = Run.objects.get()
    assert (run.mode, run.user, run.status) == ("chatflow", "u1", "succeeded")
    assert run.conversation is not None and run.conversation.source_id == "c1"
    assert run.total_tokens == 15
    visible_steps = NodeExecution.objects.in_run(run.pk).visible()
    assert [(step.title, step.depth) for step in visible_steps] == [("Write", 0)]
    assert RunSource.objects.get(kind="dify-run").source_id == RUN
