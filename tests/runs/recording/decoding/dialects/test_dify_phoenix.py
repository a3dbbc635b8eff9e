"""Dify's Phoenix exporter in other versions and shapes than the capture's."""

from decimal import Decimal
from typing import Any

import orjson
import pytest

from runs.recording.records.record import Cost, NodeRecord, Usage
from tests.runs.recording.captured import event, record

RUN = "11111111-1111-4111-8111-111111111111"
PROJECT = {"openinference.project.name": "My App", "model_id": "My App"}


def dify(metadata: dict[str, Any], name: str, **changes: Any) -> NodeRecord:
    """A span as the exporter writes it: metadata as JSON text."""
    told = {"metadata": orjson.dumps(metadata).decode(), "openinference.span.kind": "CHAIN"}
    changes = {"scope": "arize_phoenix_tracer_My App", "resource": PROJECT} | changes
    parent = changes.pop("parent_span_id", "c" * 16)
    return record(told | changes.pop("attributes", {}), name=name, parent_span_id=parent, **changes)


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


def test_before_1_14_1_names_are_bare_and_passes_are_only_in_the_metadata() -> None:
    run = dify(WORKFLOW, "workflow", attributes={"session.id": ""})
    assert (run.is_run, run.kind, run.run.mode) == (True, "workflow", "workflow")
    metadata = NODE | {"app_name": "Write", "iteration_id": "1002", "iteration_index": 3}
    step = dify(metadata, "llm")
    assert (step.title, step.node_id, step.kind) == ("Write", "Write", "llm")
    assert (step.iteration_index, step.container) == (3, "1002")
    looped = dify(NODE | {"loop_id": "7", "loop_index": 0}, "llm")
    assert (looped.iteration_index, looped.container) == (0, "7")
    assert (looped.title, looped.node_id) == ("llm", None)


def test_an_exception_that_telemetry_calls_fine_is_still_one() -> None:
    step = dify(NODE | {"status": "exception", "status_message": "gave up"}, "code", status="ok")
    assert (step.status, step.handled, step.error) == ("exception", True, "gave up")


def test_a_retry_row_of_old_versions() -> None:
    step = dify(NODE | {"status": "retry", "status_message": "503"}, "http-request")
    assert (step.status, step.handled, step.error) == ("retry", False, "503")


def test_loops_have_passes_as_well() -> None:
    wrapper = {
        "dify.wrapper.synthetic": True,
        "dify.wrapper.type": "loop",
        "dify.wrapper.index": "3",
        "dify.wrapper.container_execution_id": "e9",
    }
    found = dify({"synthetic": True}, "loop[3]", attributes=wrapper)
    assert (found.folded, found.pass_index, found.container) == (True, 3, "e9")


def test_tokens_and_price_may_be_in_the_metadata_only() -> None:
    told = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    step = dify(NODE | told | {"total_price": "0.0010", "currency": "CNY"}, "llm_Write")
    assert step.usage == Usage(5, 2, total=7)
    assert step.cost == Cost(Decimal("0.0010"), "CNY")


def test_a_chatflow_turn_is_joined_by_its_ids() -> None:
    told = {"message_id": "m1", "conversation_id": "c1", "user_id": "u"}
    run = dify(WORKFLOW | told, f"workflow_{RUN}")
    assert run.run.mode == "chatflow"
    assert run.run.conversation == "c1"
    assert run.run.source_ids == (("dify-run", RUN), ("dify-message", "m1"))
    title = {"trace_entity_type": "generate_name", "message_id": "m1", "conversation_id": "c1"}
    step = dify(title, "generate_conversation_name")
    assert (step.title, step.kind) == ("generate_conversation_name", "chain")
    assert (step.is_run, step.chained) == (False, False)
    assert step.run.source_ids == (("dify-message", "m1"),)
    moderation = dify(title | {"trace_entity_type": "moderation"}, "moderation")
    assert moderation.kind == "moderation"


def test_the_model_call_of_a_chatflow_message_repeats_its_nodes() -> None:
    told = {"trace_entity_type": "message", "message_id": "m1", "workflow_run_id": RUN}
    tokens = {"openinference.span.kind": "LLM", "llm.token_count.total": 300}
    repeated = dify(told, "llm", attributes=tokens)
    assert (repeated.folded, repeated.usage) == (True, None)
    own = dify(told | {"workflow_run_id": None}, "llm", attributes=tokens)
    assert (own.folded, own.usage) == (False, Usage(total=300))


@pytest.mark.parametrize(
    ("told", "user"),
    [
        ({"user_id": "acc", "end_user_id": "customer-7"}, "customer-7"),
        ({"user_id": "", "from_end_user_id": "e"}, "e"),
        ({"user_id": "", "from_account_id": "acc"}, "acc"),
        ({"user_id": ""}, None),
    ],
)
def test_who_asked(told: dict[str, Any], user: str | None) -> None:
    message = {"trace_entity_type": "message", "status": "normal", "message_id": "m1"}
    assert dify(message | told, "message").run.user == user


@pytest.mark.parametrize(
    ("status", "run", "step"),
    [
        ("partial-succeeded", "partial-succeeded", "succeeded"),
        ("stopped", "stopped", "stopped"),
        ("something-new", None, "succeeded"),
    ],
)
def test_statuses_of_runs(status: str, run: str | None, step: str) -> None:
    found = dify(WORKFLOW | {"status": status}, "workflow")
    assert (found.run.status, found.status) == (run, step)


def test_a_default_project_gives_way_to_the_app() -> None:
    default = {"openinference.project.name": "default"}
    named = dify(WORKFLOW | {"app_name": "Refunds"}, "workflow", resource=default)
    assert named.service == "Refunds"
    assert dify(WORKFLOW, "workflow", resource=default).service == "a1"
    # On a node, app_name is the node's title.
    assert dify(NODE | {"app_name": "Write"}, "llm", resource=default).service == "a1"


def test_without_its_scope_dify_is_known_by_its_metadata() -> None:
    found = dify(WORKFLOW, "workflow", scope="")
    assert found.run.source_ids == (("dify-run", RUN),)


def test_the_useless_type_of_an_exception_is_dropped() -> None:
    told = {"exception.type": "str", "exception.message": "boom"}
    step = dify(NODE | {"status": "failed"}, "code", events=[event("exception", **told)])
    assert (step.error, step.error_type) == ("boom", None)
    real = {"exception.type": "ValueError", "exception.message": "boom"}
    step = dify(NODE | {"status": "failed"}, "code", events=[event("exception", **real)])
    assert step.error_type == "ValueError"


@pytest.mark.parametrize("value", ["[]", "3", '"text"', "{", "[" * 10_000, '{"node_type": null}'])
def test_metadata_of_another_shape_is_survived(value: str) -> None:
    told = {"metadata": value, "dify.node.execution_id": "e1"}
    assert record(told, scope="arize_phoenix_tracer_x").service == "shop"
