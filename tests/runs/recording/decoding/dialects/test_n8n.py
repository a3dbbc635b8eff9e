"""n8n by hand: executions, nodes and their kinds, waiting, crashes, retries."""

from typing import Any

import pytest

from runs.recording.records.record import NodeRecord
from tests.runs.recording.captured import exception_event, read_record

SCOPE = "n8n-workflow"
RESOURCE = {"service.name": "n8n", "service.version": "2.40.0", "n8n.instance.id": "i" * 64}
EXECUTION = {
    "n8n.workflow.id": "wf1",
    "n8n.workflow.name": "Answer tickets",
    "n8n.workflow.version_id": "v-7",
    "n8n.workflow.node_count": 3,
    "n8n.execution.id": "4711",
    "n8n.execution.mode": "webhook",
    "n8n.execution.status": "success",
    "n8n.execution.is_retry": False,
}


def execution(attributes: dict[str, Any] | None = None, **changes: Any) -> NodeRecord:
    changes = {"name": "workflow.execute", "scope": SCOPE, "resource": RESOURCE} | changes
    return read_record(EXECUTION | (attributes or {}), **changes)


def node(attributes: dict[str, Any], **changes: Any) -> NodeRecord:
    changes = {
        "name": "node.execute", "scope": SCOPE, "resource": RESOURCE, "parent_span_id": "c" * 16,
    } | changes  # fmt: skip
    return read_record({"n8n.node.id": "n1", "n8n.node.name": "Mail"} | attributes, **changes)


def test_an_execution_is_the_run_of_an_app_of_the_workflows_name() -> None:
    run = execution()
    assert (run.service, run.kind, run.title, run.is_run) == (
        "Answer tickets", "workflow", "Answer tickets", True,
    )  # fmt: skip
    assert (run.run.version, run.run.trigger, run.run.status) == ("v-7", "webhook", "succeeded")
    [(kind, number)] = run.run.source_ids
    assert number == "4711" and len(kind) <= 20


def test_a_webhook_may_be_called_from_another_trace() -> None:
    run = execution(parent_span_id="d" * 16)
    assert (run.is_run, run.parent_source_id) == (True, "d" * 16)


def test_numbers_of_two_instances_are_two_runs() -> None:
    of_another_instance = execution(resource=RESOURCE | {"n8n.instance.id": "j" * 64})
    assert of_another_instance.run.source_ids != execution().run.source_ids
    # The part after a wait has the same number.
    assert execution(trace_id="e" * 32).run.source_ids == execution().run.source_ids


@pytest.mark.parametrize(
    ("n8n_status", "status"),
    [
        ("error", "failed"), ("crashed", "failed"), ("canceled", "stopped"), ("waiting", "paused"),
        ("running", None),
    ],
)  # fmt: skip
def test_statuses(n8n_status: str, status: str | None) -> None:
    assert execution({"n8n.execution.status": n8n_status}).run.status == status


def test_type_and_message_of_an_error() -> None:
    attributes = {"n8n.execution.status": "error", "n8n.execution.error_type": "NodeApiError"}
    events = [exception_event("Error", "quota exceeded")]
    run = execution(attributes, status="error", events=events)
    assert (run.error, run.error_type) == ("quota exceeded", "NodeApiError")


def test_a_span_made_again_after_a_crash_replaces_the_lost_one() -> None:
    attributes = {"n8n.execution.status": "crashed", "n8n.execution.reconstructed": True}
    run = execution(attributes, status="error", parent_span_id="c" * 16)
    assert (run.parent_source_id, run.span_ids, run.is_run) == (None, ("c" * 16,), True)


def test_a_retry_has_the_retried_execution_in_a_tag() -> None:
    attributes = {"n8n.execution.is_retry": True, "n8n.execution.retry_of": "4710"}
    assert execution(attributes).run.tags == ("retry of 4710",)


def test_a_node() -> None:
    attributes = {
        "n8n.node.type": "n8n-nodes-base.httpRequest", "n8n.node.items.input": 1,
        "n8n.node.items.output": 3,
    }  # fmt: skip
    step = node(attributes)
    assert (step.kind, step.node_id, step.title) == ("http-request", "n1", "Mail")
    assert (step.inputs, step.outputs) == ({"items": 1}, {"items": 3})
    # The version of n8n is not that of the workflow.
    assert step.run.version is None


