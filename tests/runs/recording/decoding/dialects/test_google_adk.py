"""The capture google-adk: three runs of one workflow of agents."""

import pytest

from runs.recording.records.record import NodeRecord, Usage
from tests.runs.recording.captured import captured_traces

NOT_FOUND = "order A-404 not found in the warehouse database"


@pytest.fixture(scope="module")
def adk() -> list[list[NodeRecord]]:
    return captured_traces("google-adk")


def test_adk_runs(adk: list[list[NodeRecord]]) -> None:
    roots = [run[0] for run in adk]
    assert [(root.kind, root.title, root.is_run) for root in roots] == [
        ("workflow", "triage", True)
    ] * 3
    assert {root.service for root in roots} == {"adk-bot"}
    assert [root.run.conversation for root in roots] == ["sess-0", "sess-1", "sess-2"]
    assert {(root.run.name, root.run.version, root.run.environment) for root in roots} == {
        ("triage", "1.0.0", "staging")
    }
    assert [root.status for root in roots] == ["succeeded", "succeeded", "failed"]


def test_adk_steps(adk: list[list[NodeRecord]]) -> None:
    steps = [(step.kind, step.title) for step in adk[0][1:]]
    assert steps == [
        ("agent", "triage"),
        ("llm", "generate_content gemini-2.5-flash"),
        ("handoff", "transfer_to_agent"),
        ("agent", "refunder"),
        ("llm", "generate_content gemini-2.5-flash"),
        ("tool", "lookup_order"),
        ("llm", "generate_content gemini-2.5-flash"),
        ("tool", "issue_refund"),
        ("llm", "generate_content gemini-2.5-flash"),
    ]
    assert [step.title for step in adk[1] if step.kind == "agent"] == (
        ["triage", "drafting", "draft", "review", "draft", "review"]
    )


def test_adk_models_and_tokens(adk: list[list[NodeRecord]]) -> None:
    for step in adk[0]:
        if step.kind == "llm":
            assert (step.model, step.provider) == ("gemini-2.5-flash", "gcp.gemini")
            assert step.usage == Usage(input=40, output=15, cached=4, reasoning=3, total=55)
        else:
            assert step.usage is None
        assert (step.inputs, step.outputs) == (None, None)  # contents are off by default


def test_adk_error(adk: list[list[NodeRecord]]) -> None:
    failed = [step for step in adk[2] if step.status == "failed"]
    assert [step.title for step in failed] == ["triage", "refunder", "lookup_order"]
    assert {(step.error, step.error_type) for step in failed} == {(NOT_FOUND, "ValueError")}
