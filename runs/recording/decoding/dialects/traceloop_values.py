"""What OpenLLMetry tells of a step's inputs and outputs: `traceloop.entity.input` and `.output`,
each instrumentation with a wrapping of its own, and the queries of vector stores.

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

from runs.recording.decoding.dialects.indexed_attributes import indexed_objects, nested_object
from runs.recording.decoding.dialects.langchain import tool_result
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import readable

INPUT = "traceloop.entity.input"
OUTPUT = "traceloop.entity.output"
# The same again under another name.
REPEATED = {
    INPUT: ("gen_ai.task.input", "gen_ai.tool.call.arguments"),
    OUTPUT: ("gen_ai.task.output", "gen_ai.tool.call.result"),
}
VECTOR_STORES = frozenset(
    {"chroma", "chromadb", "pinecone", "qdrant", "weaviate", "milvus", "lancedb", "marqo"}
)
QUERY = re.compile(r"query|search|recommend|discover|retrieve|fetch|\bget\b|peek|near|hybrid|bm25")
RESULTS = ("db.query.result", "db.search.result")
FOUND = re.compile(r"_count(_\d+)?$|processing_time$|top_(score|distance)$|_units$|\.status$")


def read_values(reading: SpanReading, kind: str) -> None:
    told = reading.attributes
    for field, attribute, unwrap in (
        ("inputs", INPUT, _arguments),
        ("outputs", OUTPUT, _result),
    ):
        repeated = [name for name in REPEATED[attribute] if name in told]
        source = attribute if attribute in told else next(iter(repeated), "")
        value = readable(told.get(source), is_json=True)
        if field in reading.fields or value is None or value == "":
            continue
        shown, around = unwrap(value)
        if kind == "retriever":
            shown = _documents(shown)
        if kind == "workflow" and around.get("tags"):
            tags = tuple(str(tag) for tag in _list(around["tags"]))
            reading.fill_run("tags", tags, source)
        reading.fill(field, shown, source)
        reading.use(name for name in repeated if told[name] == told[source])
        reading.use(() if around else (source,))
        if around:
            reading.attributes = reading.attributes | {source: around}
    reading.fill_payload("inputs", "tool.arguments")
    reading.fill_payload("inputs", "crewai.task.description")
    reading.fill_payload("outputs", "crewai.crew.result")


def _arguments(value: Any) -> tuple[Any, dict[str, Any]]:
    """What was passed, and what the instrumentation wrapped around it."""
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
        shown = _literal(value["input_str"]) if inputs is None else inputs
        return shown, _without(value, "inputs", "input_str")
    if "inputs" in keys and keys <= {"inputs", "tags", "metadata", "kwargs"}:
        return value["inputs"], _without(value, "inputs")
    if "query" in keys and keys <= {"query", "tags", "metadata", "kwargs"}:
        return value["query"], _without(value, "query")
    if keys == {"tool_name", "arguments"}:
        return value["arguments"], {}
    return value, {}


def _result(value: Any) -> tuple[Any, dict[str, Any]]:
    """What came back, and what the instrumentation wrapped around it."""
    if isinstance(value, dict):
        keys = set(value)
        for key in ("outputs", "output"):
            if key in keys and keys <= {key, "kwargs"}:
                return tool_result(value[key]), _without(value, key)
        if keys == {"documents", "count"}:
            return {"documents": value["documents"]}, {}
        if keys == {"result"}:
            return readable(value["result"]), {}
    elif isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        part = value[0]
        if part.get("type") == "text" and set(part) == {"type", "content"}:
            return readable(part["content"]), {}
    return value, {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _without(value: dict[str, Any], *shown: str) -> dict[str, Any]:
    return {key: inner for key, inner in value.items() if key not in shown and inner}


def _literal(text: Any) -> Any:
    """LangChain writes the arguments of a tool as Python does, where it has no other form."""
    if not isinstance(text, str) or not text.startswith("{") or len(text) > 100_000:
        return text
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _documents(value: Any) -> Any:
    """Retrieved documents in one form; anything else as it is."""
    items = value.get("documents") if isinstance(value, dict) else value
    if not isinstance(items, list) or not items:
        return value
    documents = [_document(readable(item)) for item in items]
    return {"documents": documents} if None not in documents else value


def _document(item: Any) -> dict[str, Any] | None:
    """From LangChain's {page_content, metadata} or LlamaIndex's {node: {text, …}, score}."""
    if not isinstance(item, dict):
        return {"content": item} if isinstance(item, str) else None
    node = nested_object(item, "node") or item
    content = node.get("page_content", node.get("text", node.get("content")))
    if content is None:
        return None
    told = {
        "id": node.get("id_", node.get("id")),
        "content": content,
        "score": item.get("score"),
        "metadata": node.get("metadata"),
    }
    return {key: inner for key, inner in told.items() if inner not in (None, {})}


def read_indexed_texts(reading: SpanReading) -> None:
    """What was embedded: gen_ai.prompt.N.content."""
    used: set[str] = set()
    texts = [
        item.get("content") for item in indexed_objects(reading.attributes, "gen_ai.prompt.", used)
    ]
    if texts and "inputs" not in reading.fields:
        reading.fill("inputs", texts[0] if len(texts) == 1 else texts, "gen_ai.prompt.N.content")
        reading.use(used)


def is_vector_store(told: dict[str, Any]) -> bool:
    return str(told.get("db.system", "")).lower() in VECTOR_STORES


def read_vector_store(reading: SpanReading) -> None:
    """A query is a retrieval: its parameters, and the documents that the events tell."""
    told, span = reading.attributes, reading.span
    store = str(told["db.system"]).lower()
    prefixes = ("db.vector.query.", f"db.{store}.", f"{store}.")
    parameters = {
        name.rpartition(".")[2]: readable(value)
        for name, value in told.items()
        if name.startswith(prefixes) and not FOUND.search(name)
    }
    reading.fill("inputs", parameters or None, "db.vector.query")
    operation = told.get("db.operation") or span.name.rpartition(".")[2]
    if QUERY.search(str(operation).lower()):
        reading.fill("kind", "retriever", "db.system")
        _read_found(reading)


def _read_found(reading: SpanReading) -> None:
    documents = []
    for index, event in enumerate(reading.span.events):
        if event.name not in RESULTS or "outputs" in reading.fields:
            continue
        start = len(event.name) + 1
        document = {
            name[start:] if name.startswith(event.name + ".") else name: readable(value)
            for name, value in event.attributes.items()
        }
        for other in ("document", "entity"):
            if other in document:
                document["content"] = document.pop(other)
        documents.append({key: inner for key, inner in document.items() if key != "vector"})
        if "vector" not in document:
            reading.consumed_events.add(index)
    if documents:
        reading.fill("outputs", {"documents": documents}, "db.query.result")
