"""OpenLLMetry and the Traceloop SDK, and what its instrumentations of frameworks and vector stores
send."""

import json
from typing import Any

import pytest

from runs.recording.records.record import Usage
from tests.runs.recording.captured import as_read, exception_event, make_event, read_record

CHILD = {"parent_span_id": "c" * 16}
PROPERTIES = "traceloop.association.properties."


def entity_attributes(
    kind: str, name: str, inputs: Any = None, outputs: Any = None, **more: Any
) -> dict[str, Any]:
    attributes = {"traceloop.span.kind": kind, "traceloop.entity.name": name, **more}
    if inputs is not None:
        attributes["traceloop.entity.input"] = json.dumps(inputs)
    if outputs is not None:
        attributes["traceloop.entity.output"] = json.dumps(outputs)
    return attributes


@pytest.mark.parametrize("kind", ["workflow", "task", "agent", "tool"])
def test_the_kind_of_span_is_the_kind_of_step(kind: str) -> None:
    step = read_record(entity_attributes(kind, "refund"), name=f"refund.{kind}", **CHILD)
    assert (step.kind, step.title) == (kind, "refund")
    assert step.is_run == (kind == "workflow")


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"args": ["hi"], "kwargs": {}}, "hi"),
        ({"args": ["hi", 2], "kwargs": {}}, ["hi", 2]),
        ({"args": [], "kwargs": {"q": "hi"}}, {"q": "hi"}),
        ({"args": ["hi"], "kwargs": {"n": 2}}, {"args": ["hi"], "kwargs": {"n": 2}}),
        ({"args": [], "kwargs": {}}, {}),
        ({"anything": 1}, {"anything": 1}),
        ({"inputs": {"q": 1}, "tags": [], "metadata": {}, "kwargs": {}}, {"q": 1}),
        ({"input_str": "{'q': True}", "tags": [], "inputs": None}, {"q": True}),
        ({"input_str": "not {a dict", "tags": [], "inputs": None}, "not {a dict"),
        ({"input_str": "x", "inputs": {"q": "x"}}, {"q": "x"}),
        ({"tool_name": "search", "arguments": {"q": "hi"}}, {"q": "hi"}),
    ],
)
def test_inputs_are_shown_without_their_wrapping(inputs: Any, expected: Any) -> None:
    assert read_record(entity_attributes("tool", "t", inputs)).inputs == expected


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ("refund", "refund"),
        (False, False),
        (49.9, 49.9),
        ({"outputs": {"a": 1}, "kwargs": {"tags": []}}, {"a": 1}),
        ({"output": "found it", "kwargs": {}}, "found it"),
        ({"result": '{"a": 1}'}, {"a": 1}),
        ([{"type": "text", "content": "[1, 2]"}], [1, 2]),
        ({"outputs": 1, "total": 2}, {"outputs": 1, "total": 2}),
    ],
)
def test_outputs_are_shown_without_their_wrapping(outputs: Any, expected: Any) -> None:
    assert read_record(entity_attributes("tool", "t", None, outputs)).outputs == expected


def test_a_value_that_is_not_json_stays_text() -> None:
    attributes = {"traceloop.span.kind": "task", "traceloop.entity.output": "Done: {half"}
    assert read_record(attributes).outputs == "Done: {half"


def test_a_repeated_value_is_kept_once_and_its_wrapping_is_kept() -> None:
    inputs = {"inputs": {"q": 1}, "tags": ["mine"], "metadata": {"a": 1}, "kwargs": {}}
    sent = entity_attributes("task", "classify", inputs)
    sent["gen_ai.task.input"] = sent["traceloop.entity.input"]
    step = read_record(sent)
    kept = step.received["attributes"]
    assert kept["traceloop.entity.input"] == {"tags": ["mine"], "metadata": {"a": 1}}
    assert "gen_ai.task.input" not in kept
    assert step.read_from["inputs"] == ("traceloop", "traceloop.entity.input")


