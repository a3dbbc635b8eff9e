"""Frameworks of which there is no capture: spans made by their conventions, and the fields that a
person expects. Each row: attributes, other properties of the span, expected fields."""

from typing import Any

import orjson
import pytest

from runs.recording.records.record import NodeRecord, Usage
from tests.runs.recording.captured import as_read, make_event, read_record

OI = "openinference.instrumentation."
KIND = "openinference.span.kind"
BELOW = {"parent_span_id": "c" * 16}
UUID = "0a1b2c3d-0000-4000-8000-000000000001"
OPERATION = "gen_ai.operation.name"


def text(value: Any) -> str:
    return orjson.dumps(value).decode()


def check(record: NodeRecord, expected: dict[str, Any]) -> None:
    actual = {
        name: getattr(record.run if name.startswith("run_") else record, name.removeprefix("run_"))
        for name in expected
    }
    assert actual == expected


STEPS = {
    # CrewAI: a crew without a name is called by its id, a step by the role of its agent
    "crew": ({KIND: "CHAIN"}, {"name": f"Crew_{UUID}.kickoff", "scope": OI + "crewai"},
             {"title": "Crew.kickoff", "run_name": "Crew.kickoff", "is_run": True}),
    "crew's agent": ({KIND: "AGENT", "graph.node.id": "Researcher"},
                     {"name": "Researcher._execute_core", "scope": OI + "crewai", **BELOW},
                     {"kind": "agent", "title": "Researcher", "node_id": "Researcher"}),
    # Agno: the id of the node is new in every run
    "agno": ({KIND: "AGENT", "graph.node.id": "f00df00df00df00d", "graph.node.name": "News Agent",
              "session.id": "s", "user.id": "u"}, {"name": "News_Agent.run"},
             {"title": "News Agent", "node_id": "News Agent", "run_name": "News Agent",
              "run_conversation": "s", "run_user": "u"}),
    # smolagents: its steps are passes of one step
    "smolagents": ({KIND: "CHAIN"}, {"name": "Step 2", "scope": OI + "smolagents", **BELOW},
                   {"title": "Step 2", "node_id": "Step"}),
    "unknown framework": ({KIND: "CHAIN"}, {"name": "Step 2", "scope": "mine", **BELOW},
                                {"title": "Step 2", "node_id": None}),
    # LlamaIndex: an agent takes a text and returns one
    "agent workflow": ({KIND: "CHAIN", "input.value": '{"user_msg": "2+2?"}', "output.value": "4"},
                       {"name": "AgentWorkflow.run", "scope": OI + "llama_index"},
                       {"kind": "agent", "title": "AgentWorkflow", "run_name": "AgentWorkflow",
                        "inputs": {"user_msg": "2+2?"}, "outputs": "4", "is_run": True}),
    # Microsoft
    "workflow": ({"workflow.id": UUID, "workflow.name": "Weather"}, {"name": "workflow.run"},
                 {"kind": "workflow", "title": "Weather", "run_name": "Weather", "is_run": True}),
    "executor": ({"executor.id": "writer", "executor.type": "AgentExecutor"},
                 {"name": "executor.process writer", **BELOW},
                 {"kind": "task", "title": "writer", "node_id": "writer", "folded": False}),
    # Google ADK before it followed the conventions
    "adk run": ({}, {"name": "invocation", "scope": "gcp.vertex.agent"},
                {"kind": "agent", "run_name": None, "is_run": True}),
    "adk agent": ({}, {"name": "agent_run [root]", "scope": "gcp.vertex.agent", **BELOW},
                  {"kind": "agent", "title": "root", "run_name": "root"}),
    # Spring AI
    "advisor": ({"spring.ai.kind": "advisor", "spring.ai.advisor.name": "Memory"}, BELOW,
                {"kind": "chain", "title": "Memory", "folded": False}),
    "chat client": ({"spring.ai.kind": "chat_client", OPERATION: "framework",
                     "spring.ai.chat.client.conversation.id": "c-1"}, {"name": "chat_client"},
                    {"kind": "agent", "run_conversation": "c-1", "is_run": True}),
    "no conversation": ({"spring.ai.kind": "chat_client",
                         "spring.ai.chat.client.conversation.id": "default"}, {},
                        {"run_conversation": None}),
    # LiteLLM
    "litellm": ({"llm.request.type": "acompletion", "gen_ai.request.model": "gpt-4o-mini",
                 "llm.user": "u7"}, {"name": "litellm_request", "scope": "litellm", **BELOW},
                {"kind": "llm", "title": "gpt-4o-mini", "run_user": "u7", "folded": False}),
    # Semantic Kernel, Strands Agents
    "completions": ({OPERATION: "chat.completions"}, {}, {"kind": "llm"}),
    "swarm": ({OPERATION: "invoke_swarm"}, {}, {"kind": "workflow", "is_run": True}),
    # An unknown operation with the usage of a model call
    "unknown": ({OPERATION: "dream", "gen_ai.request.model": "m", "gen_ai.usage.output_tokens": 3},
                BELOW, {"kind": "llm"}),
    "framework": ({OPERATION: "dream", "gen_ai.request.model": "m"}, BELOW, {"kind": "span"}),
}  # fmt: skip


