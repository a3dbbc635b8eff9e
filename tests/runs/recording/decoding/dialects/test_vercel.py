"""The Vercel AI SDK, versions 3 to 7, span by span."""

import json
from decimal import Decimal
from typing import Any

import pytest

from runs.recording.records.record import Usage
from tests.runs.recording.captured import exception, record

CHILD = {"parent_span_id": "c" * 16}
V7 = {"scope": "gen_ai"}


def operation(name: str, function: str = "", **more: Any) -> dict[str, Any]:
    told = {"operation.name": f"{name} {function}".strip(), "ai.operationId": name, **more}
    if function:
        told |= {"resource.name": function, "ai.telemetry.functionId": function}
    return told


def call(**more: Any) -> dict[str, Any]:
    return operation("ai.generateText.doGenerate", "classify", **{
        "ai.model.id": "gpt-4o-mini", "ai.model.provider": "openai.chat", **more,
    })  # fmt: skip


def test_a_named_operation_is_an_agent() -> None:
    told = operation("ai.generateText", "refund-agent", **{
        "ai.model.id": "gpt-4o-mini", "ai.model.provider": "openai.chat",
        "ai.prompt": json.dumps({"system": "Be kind.", "prompt": "refund A-17"}),
        "ai.response.text": "Refunded.", "ai.response.finishReason": "stop",
    })  # fmt: skip
    step = record(told, name="ai.generateText", **CHILD)
    assert (step.kind, step.title, step.folded) == ("agent", "refund-agent", False)
    assert (step.model, step.provider) == ("gpt-4o-mini", "openai")
    assert step.inputs["messages"] == [
        {"role": "system", "content": "Be kind."}, {"role": "user", "content": "refund A-17"},
    ]  # fmt: skip
    assert step.outputs == "Refunded."
    assert not step.is_run
    root = record(told, name="ai.generateText")
    assert (root.is_run, root.folded, root.run.name) == (True, False, "refund-agent")


@pytest.mark.parametrize("name", ["ai.streamText", "ai.generateObject", "ai.embed", "ai.rerank"])
def test_an_operation_without_a_name_repeats_its_call(name: str) -> None:
    assert record(operation(name), name=name, **CHILD).folded
    assert not record(operation(name), name=name, status="error", **CHILD).folded
    root = record(operation(name), name=name)
    assert (root.is_run, root.folded, root.run.name) == (True, False, name)


def test_an_agent_that_may_take_several_steps_stays() -> None:
    told = operation("ai.generateText", **{"ai.settings.maxSteps": 5})
    assert not record(told, name="ai.generateText", **CHILD).folded


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
    step = record(operation(name, "classify", **{"ai.model.id": "m-1"}), name=name, **CHILD)
    assert (step.kind, step.title, step.folded) == (kind, "m-1", False)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        # Version 4: two counts, and what the provider says beside them.
        ({"ai.usage.promptTokens": 40, "ai.usage.completionTokens": 12,
          "gen_ai.usage.input_tokens": 40, "gen_ai.usage.output_tokens": 12,
          "ai.response.providerMetadata":
          '{"openai":{"reasoningTokens":8,"cachedPromptTokens":4}}'},
         Usage(40, 12, 4, None, 8, 52)),
        # Version 5.
        ({"ai.usage.inputTokens": 40, "ai.usage.outputTokens": 12, "ai.usage.totalTokens": 52,
          "ai.usage.reasoningTokens": 8, "ai.usage.cachedInputTokens": 4},
         Usage(40, 12, 4, None, 8, 52)),
        # … through Anthropic, whose input leaves out what was cached.
        ({"ai.model.provider": "anthropic.messages", "ai.usage.inputTokens": 500,
          "ai.usage.outputTokens": 12, "ai.usage.totalTokens": 512,
          "ai.usage.cachedInputTokens": 300, "ai.response.providerMetadata":
          '{"anthropic":{"usage":{"input_tokens":500},"cacheCreationInputTokens":100}}'},
         Usage(900, 12, 300, 100, None, 912)),
        # … and Gemini, whose output leaves out what was thought.
        ({"ai.usage.inputTokens": 40, "ai.usage.outputTokens": 12, "ai.usage.totalTokens": 60,
          "ai.usage.reasoningTokens": 8}, Usage(40, 20, None, None, 8, 60)),
        # Version 6 says the same of all of them.
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
def test_usage_of_all_generations(told: dict[str, Any], expected: Usage) -> None:
    assert record(call(**told), **CHILD).usage == expected


