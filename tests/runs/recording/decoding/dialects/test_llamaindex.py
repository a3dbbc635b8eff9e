"""LlamaIndex by hand: workflows by both tracers, agents, private methods, events of calls."""

import json
from typing import Any

from runs.recording.records.record import NodeRecord, Usage
from tests.runs.recording.captured import as_read, make_event, read_record

OPENINFERENCE = "openinference.instrumentation.llama_index 4.3.2"
OWN = "llamaindex.opentelemetry.tracer"


def chain_record(
    name: str, arguments: dict[str, Any], output: str = "", **changes: Any
) -> NodeRecord:
    attributes = {
        "openinference.span.kind": "CHAIN", "input.value": json.dumps(arguments),
        "input.mime_type": "application/json", "output.value": output,
        "output.mime_type": "text/plain",
    }  # fmt: skip
    return read_record(attributes, name=name, scope=OPENINFERENCE, **changes)


def test_a_run_shows_the_event_that_started_it_not_the_state_of_the_engine() -> None:
    arguments = {"init_state": {"workers": {}}, "start_event": "Ask(q='why?')", "tags": {}}
    run = chain_record("Flow.run", arguments, "StopEvent(result={'answer': 42})")
    assert (run.kind, run.title, run.is_run, run.run.name) == ("workflow", "Flow", True, "Flow")
    assert (run.inputs, run.outputs) == ("Ask(q='why?')", {"answer": 42})
    assert "init_state" in run.received["attributes"]["input.value"]


def test_a_result_that_is_no_literal_stays_text() -> None:
    for stop_event in (
        "StopEvent(result=ChatMessage(role='user'))",
        "StopEvent(result={1: 2, (3,): 4})",
    ):
        assert (
            chain_record("Flow.run", {"start_event": "StartEvent()"}, stop_event).outputs
            == stop_event
        )


def test_steps_beside_other_methods() -> None:
    step = chain_record("Flow.draft", {"ctx": "Context()", "ev": "Ask(q='why?')"}, "Draft(n=1)")
    assert (step.kind, step.node_id, step.taken) == ("task", "draft", "Draft")
    assert step.inputs == "Ask(q='why?')"
    query = chain_record("RetrieverQueryEngine.query", {"str_or_query_bundle": "why?"}, "because")
    assert (query.kind, query.title, query.node_id) == ("chain", "RetrieverQueryEngine.query", None)
    private = chain_record(
        "RetrieverQueryEngine._query", {"query_bundle": "why?"}, parent_span_id="c" * 16
    )
    assert private.folded


def test_cancelled_is_stopped() -> None:
    events = [make_event("span.cancelled", reason="workflow cancelled by user")]
    run = chain_record("Flow.run", {"start_event": "StartEvent()"}, events=events, status="ok")
    assert run.status == "stopped"


def test_wrappers_are_steps_of_agents_not_of_users() -> None:
    arguments = {"ev": "ToolCall(tool_name='f')"}
    below = {"parent_span_id": "c" * 16}
    assert chain_record("FunctionAgent.call_tool", arguments, "ToolCallResult(x=1)", **below).folded
    assert not chain_record("Flow.call_tool", arguments, "ToolCallResult(x=1)", **below).folded
    agent = chain_record(
        "FunctionAgent.run", {"start_event": "AgentWorkflowStartEvent()"}, "StopEvent()"
    )
    assert (agent.kind, agent.title) == ("agent", "FunctionAgent")


def test_a_tool_keeps_its_name() -> None:
    attributes = {
        "openinference.span.kind": "TOOL", "tool.name": "get_weather",
        "input.value": '{"city": "Oslo"}', "output.value": "rain",
    }  # fmt: skip
    tool = read_record(attributes, name="FunctionTool.acall", scope=OPENINFERENCE)
    assert (tool.kind, tool.title, tool.inputs) == ("tool", "get_weather", {"city": "Oslo"})


def own_tracer_record(
    name: str, attributes: dict[str, Any], *events: Any, **changes: Any
) -> NodeRecord:
    return read_record(attributes, name=name, scope=OWN, events=list(events), **changes)


