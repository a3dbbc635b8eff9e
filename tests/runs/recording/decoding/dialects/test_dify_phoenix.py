"""Dify's Phoenix exporter: the capture dify-phoenix (a failed workflow run and a message of a chat
app), and other versions and shapes."""

from decimal import Decimal
from typing import Any

import orjson
import pytest

from runs.recording.decoding.dialects import read_span
from runs.recording.records.record import Cost, NodeRecord, Usage
from tests.runs.recording.captured import captured_records, make_event, make_span, read_record

RUN = "11111111-1111-4111-8111-111111111111"
PROJECT = {"openinference.project.name": "My App", "model_id": "My App"}


def dify_record(metadata: dict[str, Any], name: str, **changes: Any) -> NodeRecord:
    """A span as the exporter writes it: metadata as JSON text."""
    attributes = {"metadata": orjson.dumps(metadata).decode(), "openinference.span.kind": "CHAIN"}
    changes = {"scope": "arize_phoenix_tracer_My App", "resource": PROJECT} | changes
    parent = changes.pop("parent_span_id", "c" * 16)
    return read_record(
        attributes | changes.pop("attributes", {}), name=name, parent_span_id=parent, **changes
    )


NODE = {
    "node_id": "e1",
    "node_type": "llm",
    "status": "succeeded",
    "tenant_id": "t",
    "app_id": "a1",
}
WORKFLOW = {
    "workflow_run_id": RUN,
    "status": "succeeded",
    "trace_entity_type": "workflow",
    "workflow_run_version": "draft",
    "created_from": "Dify",
    "app_id": "a1",
}


def test_before_1_14_1_names_are_bare_and_iterations_are_only_in_the_metadata() -> None:
    run = dify_record(WORKFLOW, "workflow", attributes={"session.id": ""})
    assert (run.is_run, run.kind, run.run.mode) == (True, "workflow", "workflow")
    metadata = NODE | {"app_name": "Write", "iteration_id": "1002", "iteration_index": 3}
    step = dify_record(metadata, "llm")
    assert (step.title, step.node_id, step.kind) == ("Write", "Write", "llm")
    assert (step.iteration_index, step.container) == (3, "1002")
    looped = dify_record(NODE | {"loop_id": "7", "loop_index": 0}, "llm")
    assert (looped.iteration_index, looped.container) == (0, "7")
    assert (looped.title, looped.node_id) == ("llm", None)


def test_an_exception_whose_span_is_ok_is_still_an_exception() -> None:
    step = dify_record(
        NODE | {"status": "exception", "status_message": "gave up"}, "code", status="ok"
    )
    assert (step.status, step.handled, step.error) == ("exception", True, "gave up")


def test_a_retry_row_of_old_versions() -> None:
    step = dify_record(NODE | {"status": "retry", "status_message": "503"}, "http-request")
    assert (step.status, step.handled, step.error) == ("retry", False, "503")


def test_a_loop_has_iterations_of_its_own() -> None:
    wrapper = {
        "dify.wrapper.synthetic": True,
        "dify.wrapper.type": "loop",
        "dify.wrapper.index": "3",
        "dify.wrapper.container_execution_id": "e9",
    }
    record = dify_record({"synthetic": True}, "loop[3]", attributes=wrapper)
    assert (record.folded, record.pass_index, record.container) == (True, 3, "e9")


def test_tokens_and_price_may_be_in_the_metadata_only() -> None:
    metadata = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    step = dify_record(NODE | metadata | {"total_price": "0.0010", "currency": "CNY"}, "llm_Write")
    assert step.usage == Usage(5, 2, total=7)
    assert step.cost == Cost(Decimal("0.0010"), "CNY")


def test_a_chatflow_turn_is_joined_by_its_ids() -> None:
    metadata = {"message_id": "m1", "conversation_id": "c1", "user_id": "u"}
    run = dify_record(WORKFLOW | metadata, f"workflow_{RUN}")
    assert run.run.mode == "chatflow"
    assert run.run.conversation == "c1"
    assert run.run.source_ids == (("dify-run", RUN), ("dify-message", "m1"))
    title = {"trace_entity_type": "generate_name", "message_id": "m1", "conversation_id": "c1"}
    step = dify_record(title, "generate_conversation_name")
    assert (step.title, step.kind) == ("generate_conversation_name", "chain")
    assert (step.is_run, step.chained) == (False, False)
    assert step.run.source_ids == (("dify-message", "m1"),)
    moderation = dify_record(title | {"trace_entity_type": "moderation"}, "moderation")
    assert moderation.kind == "moderation"


