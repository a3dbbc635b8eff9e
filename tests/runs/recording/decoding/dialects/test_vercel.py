"""The Vercel AI SDK, versions 3 to 7: operations, calls, messages, objects and texts."""

import json
from decimal import Decimal
from typing import Any

import pytest

from runs.recording.records.record import Usage
from tests.runs.recording.captured import as_read, exception_event, read_record

CHILD = {"parent_span_id": "c" * 16}
V7 = {"scope": "gen_ai"}


def operation_attributes(name: str, function: str = "", **extra: Any) -> dict[str, Any]:
    attributes = {"operation.name": f"{name} {function}".strip(), "ai.operationId": name, **extra}
    if function:
        attributes |= {"resource.name": function, "ai.telemetry.functionId": function}
    return attributes


def call_attributes(**extra: Any) -> dict[str, Any]:
    return operation_attributes("ai.generateText.doGenerate", "classify", **{
        "ai.model.id": "gpt-4o-mini", "ai.model.provider": "openai.chat", **extra,
    })  # fmt: skip


def test_a_named_operation_is_an_agent() -> None:
    attributes = operation_attributes("ai.generateText", "refund-agent", **{
        "ai.model.id": "gpt-4o-mini", "ai.model.provider": "openai.chat",
        "ai.prompt": json.dumps({"system": "Be kind.", "prompt": "refund A-17"}),
        "ai.response.text": "Refunded.", "ai.response.finishReason": "stop",
    })  # fmt: skip
    step = read_record(attributes, name="ai.generateText", **CHILD)
    assert (step.kind, step.title, step.folded) == ("agent", "refund-agent", False)
    assert (step.model, step.provider) == ("gpt-4o-mini", "openai")
    assert as_read(step.inputs)["messages"] == [
        {"role": "system", "content": "Be kind."}, {"role": "user", "content": "refund A-17"},
    ]  # fmt: skip
    assert step.outputs == "Refunded."
    assert not step.is_run
    root = read_record(attributes, name="ai.generateText")
    assert (root.is_run, root.folded, root.run.name) == (True, False, "refund-agent")


@pytest.mark.parametrize("name", ["ai.streamText", "ai.generateObject", "ai.embed", "ai.rerank"])
def test_an_operation_without_a_name_repeats_its_call(name: str) -> None:
    assert read_record(operation_attributes(name), name=name, **CHILD).folded
    assert not read_record(operation_attributes(name), name=name, status="error", **CHILD).folded
    root = read_record(operation_attributes(name), name=name)
    assert (root.is_run, root.folded, root.run.name) == (True, False, name)


def test_an_agent_that_may_take_several_steps_is_shown() -> None:
    attributes = operation_attributes("ai.generateText", **{"ai.settings.maxSteps": 5})
    assert not read_record(attributes, name="ai.generateText", **CHILD).folded


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ai.generateText.doGenerate", "llm"),
        ("ai.streamText.doStream", "llm"),
        ("ai.generateObject.doGenerate", "llm"),
        ("ai.streamObject.doStream", "llm"),
        ("ai.embed.doEmbed", "embedding"),
        ("ai.embedMany.doEmbed", "embedding"),
        ("ai.rerank.doRerank", "reranker"),
    ],
)
def test_calls_of_a_model_are_named_after_it(name: str, kind: str) -> None:
    step = read_record(
        operation_attributes(name, "classify", **{"ai.model.id": "m-1"}), name=name, **CHILD
    )
    assert (step.kind, step.title, step.folded) == (kind, "m-1", False)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        # Version 4: two counts, and more in the provider's metadata.
        ({"ai.usage.promptTokens": 40, "ai.usage.completionTokens": 12,
          "gen_ai.usage.input_tokens": 40, "gen_ai.usage.output_tokens": 12,
          "ai.response.providerMetadata":
          '{"openai":{"reasoningTokens":8,"cachedPromptTokens":4}}'},
         Usage(40, 12, 4, None, 8, 52)),
        # Version 5.
        ({"ai.usage.inputTokens": 40, "ai.usage.outputTokens": 12, "ai.usage.totalTokens": 52,
          "ai.usage.reasoningTokens": 8, "ai.usage.cachedInputTokens": 4},
         Usage(40, 12, 4, None, 8, 52)),
        # … through Anthropic, whose input excludes cached tokens.
        ({"ai.model.provider": "anthropic.messages", "ai.usage.inputTokens": 500,
          "ai.usage.outputTokens": 12, "ai.usage.totalTokens": 512,
          "ai.usage.cachedInputTokens": 300, "ai.response.providerMetadata":
          '{"anthropic":{"usage":{"input_tokens":500},"cacheCreationInputTokens":100}}'},
         Usage(900, 12, 300, 100, None, 912)),
        # … and Gemini, whose output excludes reasoning.
        ({"ai.usage.inputTokens": 40, "ai.usage.outputTokens": 12, "ai.usage.totalTokens": 60,
          "ai.usage.reasoningTokens": 8}, Usage(40, 20, None, None, 8, 60)),
        # Version 6 sends the same counts for all providers.
        ({"ai.model.provider": "anthropic.messages", "ai.usage.inputTokens": 900,
          "ai.usage.outputTokens": 12, "ai.usage.totalTokens": 912,
          "ai.usage.inputTokenDetails.noCacheTokens": 500,
          "ai.usage.inputTokenDetails.cacheReadTokens": 300,
          "ai.usage.inputTokenDetails.cacheWriteTokens": 100,
          "ai.usage.outputTokenDetails.reasoningTokens": 8, "ai.usage.cachedInputTokens": 300},
         Usage(900, 12, 300, 100, 8, 912)),
        ({"ai.model.provider": "anthropic.messages", "ai.usage.inputTokens": 900,
          "ai.usage.outputTokens": 12, "ai.usage.cachedInputTokens": 300,
          "ai.response.providerMetadata": '{"anthropic":{"usage":{"input_tokens":600}}}'},
         Usage(900, 12, 300, None, None, 912)),
    ],
    ids=["v4", "v5", "v5-anthropic", "v5-gemini", "v6-anthropic", "v6-anthropic-object"],
)  # fmt: skip
def test_usage_of_all_generations(attributes: dict[str, Any], expected: Usage) -> None:
    assert read_record(call_attributes(**attributes), **CHILD).usage == expected


