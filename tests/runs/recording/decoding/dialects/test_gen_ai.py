"""OpenTelemetry GenAI, all generations."""

from decimal import Decimal
from typing import Any

import orjson
import pytest

from runs.recording.records.record import NodeRecord, Usage
from tests.runs.recording.captured import event, record

QUESTION = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
CALL = {"id": "c1", "name": "look", "arguments": {"at": 1}}


def chat(told: dict[str, Any], **changes: Any) -> NodeRecord:
    found = record({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"} | told, **changes)
    assert (found.kind, found.model) == ("llm", "m")
    return found


def test_until_1_26_messages_are_numbered_attributes() -> None:
    found = chat(
        {
            "gen_ai.system": "openai",
            "gen_ai.usage.prompt_tokens": 7,
            "gen_ai.usage.completion_tokens": 2,
            "gen_ai.prompt.0.role": "system",
            "gen_ai.prompt.0.content": "Be brief.",
            "gen_ai.prompt.1.role": "user",
            "gen_ai.prompt.1.content": "Hi",
            "gen_ai.completion.0.role": "assistant",
            "gen_ai.completion.0.content": "Hello",
            "gen_ai.completion.0.finish_reason": "stop",
            "gen_ai.completion.0.tool_calls.0.id": "c1",
            "gen_ai.completion.0.tool_calls.0.name": "look",
            "gen_ai.completion.0.tool_calls.0.arguments": '{"at": 1}',
        }
    )
    assert found.provider == "openai"
    assert found.usage == Usage(input=7, output=2, total=9)
    assert found.inputs == {"messages": QUESTION}
    [message] = found.outputs["messages"]
    assert (message["content"], message["tool_calls"]) == ("Hello", [CALL])
    assert "gen_ai.prompt.0.role" not in found.received["attributes"]


def test_numbered_messages_alone_make_a_model_call() -> None:
    found = record({"gen_ai.prompt.0.content": "Hi", "gen_ai.completion.0.content": "Hello"})
    assert found.kind == "llm"
    assert found.inputs == {"messages": [{"role": "user", "content": "Hi"}]}


@pytest.mark.parametrize("as_text", [True, False])
def test_until_1_36_messages_are_events(as_text: bool) -> None:
    function = {"id": "c1", "function": {"name": "look", "arguments": '{"at": 1}'}}
    answer: Any = {"role": "assistant", "content": "Hello", "tool_calls": [function]}
    calls: Any = [function]
    if as_text:
        answer, calls = orjson.dumps(answer).decode(), orjson.dumps(calls).decode()
    found = chat(
        {},
        events=[
            event("gen_ai.system.message", content="Be brief."),
            event("gen_ai.user.message", content="Hi"),
            event("gen_ai.assistant.message", tool_calls=calls),
            event("gen_ai.tool.message", content="a cat", id="c1"),
            event("gen_ai.choice", index=0, finish_reason="stop", message=answer),
            event("cache hit"),
        ],
    )
    assert found.inputs["messages"] == [
        *QUESTION,
        {"role": "assistant", "content": "", "tool_calls": [CALL]},
        {"role": "tool", "content": "a cat", "tool_call_id": "c1"},
    ]
    [message] = found.outputs["messages"]
    assert (message["content"], message["finish_reason"]) == ("Hello", "stop")
    assert message["tool_calls"] == [CALL]
    assert [told["name"] for told in found.received["events"]] == ["cache hit"]


def test_until_1_36_contents_are_two_events() -> None:
    prompt = {"gen_ai.prompt": orjson.dumps(QUESTION).decode()}
    completion = {"gen_ai.completion": '[{"role": "assistant", "content": "Hello"}]'}
    found = chat(
        {},
        events=[
            event("gen_ai.content.prompt", **prompt),
            event("gen_ai.content.completion", **completion),
        ],
    )
    assert found.inputs == {"messages": QUESTION}
    assert found.outputs == {"messages": [{"role": "assistant", "content": "Hello"}]}


PARTS = {
    "gen_ai.system_instructions": [{"type": "text", "content": "Be brief."}],
    "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}],
    "gen_ai.output.messages": [
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": "Hello"}, {"type": "tool_call", **CALL}],
            "finish_reason": "stop",
        }
    ],
}
ANSWER = {
    "role": "assistant",
    "content": "Hello",
    "tool_calls": [CALL],
    "finish_reason": "stop",
}


@pytest.mark.parametrize("as_text", [True, False])
@pytest.mark.parametrize("in_event", [True, False])
def test_from_1_37_messages_are_json(as_text: bool, in_event: bool) -> None:
    told = {key: orjson.dumps(value).decode() if as_text else value for key, value in PARTS.items()}
    if in_event:
        details = event("gen_ai.client.inference.operation.details", **told)
        found = chat({"gen_ai.provider.name": "openai"}, events=[details])
        assert "events" not in found.received
    else:
        found = chat(told | {"gen_ai.provider.name": "openai"})
    assert found.provider == "openai"
    assert found.inputs == {"messages": QUESTION}
    assert found.outputs == {"messages": [ANSWER]}


def test_whole_prompts_in_one_attribute() -> None:
    found = chat({"gen_ai.prompt": "Hi", "gen_ai.completion": '{"text": "Hello"}'})
    assert found.inputs == {"messages": [{"role": "user", "content": "Hi"}]}
    assert found.outputs["messages"][0]["role"] == "assistant"


def test_results_of_tools_and_other_parts() -> None:
    parts = [
        {"type": "tool_call_response", "id": "c1", "response": {"a": 1}},
        {"type": "text", "content": "and"},
        {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "AP8="},
        {"type": "uri", "modality": "audio", "uri": "https://x/y.mp3"},
        {"type": "strange", "thing": 1},
    ]
    found = chat({"gen_ai.input.messages": [{"role": "user", "parts": parts}]})
    assert found.inputs["messages"] == [
        {"role": "tool", "content": '{"a":1}', "tool_call_id": "c1"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "and"},
                {"type": "image", "data": "AP8=", "mime_type": "image/png"},
                {"type": "audio", "url": "https://x/y.mp3"},
                {"type": "strange", "thing": 1},
            ],
        },
    ]


