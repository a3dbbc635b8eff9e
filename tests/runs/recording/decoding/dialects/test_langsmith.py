"""Spans as LangSmith's exporters write them: Python (lists of tags as text, details as Python
writes a dict) and JavaScript (everything as JSON)."""

from typing import Any

import orjson

from runs.recording.records.record import NodeRecord, Usage
from tests.runs.recording.captured import as_read, exception_event, read_record

HUMAN = {
    "lc": 1,
    "type": "constructor",
    "id": ["langchain", "schema", "messages", "HumanMessage"],
    "kwargs": {"content": "Please refund order A-17", "type": "human"},
}
CALL = {"name": "lookup_order", "args": {"order_id": "A-17"}, "id": "call_1", "type": "tool_call"}
ANSWER = {
    "lc": 1,
    "type": "constructor",
    "id": ["langchain", "schema", "messages", "AIMessage"],
    "kwargs": {
        "content": "",
        "type": "ai",
        "tool_calls": [CALL],
        "usage_metadata": {
            "input_tokens": 16, "output_tokens": 5, "total_tokens": 21,
            "input_token_details": {"cache_read": 2}, "output_token_details": {"reasoning": 3},
        },
    },
}  # fmt: skip
WRAPPED = {"generations": [[{"text": "", "message": ANSWER}]], "llm_output": None}


def langsmith_record(
    kind: str, inputs: Any = None, outputs: Any = None, **changes: Any
) -> NodeRecord:
    """A run of LangSmith below another one."""
    attributes: dict[str, Any] = {"langsmith.span.kind": kind, "gen_ai.operation.name": "chat"}
    if inputs is not None:
        attributes["gen_ai.prompt"] = orjson.dumps(inputs).decode()
    if outputs is not None:
        attributes["gen_ai.completion"] = orjson.dumps(outputs).decode()
    attributes |= changes.pop("attributes", {})
    return read_record(attributes, **{"parent_span_id": "c" * 16, "scope": "langsmith", **changes})


def test_a_chat_model() -> None:
    attributes = {
        "gen_ai.request.model": "gpt-4o-mini", "gen_ai.request.temperature": 0.2,
        "langsmith.metadata.ls_provider": "openai", "gen_ai.system": "openai",
        "gen_ai.usage.input_tokens": 16, "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.total_tokens": 21,
    }  # fmt: skip
    call = langsmith_record(
        "llm", {"messages": [[HUMAN]]}, WRAPPED, attributes=attributes, name="ChatOpenAI"
    )
    assert (call.kind, call.title) == ("llm", "ChatOpenAI")
    assert (call.model, call.provider) == ("gpt-4o-mini", "openai")
    assert as_read(call.inputs) == {
        "messages": [{"role": "user", "content": "Please refund order A-17"}],
        "parameters": {"temperature": 0.2},
    }
    tool_call = {"id": "call_1", "name": "lookup_order", "arguments": {"order_id": "A-17"}}
    assert as_read(call.outputs) == {
        "messages": [{"role": "assistant", "content": "", "tool_calls": [tool_call]}]
    }
    assert call.usage == Usage(16, 5, 2, None, 3, 21)
    assert "gen_ai.completion" in call.received["attributes"]  # more than the messages


def test_details_as_python_writes_them() -> None:
    attributes = {
        "gen_ai.usage.input_tokens": 16, "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.input_token_details": "{'cache_read': 4, 'cache_creation': 0}",
        "gen_ai.usage.output_token_details": "{'reasoning': 2}",
    }  # fmt: skip
    assert langsmith_record("llm", attributes=attributes).usage == Usage(16, 5, 4, 0, 2, 21)


def test_usage_as_javascript_writes_it() -> None:
    usage = '{"input_tokens":9,"output_tokens":1,"input_token_details":{"cache_read":8}}'
    call = langsmith_record("llm", attributes={"langsmith.usage_metadata": usage})
    assert call.usage == Usage(9, 1, 8, None, None, 10)


def test_usage_belongs_to_the_call_not_to_steps_that_return_its_answer() -> None:
    attributes = {"gen_ai.usage.input_tokens": 16, "gen_ai.usage.output_tokens": 5}
    assert (
        langsmith_record("chain", {"q": 1}, {"output": ANSWER}, attributes=attributes).usage is None
    )


def test_calls_of_a_traced_client() -> None:
    request = {
        "messages": [{"role": "user", "content": "hi"}],
        "model": "gpt-4o",
        "temperature": 0.1,
    }
    response = {"choices": [{"message": {"role": "assistant", "content": "yes"}, "index": 0,
                             "finish_reason": "stop"}], "model": "gpt-4o-2024-07-18"}  # fmt: skip
    call = langsmith_record(
        "llm", request, response, attributes={"gen_ai.response.model": "gpt-4o-2024-07-18"}
    )
    assert as_read(call.inputs)["messages"] == request["messages"]
    assert call.inputs["parameters"] == {"temperature": 0.1}
    reply = {"role": "assistant", "content": "yes", "finish_reason": "stop"}
    assert as_read(call.outputs) == {"messages": [reply]}
    assert call.model == "gpt-4o-2024-07-18"


