"""The capture haystack-native (a loop and a crash), and agents and older versions by hand."""

from typing import Any

import orjson
import pytest

from runs.recording.records.record import NodeRecord, Usage
from tests.runs.recording.captured import exception, record, traces


@pytest.fixture(scope="module")
def pipelines() -> list[list[NodeRecord]]:
    return traces("haystack-native")


def span(name: str, told: dict[str, Any], **changes: Any) -> NodeRecord:
    """A span of Haystack below another one; objects as JSON text, as its tracer writes them."""
    attributes = {
        f"haystack.{key}": value if isinstance(value, (str, int)) else orjson.dumps(value).decode()
        for key, value in told.items()
    }
    return record(attributes, **{"name": f"haystack.{name}", "parent_span_id": "c" * 16, **changes})


def component(class_name: str, **told: Any) -> NodeRecord:
    values = {"name": "step", "type": class_name, **told}
    return span("component.run", {f"component.{key}": value for key, value in values.items()})


def said(role: str, *parts: dict[str, Any], **meta: Any) -> dict[str, Any]:
    return {"role": role, "meta": meta, "name": None, "content": list(parts)}


def test_the_pipeline_is_the_run(pipelines: list[list[NodeRecord]]) -> None:
    for run in pipelines:
        root = run[0]
        assert (root.kind, root.title, root.is_run) == ("workflow", "rag-loop", True)
        assert (root.run.name, root.run.version, root.service) == (
            "rag-loop",
            "3.0",
            "haystack-rag",
        )
    root = pipelines[0][0]
    assert root.inputs == {"router": {"q": "when do you open?"}}
    assert root.outputs == {"validator": {"good": "We open at nine. 天气晴。"}}


def test_components_are_nodes(pipelines: list[list[NodeRecord]]) -> None:
    assert [(step.node_id, step.title, step.kind) for step in pipelines[0][1:7]] == [
        ("router", "router", "branch"), ("joiner", "joiner", "joiner"),
        ("retriever", "retriever", "retriever"), ("prompt", "prompt", "prompt"),
        ("llm", "llm", "llm"), ("validator", "validator", "task"),
    ]  # fmt: skip
    assert [step.node_id for step in pipelines[0][7:]] == ["joiner", "prompt", "llm", "validator"]


def test_who_sends_and_which_way_is_taken(pipelines: list[list[NodeRecord]]) -> None:
    taken = {(step.title, step.taken) for run in pipelines for step in run if step.taken}
    assert taken == {
        ("router", "general"), ("router", "refund"), ("validator", "retry"), ("validator", "good"),
    }  # fmt: skip
    senders = {step.title: step.ran_after for step in pipelines[0][1:]}
    assert senders["router"] == () and senders["prompt"] == ("retriever", "joiner")
    assert senders["joiner"] == ("router", "validator")
    several = component("Answers", output_spec={"a": {}, "b": {}}, output={"a": 1, "b": 2})
    assert several.taken is None


def test_a_generator_is_a_model_call(pipelines: list[list[NodeRecord]]) -> None:
    calls = [step for step in pipelines[0] if step.kind == "llm"]
    assert [call.usage for call in calls] == [
        Usage(16, 14, 4, None, 3, 30), Usage(15, 14, 4, None, 3, 29),
    ]  # fmt: skip
    assert calls[0].model == "gpt-4o-mini-2024-07-18"
    asked = {"role": "user", "content": "Answer when do you open? with []"}
    assert calls[0].inputs == {"messages": [asked]}
    answer = {"role": "assistant", "content": "We open at nine. 天气晴。", "finish_reason": "stop"}
    assert calls[0].outputs == {"messages": [answer]}
    # What passes the answer on repeats its usage in its inputs, and counts nothing.
    assert not any(step.usage for step in pipelines[0] if step.kind != "llm")