@pytest.mark.parametrize(
    ("node_type", "kind"),
    [
        ("n8n-nodes-base.if", "branch"),
        ("n8n-nodes-base.switch", "branch"),
        ("n8n-nodes-base.code", "code"),
        ("n8n-nodes-base.splitInBatches", "loop"),
        ("n8n-nodes-base.webhook", "trigger-webhook"),
        ("n8n-nodes-base.scheduleTrigger", "trigger-schedule"),
        ("n8n-nodes-base.gmailTrigger", "trigger-plugin"),
        ("@n8n/n8n-nodes-langchain.chatTrigger", "start"),
        ("@n8n/n8n-nodes-langchain.agent", "agent"),
        ("@n8n/n8n-nodes-langchain.lmChatOpenAi", "llm"),
        ("@n8n/n8n-nodes-langchain.embeddingsOpenAi", "embedding"),
        ("@n8n/n8n-nodes-langchain.vectorStoreQdrant", "retriever"),
        ("@n8n/n8n-nodes-langchain.chainLlm", "chain"),
        ("@n8n/n8n-nodes-langchain.toolWorkflow", "tool"),
        ("n8n-nodes-base.gmailTool", "tool"),
        ("n8n-nodes-base.slack", "task"),
        ("lmstudio.thing", "task"),
        ("", "task"),
    ],
)
def test_kinds(node_type: str, kind: str) -> None:
    assert node({"n8n.node.type": node_type}).kind == kind


def test_a_node_that_was_terminated() -> None:
    attributes = {"n8n.node.termination_reason": "workflow_cancelled"}
    assert node(attributes, status="error").status == "stopped"
    crashed = node({"n8n.node.termination_reason": "workflow_crashed"}, status="error")
    assert (crashed.status, crashed.error) == ("failed", "workflow crashed")


def test_agents_in_nodes_and_n8n_s_runtime() -> None:
    attributes = {
        "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper",
        "execution_id": "4711", "workflow_id": "wf1",
    }  # fmt: skip
    agent = read_record(attributes, name="helper.generate", scope="@n8n/agents", resource=RESOURCE)
    assert (agent.kind, agent.title) == ("agent", "helper")
    assert agent.run.source_ids == execution().run.source_ids
    inner = read_record(name="rpc call", scope=SCOPE, parent_span_id="c" * 16)
    assert inner.folded


@pytest.mark.parametrize(
    ("node_type", "called_as", "calls"),
    [
        ("n8n-nodes-base.executeWorkflow", None, "workflow"),
        ("n8n-nodes-base.webhook", None, None),
        ("@n8n/n8n-nodes-langchain.agent", None, "sub-node"),
        ("@n8n/n8n-nodes-langchain.lmChatOpenAi", "sub-node", None),
        ("@n8n/n8n-nodes-langchain.vectorStoreQdrant", "sub-node", "sub-node"),
        ("@n8n/n8n-nodes-langchain.toolWorkflow", "sub-node", "workflow"),
        ("@n8n/n8n-nodes-langchain.agentTool", "sub-node", "sub-node"),
        ("n8n-nodes-base.gmailTool", "sub-node", None),
    ],
)
def test_sub_nodes_are_called_by_the_nodes_around_them(
    node_type: str, called_as: str | None, calls: str | None
) -> None:
    step = node({"n8n.node.type": node_type})
    assert (step.called_as, step.calls) == (called_as, calls)


def test_a_sub_workflow_says_nothing_about_the_run() -> None:
    inner = execution({"n8n.execution.mode": "integrated"}, parent_span_id="c" * 16)
    assert (inner.folded, inner.called_as, inner.is_run) == (True, "workflow", False)
    assert inner.run.name is None
    alone = execution({"n8n.execution.mode": "integrated"})  # it was not waited for
    assert (alone.is_run, alone.run.name) == (True, "Answer tickets")
