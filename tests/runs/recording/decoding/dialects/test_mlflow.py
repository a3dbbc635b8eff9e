"""Spans as MLflow exports them: every value of its SDKs is JSON text."""

from decimal import Decimal
from typing import Any

import orjson

from runs.recording.records.record import Cost, NodeRecord, Usage
from tests.runs.recording.captured import as_read, exception_event, read_record

ANSWER = {
    "id": "chatcmpl-1",
    "model": "gpt-4o-2024-07-18",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "yes"}}
    ],
    "usage": {"prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29},
}


def mlflow_record(kind: str, inputs: Any = None, outputs: Any = None, **changes: Any) -> NodeRecord:
    """A span of MLflow below another one."""
    fields = {"spanType": kind, "spanInputs": inputs, "spanOutputs": outputs}
    fields |= changes.pop("attributes", {})
    attributes = {
        f"mlflow.{name}": orjson.dumps(value).decode()
        for name, value in fields.items()
        if value is not None
    }
    attributes |= changes.pop("plain", {})
    return read_record(attributes, **{"parent_span_id": "c" * 16, **changes})


def test_kinds() -> None:
    kinds = {
        "CHAT_MODEL": "llm", "LLM": "llm", "CHAIN": "chain", "AGENT": "agent", "TOOL": "tool",
        "RETRIEVER": "retriever", "EMBEDDING": "embedding", "RERANKER": "reranker",
        "PARSER": "parser", "MEMORY": "memory", "WORKFLOW": "workflow", "TASK": "task",
        "GUARDRAIL": "guardrail", "EVALUATOR": "evaluator", "UNKNOWN": "span", "MINE": "span",
    }  # fmt: skip
    assert {span_type: mlflow_record(span_type).kind for span_type in kinds} == kinds
    # Other producers that send to MLflow write it without quotes.
    assert read_record({"mlflow.spanType": "TOOL"}).kind == "tool"


def test_a_chat_model() -> None:
    request = {
        "messages": [{"role": "user", "content": "hi"}], "model": "gpt-4o", "temperature": 0.2,
    }  # fmt: skip
    fields = {
        "chat.tokenUsage": {
            "input_tokens": 20, "output_tokens": 9, "total_tokens": 29,
            "cache_read_input_tokens": 12,
        },
        "llm.cost": {"input_cost": 0.1, "output_cost": 0.2, "total_cost": 0.3},
        "llm.model": "gpt-4o-2024-07-18", "llm.provider": "openai", "message.format": "openai",
        "chat.tools": [{"type": "function", "function": {"name": "lookup_order"}}],
    }  # fmt: skip
    call = mlflow_record("CHAT_MODEL", request, ANSWER, attributes=fields, name="Completions")
    assert (call.kind, call.title) == ("llm", "Completions")
    assert (call.model, call.provider) == ("gpt-4o-2024-07-18", "openai")
    assert call.inputs == {
        "messages": [{"role": "user", "content": "hi"}],
        "tools": ["lookup_order"],
        "parameters": {"temperature": 0.2},
    }
    reply = {"role": "assistant", "content": "yes", "finish_reason": "stop"}
    assert as_read(call.outputs) == {"messages": [reply]}
    assert call.usage == Usage(20, 9, 12, None, None, 29)
    assert call.cost == Cost(Decimal("0.3"))
    assert mlflow_record("CHAT_MODEL", request, ANSWER).model == "gpt-4o-2024-07-18"


def test_messages_of_anthropic() -> None:
    request = {
        "model": "claude-sonnet-4-5", "max_tokens": 100, "system": "Be short.",
        "messages": [
            {"role": "user", "content": "Where is A-17?"},
            {"role": "assistant", "content": [
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "t1", "name": "lookup", "input": {"id": "A-17"}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": "shipped"},
            ]},
        ],
    }  # fmt: skip
    response = {
        "type": "message", "role": "assistant", "content": [{"type": "text", "text": "Shipped."}],
    }  # fmt: skip
    call = mlflow_record("CHAT_MODEL", request, response)
    calls = [{"id": "t1", "name": "lookup", "arguments": {"id": "A-17"}}]
    assert as_read(call.inputs)["messages"] == [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "Where is A-17?"},
        {"role": "assistant", "content": "I look.", "tool_calls": calls},
        {"role": "tool", "content": "shipped", "tool_call_id": "t1"},
    ]
    assert call.inputs["parameters"] == {"max_tokens": 100}
    assert as_read(call.outputs) == {"messages": [{"role": "assistant", "content": "Shipped."}]}