def test_own_tracer_workflow() -> None:
    attributes = {"llamaindex.run_id": "r1", "llamaindex.start_event": "Ask(q='why?')"}
    run = own_tracer_record(
        "Flow.run", attributes, make_event("WorkflowRunOutputEvent", output="StopEvent(result='x')")
    )
    assert (run.kind, run.title, run.is_run) == ("workflow", "Flow", True)
    assert (run.inputs, run.outputs) == ("Ask(q='why?')", "x")
    assert run.run.source_ids == (("llamaindex-run", "r1"),)
    attributes = {
        "llamaindex.run_id": "r1", "llamaindex.step.input_event": "Ask",
        "llamaindex.step.input_summary": "Ask(q='why?')",
    }  # fmt: skip
    output = make_event("WorkflowStepOutputEvent", output="Draft(n=1)")
    # The first versions had the random end of the id in the name.
    step = own_tracer_record("Flow.draft-0a1b-2c", attributes, output, parent_span_id="c" * 16)
    assert (step.kind, step.node_id, step.taken) == ("task", "draft", "Draft")
    assert (step.inputs, step.outputs) == ("Ask(q='why?')", "Draft(n=1)")


def test_own_tracer_model_call() -> None:
    messages = [
        {"role": "system", "blocks": [{"block_type": "text", "text": "Be brief."}]},
        {"role": "user", "blocks": [{"block_type": "text", "text": "why?"}]},
    ]
    call = {
        "block_type": "tool_call", "tool_call_id": "c1", "tool_name": "f", "tool_kwargs": {"x": 1},
    }  # fmt: skip
    start = {"messages": json.dumps(messages), "model_dict.model": "gpt-4o"}
    end = {
        "response.message.role": "assistant", "response.message.blocks": json.dumps([call]),
        "response.raw.usage.prompt_tokens": 12, "response.raw.usage.completion_tokens": 5,
    }  # fmt: skip
    # The tags of a step are copied to the spans in it.
    handed_down = {"llamaindex.step.input_summary": "Ask(q='why?')"}
    events = [make_event("LLMChatStartEvent", **start), make_event("LLMChatEndEvent", **end)]
    record = own_tracer_record("OpenAI.achat", handed_down, *events, parent_span_id="c" * 16)
    assert (record.kind, record.model, record.title) == ("llm", "gpt-4o", "OpenAI.achat")
    assert [message["content"] for message in as_read(record.inputs)["messages"]] == [
        "Be brief.",
        "why?",
    ]
    [answer] = as_read(record.outputs)["messages"]
    assert answer["tool_calls"] == [{"id": "c1", "name": "f", "arguments": {"x": 1}}]
    assert record.usage == Usage(input=12, output=5, total=17)


def test_own_tracer_retrieval_and_tool() -> None:
    node = {"node": {"id_": "n1", "text": "We open at nine."}, "score": 0.8}
    record = own_tracer_record(
        "VectorIndexRetriever.retrieve", {},
        make_event("RetrievalStartEvent", str_or_query_bundle="hours?"),
        make_event("RetrievalEndEvent", nodes=json.dumps([node])),
    )  # fmt: skip
    assert (record.kind, record.inputs) == ("retriever", "hours?")
    document = {"id": "n1", "content": "We open at nine.", "score": 0.8}
    assert record.outputs == {"documents": [document]}
    attributes = {"tool.name": "f", "arguments": '{"x": 1}'}
    tool = own_tracer_record(
        "FunctionTool.call", {}, make_event("AgentToolCallEvent", **attributes)
    )
    assert (tool.kind, tool.title, tool.inputs) == ("tool", "f", {"x": 1})


def test_own_tracer_copies_tags_to_spans_that_are_no_steps() -> None:
    handed_down = {"llamaindex.step.input_summary": "Ask(q='why?')", "llamaindex.run_id": "r1"}
    query = own_tracer_record("RetrieverQueryEngine.query", handed_down, parent_span_id="c" * 16)
    assert (query.kind, query.title, query.inputs) == ("chain", "RetrieverQueryEngine.query", None)


def test_a_question_is_no_event() -> None:
    query = chain_record(
        "RetrieverQueryEngine.query", {"str_or_query_bundle": "print(x)"}, "it prints x"
    )
    assert (query.kind, query.inputs) == ("chain", {"str_or_query_bundle": "print(x)"})
    older = chain_record("Flow.run", {"question": "why?"}, "StopEvent(result='so')")
    assert (older.inputs, older.outputs) == ({"question": "why?"}, "so")