@pytest.mark.parametrize("told", ["text", "[]", "[1, 2]", '{"a": 1}', '[{"parts": 3}]', 5, [None]])
def test_messages_that_are_none_are_kept_as_attributes(told: Any) -> None:
    found = chat({"gen_ai.input.messages": told})
    if found.inputs is None:
        assert found.received["attributes"]["gen_ai.input.messages"] == told


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"input_tokens": 100, "output_tokens": 20}, Usage(100, 20, total=120)),
        ({"input_tokens": 1, "output_tokens": 2, "total_tokens": 9}, Usage(1, 2, total=9)),
        (
            {"input_tokens": 100, "cache_read.input_tokens": 60, "cache_write.input_tokens": 5},
            Usage(100, None, 60, 5, None, 100),
        ),
        (
            {"input_tokens": 100, "cache_creation.input_tokens": 5},
            Usage(100, None, None, 5, None, 100),
        ),
        # The cached part alone is more than the input: this producer leaves it out of the input.
        (
            {"input_tokens": 10, "output_tokens": 1, "cache_read_input_tokens": 60},
            Usage(70, 1, 60, None, None, 71),
        ),
        ({"output_tokens": 9, "reasoning.output_tokens": 4}, Usage(None, 9, None, None, 4, 9)),
        ({"input_tokens": "12", "output_tokens": 3.0}, Usage(12, 3, total=15)),
        ({"input_tokens": -1, "output_tokens": "many"}, None),
        ({"input_tokens": True}, None),
        ({"input_tokens": 10**30}, None),
        ({}, None),
    ],
)
def test_usage(told: dict[str, Any], expected: Usage | None) -> None:
    assert chat({f"gen_ai.usage.{key}": value for key, value in told.items()}).usage == expected


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (0.1, "0.1"),
        (1.47e-05, "0.0000147"),
        ("0.000036", "0.000036"),
        (0, "0"),
        (-1, None),
        ("NaN", None),
        ("1e300", None),
        ("free", None),
        (True, None),
    ],
)
def test_reported_cost_is_exact(amount: Any, expected: str | None) -> None:
    found = chat({"gen_ai.usage.cost": amount}).cost
    assert (found.amount if found else None) == (Decimal(expected) if expected else None)


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("generate_content", "llm"),
        ("text_completion", "llm"),
        ("embeddings", "embedding"),
        ("execute_tool", "tool"),
        ("create_agent", "agent"),
        ("invoke_workflow", "workflow"),
        ("retrieval", "retriever"),
        ("something_new", "span"),
    ],
)
def test_kinds(operation: str, kind: str) -> None:
    assert record({"gen_ai.operation.name": operation}).kind == kind


def test_a_tool_that_hands_over_names_its_target() -> None:
    told = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "transfer_to_agent"}
    assert record(told).taken is None
    arguments = {"gen_ai.tool.call.arguments": '{"agent_name": "refunder"}'}
    found = record(told | arguments)
    assert (found.kind, found.taken) == ("handoff", "refunder")
    swarm = record({**told, "gen_ai.tool.name": "transfer_to_billing"})
    assert (swarm.kind, swarm.taken) == ("handoff", "billing")


def test_documents_of_a_retrieval() -> None:
    found = record(
        {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.retrieval.query.text": "hours",
            "gen_ai.retrieval.documents": '[{"id": "d1", "score": 0.5}]',
        }
    )
    assert found.inputs == "hours"
    assert found.outputs == {"documents": [{"id": "d1", "score": 0.5}]}


def test_the_richer_dialect_wins_and_says_so() -> None:
    both = {
        "openinference.span.kind": "LLM",
        "llm.model_name": "from-openinference",
        "gen_ai.response.model": "from-gen-ai",
        "gen_ai.provider.name": "openai",
    }
    found = record(both)
    assert (found.model, found.provider) == ("from-openinference", "openai")
    assert found.read_from["model"] == ("openinference", "llm.model_name")
    assert found.read_from["provider"] == ("gen_ai", "gen_ai.provider.name")
