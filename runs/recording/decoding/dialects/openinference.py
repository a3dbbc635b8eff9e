"""OpenInference: `openinference.span.kind`, `input.value`, `llm.*`, `retrieval.*`, `tool.*`.

Facts: the OpenInference semantic conventions, and what its instrumentations of LangChain, LangGraph
and the OpenAI Agents SDK send. Messages of model calls are in `openinference_messages`.
"""

import re
from typing import Any

from runs.recording.decoding.dialects import langgraph
from runs.recording.decoding.dialects.chat_messages import as_text
from runs.recording.decoding.dialects.indexed_attributes import indexed_objects, nested_object
from runs.recording.decoding.dialects.langchain import is_wrapper
from runs.recording.decoding.dialects.openinference_messages import read_inputs, read_outputs
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import readable
from runs.recording.records.span import Span
from runs.recording.records.usage import cost, first_count, usage

NAME = "openinference"

KINDS = {
    "LLM": "llm",
    "EMBEDDING": "embedding",
    "CHAIN": "chain",
    "RETRIEVER": "retriever",
    "RERANKER": "reranker",
    "TOOL": "tool",
    "AGENT": "agent",
    "GUARDRAIL": "guardrail",
    "EVALUATOR": "evaluator",
    "PROMPT": "prompt",
}
# Names that instrumentations give to every model call; the model says more.
GENERIC_NAMES = frozenset({"generation", "llm", "chat", "completion", "response", "chatcompletion"})
HANDOFF = "handoff to "
# Ids that are new in every run: a number in hex, a UUID.
RANDOM = re.compile(r"[0-9a-f]{16,32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CREW = re.compile(r"_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=\.kickoff)")  # CrewAI
NUMBERED = re.compile(r"Step \d+")  # smolagents
# Kinds that are steps by whatever name.
PLAYERS = frozenset({"llm", "embedding", "retriever", "reranker", "tool", "agent", "handoff"})
# As Python's functions are called; smolagents adds a setting of its own.
CALLED = frozenset({"args", "kwargs"})
OF_SMOLAGENTS = "sanitize_inputs_outputs"
JSON = "application/json"

INPUT = ("llm.token_count.prompt",)
OUTPUT = ("llm.token_count.completion",)
TOTAL = ("llm.token_count.total",)
CACHED = ("llm.token_count.prompt_details.cache_read",)
CACHE_WRITE = ("llm.token_count.prompt_details.cache_write",)
REASONING = ("llm.token_count.completion_details.reasoning",)


def applies(span: Span, spoken: set[str]) -> bool:
    told = span.attributes
    return "openinference.span.kind" in told or "input.value" in told or "output.value" in told


def read(reading: SpanReading) -> None:
    told = reading.attributes
    kind = KINDS.get(str(told.get("openinference.span.kind", "")).upper(), "")
    if reading.metadata:
        langgraph.read_metadata(reading, kind)
    if kind == "tool" and reading.span.name.startswith(HANDOFF):
        reading.fill("kind", "handoff", "name")
        target = told.get("output.value") or reading.span.name.removeprefix(HANDOFF)
        reading.fill("taken", as_text(target), "output.value")
    reading.fill("kind", kind, "openinference.span.kind")
    _read_title(reading, kind)
    _read_node(reading, kind)
    reader = READERS.get(kind)
    if reader is not None:
        reader(reading)
    reading.fill_payload("inputs", "input.value", told.get("input.mime_type") == JSON)
    reading.fill_payload("outputs", "output.value", told.get("output.mime_type") == JSON)
    reading.fill_run_from("conversation", "session.id")
    reading.fill_run_from("user", "user.id")
    _read_tags(reading)


def _read_node(reading: SpanReading, kind: str) -> None:
    """Where the step stands: its place in the graph, or between the steps."""
    told, span = reading.attributes, reading.span
    node = as_text(told.get("graph.node.id"))
    if RANDOM.fullmatch(node):  # made for this execution alone (Agno)
        node = as_text(told.get("graph.node.name"))
    reading.fill("node_id", node, "graph.node.id")
    if "smolagents" in span.scope and NUMBERED.fullmatch(span.name):
        reading.fill("node_id", "Step", "name")
    if span.parent_span_id is None:
        if kind in ("agent", "chain"):
            reading.fill_run("name", reading.fields.get("title"), "agent.name")
    elif _is_plumbing(reading, kind):
        reading.fill("folded", True, "name")