def test_a_generator_of_text() -> None:
    meta = [{"model": "gpt-4o", "usage": {"prompt_tokens": 3, "completion_tokens": 2}}]
    found = component(
        "OpenAIGenerator",
        input={"prompt": "hi", "system_prompt": "Be short.", "generation_kwargs": {"seed": 1}},
        output={"replies": ["yes"], "meta": meta},
    )
    assert [message["content"] for message in found.inputs["messages"]] == ["Be short.", "hi"]
    assert found.inputs["parameters"] == {"seed": 1}
    assert found.outputs == {"messages": [{"role": "assistant", "content": "yes"}]}
    assert (found.model, found.usage) == ("gpt-4o", Usage(3, 2, None, None, None, 5))


def test_messages_with_tools_and_thoughts() -> None:
    call = {"tool_name": "lookup", "arguments": {"id": "A-17"}, "id": "c1", "extra": None}
    result = {"result": "shipped", "origin": call, "error": False}
    messages = [
        said("system", {"text": "Be short."}),
        said("assistant", {"reasoning": {"reasoning_text": "Well."}}, {"tool_call": call}),
        said("tool", {"tool_call_result": result}),
    ]
    tool = {"type": "haystack.tools.tool.Tool", "data": {"name": "lookup"}}
    found = component("OpenAIChatGenerator", input={"messages": messages, "tools": [tool]})
    system, assistant, answer = found.inputs["messages"]
    assert system == {"role": "system", "content": "Be short."}
    assert assistant["content"] == [{"type": "reasoning", "text": "Well."}]
    known = {"id": "c1", "name": "lookup", "arguments": {"id": "A-17"}}
    assert assistant["tool_calls"] == [known]
    assert answer == {
        "role": "tool", "content": "shipped", "tool_call_id": "c1", "name": "lookup",
    }  # fmt: skip
    assert found.inputs["tools"] == ["lookup"]


def test_messages_as_they_were_written_before() -> None:
    older = {"_role": "user", "_content": [{"text": "hi"}], "_name": None, "_meta": {}}
    oldest = {"role": "user", "content": "hi", "name": None, "meta": {}}
    for message in (older, oldest):
        found = component("OpenAIChatGenerator", input={"messages": [message]})
        assert found.inputs == {"messages": [{"role": "user", "content": "hi"}]}


def test_documents() -> None:
    document = {"id": "d1", "content": "We open at nine.", "blob": None, "score": 0.5, "doc": "faq"}
    for class_name in ("InMemoryBM25Retriever", "LLMRanker"):
        found = component(class_name, output={"documents": [document]})
        assert found.outputs == {
            "documents": [
                {"id": "d1", "content": "We open at nine.", "score": 0.5,
                 "metadata": {"doc": "faq"}},
            ]
        }  # fmt: skip


@pytest.mark.parametrize(
    ("class_name", "kind"),
    [
        ("AzureOpenAIChatGenerator", "llm"), ("LLM", "llm"),
        ("OpenAITextEmbedder", "embedding"), ("CohereRanker", "reranker"),
        ("DocumentJoiner", "joiner"), ("FileTypeRouter", "branch"), ("ToolInvoker", "tool"),
        ("Agent", "agent"), ("PyPDFToDocument", "document-extractor"),
        ("SASEvaluator", "evaluator"), ("SerperDevWebSearch", "tool"),
        ("DocumentWriter", "task"), ("Mine", "task"),
    ],
)  # fmt: skip
def test_kinds(class_name: str, kind: str) -> None:
    assert component(class_name).kind == kind


def test_an_embedder_tells_its_usage() -> None:
    meta = {"model": "text-embedding-3-small", "usage": {"prompt_tokens": 4, "total_tokens": 4}}
    found = component("OpenAITextEmbedder", output={"embedding": [0.1], "meta": meta})
    assert (found.model, found.usage) == (
        "text-embedding-3-small",
        Usage(4, None, None, None, None, 4),
    )


def test_without_content_the_structure_is_known() -> None:
    found = component("OpenAIChatGenerator", visits=2)
    assert (found.node_id, found.kind, found.inputs, found.outputs) == ("step", "llm", None, None)


