"""Spans as LangSmith's exporters write them: Python (lists of tags as text, details as Python
writes a dict) and JavaScript (everything as JSON)."""

from typing import Any

import orjson

from runs.recording.records.record import NodeRecord, Usage
from tests.runs.recording.captured import exception, record

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


def run(kind: str, inputs: Any = None, outputs: Any = None, **changes: Any) -> NodeRecord:
    """A run of LangSmith below another one."""
    told: dict[str, Any] = {"langsmith.span.kind": kind, "gen_ai.operation.name": "chat"}
    if inputs is not None:
        told["gen_ai.prompt"] = orjson.dumps(inputs).decode()
    if outputs is not None:
        told["gen_ai.completion"] = orjson.dumps(outputs).decode()
    told |= changes.pop("told", {})
    return record(told, **{"parent_span_id": "c" * 16, "scope": "langsmith", **changes})


def test_a_chat_model() -> None:
    told = {
        "gen_ai.request.model": "gpt-4o-mini", "gen_ai.request.temperature": 0.2,
        "langsmith.metadata.ls_provider": "openai", "gen_ai.system": "openai",
        "gen_ai.usage.input_tokens": 16, "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.total_tokens": 21,
    }  # fmt: skip
    call = run("llm", {"messages": [[HUMAN]]}, WRAPPED, told=told, name="ChatOpenAI")
    assert (call.kind, call.title) == ("llm", "ChatOpenAI")
    assert (call.model, call.provider) == ("gpt-4o-mini", "openai")
    assert call.inputs == {
        "messages": [{"role": "user", "content": "Please refund order A-17"}],
        "parameters": {"temperature": 0.2},
    }
    asked = {"id": "call_1", "name": "lookup_order", "arguments": {"order_id": "A-17"}}
    assert call.outputs == {
        "messages": [{"role": "assistant", "content": "", "tool_calls": [asked]}]
    }
    assert call.usage == Usage(16, 5, 2, None, 3, 21)
    assert "gen_ai.completion" in call.received["attributes"]  # more than the messages


def test_details_as_python_writes_them() -> None:
    told = {
        "gen_ai.usage.input_tokens": 16, "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.input_token_details": "{'cache_read': 4, 'cache_creation': 0}",
        "gen_ai.usage.output_token_details": "{'reasoning': 2}",
    }  # fmt: skip
    assert run("llm", told=told).usage == Usage(16, 5, 4, 0, 2, 21)


def test_usage_as_javascript_writes_it() -> None:
    usage = '{"input_tokens":9,"output_tokens":1,"input_token_details":{"cache_read":8}}'
    call = run("llm", told={"langsmith.usage_metadata": usage})
    assert call.usage == Usage(9, 1, 8, None, None, 10)


def test_usage_is_of_the_call_and_not_of_who_passes_its_answer_on() -> None:
    told = {"gen_ai.usage.input_tokens": 16, "gen_ai.usage.output_tokens": 5}
    assert run("chain", {"q": 1}, {"output": ANSWER}, told=told).usage is None


def test_calls_of_a_traced_client() -> None:
    asked = {"messages": [{"role": "user", "content": "hi"}], "model": "gpt-4o", "temperature": 0.1}
    answer = {"choices": [{"message": {"role": "assistant", "content": "yes"}, "index": 0,
              "finish_reason": "stop"}], "model": "gpt-4o-2024-07-18"}  # fmt: skip
    call = run("llm", asked, answer, told={"gen_ai.response.model": "gpt-4o-2024-07-18"})
    assert call.inputs["messages"] == asked["messages"]
    assert call.inputs["parameters"] == {"temperature": 0.1}
    said = {"role": "assistant", "content": "yes", "finish_reason": "stop"}
    assert call.outputs == {"messages": [said]}
    assert call.model == "gpt-4o-2024-07-18"