def _is_plumbing(reading: SpanReading, kind: str) -> bool:
    span = reading.span
    if "langchain" not in span.scope or kind in PLAYERS or "node_id" in reading.fields:
        return False
    return is_wrapper(span.name, span.status == "error")


def _read_title(reading: SpanReading, kind: str) -> None:
    reading.fill_from("title", "graph.node.name")
    if kind == "tool":
        reading.fill_from("title", "tool.name")
    elif kind == "agent":
        reading.fill_from("title", "agent.name")
        if not RANDOM.fullmatch(as_text(reading.attributes.get("graph.node.id"))):
            reading.fill_from("title", "graph.node.id")
    elif CREW.search(reading.span.name):
        reading.fill("title", CREW.sub("", reading.span.name), "name")
    elif kind == "llm" and reading.span.name.lower() in GENERIC_NAMES:
        reading.fill_from("title", "llm.model_name")


def _read_tags(reading: SpanReading) -> None:
    tags = reading.attributes.get("tag.tags")
    if not tags:
        return
    tags = readable(tags)
    tags = tags if isinstance(tags, list) else [tags]
    reading.fill_run("tags", tuple(as_text(tag) for tag in tags), "tag.tags")


def _read_llm(reading: SpanReading) -> None:
    told = reading.attributes
    reading.fill_from(
        "model", "llm.response.model_name", "llm.model_name", "llm.request.model_name"
    )
    reading.fill_from("provider", "llm.provider", "llm.system")
    tokens = usage(
        first_count(told, INPUT),
        first_count(told, OUTPUT),
        first_count(told, TOTAL),
        first_count(told, CACHED),
        first_count(told, CACHE_WRITE),
        first_count(told, REASONING),
    )
    reading.fill("usage", tokens, "llm.token_count")
    reading.fill("cost", cost(told.get("llm.cost.total")), "llm.cost.total")
    read_inputs(reading)
    read_outputs(reading)


def _read_retriever(reading: SpanReading) -> None:
    items = indexed_objects(reading.attributes, "retrieval.documents.", reading.consumed)
    _fill_documents(reading, items, "retrieval.documents")


def _read_reranker(reading: SpanReading) -> None:
    told = reading.attributes
    reading.fill_from("model", "reranker.model_name")
    query = told.get("reranker.query")
    documents = indexed_objects(told, "reranker.input_documents.", reading.consumed)
    if documents:
        inputs = {"query": query, "documents": [_document(item) for item in documents]}
        reading.fill("inputs", inputs, "reranker.input_documents")
    items = indexed_objects(told, "reranker.output_documents.", reading.consumed)
    _fill_documents(reading, items, "reranker.output_documents")


def _fill_documents(reading: SpanReading, items: list[dict[str, Any]], attribute: str) -> None:
    if items:
        reading.fill("outputs", {"documents": [_document(item) for item in items]}, attribute)


def _document(item: dict[str, Any]) -> dict[str, Any]:
    told = nested_object(item, "document")
    document: dict[str, Any] = {key: told[key] for key in ("id", "content", "score") if key in told}
    metadata = readable(told.get("metadata"))
    return {**document, "metadata": metadata} if metadata else document


def _read_embedding(reading: SpanReading) -> None:
    told = reading.attributes
    reading.fill_from("model", "embedding.model_name", "llm.model_name")
    reading.fill_from("provider", "llm.provider", "llm.system")
    tokens = usage(first_count(told, INPUT), first_count(told, OUTPUT), first_count(told, TOTAL))
    reading.fill("usage", tokens, "llm.token_count")
    reading.fill_payload("inputs", "embedding.text")


def _read_tool(reading: SpanReading) -> None:
    told = reading.attributes
    if "input.value" not in told:
        reading.fill_payload("inputs", "tool.parameters")
    given = readable(told.get("input.value"))
    is_call = isinstance(given, dict) and given.keys() - {OF_SMOLAGENTS} == CALLED
    if is_call and not (given["args"] and given["kwargs"]):
        reading.fill("inputs", given["kwargs"] or given["args"], "input.value")
        reading.use(("input.value",))
    result = told.get("output.value")
    if isinstance(result, str) and result.startswith('{"type": "tool"'):
        # LangChain wraps what the tool gave back in a message; the result is its content.
        message = nested_object({"message": readable(result)}, "message")
        content = nested_object(message, "data").get("content")
        reading.fill("outputs", readable(content), "output.value")


READERS = {
    "llm": _read_llm,
    "retriever": _read_retriever,
    "reranker": _read_reranker,
    "embedding": _read_embedding,
    "tool": _read_tool,
}