def test_a_tool() -> None:
    told = operation("ai.toolCall", "chat", **{
        "ai.toolCall.name": "lookup", "ai.toolCall.id": "c1",
        "ai.toolCall.args": '{"q":1}', "ai.toolCall.result": '"found"',
    })  # fmt: skip
    step = record(told, name="ai.toolCall", **CHILD)
    assert (step.kind, step.title) == ("tool", "lookup")
    assert (step.inputs, step.outputs) == ({"q": 1}, "found")
    failed = record(told, status="error", events=[exception("Error", "no order")], **CHILD)
    assert (failed.status, failed.error) == ("failed", "no order")


def test_facts_about_the_run() -> None:
    prefix = "ai.telemetry.metadata."
    told = operation("ai.generateText", "chat", **{
        prefix + "sessionId": "s-1", prefix + "userId": "u-1", prefix + "tags": ["beta"],
    })  # fmt: skip
    run = record(told).run
    assert (run.conversation, run.user, run.tags) == ("s-1", "u-1", ("beta",))
    context = {"ai.settings.context.userId": "u-7", "ai.settings.context.chatId": "s-7"}
    run = record(context | {"gen_ai.operation.name": "invoke_agent"}, **V7).run
    assert (run.conversation, run.user) == ("s-7", "u-7")


def test_what_the_gateway_charged() -> None:
    metadata = '{"gateway":{"cost":"0.0000123"}}'
    step = record(call(**{"ai.response.providerMetadata": metadata}), **CHILD)
    assert step.cost is not None and step.cost.amount == Decimal("0.0000123")


def test_a_stream_that_ended_with_an_error() -> None:
    step = record(call(**{"ai.response.finishReason": "error"}), **CHILD)
    assert step.status == "failed" and step.error
    step = record(call(), status="error", events=[exception("AI_APICallError", "503")], **CHILD)
    assert (step.status, step.error) == ("failed", "503")


def test_version_7() -> None:
    step = record({"gen_ai.operation.name": "agent_step"}, name="step 1", **V7, **CHILD)
    assert step.folded
    # Another framework's step of the same name stays.
    assert not record({"gen_ai.operation.name": "agent_step"}, scope="other", **CHILD).folded
    told = {"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "m-1"}
    assert record(told, name="invoke_agent m-1", **V7, **CHILD).folded
    named = record(told | {"gen_ai.agent.name": "classify"}, **V7, **CHILD)
    assert (named.folded, named.kind, named.title) == (False, "agent", "classify")
    chat = record({
        "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 40,
        "gen_ai.usage.output_tokens": 12, "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.cache_creation.input_tokens": 0,
        "ai.usage.outputTokenDetails.reasoningTokens": 3,
    }, **V7, **CHILD)  # fmt: skip
    assert chat.usage == Usage(40, 12, 4, 0, 3, 52)


def test_version_7_tells_results_of_tools_as_json() -> None:
    step = record({
        "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "look",
        "gen_ai.tool.call.arguments": '{"q":1}', "gen_ai.tool.call.result": '"found"',
    }, **V7, **CHILD)  # fmt: skip
    assert (step.kind, step.inputs, step.outputs) == ("tool", {"q": 1}, "found")


def test_nonsense_is_no_failure() -> None:
    record({
        "ai.operationId": ["ai.generateText"], "ai.prompt": "[1, {}]", "ai.usage.inputTokens": "x",
        "ai.response.providerMetadata": '{"a": 1}', "ai.telemetry.metadata.userId": {"a": 1},
    })  # fmt: skip
    record(call(**{
        "ai.prompt.messages": '[{"role": 5, "content": [1, null, {"type": "tool-result"}]}]',
        "ai.prompt.tools": 3, "ai.response.toolCalls": "{", "ai.response.files": "[1]",
    }))  # fmt: skip
    record({"gen_ai.operation.name": "invoke_agent", "gen_ai.output.messages": '[{"parts": 3}]'},
           **V7)  # fmt: skip