@pytest.mark.parametrize("name", STEPS)
def test_fields_of_a_step(name):
    attributes, changes, expected = STEPS[name]
    check(read_record(attributes, **changes), expected)


LANGCHAIN = {"scope": OI + "langchain", **BELOW}
WRAPPERS = [
    ({KIND: "CHAIN"}, {"name": "RunnableSequence", **LANGCHAIN}),
    ({KIND: "CHAIN"}, {"name": "RunnableMap", **LANGCHAIN,
                       "scope": "@arizeai/openinference-instrumentation-langchain"}),
    ({KIND: "PROMPT"}, {"name": "ChatPromptTemplate", **LANGCHAIN}),
    ({KIND: "UNKNOWN"}, {"name": "StrOutputParser", **LANGCHAIN}),
    ({"messaging.operation": "process"}, {"name": "autogen process a.(x)-A", **BELOW}),
    ({"edge_group.type": "Single"}, {"name": "edge_group.process Single", **BELOW}),
    ({"message.type": "standard"}, {"name": "message.send", **BELOW}),
    ({}, {"name": "AutoFunctionInvocationLoop", "scope": "semantic_kernel.x", **BELOW}),
    ({"gen_ai.event.start_time": "…", "event_loop.cycle_id": "1"},
     {"name": "execute_event_loop_cycle", **BELOW}),
    ({"spring.ai.kind": "advisor", "spring.ai.advisor.name": "call"}, BELOW),
    ({"llm.openai.model": "gpt-4o"}, {"name": "raw_gen_ai_request", "scope": "litellm", **BELOW}),
]  # fmt: skip


@pytest.mark.parametrize(("attributes", "changes"), WRAPPERS)
def test_wrappers_are_hidden_unless_they_are_the_run(attributes, changes):
    assert read_record(attributes, **changes).folded
    assert not read_record(attributes, **changes | {"parent_span_id": None}).folded


def test_a_parser_that_failed_is_no_wrapper():
    changes = LANGCHAIN | {"name": "StrOutputParser", "status": "error"}
    assert not read_record({KIND: "CHAIN"}, **changes).folded


def test_tool_of_smolagents():
    attributes = {KIND: "TOOL", "tool.name": "web_search", "output.value": "42 km/h"}
    arguments = {"args": [], "sanitize_inputs_outputs": True, "kwargs": {"query": "speed"}}
    record = read_record(attributes | {"input.value": text(arguments)})
    check(record, {"title": "web_search", "inputs": {"query": "speed"}, "outputs": "42 km/h"})
    both = {"args": ["a"], "kwargs": {"b": 1}}
    assert read_record(attributes | {"input.value": text(both)}).inputs == both