def test_facts_about_the_run() -> None:
    attributes = entity_attributes("workflow", "support", **{
        "traceloop.workflow.name": "support", "traceloop.entity.version": 3,
        PROPERTIES + "session_id": "s-1", PROPERTIES + "user_id": "u-1",
        PROPERTIES + "tags": '["beta"]',
    })  # fmt: skip
    run = read_record(
        attributes, resource={"service.name": "bot", "env": "staging", "version": "9"}
    ).run
    assert (run.name, run.version, run.environment) == ("support", "3", "staging")
    assert (run.conversation, run.user, run.tags) == ("s-1", "u-1", ("beta",))


def test_only_the_workflow_has_the_version() -> None:
    attributes = entity_attributes("task", "classify", **{
        "traceloop.workflow.name": "support", "traceloop.entity.version": 2,
    })  # fmt: skip
    resource = {"service.name": "bot", "service.version": "1.4.2"}
    assert read_record(attributes, resource=resource, **CHILD).run.version is None
    # A call outside of any workflow has the version of its program.
    assert read_record({"gen_ai.operation.name": "chat"}, resource=resource).run.version == "1.4.2"


def test_the_first_generation_of_model_calls() -> None:
    step = read_record({
        "traceloop.workflow.name": "support",
        "llm.request.type": "chat", "gen_ai.system": "OpenAI",
        "gen_ai.request.model": "gpt-4o", "gen_ai.response.model": "gpt-4o-2024-08-06",
        "llm.top_k": 5, "llm.request.functions.0.name": "lookup",
        "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "hi",
        "gen_ai.prompt.1.role": "assistant", "gen_ai.prompt.1.tool_calls.0.id": "c1",
        "gen_ai.prompt.1.tool_calls.0.name": "lookup",
        "gen_ai.prompt.1.tool_calls.0.arguments": '{"q": 1}',
        "gen_ai.prompt.2.role": "tool", "gen_ai.prompt.2.tool_call_id": "c1",
        "gen_ai.prompt.2.content": "found",
        "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": "hello",
        "gen_ai.completion.0.finish_reason": "stop",
        "gen_ai.usage.prompt_tokens": 10, "gen_ai.usage.completion_tokens": 5,
        "llm.usage.total_tokens": 15, "gen_ai.usage.cache_read_input_tokens": 4,
    }, name="openai.chat", **CHILD)  # fmt: skip
    assert (step.kind, step.title, step.model) == ("llm", "openai.chat", "gpt-4o-2024-08-06")
    assert step.inputs["tools"] == ["lookup"] and step.inputs["parameters"] == {"top_k": 5}
    assert as_read(step.inputs)["messages"][1]["tool_calls"] == [
        {"id": "c1", "name": "lookup", "arguments": {"q": 1}}
    ]
    assert as_read(step.inputs)["messages"][2]["tool_call_id"] == "c1"
    assert as_read(step.outputs)["messages"] == [
        {"role": "assistant", "content": "hello", "finish_reason": "stop"}
    ]
    assert step.usage == Usage(10, 5, 4, None, None, 15)


def test_anthropic_includes_cached_tokens_in_the_input() -> None:
    step = read_record({
        "llm.request.type": "chat", "gen_ai.usage.input_tokens": 1200,
        "gen_ai.usage.output_tokens": 20, "gen_ai.usage.total_tokens": 1220,
        "gen_ai.usage.cache_read.input_tokens": 1000,
        "gen_ai.usage.cache_creation.input_tokens": 100,
    })  # fmt: skip
    assert step.usage == Usage(1200, 20, 1000, 100, None, 1220)


def test_bedrock_excludes_cached_tokens_from_the_input() -> None:
    step = read_record({
        "llm.request.type": "chat", "gen_ai.usage.input_tokens": 500,
        "gen_ai.usage.output_tokens": 20, "gen_ai.usage.total_tokens": 520,
        "gen_ai.usage.cache_read.input_tokens": 300,
    }, scope="opentelemetry.instrumentation.bedrock 0.62.4")  # fmt: skip
    assert step.usage == Usage(800, 20, 300, None, None, 820)


