"""OpenLLMetry and the Traceloop SDK, span by span."""

import json
from typing import Any

import pytest

from runs.recording.records.record import Usage
from tests.runs.recording.captured import record

CHILD = {"parent_span_id": "c" * 16}
PROPERTIES = "traceloop.association.properties."


def entity(kind: str, name: str, given: Any = None, got: Any = None, **more: Any) -> dict[str, Any]:
    told = {"traceloop.span.kind": kind, "traceloop.entity.name": name, **more}
    if given is not None:
        told["traceloop.entity.input"] = json.dumps(given)
    if got is not None:
        told["traceloop.entity.output"] = json.dumps(got)
    return told


@pytest.mark.parametrize("kind", ["workflow", "task", "agent", "tool"])
def test_the_kind_of_span_is_the_kind_of_step(kind: str) -> None:
    step = record(entity(kind, "refund"), name=f"refund.{kind}", **CHILD)
    assert (step.kind, step.title) == (kind, "refund")
    assert step.is_run == (kind == "workflow")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"args": ["hi"], "kwargs": {}}, "hi"),
        ({"args": ["hi", 2], "kwargs": {}}, ["hi", 2]),
        ({"args": [], "kwargs": {"q": "hi"}}, {"q": "hi"}),
        ({"args": ["hi"], "kwargs": {"n": 2}}, {"args": ["hi"], "kwargs": {"n": 2}}),
        ({"args": [], "kwargs": {}}, {}),
        ({"anything": 1}, {"anything": 1}),
        ({"inputs": {"q": 1}, "tags": [], "metadata": {}, "kwargs": {}}, {"q": 1}),
        ({"input_str": "{'q': True}", "tags": [], "inputs": None}, {"q": True}),
        ({"input_str": "not {a dict", "tags": [], "inputs": None}, "not {a dict"),
        ({"input_str": "x", "inputs": {"q": "x"}}, {"q": "x"}),
        ({"tool_name": "search", "arguments": {"q": "hi"}}, {"q": "hi"}),
    ],
)
def test_what_was_passed_is_shown_without_its_wrapping(given: Any, shown: Any) -> None:
    assert record(entity("tool", "t", given)).inputs == shown


@pytest.mark.parametrize(
    ("got", "shown"),
    [
        ("refund", "refund"),
        (False, False),
        (49.9, 49.9),
        ({"outputs": {"a": 1}, "kwargs": {"tags": []}}, {"a": 1}),
        ({"output": "found it", "kwargs": {}}, "found it"),
        ({"result": '{"a": 1}'}, {"a": 1}),
        ([{"type": "text", "content": "[1, 2]"}], [1, 2]),
        ({"outputs": 1, "total": 2}, {"outputs": 1, "total": 2}),
    ],
)
def test_what_came_back_is_shown_without_its_wrapping(got: Any, shown: Any) -> None:
    assert record(entity("tool", "t", None, got)).outputs == shown


def test_a_value_that_is_no_json_stays_text() -> None:
    told = {"traceloop.span.kind": "task", "traceloop.entity.output": "Done: {half"}
    assert record(told).outputs == "Done: {half"


def test_what_is_told_twice_is_kept_once_and_what_was_around_it_is_kept() -> None:
    given = {"inputs": {"q": 1}, "tags": ["mine"], "metadata": {"a": 1}, "kwargs": {}}
    told = entity("task", "classify", given)
    told["gen_ai.task.input"] = told["traceloop.entity.input"]
    step = record(told)
    attributes = step.received["attributes"]
    assert attributes["traceloop.entity.input"] == {"tags": ["mine"], "metadata": {"a": 1}}
    assert "gen_ai.task.input" not in attributes
    assert step.read_from["inputs"] == ("traceloop", "traceloop.entity.input")


def test_facts_about_the_run() -> None:
    told = entity("workflow", "support", **{
        "traceloop.workflow.name": "support", "traceloop.entity.version": 3,
        PROPERTIES + "session_id": "s-1", PROPERTIES + "user_id": "u-1",
        PROPERTIES + "tags": '["beta"]',
    })  # fmt: skip
    run = record(told, resource={"service.name": "bot", "env": "staging", "version": "9"}).run
    assert (run.name, run.version, run.environment) == ("support", "3", "staging")
    assert (run.conversation, run.user, run.tags) == ("s-1", "u-1", ("beta",))