def test_messages_of_gemini_and_of_responses() -> None:
    request = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    call = {"functionCall": {"name": "lookup", "args": {"id": "A-17"}}}
    response = {
        "candidates": [{"content": {"role": "model", "parts": [call]}, "finishReason": "STOP"}]
    }
    gemini = mlflow_record("CHAT_MODEL", request, response)
    assert as_read(gemini.inputs) == {"messages": [{"role": "user", "content": "hi"}]}
    reply = as_read(gemini.outputs)["messages"][0]
    assert reply["tool_calls"][0]["arguments"] == {"id": "A-17"} and reply["role"] == "assistant"
    request = {"instructions": "Be short.", "input": "hi"}
    response = {
        "output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Well."}]},
            {"type": "message", "role": "assistant",
             "content": [{"type": "output_text", "text": "yes"}]},
            {"type": "function_call", "call_id": "c1", "name": "lookup", "arguments": "{}"},
        ]
    }  # fmt: skip
    responses = mlflow_record("CHAT_MODEL", request, response)
    assert [m["content"] for m in as_read(responses.inputs)["messages"]] == ["Be short.", "hi"]
    thought, reply, tool_call = as_read(responses.outputs)["messages"]
    assert thought["content"] == [{"type": "reasoning", "text": "Well."}]
    assert reply["content"] == "yes" and tool_call["tool_calls"][0]["name"] == "lookup"


def test_messages_of_langchain() -> None:
    human = {"content": "hi", "type": "human", "additional_kwargs": {}}
    response = {"generations": [[{"text": "yes", "message": {"content": "yes", "type": "ai"}}]]}
    call = mlflow_record("CHAT_MODEL", [[human]], response)
    assert as_read(call.inputs) == {"messages": [{"role": "user", "content": "hi"}]}
    assert as_read(call.outputs) == {"messages": [{"role": "assistant", "content": "yes"}]}
    text = mlflow_record("LLM", ["one", "two"], "three")
    assert [m["content"] for m in as_read(text.inputs)["messages"]] == ["one", "two"]
    assert as_read(text.outputs)["messages"][0]["content"] == "three"


def test_values_of_other_steps() -> None:
    chain = mlflow_record("CHAIN", {"q": "hi"}, "yes")
    assert (chain.inputs, chain.outputs) == ({"q": "hi"}, "yes")
    assert not set(chain.received["attributes"]) & {"mlflow.spanInputs", "mlflow.spanOutputs"}
    tool = mlflow_record(
        "TOOL", {"order_id": "A-17"}, {"content": "49.9", "type": "tool", "name": "x"}
    )
    assert (tool.inputs, tool.outputs) == ({"order_id": "A-17"}, "49.9")
    assert mlflow_record("TOOL", 3, 0).outputs == 0
    documents = [{"page_content": "We open at nine.", "metadata": {"doc_uri": "faq"}}]
    assert mlflow_record("RETRIEVER", "when?", documents).outputs == documents
    odd = mlflow_record("CHAT_MODEL", {"question": 1}, {"score": 2})
    assert (odd.inputs, odd.outputs) == ({"question": 1}, {"score": 2})


def test_langgraph() -> None:
    metadata = orjson.dumps({"langgraph_node": "classify", "thread_id": "t1"}).decode()
    node = mlflow_record("CHAIN", {"q": 1}, {"category": "refund"}, name="classify",
                         plain={"metadata": metadata})  # fmt: skip
    assert (node.node_id, node.run.conversation) == ("classify", "t1")
    route = mlflow_record("CHAIN", {"q": 1}, "agent", name="route", plain={"metadata": metadata})
    assert (route.kind, route.taken) == ("branch", "agent")


def test_wrappers() -> None:
    assert mlflow_record("CHAIN", name="RunnableSequence").folded
    assert mlflow_record("PARSER", name="StrOutputParser").folded
    assert not mlflow_record("CHAIN", name="classify").folded
    assert not mlflow_record("CHAIN", name="RunnableSequence", parent_span_id=None).folded


def test_the_run() -> None:
    plain = {"session.id": "s1", "user.id": '"42"', "mlflow.traceTag.team": "shop",
             "mlflow.traceTag.mlflow.traceName": "handle"}  # fmt: skip
    root = mlflow_record(
        "AGENT", attributes={"traceRequestId": "tr-1"}, plain=plain, parent_span_id=None
    )
    assert root.is_run and root.service == "shop"
    facts = root.run
    assert (facts.conversation, facts.user, facts.name) == ("s1", "42", "handle")
    assert facts.tags == ("team:shop",)
    assert facts.source_ids == (("mlflow-trace", "tr-1"),)
    older = mlflow_record("AGENT", attributes={"trace.session": "s2", "trace.user": "u2"})
    assert (older.run.conversation, older.run.user) == ("s2", "u2")
    at_once = read_record({"mlflow.trace.tags": '{"team": "shop", "mlflow.user": "me"}'})
    assert at_once.run.tags == ("team:shop",)


def test_errors() -> None:
    failed = mlflow_record(
        "TOOL", status="error", events=[exception_event("ValueError", "no stock")]
    )
    assert (failed.status, failed.error, failed.error_type) == ("failed", "no stock", "ValueError")


def test_broken_values() -> None:
    record = read_record(
        {
            "mlflow.spanType": '"LLM',
            "mlflow.spanInputs": "{",
            "mlflow.spanOutputs": "",
            "mlflow.chat.tokenUsage": "[]",
            "mlflow.llm.cost": '{"total_cost": "much"}',
        }
    )
    assert (record.kind, as_read(record.inputs), record.outputs) == ("span", "{", None)
    assert record.usage is None and record.cost is None