def test_tools() -> None:
    message = {
        "lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "ToolMessage"],
        "kwargs": {"content": '{"amount": 49.9}', "tool_call_id": "call_1", "type": "tool"},
    }  # fmt: skip
    tool = langsmith_record(
        "tool", {"input": '{"order_id": "A-17"}'}, {"output": message}, name="lookup_order"
    )
    assert (tool.kind, tool.title) == ("tool", "lookup_order")
    assert (tool.inputs, tool.outputs) == ({"order_id": "A-17"}, {"amount": 49.9})
    traced = langsmith_record("tool", {"order_id": "A-17"}, {"amount": 1})
    assert (traced.inputs, traced.outputs) == ({"order_id": "A-17"}, {"amount": 1})


def test_kinds_that_the_operation_names_wrongly() -> None:
    result = {"documents": [{"page_content": "We open at nine.", "metadata": {}}]}
    retriever = langsmith_record("retriever", {"query": "when?"}, result)
    assert (retriever.kind, retriever.inputs) == ("retriever", {"query": "when?"})
    assert retriever.outputs == result and retriever.model is None
    assert langsmith_record("prompt", name="my prompt").kind == "prompt"
    assert langsmith_record("parser", name="my parser").kind == "parser"
    assert langsmith_record("embedding").kind == "embedding"


def test_wrappers() -> None:
    assert langsmith_record("prompt", name="ChatPromptTemplate").folded
    assert langsmith_record("chain", name="RunnableSequence").folded
    assert langsmith_record("chain", name="RunnableParallel<context,question>").folded
    assert langsmith_record("parser", name="StrOutputParser").folded
    assert not langsmith_record("parser", name="StrOutputParser", status="error").folded
    assert langsmith_record(
        "chain", name="inner", attributes={"langsmith.span.tags": "a, langsmith:hidden"}
    ).folded
    assert not langsmith_record("chain", name="classify").folded
    assert langsmith_record("chain", name="RunnableSequence", parent_span_id=None).is_run


def test_langgraph() -> None:
    attributes = {
        "langsmith.metadata.langgraph_node": "classify",
        "langsmith.metadata.langgraph_step": 1,
    }
    node = langsmith_record(
        "chain", {"q": 1}, {"category": "refund"}, attributes=attributes, name="classify"
    )
    assert (node.node_id, node.outputs) == ("classify", {"category": "refund"})
    route = langsmith_record(
        "chain", {"q": 1}, {"output": "agent"}, attributes=attributes, name="route"
    )
    assert (route.kind, route.taken, route.outputs) == ("branch", "agent", "agent")
    path = {"langsmith.metadata.langgraph_path": '["__pregel_push", 2, false]'}
    attributes = {"langsmith.metadata.langgraph_node": "retrieve", **path}
    assert langsmith_record("chain", attributes=attributes, name="retrieve").fan_out_index == 2


def test_the_run() -> None:
    attributes = {
        "langsmith.trace.session_id": "0d2f0000-0000-4000-8000-000000000000",
        "langsmith.trace.session_name": "support", "langsmith.trace.name": "handle",
        "langsmith.metadata.thread_id": "t1", "langsmith.metadata.user_id": "user-7",
        "langsmith.metadata.revision_id": "1.4.2", "langsmith.span.tags": "web, beta",
        "langsmith.trace.id": "5f0e0000-0000-4000-8000-000000000000",
    }  # fmt: skip
    root = langsmith_record(
        "chain", {"q": "hi"}, {"output": "yes"}, attributes=attributes, parent_span_id=None
    )
    assert (root.service, root.title, root.is_run) == ("support", "handle", True)
    assert (root.inputs, root.outputs) == ({"q": "hi"}, "yes")
    facts = root.run
    # What LangSmith calls a session is the project.
    assert (facts.conversation, facts.user, facts.version) == ("t1", "user-7", "1.4.2")
    assert facts.tags == ("web", "beta")
    assert facts.source_ids == (("langsmith-trace", "5f0e0000-0000-4000-8000-000000000000"),)
    default = langsmith_record("chain", attributes={"langsmith.trace.session_name": "default"})
    assert default.service == "shop"


def test_errors() -> None:
    failed = langsmith_record(
        "tool", status="error", events=[exception_event("Exception", "ValueError('no stock')")]
    )
    assert (failed.status, failed.error) == ("failed", "ValueError('no stock')")


def test_a_root_with_a_parent_in_another_process() -> None:
    assert langsmith_record("chain", attributes={"langsmith.is_root": True}).is_run
    assert not langsmith_record("llm", attributes={"langsmith.is_root": True}).is_run


def test_other_dialects_fill_what_langsmith_does_not_send() -> None:
    attributes = {"langsmith.metadata.ls_provider": "openai", "gen_ai.operation.name": "chat",
                  "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "hi"}  # fmt: skip
    record = read_record(attributes)
    assert record.kind == "llm" and as_read(record.inputs)["messages"][0]["content"] == "hi"
