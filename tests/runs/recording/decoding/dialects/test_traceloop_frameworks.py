"""What OpenLLMetry's instrumentations of frameworks and vector stores send, span by span."""

import json
from typing import Any

import pytest

from tests.runs.recording.captured import event, exception, record
from tests.runs.recording.decoding.dialects.test_traceloop import CHILD, PROPERTIES, entity

LANGCHAIN = "opentelemetry.instrumentation.langchain 0.40.14"
LLAMAINDEX = "opentelemetry.instrumentation.llamaindex 0.52.0"


def test_langchains_metadata_names_the_model_that_its_class_does_not() -> None:
    step = record({
        "traceloop.workflow.name": "w", "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "unknown", "gen_ai.provider.name": "langchain",
        PROPERTIES + "ls_model_name": "gpt-4o-mini", PROPERTIES + "ls_provider": "openai",
    }, name="ChatOpenAI.chat", scope=LANGCHAIN)  # fmt: skip
    assert (step.title, step.model, step.provider) == ("ChatOpenAI", "gpt-4o-mini", "openai")


def langgraph(name: str, node: str, **more: Any) -> dict[str, Any]:
    return entity("task", name, **{PROPERTIES + "langgraph_node": node, **more})


def test_a_node_of_langgraph_and_what_runs_in_it() -> None:
    path = {PROPERTIES + "langgraph_path": ["__pregel_push", "1", "False"]}
    node = record(langgraph("retrieve", "retrieve", **path), scope=LANGCHAIN, **CHILD)
    assert (node.node_id, node.title, node.fan_out_index) == ("retrieve", "retrieve", 1)
    inner = langgraph("format", "retrieve", **{PROPERTIES + "checkpoint_ns": "retrieve:1"})
    inner["traceloop.entity.output"] = '{"outputs": "finish", "kwargs": {}}'
    step = record(inner, scope=LANGCHAIN, **CHILD)
    assert (step.node_id, step.kind, step.taken) == (None, "task", None)


@pytest.mark.parametrize(
    ("output", "taken"),
    [
        ("agent", "agent"),
        (["Send(node='search', arg={})", "Send(node='search', arg={})"], "search"),
    ],
)
def test_a_function_that_chooses_the_way(output: Any, taken: str) -> None:
    told = langgraph("route", "classify")
    told["traceloop.entity.output"] = json.dumps({"outputs": output, "kwargs": {"tags": ["x"]}})
    step = record(told, name="route.task", scope=LANGCHAIN, **CHILD)
    assert (step.kind, step.taken) == ("branch", taken)


def test_a_command_that_goes_somewhere() -> None:
    told = {"gen_ai.operation.name": "goto", "langgraph.command.source_node": "plan"}
    step = record(told | {"langgraph.command.goto_node": "search"}, name="goto search", **CHILD)
    assert (step.kind, step.taken, step.title) == ("branch", "search", "goto search")
    several = told | {"langgraph.command.goto_nodes": '["a", "b"]'}
    assert record(several, name="goto a, b", **CHILD).taken is None


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
def test_plumbing_of_langchain_is_folded(name: str, changes: dict[str, Any], folded: bool) -> None:
    step = record(entity("task", name), **{"scope": LANGCHAIN, **CHILD, **changes})
    assert step.folded is folded


def test_a_retriever_of_langchain() -> None:
    documents = [{"page_content": "We open at nine.", "metadata": {"source": "faq"}}]
    told = entity("task", "FaqRetriever", {"query": "hours?", "tags": [], "metadata": {}},
                  {"documents": documents, "count": 1},
                  **{"gen_ai.operation.name": "vector_db_retrieve"})  # fmt: skip
    step = record(told, name="vector_db_retrieve FaqRetriever", scope=LANGCHAIN, **CHILD)
    assert (step.kind, step.title, step.inputs) == ("retriever", "FaqRetriever", "hours?")
    assert step.outputs == {
        "documents": [{"content": "We open at nine.", "metadata": {"source": "faq"}}]
    }


def test_llamaindex_names_spans_after_classes() -> None:
    node = {"node": {"id_": "n1", "text": "nine", "metadata": {}}, "score": 0.8}
    told = entity("task", "VectorIndexRetriever.task", {"str_or_query_bundle": "hours?"}, [node])
    step = record(told, name="VectorIndexRetriever.task", scope=LLAMAINDEX, **CHILD)
    assert (step.kind, step.title) == ("retriever", "VectorIndexRetriever")
    assert step.outputs == {"documents": [{"id": "n1", "content": "nine", "score": 0.8}]}
    told = entity("task", "call_tool.task", **{
        "tool.name": "lookup", "tool.arguments": '{"order": "A-17"}',
    })  # fmt: skip
    step = record(told, name="call_tool.task", scope=LLAMAINDEX, **CHILD)
    assert (step.kind, step.title, step.inputs) == ("tool", "lookup", {"order": "A-17"})


