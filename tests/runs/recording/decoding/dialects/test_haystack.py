"""The capture haystack-native (a loop and a crash), and agents and older versions by hand."""

from typing import Any

import orjson
import pytest

from runs.recording.records.record import NodeRecord, Usage
from tests.runs.recording.captured import as_read, captured_traces, exception_event, read_record


@pytest.fixture(scope="module")
def pipelines() -> list[list[NodeRecord]]:
    return captured_traces("haystack-native")


def haystack_record(name: str, values: dict[str, Any], **changes: Any) -> NodeRecord:
    """A span of Haystack below another one; objects as JSON text, as its tracer writes them."""
    attributes = {
        f"haystack.{key}": value if isinstance(value, (str, int)) else orjson.dumps(value).decode()
        for key, value in values.items()
    }
    return read_record(
        attributes, **{"name": f"haystack.{name}", "parent_span_id": "c" * 16, **changes}
    )


def component_record(class_name: str, **fields: Any) -> NodeRecord:
    values = {"name": "step", "type": class_name, **fields}
    return haystack_record(
        "component.run", {f"component.{key}": value for key, value in values.items()}
    )


def chat_message(role: str, *parts: dict[str, Any], **meta: Any) -> dict[str, Any]:
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


def test_senders_and_the_branch_taken(pipelines: list[list[NodeRecord]]) -> None:
    taken = {(step.title, step.taken) for run in pipelines for step in run if step.taken}
    assert taken == {
        ("router", "general"), ("router", "refund"), ("validator", "retry"), ("validator", "good"),
    }  # fmt: skip
    senders = {step.title: step.ran_after for step in pipelines[0][1:]}
    assert senders["router"] == () and senders["prompt"] == ("retriever", "joiner")
    assert senders["joiner"] == ("router", "validator")
    several = component_record("Answers", output_spec={"a": {}, "b": {}}, output={"a": 1, "b": 2})
    assert several.taken is None


def test_a_generator_is_a_model_call(pipelines: list[list[NodeRecord]]) -> None:
    calls = [step for step in pipelines[0] if step.kind == "llm"]
    assert [call.usage for call in calls] == [
        Usage(16, 14, 4, None, 3, 30), Usage(15, 14, 4, None, 3, 29),
    ]  # fmt: skip
    assert calls[0].model == "gpt-4o-mini-2024-07-18"
    request = {"role": "user", "content": "Answer when do you open? with []"}
    assert as_read(calls[0].inputs) == {"messages": [request]}
    reply = {"role": "assistant", "content": "We open at nine. 天气晴。", "finish_reason": "stop"}
    assert as_read(calls[0].outputs) == {"messages": [reply]}
    # Steps that take the answer have its usage in their inputs, which is not counted again.
    assert not any(step.usage for step in pipelines[0] if step.kind != "llm")


def test_a_generator_of_text() -> None:
    meta = [{"model": "gpt-4o", "usage": {"prompt_tokens": 3, "completion_tokens": 2}}]
    record = component_record(
        "OpenAIGenerator",
        input={"prompt": "hi", "system_prompt": "Be short.", "generation_kwargs": {"seed": 1}},
        output={"replies": ["yes"], "meta": meta},
    )
    assert [message["content"] for message in as_read(record.inputs)["messages"]] == [
        "Be short.",
        "hi",
    ]
    assert record.inputs["parameters"] == {"seed": 1}
    assert as_read(record.outputs) == {"messages": [{"role": "assistant", "content": "yes"}]}
    assert (record.model, record.usage) == ("gpt-4o", Usage(3, 2, None, None, None, 5))


def test_messages_with_tools_and_thoughts() -> None:
    call = {"tool_name": "lookup", "arguments": {"id": "A-17"}, "id": "c1", "extra": None}
    result = {"result": "shipped", "origin": call, "error": False}
    messages = [
        chat_message("system", {"text": "Be short."}),
        chat_message("assistant", {"reasoning": {"reasoning_text": "Well."}}, {"tool_call": call}),
        chat_message("tool", {"tool_call_result": result}),
    ]
    tool = {"type": "haystack.tools.tool.Tool", "data": {"name": "lookup"}}
    record = component_record("OpenAIChatGenerator", input={"messages": messages, "tools": [tool]})
    system, assistant, result_message = as_read(record.inputs)["messages"]
    assert system == {"role": "system", "content": "Be short."}
    assert assistant["content"] == [{"type": "reasoning", "text": "Well."}]
    tool_call = {"id": "c1", "name": "lookup", "arguments": {"id": "A-17"}}
    assert assistant["tool_calls"] == [tool_call]
    assert result_message == {
        "role": "tool", "content": "shipped", "tool_call_id": "c1", "name": "lookup",
    }  # fmt: skip
    assert record.inputs["tools"] == ["lookup"]


def test_messages_of_older_versions() -> None:
    older = {"_role": "user", "_content": [{"text": "hi"}], "_name": None, "_meta": {}}
    oldest = {"role": "user", "content": "hi", "name": None, "meta": {}}
    for message in (older, oldest):
        record = component_record("OpenAIChatGenerator", input={"messages": [message]})
        assert as_read(record.inputs) == {"messages": [{"role": "user", "content": "hi"}]}