CALL = [{"text": "let me see"},
        {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Oslo"}}}]  # fmt: skip
RESULT = [{"toolResult": {"toolUseId": "t1", "content": [{"text": "rain"}]}}]


def test_messages_of_strands_agents():
    """Blocks of Amazon Bedrock's API as JSON in the events of the second generation."""
    record = read_record(
        {OPERATION: "chat", "gen_ai.request.model": "us.anthropic.claude-sonnet-4-20250514-v1:0",
         "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 30,
         "gen_ai.usage.total_tokens": 180, "gen_ai.usage.cache_read_input_tokens": 40,
         "gen_ai.usage.cache_write_input_tokens": 10},
        events=[
            make_event("gen_ai.user.message", content=text([{"text": "weather?"}])),
            make_event("gen_ai.assistant.message", content=text(CALL)),
            make_event("gen_ai.tool.message", content=text(RESULT)),
            make_event("gen_ai.choice", finish_reason="tool_use", message=text(CALL)),
        ],
    )  # fmt: skip
    call = {"id": "t1", "name": "weather", "arguments": {"city": "Oslo"}}
    reply = {"role": "assistant", "content": "let me see", "tool_calls": [call]}
    assert as_read(record.inputs)["messages"] == [
        {"role": "user", "content": "weather?"},
        reply,
        {"role": "tool", "content": "rain", "tool_call_id": "t1"},
    ]
    assert as_read(record.outputs) == {"messages": [reply | {"finish_reason": "tool_use"}]}
    # the total shows that the cached tokens are not part of the input
    assert record.usage == Usage(150, 30, 40, 10, None, 180)
    assert record.received is not None and "events" not in record.received


def test_tool_of_strands_agents():
    attributes = {OPERATION: "execute_tool", "gen_ai.tool.name": "weather"}
    old = [
        make_event("gen_ai.tool.message", role="tool", content='{"city": "Oslo"}', id="t1"),
        make_event("gen_ai.choice", message='[{"text": "rain"}]', id="t1"),
    ]
    call = {"type": "tool_call", "name": "weather", "id": "t1", "arguments": {"city": "Oslo"}}
    result = {"type": "tool_call_response", "id": "t1", "response": [{"text": "rain"}]}
    name = "gen_ai.client.inference.operation.details"
    new = [
        make_event(name, **{"gen_ai.input.messages": text([{"role": "tool", "parts": [call]}])}),
        make_event(name, **{"gen_ai.output.messages": text([{"role": "tool", "parts": [result]}])}),
    ]
    for events in (old, new):
        record = read_record(attributes, events=events)
        check(record, {"kind": "tool", "inputs": {"city": "Oslo"}, "outputs": "rain"})


def test_model_call_of_google_adk():
    request = {
        "model": "gemini-2.5-flash",
        "config": {"system_instruction": "Be brief", "temperature": 0.5,
                   "tools": [{"function_declarations": [{"name": "weather"}]}]},
        "contents": [{"parts": [{"text": "weather?"}], "role": "user"}],
    }  # fmt: skip
    parts = [{"function_call": {"id": "c1", "args": {"city": "Oslo"}, "name": "weather"}}]
    counts = {"candidates_token_count": 8, "prompt_token_count": 50, "thoughts_token_count": 12,
              "total_token_count": 70}  # fmt: skip
    response = {"content": {"parts": parts, "role": "model"}, "usage_metadata": counts}
    record = read_record(
        {"gen_ai.request.model": "gemini-2.5-flash", "gen_ai.usage.output_tokens": 8,
         "gcp.vertex.agent.llm_request": text(request), "gcp.vertex.agent.session_id": "s1",
         "gcp.vertex.agent.llm_response": text(response)},
        name="call_llm", scope="gcp.vertex.agent", **BELOW,
    )  # fmt: skip
    assert as_read(record.inputs) == {
        "messages": [
            {"role": "system", "content": "Be brief"},
            {"role": "user", "content": "weather?"},
        ],
        "tools": ["weather"],
        "parameters": {"temperature": 0.5},
    }
    [reply] = as_read(record.outputs)["messages"]
    assert reply["tool_calls"][0]["arguments"] == {"city": "Oslo"}
    assert record.usage == Usage(50, 20, reasoning=12, total=70)
    assert record.run.conversation == "s1"


def test_spring_ai_tool_and_search():
    tool = read_record(
        {
            "spring.ai.kind": "tool_call",
            "spring.ai.tool.definition.name": "getWeather",
            "spring.ai.tool.call.arguments": '{"city": "Oslo"}',
            OPERATION: "framework",
            "spring.ai.tool.call.result": "rain",
        },
        **BELOW,
    )
    check(tool, {"kind": "tool", "title": "getWeather", "inputs": {"city": "Oslo"},
                 "outputs": "rain"})  # fmt: skip
    search = read_record({"spring.ai.kind": "vector_store", "db.operation.name": "query",
                          "db.system": "pg_vector", "db.vector.query.content": "q",
                          "db.vector.query.top_k": "4",
                          "db.vector.query.response.documents": '["doc"]'}, **BELOW)  # fmt: skip
    check(search, {"kind": "retriever", "inputs": {"content": "q", "top_k": "4"},
                   "outputs": {"documents": [{"content": "doc"}]}})  # fmt: skip
    call = read_record({OPERATION: "chat", "gen_ai.prompt": '["hi", "there"]',
                        "gen_ai.usage.input_tokens": "20",
                        "gen_ai.usage.output_tokens": "5"})  # fmt: skip
    assert [message["content"] for message in as_read(call.inputs)["messages"]] == ["hi", "there"]
    assert call.usage == Usage(20, 5, total=25)


def test_cost_and_token_details_of_other_producers():
    attributes = {
        OPERATION: "chat",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
    }
    litellm = read_record(attributes | {"gen_ai.cost.total_cost": 0.25})
    assert litellm.cost is not None and str(litellm.cost.amount) == "0.2500000000"
    pydantic = read_record(attributes | {"gen_ai.usage.details.reasoning_tokens": 2})
    assert pydantic.usage == Usage(10, 5, reasoning=2, total=15)
    usage = {"prompt_tokens": 10, "completion_tokens": 5,
             "prompt_tokens_details": {"cached_tokens": 4}}  # fmt: skip
    logfire = read_record(
        attributes
        | {
            "logfire.span_type": "span",
            "response_data": text({"message": {"content": "hi"}, "usage": usage}),
        }
    )
    assert logfire.usage == Usage(10, 5, 4, total=15)
