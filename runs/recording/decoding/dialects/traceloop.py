"""OpenLLMetry and the Traceloop SDK: `traceloop.*`, and what its instrumentations add to the GenAI
conventions.

Facts: the conventions and instrumentations of OpenLLMetry (LangChain, LangGraph, LlamaIndex,
Haystack, CrewAI, OpenAI Agents, MCP, vector stores), 0.1 to 0.62. Spans of its decorators have
`traceloop.span.kind`; spans of model calls follow the GenAI conventions, whose dialect comes later.
Each instrumentation wraps inputs and outputs (`traceloop.entity.input` and `.output`) in its way:

    decorators, Haystack   {"args": [...], "kwargs": {...}}          the value itself
    LangChain              {"inputs": …, "tags", "metadata", …}      {"outputs": …, "kwargs"}
    LangChain's tools      {"input_str": …, "inputs": …, …}          {"output": message, …}
    LangChain's retrievers {"query": …, "tags", …}                   {"documents": [...], "count"}
    MCP                    {"tool_name": …, "arguments": …}          {"result": …} or [parts]

The value is shown; what was wrapped around it stays among the attributes.
"""

import ast
import re
from typing import Any

from runs.recording.decoding.dialects import gen_ai, langgraph
from runs.recording.decoding.dialects.gen_ai import (
    CACHE_WRITE_TOKENS,
    CACHED_TOKENS,
    INPUT_TOKENS,
    OUTPUT_TOKENS,
)
from runs.recording.decoding.dialects.gen_ai_messages import read_gen_ai_messages
from runs.recording.decoding.dialects.indexed_attributes import indexed_objects
from runs.recording.decoding.dialects.langchain import is_wrapper, tool_result
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import list_or_empty, object_or_empty, readable
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
# The operation is more precise than the kind of span, which is "task" or "agent" for these too.
OPERATIONS = {
    "vector_db_retrieve": "retriever",
    "goto": "branch",
    "handoff": "handoff",
    "execute_task": "task",
}
MODEL_KINDS = frozenset({"llm", "embedding", "reranker"})
SUFFIXES = tuple(f".{kind}" for kind in (*KINDS, "llm"))
PREFIXES = frozenset({"traceloop", "crewai", "langgraph"})
PROPERTIES = "traceloop.association.properties."
CONVERSATION_KEYS = ("session_id", "sessionId", "conversation_id", "chat_id", "thread_id")
USER_KEYS = ("user_id", "userId", "user")
# Spans of a protocol that have nothing but what their children have.
PROTOCOL_KINDS = frozenset({"session", "server"})
UNKNOWN_MODELS = frozenset({"", "unknown"})
ENTITY_INPUT = "traceloop.entity.input"
ENTITY_OUTPUT = "traceloop.entity.output"
# Other names under which the same value is repeated.
REPEATED = {
    ENTITY_INPUT: ("gen_ai.task.input", "gen_ai.tool.call.arguments"),
    ENTITY_OUTPUT: ("gen_ai.task.output", "gen_ai.tool.call.result"),
}
VECTOR_STORES = frozenset(
    {"chroma", "chromadb", "pinecone", "qdrant", "weaviate", "milvus", "lancedb", "marqo"}
)
QUERY_OPERATION = re.compile(
    r"query|search|recommend|discover|retrieve|fetch|\bget\b|peek|near|hybrid|bm25"
)
RESULT_EVENTS = ("db.query.result", "db.search.result")
RESULT_FIGURES = re.compile(
    r"_count(_\d+)?$|processing_time$|top_(score|distance)$|_units$|\.status$"
)


def applies(span: Span, prefixes: set[str]) -> bool:
    attributes = span.attributes
    return (
        not PREFIXES.isdisjoint(prefixes)
        or "gen_ai.task.name" in attributes
        or "llm.request.type" in attributes
        or ("db.system" in attributes and _is_vector_store(attributes))
    )


