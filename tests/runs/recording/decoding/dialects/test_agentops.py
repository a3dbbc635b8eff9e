"""AgentOps by hand: sessions, decorated functions, tools, agents."""

from decimal import Decimal

from runs.recording.records.record import Cost
from tests.runs.recording.captured import read_record


def test_a_session_is_the_run() -> None:
    attributes = {
        "agentops.span.kind": "session", "operation.name": "nightly", "agentops.tags": '["a", "b"]',
        "agentops.session.end_state": "Success",
    }  # fmt: skip
    run = read_record(attributes, name="nightly.session")
    assert (run.kind, run.title, run.is_run) == ("workflow", "nightly", True)
    assert (run.run.name, run.run.tags, run.run.status) == ("nightly", ("a", "b"), None)
    failed = read_record(attributes | {"agentops.session.end_state": "StatusCode.ERROR"})
    assert failed.run.status == "failed"


def test_a_decorated_function() -> None:
    attributes = {
        "agentops.span.kind": "task", "operation.name": "summarise",
        "agentops.task.input": '{"args": ["long text"], "kwargs": {}}',
        "agentops.task.output": '"short"',
    }  # fmt: skip
    step = read_record(attributes, name="summarise.task", parent_span_id="c" * 16)
    assert (step.kind, step.title) == ("task", "summarise")
    assert (step.inputs, step.outputs) == ("long text", "short")
    named = attributes | {"agentops.task.input": '{"args": [], "kwargs": {"text": "long"}}'}
    assert read_record(named).inputs == {"text": "long"}
    older = {"agentops.span.kind": "operation", "agentops.entity.name": "load"}
    older |= {"agentops.entity.input": '{"n": 1}', "agentops.entity.output": "[1]"}
    record = read_record(older, name="load.operation")
    assert (record.title, record.inputs, record.outputs) == ("load", {"n": 1}, [1])


def test_tools_agents_and_model_calls() -> None:
    attributes = {
        "agentops.span.kind": "tool", "tool.name": "look", "tool.parameters": '{"x": 1}',
        "tool.result": '{"y": 2}',
    }  # fmt: skip
    tool = read_record(attributes, name="x.tool")
    assert (tool.kind, tool.title, tool.inputs, tool.outputs) == (
        "tool", "look", {"x": 1}, {"y": 2},
    )  # fmt: skip
    agent = read_record({"agentops.span.kind": "agent", "agent.name": "helper"}, name="x.agent")
    assert (agent.kind, agent.title) == ("agent", "helper")
    attributes = {
        "agentops.span.kind": "llm", "gen_ai.request.model": "gpt-4o", "gen_ai.prompt.0.content":
        "hi", "gen_ai.prompt.0.role": "user", "gen_ai.usage.total_cost": "0.002",
    }  # fmt: skip
    call = read_record(attributes, name="chat.llm")
    assert (call.kind, call.model, call.cost) == ("llm", "gpt-4o", Cost(Decimal("0.002")))
    assert call.inputs == {"messages": [{"role": "user", "content": "hi"}]}