def test_tools() -> None:
    message = {
        "lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "ToolMessage"],
        "kwargs": {"content": '{"amount": 49.9}', "tool_call_id": "call_1", "type": "tool"},
    }  # fmt: skip
    tool = run("tool", {"input": '{"order_id": "A-17"}'}, {"output": message}, name="lookup_order")
    assert (tool.kind, tool.title) == ("tool", "lookup_order")
    assert (tool.inputs, tool.outputs) == ({"order_id": "A-17"}, {"amount": 49.9})
    own = run("tool", {"order_id": "A-17"}, {"amount": 1})
    assert (own.inputs, own.outputs) == ({"order_id": "A-17"}, {"amount": 1})


def test_kinds_that_the_operation_names_wrongly() -> None:
    found = {"documents": [{"page_content": "We open at nine.", "metadata": {}}]}
    retriever = run("retriever", {"query": "when?"}, found)
    assert (retriever.kind, retriever.inputs) == ("retriever", {"query": "when?"})
    assert retriever.outputs == found and retriever.model is None
    assert run("prompt", name="my prompt").kind == "prompt"
    assert run("parser", name="my parser").kind == "parser"
    assert run("embedding").kind == "embedding"


def test_plumbing_is_folded() -> None:
    assert run("prompt", name="ChatPromptTemplate").folded
    assert run("chain", name="RunnableSequence").folded
    assert run("chain", name="RunnableParallel<context,question>").folded
    assert run("parser", name="StrOutputParser").folded
    assert not run("parser", name="StrOutputParser", status="error").folded
    assert run("chain", name="inner", told={"langsmith.span.tags": "a, langsmith:hidden"}).folded
    assert not run("chain", name="classify").folded
    assert run("chain", name="RunnableSequence", parent_span_id=None).is_run


def test_langgraph() -> None:
    told = {"langsmith.metadata.langgraph_node": "classify", "langsmith.metadata.langgraph_step": 1}
    node = run("chain", {"q": 1}, {"category": "refund"}, told=told, name="classify")
    assert (node.node_id, node.outputs) == ("classify", {"category": "refund"})
    route = run("chain", {"q": 1}, {"output": "agent"}, told=told, name="route")
    assert (route.kind, route.taken, route.outputs) == ("branch", "agent", "agent")
    path = {"langsmith.metadata.langgraph_path": '["__pregel_push", 2, false]'}
    told = {"langsmith.metadata.langgraph_node": "retrieve", **path}
    assert run("chain", told=told, name="retrieve").fan_out_index == 2


def test_the_run() -> None:
    told = {
        "langsmith.trace.session_id": "0d2f0000-0000-4000-8000-000000000000",
        "langsmith.trace.session_name": "support", "langsmith.trace.name": "handle",
        "langsmith.metadata.thread_id": "t1", "langsmith.metadata.user_id": "user-7",
        "langsmith.metadata.revision_id": "1.4.2", "langsmith.span.tags": "web, beta",
        "langsmith.trace.id": "5f0e0000-0000-4000-8000-000000000000",
    }  # fmt: skip
    root = run("chain", {"q": "hi"}, {"output": "yes"}, told=told, parent_span_id=None)
    assert (root.service, root.title, root.is_run) == ("support", "handle", True)
    assert (root.inputs, root.outputs) == ({"q": "hi"}, "yes")
    facts = root.run
    # What LangSmith calls a session is the project.
    assert (facts.conversation, facts.user, facts.version) == ("t1", "user-7", "1.4.2")
    assert facts.tags == ("web", "beta")
    assert facts.source_ids == (("langsmith-trace", "5f0e0000-0000-4000-8000-000000000000"),)
    default = run("chain", told={"langsmith.trace.session_name": "default"})
    assert default.service == "shop"


def test_errors() -> None:
    failed = run("tool", status="error", events=[exception("Exception", "ValueError('no stock')")])
    assert (failed.status, failed.error) == ("failed", "ValueError('no stock')")


def test_a_root_whose_parent_is_elsewhere() -> None:
    assert run("chain", told={"langsmith.is_root": True}).is_run
    assert not run("llm", told={"langsmith.is_root": True}).is_run


def test_other_dialects_fill_what_langsmith_does_not_tell() -> None:
    told = {"langsmith.metadata.ls_provider": "openai", "gen_ai.operation.name": "chat",
            "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "hi"}  # fmt: skip
    found = record(told)
    assert found.kind == "llm" and found.inputs["messages"][0]["content"] == "hi"
