"""Mastra's own exporter, span by span."""

import json
from typing import Any

import pytest

from runs.recording.records.record import Usage
from tests.runs.recording.captured import as_read, read_record

CHILD = {"parent_span_id": "c" * 16, "scope": "@mastra/otel 1.0.0"}


def mastra_attributes(kind: str, operation: str, **more: Any) -> dict[str, Any]:
    return {"mastra.span.type": kind, "gen_ai.operation.name": operation, **more}


@pytest.mark.parametrize(
    ("kind", "operation", "name", "title", "expected"),
    [
        ("workflow_run", "invoke_workflow", "invoke_workflow order", "order", "workflow"),
        ("workflow_step", "workflow_step", "workflow_step fetch", "fetch", "task"),
        ("workflow_loop", "workflow_loop", "workflow_loop", "workflow_loop", "loop"),
        ("agent_run", "invoke_agent", "invoke_agent helper", "helper", "agent"),
        ("agent_run", "agent.run", "agent.helper", "helper", "agent"),
        ("workflow_run", "workflow.run", "workflow.order", "order", "workflow"),
    ],
)
def test_kinds_and_titles(kind: str, operation: str, name: str, title: str, expected: str) -> None:
    step = read_record(mastra_attributes(kind, operation), name=name, **CHILD)
    assert (step.kind, step.title, step.folded) == (expected, title, False)
    assert step.is_run == (expected == "workflow")


@pytest.mark.parametrize("kind", ["model_step", "model_chunk", "llm_chunk"])
def test_parts_of_a_model_call_are_wrappers(kind: str) -> None:
    assert read_record(mastra_attributes(kind, kind), name="step: 0", **CHILD).folded


def test_values() -> None:
    step = read_record(mastra_attributes("workflow_step", "workflow_step", **{
        "mastra.workflow_step.input": '{"q": 1}', "mastra.workflow_step.output": "done",
    }), name="workflow_step fetch", **CHILD)  # fmt: skip
    assert (step.inputs, step.outputs) == ({"q": 1}, "done")
    tool = read_record(mastra_attributes("tool_call", "tool.execute", **{
        "input": '{"q":1}', "gen_ai.tool.input": '{"q":1}', "gen_ai.tool.name": "look",
        "output": "found", "gen_ai.tool.output": "found",
    }), name="tool.execute look", **CHILD)  # fmt: skip
    assert (tool.kind, tool.title, tool.inputs, tool.outputs) == ("tool", "look", {"q": 1}, "found")
    assert "input" not in tool.received["attributes"]


def test_a_model_call_of_the_first_generation() -> None:
    prompt = {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]}
    response = {
        "text": "",
        "toolCalls": [{"toolCallId": "c1", "toolName": "look", "args": {"q": 1}}],
    }
    step = read_record(mastra_attributes("llm_generation", "chat", **{
        "gen_ai.prompt": json.dumps(prompt), "input": json.dumps(prompt),
        "gen_ai.completion": json.dumps(response), "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 2,
        "gen_ai.usage.cached_input_tokens": 4, "gen_ai.usage.reasoning_tokens": 1,
    }), name="chat gpt-4o", **CHILD)  # fmt: skip
    assert (step.kind, step.title) == ("llm", "chat gpt-4o")
    assert as_read(step.inputs)["messages"] == [{"role": "user", "content": "hi"}]
    assert as_read(step.outputs)["messages"][0]["tool_calls"] == [
        {"id": "c1", "name": "look", "arguments": {"q": 1}}
    ]
    assert step.usage == Usage(10, 2, 4, None, 1, 12)


def test_facts_about_the_run() -> None:
    run = read_record(mastra_attributes("agent_run", "invoke_agent", threadId="t-1", userId="u-1"),
                      name="invoke_agent helper").run  # fmt: skip
    assert (run.name, run.conversation, run.user) == ("helper", "t-1", "u-1")
