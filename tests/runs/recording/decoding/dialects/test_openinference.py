"""OpenInference: the capture openai-agents-openinference, and small spans."""

from typing import Any

import pytest

from runs.recording.records.record import NodeRecord, Usage
from tests.runs.recording.captured import as_read, captured_traces, read_record


@pytest.fixture(scope="module")
def runs() -> list[list[NodeRecord]]:
    return captured_traces("openai-agents-openinference")


def titles(run: list[NodeRecord], kind: str) -> list[str]:
    return [step.title for step in run if step.kind == kind]


def test_facts_about_the_runs(runs: list[list[NodeRecord]]) -> None:
    roots = [run[0] for run in runs]
    assert [root.run.name for root in roots] == [
        "Support workflow",
        "Two step workflow",
        "Agent workflow",
        "Agent workflow",
    ]
    assert all(root.is_run and root.kind == "agent" for root in roots)
    assert {root.service for root in roots} == {"support-agents"}
    assert {root.run.version for root in roots} == {"0.9.0"}
    assert roots[0].run.conversation == "sess-1"
    assert roots[1].run.conversation is None


def test_agents_turns_tools_and_the_hand_off(runs: list[list[NodeRecord]]) -> None:
    agents = [(s.title, s.node_id) for s in runs[0] if s.kind == "agent" and not s.is_run]
    assert agents == [("Triage", "Triage"), ("Refund agent", "Refund agent")]
    assert titles(runs[0], "tool") == ["lookup_order", "issue_refund"]
    assert titles(runs[0], "guardrail") == ["no_swearing"]
    assert titles(runs[0], "llm") == ["generation"] * 4
    [handoff] = [step for step in runs[0] if step.kind == "handoff"]
    assert handoff.taken == "Refund agent"
    assert (handoff.inputs, handoff.outputs) == ("Triage", "Refund agent")


def test_tools_have_arguments_and_results(runs: list[list[NodeRecord]]) -> None:
    lookup, refund = [step for step in runs[0] if step.kind == "tool"]
    assert lookup.inputs == {"order_id": "A-17"}
    assert lookup.outputs == {"order_id": "A-17", "amount": 49.9}
    assert refund.inputs == {"order_id": "A-17", "amount": 49.9}
    assert refund.outputs == "accepted"
    assert "tool.parameters" in refund.received["attributes"]  # its schema, not its arguments


def test_errors_stay_whole_though_the_root_says_ok(runs: list[list[NodeRecord]]) -> None:
    assert {run[0].status for run in runs} == {"succeeded"}
    errors = [[(s.title, s.error) for s in run if s.status == "failed"] for run in runs]
    assert errors[0] == []
    error = "order A-404 not found in the warehouse database"
    assert errors[1] == [
        (
            "Refund agent",
            f"Error in agent run: {{'error': 'Error running tool issue_refund: {error}'}}",
        ),
        (
            "issue_refund",
            f"Error running tool: {{'tool_name': 'issue_refund', 'error': '{error}'}}",
        ),
    ]
    guardrail = "Guardrail tripwire triggered: {'guardrail': 'no_swearing'}"
    assert errors[2] == [("turn", guardrail)]
    assert errors[3] == [("Looper", "Max turns exceeded: {'max_turns': 2}")]


def test_model_calls_without_content(runs: list[list[NodeRecord]]) -> None:
    for step in (step for run in runs for step in run if step.kind == "llm"):
        assert (step.inputs, step.outputs, step.model, step.usage) == (None, None, None, None)
        assert step.provider == "openai"


def test_a_generic_name_gives_way_to_the_model() -> None:
    attributes = {"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o"}
    assert read_record(attributes, name="generation").title == "gpt-4o"
    assert read_record(attributes, name="Write the draft").title == "Write the draft"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("EMBEDDING", "embedding"),
        ("chain", "chain"),
        ("RETRIEVER", "retriever"),
        ("RERANKER", "reranker"),
        ("EVALUATOR", "evaluator"),
        ("UNKNOWN", "span"),
        ("", "span"),
    ],
)
def test_kinds(kind: str, expected: str) -> None:
    assert read_record({"openinference.span.kind": kind}).kind == expected


def test_tokens_with_details() -> None:
    attributes = {
        "openinference.span.kind": "LLM",
        "llm.token_count.prompt": 100,
        "llm.token_count.completion": 20,
        "llm.token_count.prompt_details.cache_read": 60,
        "llm.token_count.prompt_details.cache_write": 10,
        "llm.token_count.completion_details.reasoning": 5,
    }
    assert read_record(attributes).usage == Usage(100, 20, 60, 10, 5, 120)


