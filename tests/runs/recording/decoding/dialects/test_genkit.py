"""Genkit by hand: a flow with a chat, a model, tools, documents; interrupts and failures."""

import json
from typing import Any

from runs.recording.records.record import NodeRecord, Usage
from tests.runs.recording.captured import as_read, exception_event, read_record


def action(subtype: str, name: str, inputs: Any, outputs: Any = None, **changes: Any) -> NodeRecord:
    attributes = {
        "genkit:type": "action", "genkit:metadata:subtype": subtype, "genkit:name": name,
        "genkit:input": json.dumps(inputs), "genkit:state": "success",
        "genkit:path": f"/{{{name},t:action}}",
    }  # fmt: skip
    if outputs is not None:
        attributes["genkit:output"] = json.dumps(outputs)
    extra = changes.pop("attributes", {})
    return read_record(attributes | extra, name=name, **changes)


def test_a_flow_is_the_run() -> None:
    attributes = {"genkit:isRoot": True, "genkit:metadata:context": '{"auth": {"uid": "user-7"}}'}
    flow = action("flow", "menuFlow", {"dish": "soup"}, "fine", attributes=attributes)
    assert (flow.kind, flow.title, flow.is_run, flow.run.name) == (
        "workflow", "menuFlow", True, "menuFlow",
    )  # fmt: skip
    assert (flow.inputs, flow.outputs, flow.run.user) == ({"dish": "soup"}, "fine", "user-7")


def test_steps_of_a_flow_and_its_wrappers() -> None:
    below = {"parent_span_id": "c" * 16}
    step = read_record({"genkit:type": "flowStep", "genkit:name": "load"}, name="load", **below)
    assert (step.kind, step.title, step.folded) == ("task", "load", False)
    util = {"genkit:type": "util", "genkit:name": "generate"}
    assert read_record(util, name="generate", **below).folded
    # A step that the developer named, or the root, is no wrapper.
    assert not read_record(util | {"genkit:name": "summarise"}, name="summarise", **below).folded
    alone = read_record(util, name="generate")
    assert (alone.folded, alone.is_run) == (False, True)
    # Go sends the subtype.
    go = {"genkit:type": "util", "genkit:metadata:subtype": "util", "genkit:name": "generate"}
    assert read_record(go, name="generate", **below).folded


def test_a_model_call() -> None:
    request = {
        "messages": [
            {"role": "system", "content": [{"text": "Be brief."}]},
            {"role": "user", "content": [
                {"text": "What is it?"}, {"media": {"url": "data:,", "contentType": "image/png"}},
            ]},
            {"role": "model", "content": [
                {"toolRequest": {"ref": "1", "name": "look", "input": {"x": 1}}},
            ]},
            {"role": "tool", "content": [
                {"toolResponse": {"ref": "1", "name": "look", "output": {"y": 2}}},
            ]},
        ],
        "config": {"temperature": 0.2},
        "tools": [{"name": "look", "description": "looks"}],
    }  # fmt: skip
    response = {
        "message": {"role": "model", "content": [{"reasoning": "hm"}, {"text": "Soup."}]},
        "finishReason": "stop",
        "usage": {
            "inputTokens": 20, "outputTokens": 5, "thoughtsTokens": 7, "totalTokens": 32,
            "cachedContentTokens": 4,
        },
    }  # fmt: skip
    call = action("model", "googleai/gemini-2.5-flash", request, response, parent_span_id="c" * 16)
    assert (call.kind, call.provider, call.model) == ("llm", "googleai", "gemini-2.5-flash")
    messages = as_read(call.inputs)["messages"]
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "tool"]
    assert messages[1]["content"][1] == {"type": "image", "url": "data:,", "mime_type": "image/png"}
    assert messages[2]["tool_calls"] == [{"id": "1", "name": "look", "arguments": {"x": 1}}]
    assert (messages[3]["content"], messages[3]["tool_call_id"]) == ('{"y":2}', "1")
    assert (call.inputs["tools"], call.inputs["parameters"]) == (["look"], {"temperature": 0.2})
    [answer] = as_read(call.outputs)["messages"]
    assert answer["content"][1] == {"type": "text", "text": "Soup."}
    assert answer["finish_reason"] == "stop"
    assert call.usage == Usage(input=20, output=12, cached=4, reasoning=7, total=32)


def test_an_older_model_call_answers_with_candidates() -> None:
    message = {"role": "model", "content": [{"text": "Soup."}]}
    call = action("model", "m", {"messages": []}, {"candidates": [{"message": message}]})
    assert as_read(call.outputs) == {"messages": [{"role": "assistant", "content": "Soup."}]}


def test_retriever_embedder_tool() -> None:
    query = {"query": {"content": [{"text": "soup?"}]}}
    result = {"documents": [{"content": [{"text": "Soup is fine."}], "metadata": {"n": 1}}]}
    retriever = action("retriever", "menu", query, result)
    assert (retriever.kind, retriever.inputs) == ("retriever", "soup?")
    document = {"content": "Soup is fine.", "metadata": {"n": 1}}
    assert retriever.outputs == {"documents": [document]}
    embedder = action("embedder", "googleai/text-embedding-004", {"input": []})
    assert (embedder.kind, embedder.model) == ("embedding", "text-embedding-004")
    tool = action("tool.v2", "look", {"x": 1}, {"y": 2})
    assert (tool.kind, tool.title, tool.outputs) == ("tool", "look", {"y": 2})


def test_a_chat_is_a_conversation() -> None:
    attributes = {
        "genkit:type": "helper", "genkit:name": "send", "genkit:sessionId": "s1",
        "genkit:threadName": "main",
    }  # fmt: skip
    chat = read_record(attributes, name="send")
    assert (chat.run.conversation, chat.run.mode, chat.is_run) == ("s1", "chatflow", True)


def test_an_interrupt_waits_and_an_error_fails() -> None:
    attributes = {"genkit:metadata:interrupt": "{}", "genkit:state": "error"}
    assert action("tool", "ask", {}, attributes=attributes, status="error").status == "paused"
    events = [exception_event("ToolInterruptError", "")]
    attributes = {"genkit:state": "error"}
    assert (
        action("tool", "ask", {}, attributes=attributes, events=events, status="error").status
        == "paused"
    )
    # Go marks only the first of the failed spans by the status of OpenTelemetry.
    attributes = {"genkit:state": "error", "genkit:error": "no soup"}
    failed = action("flow", "menuFlow", {}, attributes=attributes)
    assert (failed.status, failed.error) == ("failed", "no soup")
    # Exported when it begins, too.
    assert (
        action("flow", "menuFlow", {}, end_us=None, attributes={"genkit:state": ""}).status is None
    )


def test_values_of_other_shapes_do_not_fail() -> None:
    for value in ("3", "[]", "{", '{"messages": [1, {"role": 5, "content": 4}], "tools": [1]}'):
        attributes = {
            "genkit:input": value,
            "genkit:output": value,
            "genkit:metadata:context": "[]",
        }
        for subtype in ("model", "retriever", "embedder", "flow"):
            assert action(subtype, "x", {}, attributes=attributes).title == "x"
