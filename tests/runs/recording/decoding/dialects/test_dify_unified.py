"""Dify's unified tracing runtime: its provider "OpenTelemetry", and Phoenix under it."""

import json
from typing import Any

import pytest

from nodes.models import NodeExecution
from runs.models import Run
from runs.recording.decoding.dialects import UNKNOWN_DIFY, read_fields
from runs.recording.decoding.dialects.dify_metadata import TEST_REQUEST
from runs.recording.records.record import NodeRecord, Usage
from runs.recording.storing.store import save_records
from tests.runs.recording.captured import make_span

RUN, PARENT = "11111111-1111-4111-8111-111111111111", "f" * 16
WORKFLOW = {
    "workflow_id": "flow",
    "workflow_run_id": RUN,
    "version": "2026-11-20 10:00:00",
    "triggered_from": "app-run",
    "user_id": "u-7",
    "app_id": "a1",
    "app_name": "Refund bot",
    "status": "succeeded",
    "total_tokens": 30,
    "elapsed_time": 2.5,
}


def unified(metadata: dict[str, Any], name: str, **changes: Any) -> list[NodeRecord]:
    attributes = {
        "metadata": json.dumps(metadata),
        "session.id": RUN,
        "dify.span.id": "x",
        "dify.span.synthetic": False,
        "gen_ai.conversation.id": RUN,
        "gen_ai.usage.input_tokens": "0",
        "gen_ai.usage.total_tokens": "0",
    }
    attributes |= changes.pop("attributes", {})
    changes = {"scope": "unified_otel_shop", "parent_span_id": PARENT, "status": "ok"} | changes
    return read_fields(make_span(attributes, name=name, **changes)).records()


def node(kind: str, title: str, number: int, parent: str, **metadata: Any) -> list[NodeRecord]:
    metadata = {
        "node_id": str(number),
        "node_execution_id": f"e{number}",
        "node_type": kind,
        "status": "succeeded",
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "total_tokens": 0,
    } | metadata
    times = {"start_us": number * 1_000_000, "end_us": number * 1_000_000 + 500_000}
    return unified(
        metadata, f"{kind}_{title}", span_id=f"{number:016x}", parent_span_id=parent, **times
    )


def test_the_run_has_what_its_metadata_tell_and_no_invented_conversation() -> None:
    [run] = unified(WORKFLOW, f"workflow_{RUN}", parent_span_id=None)
    assert (run.source_id, run.is_run, run.kind) == (RUN, True, "workflow")
    facts = run.run
    assert (facts.user, facts.trigger, facts.version) == ("u-7", "app-run", "2026-11-20 10:00:00")
    assert (facts.conversation, facts.name, facts.reported_tokens) == (None, None, 30)
    assert facts.source_ids == (("dify-run", RUN),)
    [run] = unified(WORKFLOW | {"trace_session_id": "mine"}, f"workflow_{RUN}", parent_span_id=None)
    assert (run.run.conversation, run.run.mode) == ("mine", "workflow")


@pytest.mark.parametrize("scope", ["unified_otel_dify", "unified_phoenix_default"])
def test_a_name_left_at_its_default_is_no_app(scope: str) -> None:
    attribute = "service.name" if "otel" in scope else "openinference.project.name"
    resource = {attribute: scope.rpartition("_")[2]}
    [run] = unified(WORKFLOW, f"workflow_{RUN}", scope=scope, resource=resource)
    assert run.service == "Refund bot"


def test_a_node_has_its_graph_id_and_zeros_are_no_usage() -> None:
    [start] = node("start", "Start", 1, PARENT)
    assert (start.title, start.kind, start.node_id, start.usage) == ("Start", "start", "1", None)
    tokens = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}
    [call] = node("llm", "llm_x", 2, PARENT, model_name="gpt-4o-mini", **tokens)
    assert (call.title, call.model, call.usage) == (
        "llm_x", "gpt-4o-mini", Usage(10, 20, None, None, None, 30),
    )  # fmt: skip


def test_attempts_that_were_tried_again_come_before_the_step() -> None:
    attempts = [{"retry_index": n, "error": "503", "elapsed_time": 0.2, "created_at": n,
                 "finished_at": n} for n in (1, 2)]  # fmt: skip
    first, second, step = node("code", "Flaky", 3, PARENT, retry_count=2, retry_attempts=attempts)
    assert (first.source_id, first.status, first.attempt) == ("e3/retry/1", "retry", 1)
    assert (second.source_id, second.error) == ("e3/retry/2", "503")
    assert (step.source_id, step.status) == ("e3", "succeeded")