def test_an_embedding_and_a_reranking() -> None:
    step = read_record({
        "llm.request.type": "embedding", "gen_ai.request.model": "text-embedding-3-small",
        "gen_ai.prompt.0.content": "one", "gen_ai.prompt.1.content": "two",
        "gen_ai.usage.prompt_tokens": 2,
    })  # fmt: skip
    assert (step.kind, step.inputs) == ("embedding", ["one", "two"])
    assert step.usage is not None and step.usage.input == 2
    step = read_record({
        "llm.request.type": "rerank", "gen_ai.prompt.0.role": "user",
        "gen_ai.prompt.0.content": "query", "gen_ai.completion.0.content": "Doc 1, Score: 0.9",
    })  # fmt: skip
    assert step.kind == "reranker"
    assert as_read(step.inputs)["messages"] == [{"role": "user", "content": "query"}]


def test_nonsense_does_not_fail() -> None:
    read_record({
        "traceloop.span.kind": ["x"], "traceloop.entity.name": 7, "traceloop.entity.input": 5,
        "traceloop.entity.output": "{", "traceloop.workflow.name": {"a": 1}, "db.system": 3,
        PROPERTIES + "langgraph_node": 3, PROPERTIES + "tags": "x", "gen_ai.operation.name": 4,
        "langgraph.command.goto_nodes": "[{}]",
    })  # fmt: skip


LANGCHAIN = "opentelemetry.instrumentation.langchain 0.40.14"
LLAMAINDEX = "opentelemetry.instrumentation.llamaindex 0.52.0"


def test_langchain_s_metadata_has_the_model_that_its_class_does_not_know() -> None:
    step = read_record({
        "traceloop.workflow.name": "w", "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "unknown", "gen_ai.provider.name": "langchain",
        PROPERTIES + "ls_model_name": "gpt-4o-mini", PROPERTIES + "ls_provider": "openai",
    }, name="ChatOpenAI.chat", scope=LANGCHAIN)  # fmt: skip
    assert (step.title, step.model, step.provider) == ("ChatOpenAI", "gpt-4o-mini", "openai")


def langgraph(name: str, node: str, **more: Any) -> dict[str, Any]:
    return entity_attributes("task", name, **{PROPERTIES + "langgraph_node": node, **more})


def test_a_node_of_langgraph_and_what_runs_in_it() -> None:
    path = {PROPERTIES + "langgraph_path": ["__pregel_push", "1", "False"]}
    node = read_record(langgraph("retrieve", "retrieve", **path), scope=LANGCHAIN, **CHILD)
    assert (node.node_id, node.title, node.fan_out_index) == ("retrieve", "retrieve", 1)
    inner = langgraph("format", "retrieve", **{PROPERTIES + "checkpoint_ns": "retrieve:1"})
    inner["traceloop.entity.output"] = '{"outputs": "finish", "kwargs": {}}'
    step = read_record(inner, scope=LANGCHAIN, **CHILD)
    assert (step.node_id, step.kind, step.taken) == (None, "task", None)


@pytest.mark.parametrize(
    ("output", "taken"),
    [
        ("agent", "agent"),
        (["Send(node='search', arg={})", "Send(node='search', arg={})"], "search"),
    ],
)
def test_a_function_that_chooses_the_next_node(output: Any, taken: str) -> None:
    attributes = langgraph("route", "classify")
    attributes["traceloop.entity.output"] = json.dumps(
        {"outputs": output, "kwargs": {"tags": ["x"]}}
    )
    step = read_record(attributes, name="route.task", scope=LANGCHAIN, **CHILD)
    assert (step.kind, step.taken) == ("branch", taken)