def test_documents_of_a_retriever() -> None:
    documents = {
        f"retrieval.documents.{i}.document.{key}": value
        for i in range(11)
        for key, value in {"id": f"d{i}", "content": "text", "score": 0.5}.items()
    }
    attributes = {
        "openinference.span.kind": "RETRIEVER",
        "input.value": "opening hours",
        "output.value": "[…]",
        "retrieval.documents.10.document.metadata": '{"source": "faq"}',
    }
    record = read_record(attributes | documents)
    assert record.inputs == "opening hours"
    assert [doc["id"] for doc in record.outputs["documents"]] == [f"d{i}" for i in range(11)]
    assert record.outputs["documents"][10]["metadata"] == {"source": "faq"}
    assert record.received["attributes"]["output.value"] == "[…]"


def test_documents_of_a_reranker() -> None:
    attributes = {
        "openinference.span.kind": "RERANKER",
        "reranker.query": "q",
        "reranker.model_name": "rank-1",
        "reranker.input_documents.0.document.content": "a",
        "reranker.output_documents.0.document.content": "a",
        "reranker.output_documents.0.document.score": 0.9,
    }
    record = read_record(attributes)
    assert record.model == "rank-1"
    assert record.inputs == {"query": "q", "documents": [{"content": "a"}]}
    assert record.outputs == {"documents": [{"content": "a", "score": 0.9}]}


def test_messages_of_several_parts_and_of_old_functions() -> None:
    prefix = "llm.input_messages."
    attributes = {
        "openinference.span.kind": "LLM",
        f"{prefix}0.message.role": "user",
        f"{prefix}0.message.contents.0.message_content.type": "text",
        f"{prefix}0.message.contents.0.message_content.text": "What is this?",
        f"{prefix}0.message.contents.1.message_content.type": "image",
        f"{prefix}0.message.contents.1.message_content.image.image.url": "https://x/y.png",
        f"{prefix}1.message.role": "assistant",
        f"{prefix}1.message.function_call_name": "look",
        f"{prefix}1.message.function_call_arguments_json": '{"at": 1}',
        "llm.choices.0.completion.text": "a cat",
    }
    record = read_record(attributes)
    call = {"id": None, "name": "look", "arguments": {"at": 1}}
    assert as_read(record.inputs)["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image", "url": "https://x/y.png"},
            ],
        },
        {"role": "assistant", "content": "", "tool_calls": [call]},
    ]
    assert as_read(record.outputs)["messages"] == [{"role": "assistant", "content": "a cat"}]


@pytest.mark.parametrize(
    ("value", "mime", "expected"),
    [
        ('{"a": 1}', "application/json", {"a": 1}),
        ('{"a": 1}', None, {"a": 1}),
        ('"text"', "application/json", "text"),
        ("42", "application/json", 42),
        ("42", None, "42"),
        ('"text"', None, "text"),
        ("{not json", "application/json", "{not json"),
        ('{"id": 123456789012345678901234567890}', None, '{"id": 123456789012345678901234567890}'),
        ('{"id": 1234567890123456789}', None, {"id": 1234567890123456789}),
        (["a", "b"], None, ["a", "b"]),
        ("", None, None),
        (r'{"a": "\ud800"}', None, {"a": "\ufffd"}),
    ],
)
def test_values_as_what_they_are(value: Any, mime: str | None, expected: Any) -> None:
    attributes = {"openinference.span.kind": "CHAIN", "input.value": value}
    if mime:
        attributes["input.mime_type"] = mime
    assert read_record(attributes).inputs == expected


@pytest.mark.parametrize("levels", [101, 1500, 10_000, 200_000])
def test_deeply_nested_json_stays_text(levels: int) -> None:
    text = "[" * levels + "]" * levels
    attributes = {"openinference.span.kind": "CHAIN", "input.value": text, "metadata": text}
    assert read_record(attributes).inputs == text


def test_hostile_names_of_attributes_stay_attributes() -> None:
    attributes: dict[str, Any] = {
        "openinference.span.kind": "LLM",
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.content": "hi",
        "llm.input_messages.0.message.content.deeper": "conflict",
        "llm.input_messages.99999999999.message.role": "far",
        "llm.input_messages.x.message.role": "no number",
        "llm.input_messages.0" + ".a" * 1000: "deep",
    }
    record = read_record(attributes)
    assert as_read(record.inputs) == {"messages": [{"role": "user", "content": "hi"}]}
    assert len(record.received["attributes"]) == 5


def test_embedded_texts_are_the_inputs() -> None:
    def embedding(*texts: str) -> NodeRecord:
        pairs = enumerate(texts)
        attributes = {f"embedding.embeddings.{n}.embedding.text": text for n, text in pairs}
        vector = {"embedding.embeddings.0.embedding.vector": [0.1, 0.2]}
        record = read_record({"openinference.span.kind": "EMBEDDING"} | attributes | vector)
        assert vector.items() <= record.received["attributes"].items()
        assert not attributes.keys() & record.received["attributes"].keys()
        return record

    assert embedding("kiln").inputs == "kiln"
    assert embedding("kiln", "glaze").inputs == ["kiln", "glaze"]
