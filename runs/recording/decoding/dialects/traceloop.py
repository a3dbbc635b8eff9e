"""OpenLLMetry and the Traceloop SDK: `traceloop.*`, and what its instrumentations add to the GenAI
conventions.

Facts: the conventions and instrumentations of OpenLLMetry (LangChain, LangGraph, LlamaIndex,
Haystack, CrewAI, OpenAI Agents, MCP, vector stores), 0.1 to 0.62. Spans of its decorators bear
`traceloop.span.kind`; spans of model calls follow the GenAI conventions, whose reader comes after.
What was passed to a step and what came back is in `traceloop_values`.
"""

from typing import Any

from runs.recording.decoding.dialects import gen_ai, langgraph
from runs.recording.decoding.dialects.gen_ai import CACHE_WRITE, CACHED, INPUT, OUTPUT
from runs.recording.decoding.dialects.gen_ai_messages import read_gen_ai_messages
from runs.recording.decoding.dialects.langchain import is_wrapper
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.decoding.dialects.traceloop_values import (
    is_vector_store,
    read_indexed_texts,
    read_values,
    read_vector_store,
)
from runs.recording.records.json_text import readable
from runs.recording.records.span import Span
from runs.recording.records.usage import first_count, usage

NAME = "traceloop"

KINDS = {
    "workflow": "workflow",
    "task": "task",
    "agent": "agent",
    "tool": "tool",
    "handoff": "handoff",
    "session": "chain",  # a client's session with a server of tools
    "server": "chain",
}
# The operation says more than the kind of span, which is "task" or "agent" for these too.
OPERATIONS = {
    "vector_db_retrieve": "retriever",
    "goto": "branch",
    "handoff": "handoff",
    "execute_task": "task",
}
MODELS = frozenset({"llm", "embedding", "reranker"})
SUFFIXES = tuple(f".{kind}" for kind in (*KINDS, "llm"))
OWN_NAMES = frozenset({"traceloop", "crewai", "langgraph"})
PROPERTIES = "traceloop.association.properties."
CONVERSATIONS = ("session_id", "sessionId", "conversation_id", "chat_id", "thread_id")
USERS = ("user_id", "userId", "user")
# Spans of a protocol that say nothing that their children do not.
PROTOCOL = frozenset({"session", "server"})
UNKNOWN_MODELS = frozenset({"", "unknown"})


def applies(span: Span, spoken: set[str]) -> bool:
    told = span.attributes
    return (
        not OWN_NAMES.isdisjoint(spoken)
        or "gen_ai.task.name" in told
        or "llm.request.type" in told
        or ("db.system" in told and is_vector_store(told))
    )


def read(reading: SpanReading) -> None:
    told = reading.attributes
    properties = {
        name[len(PROPERTIES) :]: value
        for name, value in told.items()
        if name.startswith(PROPERTIES)
    }
    name = _title(reading)
    kind = _kind(reading, name)
    if is_vector_store(told):
        read_vector_store(reading)
    elif kind == "reranker":
        read_gen_ai_messages(reading)
    elif kind != "llm":
        if kind == "embedding":
            read_indexed_texts(reading)
        read_values(reading, kind)
    _read_run(reading, properties, kind, name)
    if "langgraph_node" in properties and kind == "task":
        reading.metadata = properties
        returned = reading.fields.get("outputs")
        langgraph.read_metadata(reading, "chain", returned, "traceloop.entity.output", name)
    _read_routing(reading)
    reading.fill("kind", kind, "traceloop.span.kind")
    reading.fill("title", name, "traceloop.entity.name")
    if kind in MODELS:
        _read_model(reading, properties)
    if _is_plumbing(reading, name):
        reading.fill("folded", True, "traceloop.entity.name")


def _title(reading: SpanReading) -> str:
    """The entity's name; without one the span's, without what the instrumentation appends."""
    told = reading.attributes
    for attribute in ("tool.name", "traceloop.entity.name", "gen_ai.task.name", "crewai.task.name"):
        name = told.get(attribute)
        if isinstance(name, str) and name:
            break
    else:
        name = reading.span.name
        if ".langchain" in reading.span.scope:
            name = name.removesuffix(".chat").removesuffix(".completion")
    for suffix in SUFFIXES:
        if name.endswith(suffix) and name != suffix:
            return name[: -len(suffix)].partition("\n")[0]
    return name