def test_a_command_that_goes_to_a_node() -> None:
    attributes = {"gen_ai.operation.name": "goto", "langgraph.command.source_node": "plan"}
    step = read_record(
        attributes | {"langgraph.command.goto_node": "search"}, name="goto search", **CHILD
    )
    assert (step.kind, step.taken, step.title) == ("branch", "search", "goto search")
    several = attributes | {"langgraph.command.goto_nodes": '["a", "b"]'}
    assert read_record(several, name="goto a, b", **CHILD).taken is None


@pytest.mark.parametrize(
    ("name", "changes", "folded"),
    [
        ("RunnableSequence", {}, True),
        ("RunnableParallel<docs,question>", {}, True),
        ("ChatPromptTemplate", {}, True),
        ("StrOutputParser", {}, True),
        ("ChatPromptTemplate", {"parent_span_id": None}, False),
        ("JsonOutputParser", {"status": "error"}, False),
        ("summarize", {}, False),
        ("ChatPromptTemplate", {"scope": "traceloop.tracer"}, False),
    ],
)
def test_wrappers_of_langchain(name: str, changes: dict[str, Any], folded: bool) -> None:
    step = read_record(entity_attributes("task", name), **{"scope": LANGCHAIN, **CHILD, **changes})
    assert step.folded is folded


def test_a_retriever_of_langchain() -> None:
    documents = [{"page_content": "We open at nine.", "metadata": {"source": "faq"}}]
    attributes = entity_attributes(
        "task",
        "FaqRetriever",
        {"query": "hours?", "tags": [], "metadata": {}},
        {"documents": documents, "count": 1},
        **{"gen_ai.operation.name": "vector_db_retrieve"},
    )
    step = read_record(attributes, name="vector_db_retrieve FaqRetriever", scope=LANGCHAIN, **CHILD)
    assert (step.kind, step.title, step.inputs) == ("retriever", "FaqRetriever", "hours?")
    assert step.outputs == {
        "documents": [{"content": "We open at nine.", "metadata": {"source": "faq"}}]
    }


def test_llamaindex_names_spans_after_classes() -> None:
    node = {"node": {"id_": "n1", "text": "nine", "metadata": {}}, "score": 0.8}
    attributes = entity_attributes(
        "task", "VectorIndexRetriever.task", {"str_or_query_bundle": "hours?"}, [node]
    )
    step = read_record(attributes, name="VectorIndexRetriever.task", scope=LLAMAINDEX, **CHILD)
    assert (step.kind, step.title) == ("retriever", "VectorIndexRetriever")
    assert step.outputs == {"documents": [{"id": "n1", "content": "nine", "score": 0.8}]}
    attributes = entity_attributes("task", "call_tool.task", **{
        "tool.name": "lookup", "tool.arguments": '{"order": "A-17"}',
    })  # fmt: skip
    step = read_record(attributes, name="call_tool.task", scope=LLAMAINDEX, **CHILD)
    assert (step.kind, step.title, step.inputs) == ("tool", "lookup", {"order": "A-17"})


def test_crewai() -> None:
    crew = read_record({
        "gen_ai.operation.name": "invoke_agent", "gen_ai.provider.name": "crewai",
        "crewai.crew.tasks": "[]", "crewai.crew.result": "The report.",
    }, name="crewai.workflow")  # fmt: skip
    assert (crew.kind, crew.is_run, crew.outputs) == ("workflow", True, "The report.")
    task = read_record(entity_attributes("task", "", None, "done", **{
        "gen_ai.operation.name": "invoke_agent", "crewai.task.description": "Find it.\nAll of it.",
    }), name="Find it.\nAll of it..task", **CHILD)  # fmt: skip
    assert (task.kind, task.title) == ("task", "Find it.")
    assert (task.inputs, task.outputs) == ("Find it.\nAll of it.", "done")
    agent = read_record({
        "traceloop.span.kind": "agent", "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "Researcher", "gen_ai.request.model": "gpt-4o",
    }, name="Researcher.agent", **CHILD)  # fmt: skip
    assert (agent.kind, agent.title) == ("agent", "Researcher")