def read(reading: SpanReading) -> None:
    attributes = reading.attributes
    properties = {
        name[len(PROPERTIES) :]: value
        for name, value in attributes.items()
        if name.startswith(PROPERTIES)
    }
    name = _entity_name(reading)
    kind = _traceloop_kind(reading, name)
    if _is_vector_store(attributes):
        _read_vector_store_query(reading)
    elif kind == "reranker":
        read_gen_ai_messages(reading)
    elif kind != "llm":
        if kind == "embedding":
            _read_embedded_texts(reading)
        _read_entity_values(reading, kind)
    _read_traceloop_run(reading, properties, kind, name)
    if "langgraph_node" in properties and kind == "task":
        reading.metadata = properties
        returned = reading.fields.get("outputs")
        langgraph.read_metadata(reading, "chain", returned, "traceloop.entity.output", name)
    _read_routing(reading)
    reading.fill("kind", kind, "traceloop.span.kind")
    reading.fill("title", name, "traceloop.entity.name")
    if kind in MODEL_KINDS:
        _read_traceloop_model(reading, properties)
    if _is_traceloop_wrapper(reading, name):
        reading.fill("folded", True, "traceloop.entity.name")


def _entity_name(reading: SpanReading) -> str:
    """Return the entity's name, or else the span's without what the instrumentation appends."""
    for attribute in ("tool.name", "traceloop.entity.name", "gen_ai.task.name", "crewai.task.name"):
        name = reading.attributes.get(attribute)
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


def _traceloop_kind(reading: SpanReading, name: str) -> str:
    attributes = reading.attributes
    operation = attributes.get("gen_ai.operation.name") or attributes.get("llm.request.type")
    operation = str(operation or "").lower()
    if gen_ai.KINDS.get(operation) in MODEL_KINDS:
        return gen_ai.KINDS[operation]
    if "tool.arguments" in attributes and "tool.name" in attributes:  # LlamaIndex's agents
        return "tool"
    span_kind = str(attributes.get("traceloop.span.kind", "")).lower()
    if span_kind == "task" and ".llamaindex" in reading.span.scope:
        return _llamaindex_kind(name)
    kind = OPERATIONS.get(operation) or KINDS.get(span_kind, "")
    if not kind and reading.span.name == "crewai.workflow":
        return "workflow"
    return kind


def _llamaindex_kind(name: str) -> str:
    """Return the kind of a span of LlamaIndex's, which has the name of the class that ran."""
    lower = name.lower()
    if lower.endswith("retriever"):
        return "retriever"
    if lower.endswith("embedding"):
        return "embedding"
    return "reranker" if "rerank" in lower else "task"


def _read_routing(reading: SpanReading) -> None:
    """Read the node or agent that LangGraph's Command or a hand-off gives control to."""
    reading.fill_from("taken", "langgraph.command.goto_node", "gen_ai.handoff.to_agent")
    nodes = reading.parsed("langgraph.command.goto_nodes")
    if isinstance(nodes, list) and len(set(map(str, nodes))) == 1:
        reading.fill("taken", str(nodes[0]), "langgraph.command.goto_nodes")


def _read_traceloop_model(reading: SpanReading, properties: dict[str, Any]) -> None:
    """Read model, provider and usage. Where a class of LangChain's does not know the model,
    LangChain's metadata (`ls_…`) do."""
    attributes = reading.attributes
    reading.fill_from("model", "gen_ai.response.model")
    if str(attributes.get("gen_ai.request.model", "")) in UNKNOWN_MODELS:
        reading.fill("model", properties.get("ls_model_name"), PROPERTIES + "ls_model_name")
    reading.fill("provider", properties.get("ls_provider"), PROPERTIES + "ls_provider")
    input, output = first_count(attributes, INPUT_TOKENS), first_count(attributes, OUTPUT_TOKENS)
    if input is not None and ".bedrock" in reading.span.scope:
        # The service's own count leaves out tokens that were read from or written to a cache.
        cached = first_count(attributes, CACHED_TOKENS)
        written = first_count(attributes, CACHE_WRITE_TOKENS)
        input += (cached or 0) + (written or 0)
        reading.fill("usage", usage(input, output, None, cached, written), INPUT_TOKENS[0])