def test_a_tool() -> None:
    attributes = operation_attributes("ai.toolCall", "chat", **{
        "ai.toolCall.name": "lookup", "ai.toolCall.id": "c1",
        "ai.toolCall.args": '{"q":1}', "ai.toolCall.result": '"found"',
    })  # fmt: skip
    step = read_record(attributes, name="ai.toolCall", **CHILD)
    assert (step.kind, step.title) == ("tool", "lookup")
    assert (step.inputs, step.outputs) == ({"q": 1}, "found")
    failed = read_record(
        attributes, status="error", events=[exception_event("Error", "no order")], **CHILD
    )
    assert (failed.status, failed.error) == ("failed", "no order")


def test_facts_about_the_run() -> None:
    prefix = "ai.telemetry.metadata."
    attributes = operation_attributes("ai.generateText", "chat", **{
        prefix + "sessionId": "s-1", prefix + "userId": "u-1", prefix + "tags": ["beta"],
    })  # fmt: skip
    run = read_record(attributes).run
    assert (run.conversation, run.user, run.tags) == ("s-1", "u-1", ("beta",))
    context = {"ai.settings.context.userId": "u-7", "ai.settings.context.chatId": "s-7"}
    run = read_record(context | {"gen_ai.operation.name": "invoke_agent"}, **V7).run
    assert (run.conversation, run.user) == ("s-7", "u-7")


def test_the_cost_that_the_gateway_charged() -> None:
    metadata = '{"gateway":{"cost":"0.0000123"}}'
    step = read_record(call_attributes(**{"ai.response.providerMetadata": metadata}), **CHILD)
    assert step.cost is not None and step.cost.amount == Decimal("0.0000123")


def test_a_stream_that_ended_with_an_error() -> None:
    step = read_record(call_attributes(**{"ai.response.finishReason": "error"}), **CHILD)
    assert step.status == "failed" and step.error
    step = read_record(
        call_attributes(),
        status="error",
        events=[exception_event("AI_APICallError", "503")],
        **CHILD,
    )
    assert (step.status, step.error) == ("failed", "503")