def test_haystacks_prompt() -> None:
    attributes = {"llm.request.type": "completion", "gen_ai.prompt.0.user": "Say hi"}
    step = read_record(attributes, name="haystack.openai.completion", **CHILD)
    assert as_read(step.inputs)["messages"] == [{"role": "user", "content": "Say hi"}]


def test_a_hand_off_of_the_openai_agents() -> None:
    step = read_record({
        "traceloop.span.kind": "handoff", "gen_ai.operation.name": "handoff",
        "gen_ai.handoff.from_agent": "Triage", "gen_ai.handoff.to_agent": "Refund",
    }, name="Triage → Refund.handoff", **CHILD)  # fmt: skip
    assert (step.kind, step.taken, step.title) == ("handoff", "Refund", "Triage → Refund")


def test_a_session_with_a_tool_server_is_a_wrapper() -> None:
    attributes = entity_attributes("session", "mcp.client.session")
    assert read_record(attributes, name="mcp.client.session", **CHILD).folded
    assert read_record(attributes, name="mcp.client.session").is_run
    failed = read_record(
        attributes, events=[exception_event("OSError", "gone")], status="error", **CHILD
    )
    assert not failed.folded and failed.error == "gone"


def test_a_query_of_a_vector_store() -> None:
    hit = make_event("db.query.result", **{
        "db.query.result.id": "d1", "db.query.result.distance": 0.1,
        "db.query.result.metadata": '{"source": "faq"}', "db.query.result.document": "nine",
    })  # fmt: skip
    step = read_record({
        "db.system": "chroma", "db.operation": "query", "db.chroma.query.n_results": 3,
        "db.chroma.query.where": "{'lang': 'en'}", "db.chroma.query.texts_count": 1,
    }, name="chroma.query", events=[hit], **CHILD)  # fmt: skip
    assert (step.kind, step.title) == ("retriever", "chroma.query")
    assert step.inputs == {"n_results": 3, "where": "{'lang': 'en'}"}
    assert step.outputs == {
        "documents": [
            {"id": "d1", "content": "nine", "distance": 0.1, "metadata": {"source": "faq"}}
        ]
    }
    assert "events" not in step.received


def test_other_vector_stores() -> None:
    match = make_event("db.query.result", **{
        "db.query.result.id": "d1", "db.query.result.score": 0.9,
        "db.query.result.metadata": "{}", "db.query.result.vector": [0.1, 0.2],
    })  # fmt: skip
    attributes = {
        "db.system": "Pinecone",
        "pinecone.query.top_k": 2,
        "db.vector.query.result_count": 1,
    }
    step = read_record(attributes, name="pinecone.query", kind="client", events=[match])
    assert (step.kind, step.inputs) == ("retriever", {"top_k": 2})
    assert step.outputs["documents"][0]["score"] == 0.9
    assert len(step.received["events"]) == 1  # the vector is in it
    hit = make_event("db.search.result", **{
        "db.search.result.id": "7", "db.search.result.distance": "0.5",
        "db.search.result.entity": '{"text": "nine"}',
    })  # fmt: skip
    step = read_record(
        {"db.system": "milvus", "db.milvus.search.limit": 1, "db.operation": "search"}, events=[hit]
    )
    assert step.outputs["documents"][0]["content"] == {"text": "nine"}
    writing = read_record({"db.system": "Qdrant", "qdrant.upsert.collection_name": "faq"},
                          name="qdrant.upsert", kind="client", **CHILD)  # fmt: skip
    assert (writing.kind, writing.inputs) == ("span", {"collection_name": "faq"})
    inner = read_record({"db.system": "chroma", "db.operation": "_query"}, **CHILD)
    assert inner.folded
    assert read_record({"db.system": "postgresql", "db.operation": "query"}).kind == "span"