def test_the_model_call_of_a_chatflow_message_repeats_its_nodes() -> None:
    metadata = {"trace_entity_type": "message", "message_id": "m1", "workflow_run_id": RUN}
    tokens = {"openinference.span.kind": "LLM", "llm.token_count.total": 300}
    repeated = dify_record(metadata, "llm", attributes=tokens)
    assert (repeated.folded, repeated.usage) == (True, None)
    model_call = dify_record(metadata | {"workflow_run_id": None}, "llm", attributes=tokens)
    assert (model_call.folded, model_call.usage) == (False, Usage(total=300))


@pytest.mark.parametrize(
    ("metadata", "user"),
    [
        ({"user_id": "acc", "end_user_id": "customer-7"}, "customer-7"),
        ({"user_id": "", "from_end_user_id": "e"}, "e"),
        ({"user_id": "", "from_account_id": "acc"}, "acc"),
        ({"user_id": ""}, None),
    ],
)
def test_the_user_of_a_run(metadata: dict[str, Any], user: str | None) -> None:
    message = {"trace_entity_type": "message", "status": "normal", "message_id": "m1"}
    assert dify_record(message | metadata, "message").run.user == user


@pytest.mark.parametrize(
    ("status", "run", "step"),
    [
        ("partial-succeeded", "partial-succeeded", "succeeded"),
        ("stopped", "stopped", "stopped"),
        ("something-new", None, "succeeded"),
    ],
)
def test_statuses_of_runs(status: str, run: str | None, step: str) -> None:
    record = dify_record(WORKFLOW | {"status": status}, "workflow")
    assert (record.run.status, record.status) == (run, step)


def test_a_default_project_gives_way_to_the_app() -> None:
    default = {"openinference.project.name": "default"}
    named = dify_record(WORKFLOW | {"app_name": "Refunds"}, "workflow", resource=default)
    assert named.service == "Refunds"
    assert dify_record(WORKFLOW, "workflow", resource=default).service == "a1"
    # On a node, app_name is the node's title.
    assert dify_record(NODE | {"app_name": "Write"}, "llm", resource=default).service == "a1"


def test_without_its_scope_dify_is_recognized_by_its_metadata() -> None:
    record = dify_record(WORKFLOW, "workflow", scope="")
    assert record.run.source_ids == (("dify-run", RUN),)


def test_the_exception_type_str_is_dropped() -> None:
    attributes = {"exception.type": "str", "exception.message": "boom"}
    step = dify_record(
        NODE | {"status": "failed"}, "code", events=[make_event("exception", **attributes)]
    )
    assert (step.error, step.error_type) == ("boom", None)
    real = {"exception.type": "ValueError", "exception.message": "boom"}
    step = dify_record(
        NODE | {"status": "failed"}, "code", events=[make_event("exception", **real)]
    )
    assert step.error_type == "ValueError"


@pytest.mark.parametrize("value", ["[]", "3", '"text"', "{", "[" * 10_000, '{"node_type": null}'])
def test_metadata_of_another_shape_does_not_fail(value: str) -> None:
    attributes = {"metadata": value, "dify.node.execution_id": "e1"}
    assert read_record(attributes, scope="arize_phoenix_tracer_x").service == "shop"


RUN = "11111111-1111-4111-8111-111111111111"


@pytest.fixture(scope="module")
def records() -> list[NodeRecord]:
    return captured_records("dify-phoenix")


def captured_node(records: list[NodeRecord], title: str, number: int = 0) -> NodeRecord:
    return [record for record in records if record.title == title and record.node_id][number]


def test_the_probe_is_ignored(records: list[NodeRecord]) -> None:
    assert len(records) == 14
    assert (
        read_span(make_span({"test": "true"}, name="api_check", scope="arize_phoenix_tracer_x"))
        is None
    )


