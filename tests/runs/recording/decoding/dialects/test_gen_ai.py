"""OpenTelemetry GenAI, all generations."""

from decimal import Decimal
from typing import Any

import orjson
import pytest

from runs.recording.records.record import NodeRecord, Usage
from tests.runs.recording.captured import as_read, make_event, read_record

QUESTION = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
CALL = {"id": "c1", "name": "look", "arguments": {"at": 1}}


def chat(attributes: dict[str, Any], **changes: Any) -> NodeRecord:
    record = read_record(
        {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"} | attributes, **changes
    )
    assert (record.kind, record.model) == ("llm", "m")
    return record


def test_until_1_26_messages_are_numbered_attributes() -> None:
    record = chat(
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
    assert record.provider == "openai"
    assert record.usage == Usage(input=7, output=2, total=9)
    assert as_read(record.inputs) == {"messages": QUESTION}
    [message] = as_read(record.outputs)["messages"]
    assert (message["content"], message["tool_calls"]) == ("Hello", [CALL])
    assert "gen_ai.prompt.0.role" not in record.received["attributes"]


def test_numbered_messages_alone_make_a_model_call() -> None:
    record = read_record({"gen_ai.prompt.0.content": "Hi", "gen_ai.completion.0.content": "Hello"})
    assert record.kind == "llm"
    assert as_read(record.inputs) == {"messages": [{"role": "user", "content": "Hi"}]}


@pytest.mark.parametrize("as_text", [True, False])
def test_until_1_36_messages_are_events(as_text: bool) -> None:
    function = {"id": "c1", "function": {"name": "look", "arguments": '{"at": 1}'}}
    answer: Any = {"role": "assistant", "content": "Hello", "tool_calls": [function]}
    calls: Any = [function]
    if as_text:
        answer, calls = orjson.dumps(answer).decode(), orjson.dumps(calls).decode()
    record = chat(
        {},
        events=[
            make_event("gen_ai.system.message", content="Be brief."),
            make_event("gen_ai.user.message", content="Hi"),
            make_event("gen_ai.assistant.message", tool_calls=calls),
            make_event("gen_ai.tool.message", content="a cat", id="c1"),
            make_event("gen_ai.choice", index=0, finish_reason="stop", message=answer),
            make_event("cache hit"),
        ],
    )
    assert as_read(record.inputs)["messages"] == [
        *QUESTION,
        {"role": "assistant", "content": "", "tool_calls": [CALL]},
        {"role": "tool", "content": "a cat", "tool_call_id": "c1"},
    ]
    [message] = as_read(record.outputs)["messages"]
    assert (message["content"], message["finish_reason"]) == ("Hello", "stop")
    assert message["tool_calls"] == [CALL]
    assert [event["name"] for event in record.received["events"]] == ["cache hit"]


def test_until_1_36_contents_are_two_events() -> None:
    prompt = {"gen_ai.prompt": orjson.dumps(QUESTION).decode()}
    completion = {"gen_ai.completion": '[{"role": "assistant", "content": "Hello"}]'}
    record = chat(
        {},
        events=[
            make_event("gen_ai.content.prompt", **prompt),
            make_event("gen_ai.content.completion", **completion),
        ],
    )
    assert as_read(record.inputs) == {"messages": QUESTION}
    assert as_read(record.outputs) == {"messages": [{"role": "assistant", "content": "Hello"}]}


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
ANSWER = {"role": "assistant", "content": "Hello", "tool_calls": [CALL], "finish_reason": "stop"}


@pytest.mark.parametrize("as_text", [True, False])
@pytest.mark.parametrize("in_event", [True, False])
def test_from_1_37_messages_are_json(as_text: bool, in_event: bool) -> None:
    attributes = {
        key: orjson.dumps(value).decode() if as_text else value for key, value in PARTS.items()
    }
    if in_event:
        details = make_event("gen_ai.client.inference.operation.details", **attributes)
        record = chat({"gen_ai.provider.name": "openai"}, events=[details])
        assert "events" not in record.received
    else:
        record = chat(attributes | {"gen_ai.provider.name": "openai"})
    assert record.provider == "openai"
    assert as_read(record.inputs) == {"messages": QUESTION}
    assert as_read(record.outputs) == {"messages": [ANSWER]}


def test_whole_prompts_in_one_attribute() -> None:
    record = chat({"gen_ai.prompt": "Hi", "gen_ai.completion": '{"text": "Hello"}'})
    assert as_read(record.inputs) == {"messages": [{"role": "user", "content": "Hi"}]}
    assert as_read(record.outputs)["messages"][0]["role"] == "assistant"


def test_results_of_tools_and_other_parts() -> None:
    parts = [
        {"type": "tool_call_response", "id": "c1", "response": {"a": 1}},
        {"type": "text", "content": "and"},
        {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "AP8="},
        {"type": "uri", "modality": "audio", "uri": "https://x/y.mp3"},
        {"type": "strange", "thing": 1},
    ]
    record = chat({"gen_ai.input.messages": [{"role": "user", "parts": parts}]})
    assert as_read(record.inputs)["messages"] == [
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


@pytest.mark.parametrize(
    "attributes", ["text", "[]", "[1, 2]", '{"a": 1}', '[{"parts": 3}]', 5, [None]]
)
def test_values_that_are_no_messages_are_kept_as_attributes(attributes: Any) -> None:
    record = chat({"gen_ai.input.messages": attributes})
    if record.inputs is None:
        assert record.received["attributes"]["gen_ai.input.messages"] == attributes


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"input_tokens": 100, "output_tokens": 20}, Usage(100, 20, total=120)),
        # What the total holds beyond its parts is output that the producer left out.
        ({"input_tokens": 1, "output_tokens": 2, "total_tokens": 9}, Usage(1, 8, total=9)),
        (
            {"input_tokens": 949, "output_tokens": 200, "reasoning.output_tokens": 1039},
            Usage(949, 1239, None, None, 1039, 2188),
        ),
        (
            {
                "input_tokens": 10,
                "output_tokens": 5,
                "reasoning_tokens": 3,
                "cache_read_input_tokens": 4,
                "total_tokens": 22,
            },
            Usage(14, 8, 4, None, 3, 22),
        ),
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
def test_usage(attributes: dict[str, Any], expected: Usage | None) -> None:
    assert (
        chat({f"gen_ai.usage.{key}": value for key, value in attributes.items()}).usage == expected
    )


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
    record = chat({"gen_ai.usage.cost": amount}).cost
    assert (record.amount if record else None) == (Decimal(expected) if expected else None)


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("generate_content", "llm"),
        ("text_completion", "llm"),
        ("embeddings", "embedding"),
        ("execute_tool", "tool"),
        ("create_agent", "span"),
        ("invoke_workflow", "workflow"),
        ("retrieval", "retriever"),
        ("something_new", "span"),
    ],
)
def test_kinds(operation: str, kind: str) -> None:
    assert read_record({"gen_ai.operation.name": operation}).kind == kind