def test_crewai() -> None:
    crew = record({
        "gen_ai.operation.name": "invoke_agent", "gen_ai.provider.name": "crewai",
        "crewai.crew.tasks": "[]", "crewai.crew.result": "The report.",
    }, name="crewai.workflow")  # fmt: skip
    assert (crew.kind, crew.is_run, crew.outputs) == ("workflow", True, "The report.")
    task = record(entity("task", "", None, "done", **{
        "gen_ai.operation.name": "invoke_agent", "crewai.task.description": "Find it.\nAll of it.",
    }), name="Find it.\nAll of it..task", **CHILD)  # fmt: skip
    assert (task.kind, task.title) == ("task", "Find it.")
    assert (task.inputs, task.outputs) == ("Find it.\nAll of it.", "done")
    agent = record({
        "traceloop.span.kind": "agent", "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "Researcher", "gen_ai.request.model": "gpt-4o",
    }, name="Researcher.agent", **CHILD)  # fmt: skip
    assert (agent.kind, agent.title) == ("agent", "Researcher")


def test_haystacks_prompt() -> None:
    told = {"llm.request.type": "completion", "gen_ai.prompt.0.user": "Say hi"}
    step = record(told, name="haystack.openai.completion", **CHILD)
    assert step.inputs["messages"] == [{"role": "user", "content": "Say hi"}]


def test_a_hand_off_of_the_openai_agents() -> None:
    step = record({
        "traceloop.span.kind": "handoff", "gen_ai.operation.name": "handoff",
        "gen_ai.handoff.from_agent": "Triage", "gen_ai.handoff.to_agent": "Refund",
    }, name="Triage → Refund.handoff", **CHILD)  # fmt: skip
    assert (step.kind, step.taken, step.title) == ("handoff", "Refund", "Triage → Refund")


def test_a_session_with_a_server_of_tools_is_plumbing() -> None:
    told = entity("session", "mcp.client.session")
    assert record(told, name="mcp.client.session", **CHILD).folded
    assert record(told, name="mcp.client.session").is_run
    failed = record(told, events=[exception("OSError", "gone")], status="error", **CHILD)
    assert not failed.folded and failed.error == "gone"


def test_a_query_of_a_vector_store() -> None:
    found = event("db.query.result", **{
        "db.query.result.id": "d1", "db.query.result.distance": 0.1,
        "db.query.result.metadata": '{"source": "faq"}', "db.query.result.document": "nine",
    })  # fmt: skip
    step = record({
        "db.system": "chroma", "db.operation": "query", "db.chroma.query.n_results": 3,
        "db.chroma.query.where": "{'lang': 'en'}", "db.chroma.query.texts_count": 1,
    }, name="chroma.query", events=[found], **CHILD)  # fmt: skip
    assert (step.kind, step.title) == ("retriever", "chroma.query")
    assert step.inputs == {"n_results": 3, "where": "{'lang': 'en'}"}
    assert step.outputs == {
        "documents": [
            {"id": "d1", "content": "nine", "distance": 0.1, "metadata": {"source": "faq"}}
        ]
    }
    assert "events" not in step.received


def test_other_vector_stores() -> None:
    match = event("db.query.result", **{
        "db.query.result.id": "d1", "db.query.result.score": 0.9,
        "db.query.result.metadata": "{}", "db.query.result.vector": [0.1, 0.2],
    })  # fmt: skip
    told = {"db.system": "Pinecone", "pinecone.query.top_k": 2, "db.vector.query.result_count": 1}
    step = record(told, name="pinecone.query", kind="client", events=[match])
    assert (step.kind, step.inputs) == ("retriever", {"top_k": 2})
    assert step.outputs["documents"][0]["score"] == 0.9
    assert len(step.received["events"]) == 1  # the vector is in it
    hit = event("db.search.result", **{
        "db.search.result.id": "7", "db.search.result.distance": "0.5",
        "db.search.result.entity": '{"text": "nine"}',
    })  # fmt: skip
    step = record({"db.system": "milvus", "db.milvus.search.limit": 1, "db.operation": "search"},
                  events=[hit])  # fmt: skip
    assert step.outputs["documents"][0]["content"] == {"text": "nine"}
    writing = record({"db.system": "Qdrant", "qdrant.upsert.collection_name": "faq"},
                     name="qdrant.upsert", kind="client", **CHILD)  # fmt: skip
    assert (writing.kind, writing.inputs) == ("span", {"collection_name": "faq"})
    inner = record({"db.system": "chroma", "db.operation": "_query"}, **CHILD)
    assert inner.folded
    assert record({"db.system": "postgresql", "db.operation": "query"}).kind == "span"