def _is_traceloop_wrapper(reading: SpanReading, name: str) -> bool:
    """Return whether the span is one that the framework puts between the steps."""
    attributes, span = reading.attributes, reading.span
    if span.parent_span_id is None or "node_id" in reading.fields:
        return False
    failed = span.status == "error"
    if ".langchain" in span.scope:
        return is_wrapper(name, failed)
    if attributes.get("db.operation") == "_query" or span.name == "ResponseStreamWriter":
        return not failed
    return attributes.get("traceloop.span.kind") in PROTOCOL_KINDS and not failed


def _read_traceloop_run(
    reading: SpanReading, properties: dict[str, Any], kind: str, name: str
) -> None:
    attributes = reading.attributes
    if kind == "workflow":
        reading.fill("is_run", True, "traceloop.span.kind")
        reading.fill_run_from("version", "traceloop.entity.version")
    elif "traceloop.workflow.name" in attributes:
        reading.settle_run("version")  # the root may have the workflow's own, and comes last
    reading.fill_run_from("name", "traceloop.workflow.name")
    if reading.span.parent_span_id is None and kind in ("workflow", "agent", "task"):
        reading.fill_run("name", name, "traceloop.entity.name")
    reading.fill_run_from("conversation", *(PROPERTIES + key for key in CONVERSATION_KEYS))
    reading.fill_run_from("user", *(PROPERTIES + key for key in USER_KEYS))
    reading.fill_run_from("user", "llm.user")
    tags = readable(properties.get("tags"))
    if isinstance(tags, list):
        reading.fill_run("tags", tuple(str(tag) for tag in tags), PROPERTIES + "tags")
    if "traceloop.span.kind" in attributes:
        # The SDK's `resource_attributes`, by the names of its documentation.
        for fact, name in (("version", "version"), ("environment", "env")):
            value = reading.span.resource.get(name)
            reading.fill_run(fact, str(value) if value else None, name)


def _read_entity_values(reading: SpanReading, kind: str) -> None:
    attributes = reading.attributes
    for field, attribute, unwrap in (
        ("inputs", ENTITY_INPUT, _unwrap_arguments),
        ("outputs", ENTITY_OUTPUT, _unwrap_result),
    ):
        repeated = [name for name in REPEATED[attribute] if name in attributes]
        source = attribute if attribute in attributes else next(iter(repeated), "")
        value = reading.parsed(source, is_json=True)
        if field in reading.fields or value is None or value == "":
            continue
        content, wrapping = unwrap(value)
        if kind == "retriever":
            content = _traceloop_documents(content)
        if kind == "workflow" and wrapping.get("tags"):
            tags = tuple(str(tag) for tag in list_or_empty(wrapping["tags"]))
            reading.fill_run("tags", tags, source)
        reading.fill(field, content, source)
        reading.consumed.update(name for name in repeated if attributes[name] == attributes[source])
        reading.consume(() if wrapping else (source,))
        if wrapping:
            reading.attributes = reading.attributes | {source: wrapping}
    reading.fill_payload("inputs", "tool.arguments")
    reading.fill_payload("inputs", "crewai.task.description")
    reading.fill_payload("outputs", "crewai.crew.result")


def _unwrap_arguments(value: Any) -> tuple[Any, dict[str, Any]]:
    """Return the arguments, and what the instrumentation wrapped around them."""
    if not isinstance(value, dict):
        return value, {}
    keys = set(value)
    if keys == {"args", "kwargs"} and isinstance(value["args"], list):
        args, named = value["args"], value["kwargs"]
        if not args:
            return named, {}
        return (value if named else args[0] if len(args) == 1 else args), {}
    if "input_str" in keys:
        inputs = value.get("inputs")
        literal = _python_literal(value["input_str"])
        repeated = ("inputs", "input_str") if inputs in (None, literal) else ("inputs",)
        return literal if inputs is None else inputs, _without_keys(value, *repeated)
    if "inputs" in keys and keys <= {"inputs", "tags", "metadata", "kwargs"}:
        return value["inputs"], _without_keys(value, "inputs")
    if "query" in keys and keys <= {"query", "tags", "metadata", "kwargs"}:
        return value["query"], _without_keys(value, "query")
    if keys == {"tool_name", "arguments"}:
        return value["arguments"], {}
    return value, {}