def test_only_the_workflow_tells_the_version() -> None:
    told = entity("task", "classify", **{
        "traceloop.workflow.name": "support", "traceloop.entity.version": 2,
    })  # fmt: skip
    resource = {"service.name": "bot", "service.version": "1.4.2"}
    assert record(told, resource=resource, **CHILD).run.version is None
    # A call outside of any workflow is as old as its program.
    assert record({"gen_ai.operation.name": "chat"}, resource=resource).run.version == "1.4.2"


def test_the_first_generation_of_model_calls() -> None:
    step = record({
        "traceloop.workflow.name": "support",
        "llm.request.type": "chat", "gen_ai.system": "OpenAI",
        "gen_ai.request.model": "gpt-4o", "gen_ai.response.model": "gpt-4o-2024-08-06",
        "llm.top_k": 5, "llm.request.functions.0.name": "lookup",
        "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "hi",
        "gen_ai.prompt.1.role": "assistant", "gen_ai.prompt.1.tool_calls.0.id": "c1",
        "gen_ai.prompt.1.tool_calls.0.name": "lookup",
        "gen_ai.prompt.1.tool_calls.0.arguments": '{"q": 1}',
        "gen_ai.prompt.2.role": "tool", "gen_ai.prompt.2.tool_call_id": "c1",
        "gen_ai.prompt.2.content": "found",
        "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": "hello",
        "gen_ai.completion.0.finish_reason": "stop",
        "gen_ai.usage.prompt_tokens": 10, "gen_ai.usage.completion_tokens": 5,
        "llm.usage.total_tokens": 15, "gen_ai.usage.cache_read_input_tokens": 4,
    }, name="openai.chat", **CHILD)  # fmt: skip
    assert (step.kind, step.title, step.model) == ("llm", "openai.chat", "gpt-4o-2024-08-06")
    assert step.inputs["tools"] == ["lookup"] and step.inputs["parameters"] == {"top_k": 5}
    assert step.inputs["messages"][1]["tool_calls"] == [
        {"id": "c1", "name": "lookup", "arguments": {"q": 1}}
    ]
    assert step.inputs["messages"][2]["tool_call_id"] == "c1"
    assert step.outputs["messages"] == [
        {"role": "assistant", "content": "hello", "finish_reason": "stop"}
    ]
    assert step.usage == Usage(10, 5, 4, None, None, 15)


def test_anthropic_tells_the_input_with_its_cached_part() -> None:
    step = record({
        "llm.request.type": "chat", "gen_ai.usage.input_tokens": 1200,
        "gen_ai.usage.output_tokens": 20, "gen_ai.usage.total_tokens": 1220,
        "gen_ai.usage.cache_read.input_tokens": 1000,
        "gen_ai.usage.cache_creation.input_tokens": 100,
    })  # fmt: skip
    assert step.usage == Usage(1200, 20, 1000, 100, None, 1220)


def test_bedrock_leaves_the_cached_part_out() -> None:
    step = record({
        "llm.request.type": "chat", "gen_ai.usage.input_tokens": 500,
        "gen_ai.usage.output_tokens": 20, "gen_ai.usage.total_tokens": 520,
        "gen_ai.usage.cache_read.input_tokens": 300,
    }, scope="opentelemetry.instrumentation.bedrock 0.62.4")  # fmt: skip
    assert step.usage == Usage(800, 20, 300, None, None, 820)


def test_an_embedding_and_a_reranking() -> None:
    step = record({
        "llm.request.type": "embedding", "gen_ai.request.model": "text-embedding-3-small",
        "gen_ai.prompt.0.content": "one", "gen_ai.prompt.1.content": "two",
        "gen_ai.usage.prompt_tokens": 2,
    })  # fmt: skip
    assert (step.kind, step.inputs) == ("embedding", ["one", "two"])
    assert step.usage is not None and step.usage.input == 2
    step = record({
        "llm.request.type": "rerank", "gen_ai.prompt.0.role": "user",
        "gen_ai.prompt.0.content": "query", "gen_ai.completion.0.content": "Doc 1, Score: 0.9",
    })  # fmt: skip
    assert step.kind == "reranker"
    assert step.inputs["messages"] == [{"role": "user", "content": "query"}]


def test_nonsense_is_no_failure() -> None:
    record({
        "traceloop.span.kind": ["x"], "traceloop.entity.name": 7, "traceloop.entity.input": 5,
        "traceloop.entity.output": "{", "traceloop.workflow.name": {"a": 1}, "db.system": 3,
        PROPERTIES + "langgraph_node": 3, PROPERTIES + "tags": "x", "gen_ai.operation.name": 4,
        "langgraph.command.goto_nodes": "[{}]",
    })  # fmt: skip