@pytest.mark.django_db
def test_steps_of_a_workflow_tool_stand_below_it_and_their_nodes_are_not_the_run_s():
    spans = [
        *unified(WORKFLOW, f"workflow_{RUN}", span_id=PARENT, parent_span_id=None, start_us=1),
        *node("start", "Start", 1, PARENT),
        *node("tool", "Refund", 2, f"{1:016x}"),
        *node("start", "Start", 3, f"{2:016x}", node_id="1"),
        *node("code", "Check", 4, f"{3:016x}", node_id="2"),
        *node("end", "End", 5, f"{2:016x}", node_id="9"),
    ]
    for order in (spans, spans[::-1]):
        Run.objects.all().delete()
        save_records(order)
        run = Run.objects.get()
        steps = NodeExecution.objects.in_run(run.pk).visible()
        assert [(step.title, step.depth, step.node_id) for step in steps] == [
            ("Start", 0, "1"), ("Refund", 0, "2"), ("Start", 1, "2/1"), ("Check", 1, "2/2"),
            ("End", 0, "9"),
        ]  # fmt: skip


CHAT = {"conversation_id": "talk", "status": "normal", "trace_entity_type": "message"}


def test_a_chatflow_turn_is_the_message_around_the_workflow() -> None:
    [message] = unified(
        WORKFLOW | CHAT, f"chatflow_{RUN}", parent_span_id=None, attributes={"dify.span.id": "m1"}
    )
    assert (message.source_id, message.is_run, message.kind) == ("m1", True, "chain")
    assert message.run.source_ids == (("dify-run", RUN), ("dify-message", "m1"))
    assert (message.run.conversation, message.run.mode) == ("talk", "chatflow")


def test_the_model_call_of_a_chat_counts_and_its_message_does_not() -> None:
    tokens = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7, "model_name": "m"}
    [message] = unified(CHAT | tokens, "message", attributes={"dify.span.id": "m1"})
    attributes = {"dify.span.id": "m1:llm", "dify.span.synthetic": True}
    [call] = unified(CHAT | tokens, "llm", attributes=attributes)
    assert (message.is_run, message.usage) == (True, None)
    assert (call.source_id, call.kind, call.model) == ("m1/llm", "llm", "m")
    assert call.usage and call.usage.total == 7


@pytest.mark.django_db
def test_a_workflow_tool_with_a_span_of_its_own_is_a_nested_run():
    child = WORKFLOW | {"workflow_run_id": "child", "parent_trace_context": {"parent": RUN}}
    spans = [
        *unified(WORKFLOW, f"workflow_{RUN}", span_id=PARENT, parent_span_id=None, start_us=1),
        *node("tool", "Refund", 2, PARENT),
        *unified(child, "workflow_child", span_id="c" * 16, parent_span_id=f"{2:016x}"),
        *node("start", "Start", 3, "c" * 16, node_id="2"),
    ]
    save_records(spans)
    steps = NodeExecution.objects.in_run(Run.objects.get().pk).visible()
    assert [(step.kind, step.depth, step.node_id) for step in steps] == [
        ("tool", 0, "2"), ("workflow", 1, "2/Refund bot"), ("start", 2, "2/2"),
    ]  # fmt: skip


def test_a_workflow_tool_that_is_traced_apart_names_the_run_that_called_it() -> None:
    child = WORKFLOW | {"workflow_run_id": "child", "linked_parent_workflow_run_id": RUN}
    [run] = unified(child, "workflow_child", parent_span_id=None)
    assert run.links == (f"{RUN}:",)


def test_saving_the_settings_is_no_run() -> None:
    span = make_span({"test": "true"}, name="api_check", scope="unified_otel_shop")
    reading = read_fields(span)
    assert (reading.ignored, reading.remark) == (True, TEST_REQUEST)


def test_a_form_that_only_looks_like_dify_is_said_to_be_one() -> None:
    assert read_fields(make_span({"dify.something": "new"})).remark == UNKNOWN_DIFY
    assert read_fields(make_span({"gen_ai.system": "openai"})).remark == ""