def test_the_crash(pipelines: list[list[NodeRecord]]) -> None:
    root, router, boom = pipelines[1]
    assert (root.status, router.status, boom.status) == ("failed", "succeeded", "failed")
    assert boom.error is not None and boom.error.endswith("Error: vector index is corrupt")
    assert boom.error_type == "haystack.core.errors.PipelineRuntimeError"


def test_pipelines_of_other_versions() -> None:
    told = {"pipeline.input_data": {"a": 1}, "pipeline.output_data": {}}
    found = span("async_pipeline.run", told, parent_span_id=None)
    assert (found.title, found.is_run, found.outputs) == ("pipeline", True, None)
    assert found.inputs == {"a": 1} and found.run.name is None


def test_an_agent_and_its_steps() -> None:
    told = {"agent.input": {"messages": []}, "agent.output": {"messages": []}}
    alone = span("agent.run", told, parent_span_id=None)
    assert (alone.kind, alone.is_run, alone.folded) == ("agent", True, False)
    assert span("agent.run", told).folded  # repeats the component
    step = span("agent.step", {"agent.step": 1})
    assert (step.folded, step.pass_index) == (True, 1)
    reply = said("assistant", {"text": "yes"}, model="gpt-4o", usage={"prompt_tokens": 1,
                 "completion_tokens": 2, "total_tokens": 3})  # fmt: skip
    told = {
        "agent.step.llm.input": {"messages": [said("user", {"text": "hi"})]},
        "agent.step.llm.output": {"replies": [reply]},
    }
    call = span("agent.step.llm", told)
    assert (call.kind, call.model) == ("llm", "gpt-4o")
    assert call.usage == Usage(1, 2, None, None, None, 3)
    assert call.inputs == {"messages": [{"role": "user", "content": "hi"}]}


def test_tools_of_an_agent() -> None:
    told = {"tool.name": "lookup", "agent.step.tool.input": {"id": "A-17"}}
    found = span("agent.step.tool", {**told, "agent.step.tool.output": "shipped"})
    assert (found.kind, found.title) == ("tool", "lookup")
    assert (found.inputs, found.outputs, found.status) == ({"id": "A-17"}, "shipped", "succeeded")
    failed = span("agent.step.tool", {**told, "agent.step.tool.output": {"error": "no stock"}})
    assert (failed.status, failed.error) == ("failed", "no stock")
    messages = {"tool_messages": [], "state": {}}
    older = span("agent.step.tool", {"agent.step.tool.output": messages})
    assert (older.title, older.status, older.outputs) == ("tools", "succeeded", messages)


def test_hooks_and_people() -> None:
    hook = span("agent.hook", {"agent.hook.name": "ConfirmationHook", "agent.hook.point": "x"})
    assert (hook.title, hook.kind) == ("ConfirmationHook", "task")
    strategy = "agent.hook.human_in_the_loop.strategy"
    asked = span(strategy, {"tool.name": "refund", f"{strategy}.decision": "reject",
                 f"{strategy}.input": {"tool_params": {"id": 1}}})  # fmt: skip
    assert (asked.kind, asked.title, asked.taken) == ("human-input", "refund", "reject")
    assert asked.inputs == {"tool_params": {"id": 1}}


def test_a_generator_inside_a_component() -> None:
    told = {"component.name": "chat_generator", "component.type": "OpenAIChatGenerator"}
    inner = span("chat_generator.run", told)
    assert (inner.kind, inner.title) == ("llm", "chat_generator")


def test_broken_values() -> None:
    found = span(
        "component.run",
        {"component.type": "Agent", "component.input_spec": "[1]", "component.output_spec": "{"},
        status="error",
        events=[exception("ValueError", "no stock")],
    )
    assert (found.title, found.error, found.ran_after) == ("Agent", "no stock", ())
    odd = {"replies": [3, None], "meta": [None]}
    assert component("OpenAIGenerator", output=odd).outputs == odd