def test_documents() -> None:
    document = {"id": "d1", "content": "We open at nine.", "blob": None, "score": 0.5, "doc": "faq"}
    for class_name in ("InMemoryBM25Retriever", "LLMRanker"):
        record = component_record(class_name, output={"documents": [document]})
        assert record.outputs == {
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
    assert component_record(class_name).kind == kind


def test_the_usage_of_an_embedder() -> None:
    meta = {"model": "text-embedding-3-small", "usage": {"prompt_tokens": 4, "total_tokens": 4}}
    record = component_record("OpenAITextEmbedder", output={"embedding": [0.1], "meta": meta})
    assert (record.model, record.usage) == (
        "text-embedding-3-small",
        Usage(4, None, None, None, None, 4),
    )


def test_without_content_the_structure_is_known() -> None:
    record = component_record("OpenAIChatGenerator", visits=2)
    assert (record.node_id, record.kind, as_read(record.inputs), record.outputs) == (
        "step",
        "llm",
        None,
        None,
    )


def test_the_crash(pipelines: list[list[NodeRecord]]) -> None:
    root, router, boom = pipelines[1]
    assert (root.status, router.status, boom.status) == ("failed", "succeeded", "failed")
    assert boom.error is not None and boom.error.endswith("Error: vector index is corrupt")
    assert boom.error_type == "haystack.core.errors.PipelineRuntimeError"


def test_pipelines_of_other_versions() -> None:
    attributes = {"pipeline.input_data": {"a": 1}, "pipeline.output_data": {}}
    record = haystack_record("async_pipeline.run", attributes, parent_span_id=None)
    assert (record.title, record.is_run, record.outputs) == ("pipeline", True, None)
    assert record.inputs == {"a": 1} and record.run.name is None


def test_an_agent_and_its_steps() -> None:
    attributes = {"agent.input": {"messages": []}, "agent.output": {"messages": []}}
    alone = haystack_record("agent.run", attributes, parent_span_id=None)
    assert (alone.kind, alone.is_run, alone.folded) == ("agent", True, False)
    assert haystack_record("agent.run", attributes).folded  # repeats the component
    step = haystack_record("agent.step", {"agent.step": 1})
    assert (step.folded, step.pass_index) == (True, 1)
    reply = chat_message(
        "assistant",
        {"text": "yes"},
        model="gpt-4o",
        usage={"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    )
    attributes = {
        "agent.step.llm.input": {"messages": [chat_message("user", {"text": "hi"})]},
        "agent.step.llm.output": {"replies": [reply]},
    }
    call = haystack_record("agent.step.llm", attributes)
    assert (call.kind, call.model) == ("llm", "gpt-4o")
    assert call.usage == Usage(1, 2, None, None, None, 3)
    assert as_read(call.inputs) == {"messages": [{"role": "user", "content": "hi"}]}


def test_tools_of_an_agent() -> None:
    attributes = {"tool.name": "lookup", "agent.step.tool.input": {"id": "A-17"}}
    record = haystack_record("agent.step.tool", {**attributes, "agent.step.tool.output": "shipped"})
    assert (record.kind, record.title) == ("tool", "lookup")
    assert (record.inputs, record.outputs, record.status) == (
        {"id": "A-17"},
        "shipped",
        "succeeded",
    )
    failed = haystack_record(
        "agent.step.tool", {**attributes, "agent.step.tool.output": {"error": "no stock"}}
    )
    assert (failed.status, failed.error) == ("failed", "no stock")
    messages = {"tool_messages": [], "state": {}}
    older = haystack_record("agent.step.tool", {"agent.step.tool.output": messages})
    assert (older.title, older.status, older.outputs) == ("tools", "succeeded", messages)


def test_hooks_and_confirmations_by_a_person() -> None:
    hook = haystack_record(
        "agent.hook", {"agent.hook.name": "ConfirmationHook", "agent.hook.point": "x"}
    )
    assert (hook.title, hook.kind) == ("ConfirmationHook", "task")
    strategy = "agent.hook.human_in_the_loop.strategy"
    confirmation = haystack_record(
        strategy,
        {
            "tool.name": "refund",
            f"{strategy}.decision": "reject",
            f"{strategy}.input": {"tool_params": {"id": 1}},
        },
    )
    assert (confirmation.kind, confirmation.title, confirmation.taken) == (
        "human-input",
        "refund",
        "reject",
    )
    assert confirmation.inputs == {"tool_params": {"id": 1}}


def test_a_generator_inside_a_component() -> None:
    attributes = {"component.name": "chat_generator", "component.type": "OpenAIChatGenerator"}
    inner = haystack_record("chat_generator.run", attributes)
    assert (inner.kind, inner.title) == ("llm", "chat_generator")


def test_broken_values() -> None:
    record = haystack_record(
        "component.run",
        {"component.type": "Agent", "component.input_spec": "[1]", "component.output_spec": "{"},
        status="error",
        events=[exception_event("ValueError", "no stock")],
    )
    assert (record.title, record.error, record.ran_after) == ("Agent", "no stock", ())
    odd = {"replies": [3, None], "meta": [None]}
    assert component_record("OpenAIGenerator", output=odd).outputs == odd