def test_a_tool_that_hands_over_names_its_target() -> None:
    attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "transfer_to_agent"}
    assert read_record(attributes).taken is None
    arguments = {"gen_ai.tool.call.arguments": '{"agent_name": "refunder"}'}
    record = read_record(attributes | arguments)
    assert (record.kind, record.taken) == ("handoff", "refunder")
    swarm = read_record({**attributes, "gen_ai.tool.name": "transfer_to_billing"})
    assert (swarm.kind, swarm.taken) == ("handoff", "billing")


def test_documents_of_a_retrieval() -> None:
    record = read_record(
        {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.retrieval.query.text": "hours",
            "gen_ai.retrieval.documents": '[{"id": "d1", "score": 0.5}]',
        }
    )
    assert record.inputs == "hours"
    assert record.outputs == {"documents": [{"id": "d1", "score": 0.5}]}


def test_the_richer_dialect_wins_and_says_so() -> None:
    both = {
        "openinference.span.kind": "LLM",
        "llm.model_name": "from-openinference",
        "gen_ai.response.model": "from-gen-ai",
        "gen_ai.provider.name": "openai",
    }
    record = read_record(both)
    assert (record.model, record.provider) == ("from-openinference", "openai")
    assert record.read_from["model"] == ("openinference", "llm.model_name")
    assert record.read_from["provider"] == ("gen_ai", "gen_ai.provider.name")


def test_tokens_by_modality_alone_add_up() -> None:
    record = chat(
        {
            "gen_ai.usage.text.input_tokens": 100,
            "gen_ai.usage.image.input_tokens": 50,
            "gen_ai.usage.text.output_tokens": 20,
        }
    )
    assert record.usage == Usage(150, 20, total=170)