def _kind(reading: SpanReading, name: str) -> str:
    told = reading.attributes
    operation = str(told.get("gen_ai.operation.name") or told.get("llm.request.type") or "").lower()
    if gen_ai.KINDS.get(operation) in MODELS:
        return gen_ai.KINDS[operation]
    if "tool.arguments" in told and "tool.name" in told:  # LlamaIndex's agents
        return "tool"
    span_kind = str(told.get("traceloop.span.kind", "")).lower()
    if span_kind == "task" and ".llamaindex" in reading.span.scope:
        return _kind_by_class(name)
    kind = OPERATIONS.get(operation) or KINDS.get(span_kind, "")
    if not kind and reading.span.name == "crewai.workflow":
        return "workflow"
    return kind


def _kind_by_class(name: str) -> str:
    """LlamaIndex's spans are named after the class that ran."""
    lower = name.lower()
    if lower.endswith("retriever"):
        return "retriever"
    if lower.endswith("embedding"):
        return "embedding"
    return "reranker" if "rerank" in lower else "task"


def _read_routing(reading: SpanReading) -> None:
    """Where LangGraph's Command or a hand-off gives control to."""
    told = reading.attributes
    reading.fill_from("taken", "langgraph.command.goto_node", "gen_ai.handoff.to_agent")
    nodes = readable(told.get("langgraph.command.goto_nodes"))
    if isinstance(nodes, list) and len(set(map(str, nodes))) == 1:
        reading.fill("taken", str(nodes[0]), "langgraph.command.goto_nodes")


def _read_model(reading: SpanReading, properties: dict[str, Any]) -> None:
    """LangChain knows the model by its own metadata, where its class does not tell it."""
    told = reading.attributes
    reading.fill_from("model", "gen_ai.response.model")
    if str(told.get("gen_ai.request.model", "")) in UNKNOWN_MODELS:
        reading.fill("model", properties.get("ls_model_name"), PROPERTIES + "ls_model_name")
    reading.fill("provider", properties.get("ls_provider"), PROPERTIES + "ls_provider")
    input, output = first_count(told, INPUT), first_count(told, OUTPUT)
    if input is not None and ".bedrock" in reading.span.scope:
        # The service's own count, which leaves out what the cache gave or took.
        cached, written = first_count(told, CACHED), first_count(told, CACHE_WRITE)
        input += (cached or 0) + (written or 0)
        reading.fill("usage", usage(input, output, None, cached, written), INPUT[0])


def _is_plumbing(reading: SpanReading, name: str) -> bool:
    """What the framework puts between the steps."""
    told, span = reading.attributes, reading.span
    if span.parent_span_id is None or "node_id" in reading.fields:
        return False
    failed = span.status == "error"
    if ".langchain" in span.scope:
        return is_wrapper(name, failed)
    if told.get("db.operation") == "_query" or span.name == "ResponseStreamWriter":
        return not failed
    return told.get("traceloop.span.kind") in PROTOCOL and not failed


def _read_run(reading: SpanReading, properties: dict[str, Any], kind: str, name: str) -> None:
    told = reading.attributes
    if kind == "workflow":
        reading.fill("is_run", True, "traceloop.span.kind")
        reading.fill_run_from("version", "traceloop.entity.version")
    elif "traceloop.workflow.name" in told:
        reading.settle_run("version")  # the workflow's own may come, with the last span
    reading.fill_run_from("name", "traceloop.workflow.name")
    if reading.span.parent_span_id is None and kind in ("workflow", "agent", "task"):
        reading.fill_run("name", name, "traceloop.entity.name")
    reading.fill_run_from("conversation", *(PROPERTIES + key for key in CONVERSATIONS))
    reading.fill_run_from("user", *(PROPERTIES + key for key in USERS))
    reading.fill_run_from("user", "llm.user")
    tags = readable(properties.get("tags"))
    if isinstance(tags, list):
        reading.fill_run("tags", tuple(str(tag) for tag in tags), PROPERTIES + "tags")
    if "traceloop.span.kind" in told:
        # The SDK's `resource_attributes`, by the names of its documentation.
        for fact, name in (("version", "version"), ("environment", "env")):
            value = reading.span.resource.get(name)
            reading.fill_run(fact, str(value) if value else None, name)
