"""Messages, objects and texts of the Vercel AI SDK."""

import json

from runs.recording.records.record import Usage
from tests.runs.recording.captured import record
from tests.runs.recording.decoding.dialects.test_vercel import CHILD, call, operation


def test_messages_of_a_call() -> None:
    prompt = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": [
            {"type": "text", "text": "What is this?"},
            {"type": "file", "mediaType": "image/png", "data": "aGk="},
            {"type": "image", "image": "https://example.com/a.png"},
        ]},
        {"role": "assistant", "content": [
            {"type": "reasoning", "text": "hm"},
            {"type": "tool-call", "toolCallId": "c1", "toolName": "look", "input": {"q": 1}},
        ]},
        {"role": "tool", "content": [
            {"type": "tool-result", "toolCallId": "c1", "toolName": "look",
             "output": {"type": "json", "value": {"found": 2}}},
        ]},
    ]  # fmt: skip
    step = record(call(**{
        "ai.prompt.messages": json.dumps(prompt), "gen_ai.request.temperature": 0.2,
        "ai.prompt.tools": ['{"type":"function","name":"look"}', "nonsense"],
        "ai.response.text": "A cat.", "ai.response.reasoning": "It has ears.",
        "ai.response.toolCalls": json.dumps([
            {"toolCallId": "c2", "toolName": "look", "input": '{"q": 2}'},
        ]),
        "ai.response.finishReason": "tool-calls",
    }), **CHILD)  # fmt: skip
    system, user, assistant, tool = step.inputs["messages"]
    assert system == {"role": "system", "content": "Be kind."}
    assert user["content"] == [
        {"type": "text", "text": "What is this?"},
        {"type": "image", "data": "aGk=", "mime_type": "image/png"},
        {"type": "image", "url": "https://example.com/a.png"},
    ]
    assert assistant["content"] == [{"type": "reasoning", "text": "hm"}]
    assert assistant["tool_calls"] == [{"id": "c1", "name": "look", "arguments": {"q": 1}}]
    assert tool == {
        "role": "tool", "content": '{"found":2}', "tool_call_id": "c1", "name": "look",
    }  # fmt: skip
    assert step.inputs["tools"] == ["look"] and step.inputs["parameters"] == {"temperature": 0.2}
    [said] = step.outputs["messages"]
    assert said["content"] == [
        {"type": "reasoning", "text": "It has ears."}, {"type": "text", "text": "A cat."},
    ]  # fmt: skip
    assert said["tool_calls"] == [{"id": "c2", "name": "look", "arguments": {"q": 2}}]
    assert said["finish_reason"] == "tool-calls"
    assert not {"ai.prompt.messages", "ai.response.text"} & set(step.received["attributes"])


def test_the_parts_of_version_4() -> None:
    prompt = [
        {"role": "assistant", "content": [
            {"type": "tool-call", "toolCallId": "c1", "toolName": "look", "args": {"q": 1}}]},
        {"role": "tool", "content": [
            {"type": "tool-result", "toolCallId": "c1", "toolName": "look", "result": "found"}]},
    ]  # fmt: skip
    step = record(call(**{
        "ai.prompt.messages": json.dumps(prompt),
        "ai.result.text": "older still", "ai.finishReason": "stop",
    }), **CHILD)  # fmt: skip
    assert step.inputs["messages"][0]["tool_calls"][0]["arguments"] == {"q": 1}
    assert step.inputs["messages"][1]["content"] == "found"
    assert step.outputs["messages"] == [
        {"role": "assistant", "content": "older still", "finish_reason": "stop"}
    ]


def test_messages_that_the_page_kept() -> None:
    message = {"role": "assistant", "content": "", "parts": [
        {"type": "tool-invocation", "toolInvocation": {
            "toolCallId": "c1", "toolName": "look", "args": {"q": 1}, "result": {"found": 2}}},
        {"type": "text", "text": "Found it."},
    ]}  # fmt: skip
    told = operation("ai.streamText", "chat", **{"ai.prompt": json.dumps({"messages": [message]})})
    first, second = record(told).inputs["messages"]
    assert first["tool_calls"][0]["name"] == "look" and first["content"] == "Found it."
    assert (second["role"], second["content"]) == ("tool", '{"found":2}')


def test_an_object() -> None:
    made = {"ai.response.object": '{"city": "Oslo"}', "ai.schema": "{}"}
    assert record(operation("ai.generateObject", "extract", **made)).outputs == {"city": "Oslo"}
    step = record(operation("ai.generateObject.doGenerate", "extract", **made), **CHILD)
    assert step.outputs["messages"] == [{"role": "assistant", "content": '{"city": "Oslo"}'}]


def test_an_embedding() -> None:
    told = {"ai.model.id": "e-1", "ai.values": ['"one"', '"two"'], "ai.usage.tokens": 2}
    step = record(
        operation("ai.embedMany.doEmbed", **told, **{"ai.embeddings": ["[0.1]"]}), **CHILD
    )
    assert step.inputs == ["one", "two"] and step.usage == Usage(2, None, None, None, None, 2)
    assert step.received["attributes"]["ai.embeddings"] == ["[0.1]"]
    assert record(operation("ai.embed", **{"ai.value": '"one"'})).inputs == "one"


def test_a_reranking() -> None:
    step = record(operation("ai.rerank.doRerank", **{
        "ai.documents": ['"a"', '{"text":"b"}'],
        "ai.ranking": ['{"index":1,"relevanceScore":0.9}'],
    }), **CHILD)  # fmt: skip
    assert step.inputs == {"documents": ["a", {"text": "b"}]}
    assert step.outputs == {"documents": [{"content": {"text": "b"}, "score": 0.9}]}