def test_version_7() -> None:
    step = read_record({"gen_ai.operation.name": "agent_step"}, name="step 1", **V7, **CHILD)
    assert step.folded
    # A step of the same name in another framework is no wrapper.
    assert not read_record({"gen_ai.operation.name": "agent_step"}, scope="other", **CHILD).folded
    attributes = {"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "m-1"}
    assert read_record(attributes, name="invoke_agent m-1", **V7, **CHILD).folded
    named = read_record(attributes | {"gen_ai.agent.name": "classify"}, **V7, **CHILD)
    assert (named.folded, named.kind, named.title) == (False, "agent", "classify")
    chat = read_record({
        "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 40,
        "gen_ai.usage.output_tokens": 12, "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.cache_creation.input_tokens": 0,
        "ai.usage.outputTokenDetails.reasoningTokens": 3,
    }, **V7, **CHILD)  # fmt: skip
    assert chat.usage == Usage(40, 12, 4, 0, 3, 52)


def test_version_7_sends_results_of_tools_as_json() -> None:
    step = read_record({
        "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "look",
        "gen_ai.tool.call.arguments": '{"q":1}', "gen_ai.tool.call.result": '"found"',
    }, **V7, **CHILD)  # fmt: skip
    assert (step.kind, step.inputs, step.outputs) == ("tool", {"q": 1}, "found")


def test_nonsense_does_not_fail() -> None:
    read_record({
        "ai.operationId": ["ai.generateText"], "ai.prompt": "[1, {}]", "ai.usage.inputTokens": "x",
        "ai.response.providerMetadata": '{"a": 1}', "ai.telemetry.metadata.userId": {"a": 1},
    })  # fmt: skip
    read_record(call_attributes(**{
        "ai.prompt.messages": '[{"role": 5, "content": [1, null, {"type": "tool-result"}]}]',
        "ai.prompt.tools": 3, "ai.response.toolCalls": "{", "ai.response.files": "[1]",
    }))  # fmt: skip
    read_record(
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.output.messages": '[{"parts": 3}]'}, **V7
    )


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
    step = read_record(call_attributes(**{
        "ai.prompt.messages": json.dumps(prompt), "gen_ai.request.temperature": 0.2,
        "ai.prompt.tools": ['{"type":"function","name":"look"}', "nonsense"],
        "ai.response.text": "A cat.", "ai.response.reasoning": "It has ears.",
        "ai.response.toolCalls": json.dumps([
            {"toolCallId": "c2", "toolName": "look", "input": '{"q": 2}'},
        ]),
        "ai.response.finishReason": "tool-calls",
    }), **CHILD)  # fmt: skip
    system, user, assistant, tool = as_read(step.inputs)["messages"]
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
    [reply] = as_read(step.outputs)["messages"]
    assert reply["content"] == [
        {"type": "reasoning", "text": "It has ears."}, {"type": "text", "text": "A cat."},
    ]  # fmt: skip
    assert reply["tool_calls"] == [{"id": "c2", "name": "look", "arguments": {"q": 2}}]
    assert reply["finish_reason"] == "tool-calls"
    assert not {"ai.prompt.messages", "ai.response.text"} & set(step.received["attributes"])


def test_the_parts_of_version_4() -> None:
    prompt = [
        {"role": "assistant", "content": [
            {"type": "tool-call", "toolCallId": "c1", "toolName": "look", "args": {"q": 1}}]},
        {"role": "tool", "content": [
            {"type": "tool-result", "toolCallId": "c1", "toolName": "look", "result": "found"}]},
    ]  # fmt: skip
    step = read_record(call_attributes(**{
        "ai.prompt.messages": json.dumps(prompt),
        "ai.result.text": "older still", "ai.finishReason": "stop",
    }), **CHILD)  # fmt: skip
    assert as_read(step.inputs)["messages"][0]["tool_calls"][0]["arguments"] == {"q": 1}
    assert as_read(step.inputs)["messages"][1]["content"] == "found"
    assert as_read(step.outputs)["messages"] == [
        {"role": "assistant", "content": "older still", "finish_reason": "stop"}
    ]


def test_messages_with_calls_and_results_in_one_part() -> None:
    message = {"role": "assistant", "content": "", "parts": [
        {"type": "tool-invocation", "toolInvocation": {
            "toolCallId": "c1", "toolName": "look", "args": {"q": 1}, "result": {"found": 2}}},
        {"type": "text", "text": "Found it."},
    ]}  # fmt: skip
    attributes = operation_attributes(
        "ai.streamText", "chat", **{"ai.prompt": json.dumps({"messages": [message]})}
    )
    first, second = as_read(read_record(attributes).inputs)["messages"]
    assert first["tool_calls"][0]["name"] == "look" and first["content"] == "Found it."
    assert (second["role"], second["content"]) == ("tool", '{"found":2}')


def test_an_object() -> None:
    values = {"ai.response.object": '{"city": "Oslo"}', "ai.schema": "{}"}
    assert read_record(operation_attributes("ai.generateObject", "extract", **values)).outputs == {
        "city": "Oslo"
    }
    step = read_record(
        operation_attributes("ai.generateObject.doGenerate", "extract", **values), **CHILD
    )
    assert as_read(step.outputs)["messages"] == [
        {"role": "assistant", "content": '{"city": "Oslo"}'}
    ]


def test_an_embedding() -> None:
    attributes = {"ai.model.id": "e-1", "ai.values": ['"one"', '"two"'], "ai.usage.tokens": 2}
    step = read_record(
        operation_attributes("ai.embedMany.doEmbed", **attributes, **{"ai.embeddings": ["[0.1]"]}),
        **CHILD,
    )
    assert step.inputs == ["one", "two"] and step.usage == Usage(2, None, None, None, None, 2)
    assert step.received["attributes"]["ai.embeddings"] == ["[0.1]"]
    assert read_record(operation_attributes("ai.embed", **{"ai.value": '"one"'})).inputs == "one"


def test_a_reranking() -> None:
    step = read_record(operation_attributes("ai.rerank.doRerank", **{
        "ai.documents": ['"a"', '{"text":"b"}'],
        "ai.ranking": ['{"index":1,"relevanceScore":0.9}'],
    }), **CHILD)  # fmt: skip
    assert step.inputs == {"documents": ["a", {"text": "b"}]}
    assert step.outputs == {"documents": [{"content": {"text": "b"}, "score": 0.9}]}