def _unwrap_result(value: Any) -> tuple[Any, dict[str, Any]]:
    """Return the result, and what the instrumentation wrapped around it."""
    if isinstance(value, dict):
        keys = set(value)
        for key in ("outputs", "output"):
            if key in keys and keys <= {key, "kwargs"}:
                result = tool_result(value[key])
                is_same = result is value[key]
                return result, _without_keys(value, key) if is_same else value
        if keys == {"documents", "count"}:
            return {"documents": value["documents"]}, {}
        if keys == {"result"}:
            return readable(value["result"]), {}
    elif isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        part = value[0]
        if part.get("type") == "text" and set(part) == {"type", "content"}:
            return readable(part["content"]), {}
    return value, {}


def _without_keys(value: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {
        key: inner for key, inner in value.items() if key not in keys and inner not in ("", [], {})
    }


def _python_literal(text: Any) -> Any:
    """Return the value of a Python literal: where LangChain has no other form of a tool's
    arguments, it writes them so."""
    if not isinstance(text, str) or not text.startswith("{") or len(text) > 100_000:
        return text
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _traceloop_documents(value: Any) -> Any:
    """Return retrieved documents as {"documents": [{id, content, score, metadata}]}; anything else
    as it is."""
    items = value.get("documents") if isinstance(value, dict) else value
    if not isinstance(items, list) or not items:
        return value
    documents = [_traceloop_document(readable(item)) for item in items]
    return {"documents": documents} if None not in documents else value


def _traceloop_document(item: Any) -> dict[str, Any] | None:
    """Return a document from LangChain's {page_content, metadata} or LlamaIndex's
    {node: {text, …}, score}."""
    if not isinstance(item, dict):
        return {"content": item} if isinstance(item, str) else None
    node = object_or_empty(item.get("node")) or item
    content = node.get("page_content", node.get("text", node.get("content")))
    if content is None:
        return None
    document = {
        "id": node.get("id_", node.get("id")),
        "content": content,
        "score": item.get("score"),
        "metadata": node.get("metadata"),
    }
    return {key: inner for key, inner in document.items() if inner not in (None, {})}


def _read_embedded_texts(reading: SpanReading) -> None:
    """Read the texts that were embedded: gen_ai.prompt.N.content."""
    used: set[str] = set()
    items = indexed_objects(reading.attributes, "gen_ai.prompt.", used)
    texts = [item.get("content") for item in items]
    if texts and "inputs" not in reading.fields:
        reading.fill("inputs", texts[0] if len(texts) == 1 else texts, "gen_ai.prompt.N.content")
        reading.consume(sorted(used))


def _is_vector_store(attributes: dict[str, Any]) -> bool:
    return str(attributes.get("db.system", "")).lower() in VECTOR_STORES


def _read_vector_store_query(reading: SpanReading) -> None:
    """Read a retrieval: the parameters of the query, and the documents in the span's events."""
    attributes, span = reading.attributes, reading.span
    store = str(attributes["db.system"]).lower()
    prefixes = ("db.vector.query.", f"db.{store}.", f"{store}.")
    parameters = {
        name.rpartition(".")[2]: readable(value)
        for name, value in attributes.items()
        if name.startswith(prefixes) and not RESULT_FIGURES.search(name)
    }
    reading.fill("inputs", parameters or None, "db.vector.query")
    operation = attributes.get("db.operation") or span.name.rpartition(".")[2]
    if QUERY_OPERATION.search(str(operation).lower()):
        reading.fill("kind", "retriever", "db.system")
        _read_result_documents(reading)


def _read_result_documents(reading: SpanReading) -> None:
    documents = []
    for index, event in enumerate(reading.span.events):
        if event.name not in RESULT_EVENTS or "outputs" in reading.fields:
            continue
        start = len(event.name) + 1
        document = {
            name[start:] if name.startswith(event.name + ".") else name: readable(value)
            for name, value in event.attributes.items()
        }
        for content_key in ("document", "entity"):
            if content_key in document:
                document["content"] = document.pop(content_key)
        documents.append({key: inner for key, inner in document.items() if key != "vector"})
        if "vector" not in document:
            reading.consumed_events.add(index)
    if documents:
        reading.fill("outputs", {"documents": documents}, "db.query.result")