def test_the_run(records: list[NodeRecord]) -> None:
    [run] = [record for record in records if record.is_run and record.kind == "workflow"]
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


def test_the_dispatch_is_a_wrapper_without_times(records: list[NodeRecord]) -> None:
    roots = [record for record in records if record.parent_source_id is None]
    assert len(roots) == 2
    for root in roots:
        assert (root.folded, root.is_run, root.title) == (True, False, "Dify")
        assert (root.started_us, root.ended_us, root.status, root.error) == (None,) * 4
        assert root.run.source_ids == ()
        assert root.run.name is None


def test_nodes_by_title_and_type(records: list[NodeRecord]) -> None:
    nodes = [(record.title, record.kind) for record in records if record.chained]
    assert sorted(nodes) == [
        ("Each item", "iteration"),
        ("KB", "knowledge-retrieval"),
        ("Output", "end"),
        ("Search", "tool"),
        ("Start", "start"),
        ("Write", "llm"),
        ("Write", "llm"),
    ]
    for record in records:
        if record.chained:
            assert record.node_id == record.title
            assert record.run.conversation is None


def test_iterations_of_the_loop(records: list[NodeRecord]) -> None:
    passes = sorted(
        (record.pass_index, record.folded, record.container)
        for record in records
        if record.pass_index is not None
    )
    container = "00000000-0000-4000-8000-000000000002"
    assert passes == [(0, True, container), (1, True, container)]
    inside = [
        (
            captured_node(records, "Write", i).iteration_index,
            captured_node(records, "Write", i).container,
        )
        for i in (0, 1)
    ]
    assert sorted(inside) == [(0, "1002"), (1, "1002")]
    assert captured_node(records, "Start").iteration_index is None
    assert captured_node(records, "Start").container is None


def test_a_model_call(records: list[NodeRecord]) -> None:
    [write] = [
        record for record in records if record.title == "Write" and record.status == "succeeded"
    ]
    assert (write.model, write.provider) == ("gpt-4o-mini", "langgenius/openai/openai")
    assert write.usage == Usage(input=120, output=30, total=150)
    assert write.cost == Cost(Decimal("0.000036"), "USD")
    assert write.inputs == {
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "a"}]
    }
    assert write.outputs["text"] == "A"
    assert write.outputs["usage"]["total_price"] == "0.000036"


def test_an_exception_is_a_handled_failure(records: list[NodeRecord]) -> None:
    [write] = [record for record in records if record.status == "exception"]
    assert (write.title, write.handled) == ("Write", True)
    assert (write.error, write.error_type) == ("rate limit", "InvokeRateLimitError")
    end = captured_node(records, "Output")
    assert (end.status, end.handled, end.error, end.error_type) == ("failed", False, "boom", None)


def test_a_container_reports_its_sum(records: list[NodeRecord]) -> None:
    container = captured_node(records, "Each item")
    assert container.usage == Usage(total=300)
    assert container.cost == Cost(Decimal("0.000072"))
    assert container.outputs == {"output": ["A", "B"]}


def test_documents_stay_as_dify_writes_them(records: list[NodeRecord]) -> None:
    assert captured_node(records, "KB").outputs == {
        "result": [{"content": "doc", "title": "t", "metadata": {"score": 0.9}}]
    }


def test_a_message_of_a_chat_app(records: list[NodeRecord]) -> None:
    [message] = [record for record in records if record.title == "message"]
    assert message.is_run
    assert (message.status, message.inputs, message.outputs) == ("succeeded", "hi", "hello")
    facts = message.run
    assert (facts.mode, facts.conversation, facts.user) == ("chatflow", "c1", "acc")
    assert (facts.trigger, facts.status) == ("api", "succeeded")
    assert facts.source_ids == (("dify-message", "m1"),)
    [llm] = [record for record in records if record.title == "gpt-4o-mini"]
    assert (llm.kind, llm.model, llm.provider) == ("llm", "gpt-4o-mini", "openai")
    assert llm.usage == Usage(input=5, output=2, total=7)
    assert llm.run.source_ids == (("dify-message", "m1"),)
    assert llm.run.conversation == "c1"
    assert not llm.chained
