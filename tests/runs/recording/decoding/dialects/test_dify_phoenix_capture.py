"""The capture dify-phoenix: a failed workflow run and a message of a chat app."""

from decimal import Decimal

import pytest

from runs.recording.decoding.dialects import read_span
from runs.recording.records.record import Cost, NodeRecord, Usage
from tests.runs.recording.captured import records, span

RUN = "11111111-1111-4111-8111-111111111111"


@pytest.fixture(scope="module")
def sent() -> list[NodeRecord]:
    return records("dify-phoenix")


def node(sent: list[NodeRecord], title: str, number: int = 0) -> NodeRecord:
    return [found for found in sent if found.title == title and found.node_id][number]


def test_the_probe_is_ignored(sent: list[NodeRecord]) -> None:
    assert len(sent) == 14
    assert (
        read_span(span({"test": "true"}, name="api_check", scope="arize_phoenix_tracer_x")) is None
    )


def test_the_run(sent: list[NodeRecord]) -> None:
    [run] = [found for found in sent if found.is_run and found.kind == "workflow"]
    assert run.service == "My App"
    assert run.parent_source_id is not None
    assert (run.status, run.error) == ("failed", "boom")
    assert run.inputs == {"q": "hi", "sys.user_id": "u1"}
    assert run.outputs == {"answer": "A"}
    facts = run.run
    assert facts.mode == "workflow"
    assert facts.version == "2026-06-01 00:00:00"
    assert (facts.user, facts.trigger, facts.status) == ("u1", "app-run", "failed")
    assert facts.conversation is None  # session.id is the run itself
    assert facts.source_ids == (("dify-run", RUN),)
    assert (facts.reported_tokens, facts.reported_duration_us) == (300, 6_100_000)
    assert facts.name is None


def test_the_dispatch_is_plumbing_without_time(sent: list[NodeRecord]) -> None:
    roots = [found for found in sent if found.parent_source_id is None]
    assert len(roots) == 2
    for root in roots:
        assert (root.folded, root.is_run, root.title) == (True, False, "Dify")
        assert (root.started_us, root.ended_us, root.status, root.error) == (None,) * 4
        assert root.run.source_ids == ()
        assert root.run.name is None


def test_nodes_by_title_and_type(sent: list[NodeRecord]) -> None:
    nodes = [(found.title, found.kind) for found in sent if found.chained]
    assert sorted(nodes) == [
        ("Each item", "iteration"),
        ("KB", "knowledge-retrieval"),
        ("Output", "end"),
        ("Search", "tool"),
        ("Start", "start"),
        ("Write", "llm"),
        ("Write", "llm"),
    ]
    for found in sent:
        if found.chained:
            assert found.node_id == found.title
            assert found.run.conversation is None


def test_passes_of_the_iteration(sent: list[NodeRecord]) -> None:
    passes = sorted(
        (found.pass_index, found.folded, found.container)
        for found in sent
        if found.pass_index is not None
    )
    container = "00000000-0000-4000-8000-000000000002"
    assert passes == [(0, True, container), (1, True, container)]
    inside = [
        (node(sent, "Write", i).iteration_index, node(sent, "Write", i).container) for i in (0, 1)
    ]
    assert sorted(inside) == [(0, "1002"), (1, "1002")]
    assert node(sent, "Start").iteration_index is None
    assert node(sent, "Start").container is None


def test_a_model_call(sent: list[NodeRecord]) -> None:
    [write] = [found for found in sent if found.title == "Write" and found.status == "succeeded"]
    assert (write.model, write.provider) == ("gpt-4o-mini", "langgenius/openai/openai")
    assert write.usage == Usage(input=120, output=30, total=150)
    assert write.cost == Cost(Decimal("0.000036"), "USD")
    assert write.inputs == {
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "a"},
        ]
    }
    assert write.outputs["text"] == "A"
    assert write.outputs["usage"]["total_price"] == "0.000036"


def test_an_exception_is_a_handled_failure(sent: list[NodeRecord]) -> None:
    [write] = [found for found in sent if found.status == "exception"]
    assert (write.title, write.handled) == ("Write", True)
    assert (write.error, write.error_type) == ("rate limit", "InvokeRateLimitError")
    end = node(sent, "Output")
    assert (end.status, end.handled, end.error, end.error_type) == ("failed", False, "boom", None)


def test_a_container_reports_its_sum(sent: list[NodeRecord]) -> None:
    each = node(sent, "Each item")
    assert each.usage == Usage(total=300)
    assert each.cost == Cost(Decimal("0.000072"))
    assert each.outputs == {"output": ["A", "B"]}


def test_documents_stay_as_dify_writes_them(sent: list[NodeRecord]) -> None:
    assert node(sent, "KB").outputs == {
        "result": [{"content": "doc", "title": "t", "metadata": {"score": 0.9}}]
    }


def test_a_message_of_a_chat_app(sent: list[NodeRecord]) -> None:
    [message] = [found for found in sent if found.title == "message"]
    assert message.is_run
    assert (message.status, message.inputs, message.outputs) == ("succeeded", "hi", "hello")
    facts = message.run
    assert (facts.mode, facts.conversation, facts.user) == ("chatflow", "c1", "acc")
    assert (facts.trigger, facts.status) == ("api", "succeeded")
    assert facts.source_ids == (("dify-message", "m1"),)
    [llm] = [found for found in sent if found.title == "gpt-4o-mini"]
    assert (llm.kind, llm.model, llm.provider) == ("llm", "gpt-4o-mini", "openai")
    assert llm.usage == Usage(input=5, output=2, total=7)
    assert llm.run.source_ids == (("dify-message", "m1"),)
    assert llm.run.conversation == "c1"
    assert not llm.chained
