"""OpenInference: `openinference.span.kind`, `input.value`, `llm.*`, `retrieval.*`, `tool.*`.

Facts: the OpenInference semantic conventions, and what its instrumentations of LangChain, LangGraph
and the OpenAI Agents SDK send. The attributes of messages are numbered by message, part and tool
call.
"""

import re
from typing import Any

from runs.recording.decoding.dialects import langgraph
from runs.recording.decoding.dialects.chat_messages import ChatMessage, as_text
from runs.recording.decoding.dialects.indexed_attributes import indexed_objects
from runs.recording.decoding.dialects.langchain import is_wrapper
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import object_or_empty, readable
from runs.recording.records.span import Span
from runs.recording.records.usage import cost, to_count, usage

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
# Names that instrumentations give to every model call; the model's name is a better title.
GENERIC_NAMES = frozenset({"generation", "llm", "chat", "completion", "response", "chatcompletion"})
HANDOFF = "handoff to "
# Ids that are new in every run: a number in hex, a UUID.
RANDOM_ID = re.compile(r"[0-9a-f]{16,32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CREW_ID = re.compile(r"_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=\.kickoff)")  # CrewAI
NUMBERED_STEP = re.compile(r"Step \d+")  # smolagents
# Kinds that are steps whatever their name is.
STEP_KINDS = frozenset({"llm", "embedding", "retriever", "reranker", "tool", "agent", "handoff"})
# The arguments of a call in Python; smolagents adds a setting of its own.
CALL_KEYS = frozenset({"args", "kwargs"})
SMOLAGENTS_KEY = "sanitize_inputs_outputs"
DOCUMENT_KEYS = ("id", "content", "score")
JSON = "application/json"

# The counts, in the order of the arguments of `usage`.
TOKEN_COUNTS = (
    "llm.token_count.prompt",
    "llm.token_count.completion",
    "llm.token_count.total",
    "llm.token_count.prompt_details.cache_read",
    "llm.token_count.prompt_details.cache_write",
    "llm.token_count.completion_details.reasoning",
)


def applies(span: Span, prefixes: set[str]) -> bool:
    attributes = span.attributes
    return (
        "openinference.span.kind" in attributes
        or "input.value" in attributes
        or "output.value" in attributes
    )


def read(reading: SpanReading) -> None:
    attributes = reading.attributes
    kind = KINDS.get(str(attributes.get("openinference.span.kind", "")).upper(), "")
    if reading.metadata:
        langgraph.read_metadata(reading, kind)
    if kind == "tool" and reading.span.name.startswith(HANDOFF):
        reading.fill("kind", "handoff", "name")
        target = attributes.get("output.value") or reading.span.name.removeprefix(HANDOFF)
        reading.fill("taken", as_text(target), "output.value")
    reading.fill("kind", kind, "openinference.span.kind")
    _read_openinference_title(reading, kind)
    _read_graph_node(reading, kind)
    reader = READERS.get(kind)
    if reader is not None:
        reader(reading)
    if kind != "tool":
        _read_openinference_usage(reading)
    reading.fill_payload("inputs", "input.value", attributes.get("input.mime_type") == JSON)
    reading.fill_payload("outputs", "output.value", attributes.get("output.mime_type") == JSON)
    reading.fill_run_from("conversation", "session.id")
    reading.fill_run_from("user", "user.id")
    reading.fill_run_tags(reading.parsed("tag.tags"), "tag.tags")


def _read_graph_node(reading: SpanReading, kind: str) -> None:
    """Read the node of the graph that the step is, the name of the run, and whether the step is a
    wrapper."""
    attributes, span = reading.attributes, reading.span
    node = as_text(attributes.get("graph.node.id"))
    if RANDOM_ID.fullmatch(node):  # made for this execution alone (Agno)
        node = as_text(attributes.get("graph.node.name"))
    reading.fill("node_id", node, "graph.node.id")
    if "smolagents" in span.scope and NUMBERED_STEP.fullmatch(span.name):
        reading.fill("node_id", "Step", "name")
    if span.parent_span_id is None:
        if kind in ("agent", "chain"):
            reading.fill_run("name", reading.fields.get("title"), "agent.name")
    elif _is_langchain_wrapper(reading, kind):
        reading.fill("folded", True, "name")


def _is_langchain_wrapper(reading: SpanReading, kind: str) -> bool:
    span = reading.span
    if "langchain" not in span.scope or kind in STEP_KINDS or "node_id" in reading.fields:
        return False
    return is_wrapper(span.name, span.status == "error")


def _read_openinference_title(reading: SpanReading, kind: str) -> None:
    reading.fill_from("title", "graph.node.name")
    if kind == "tool":
        reading.fill_from("title", "tool.name")
    elif kind == "agent":
        reading.fill_from("title", "agent.name")
        if not RANDOM_ID.fullmatch(as_text(reading.attributes.get("graph.node.id"))):
            reading.fill_from("title", "graph.node.id")
    elif CREW_ID.search(reading.span.name):
        reading.fill("title", CREW_ID.sub("", reading.span.name), "name")
    elif kind == "llm" and reading.span.name.lower() in GENERIC_NAMES:
        reading.fill_from("title", "llm.model_name")


def _read_openinference_llm(reading: SpanReading) -> None:
    reading.fill_from(
        "model", "llm.response.model_name", "llm.model_name", "llm.request.model_name"
    )
    reading.fill_from("provider", "llm.provider", "llm.system")
    _read_input_messages(reading)
    _read_output_messages(reading)


def _read_openinference_usage(reading: SpanReading) -> None:
    """Read tokens and cost, which agents and chains report like model calls."""
    attributes = reading.attributes
    tokens = usage(*[to_count(attributes.get(name)) for name in TOKEN_COUNTS])
    reading.fill("usage", tokens, "llm.token_count")
    reading.fill("cost", cost(attributes.get("llm.cost.total")), "llm.cost.total")


def _read_openinference_retriever(reading: SpanReading) -> None:
    _fill_documents(reading, "retrieval.documents")


def _read_openinference_reranker(reading: SpanReading) -> None:
    reading.fill_from("model", "reranker.model_name")
    if documents := _openinference_documents(reading, "reranker.input_documents"):
        inputs = {"query": reading.attributes.get("reranker.query"), "documents": documents}
        reading.fill("inputs", inputs, "reranker.input_documents")
    _fill_documents(reading, "reranker.output_documents")


def _fill_documents(reading: SpanReading, attribute: str) -> None:
    if documents := _openinference_documents(reading, attribute):
        reading.fill("outputs", {"documents": documents}, attribute)


def _openinference_documents(reading: SpanReading, attribute: str) -> list[dict[str, Any]]:
    used: set[str] = set()
    items = indexed_objects(reading.attributes, attribute + ".", used)
    reading.consume(sorted(used))
    return [_openinference_document(item) for item in items]


def _openinference_document(item: dict[str, Any]) -> dict[str, Any]:
    source = object_or_empty(item.get("document"))
    metadata = readable(source.get("metadata"))
    document = {key: source[key] for key in DOCUMENT_KEYS if key in source}
    return {**document, "metadata": metadata} if metadata else document


def _read_openinference_embedding(reading: SpanReading) -> None:
    reading.fill_from("model", "embedding.model_name", "llm.model_name")
    reading.fill_from("provider", "llm.provider", "llm.system")
    reading.fill_payload("inputs", "embedding.text")
    items = indexed_objects(reading.attributes, "embedding.embeddings.", set())
    texts = [object_or_empty(item.get("embedding")).get("text") for item in items]
    if any(texts) and "inputs" not in reading.fields:
        inputs = texts[0] if len(texts) == 1 else texts
        reading.fill("inputs", inputs, "embedding.embeddings.N.embedding.text")
        reading.consumed.update(
            name
            for name in reading.attributes
            if name.startswith("embedding.embeddings.") and name.endswith(".embedding.text")
        )


def _read_openinference_tool(reading: SpanReading) -> None:
    attributes = reading.attributes
    if "input.value" not in attributes:
        reading.fill_payload("inputs", "tool.parameters")
    arguments = reading.parsed("input.value")
    is_call = isinstance(arguments, dict) and arguments.keys() - {SMOLAGENTS_KEY} == CALL_KEYS
    if is_call and not (arguments["args"] and arguments["kwargs"]):
        reading.fill("inputs", arguments["kwargs"] or arguments["args"], "input.value")
        reading.consume(("input.value",))
    result = attributes.get("output.value")
    if isinstance(result, str) and result.startswith('{"type": "tool"'):
        # LangChain wraps the result of a tool in a message; the result is its content.
        message = object_or_empty(readable(result))
        content = object_or_empty(message.get("data")).get("content")
        reading.fill("outputs", readable(content), "output.value")


def _read_input_messages(reading: SpanReading) -> None:
    """Fill inputs {"messages", "tools", "parameters"} from chat messages or, of older models, from
    prompts."""
    attributes = reading.attributes
    sources: set[str] = set()
    messages = _openinference_messages(reading, "llm.input_messages.", sources)
    if not messages:
        prompts = indexed_objects(attributes, "llm.prompts.", sources)
        messages = [{"role": "user", **object_or_empty(item.get("prompt"))} for item in prompts]
        if not messages and isinstance(attributes.get("llm.prompts"), list):
            texts = attributes["llm.prompts"]
            sources.add("llm.prompts")
            messages = [{"role": "user", "content": as_text(text)} for text in texts]
    if not messages:
        return
    inputs: dict[str, Any] = {"messages": messages}
    used: set[str] = set()
    tools = [_tool_name_of_schema(item) for item in indexed_objects(attributes, "llm.tools.", used)]
    if any(tools):
        inputs["tools"] = [name for name in tools if name]
    parameters = reading.parsed("llm.invocation_parameters")
    if parameters:
        inputs["parameters"] = parameters
        if isinstance(parameters, dict) and "tools" in inputs:
            # The definitions of the tools are repeated here.
            inputs["parameters"] = {key: parameters[key] for key in parameters if key != "tools"}
    reading.fill_whole("inputs", inputs, "llm.input_messages", sources)


def _read_output_messages(reading: SpanReading) -> None:
    """Fill outputs {"messages"} from chat messages or, of older models, from completions."""
    sources: set[str] = set()
    messages = _openinference_messages(reading, "llm.output_messages.", sources)
    if not messages:
        choices = indexed_objects(reading.attributes, "llm.choices.", sources)
        replies = [object_or_empty(choice.get("completion")) for choice in choices]
        messages = [{"role": "assistant", **reply} for reply in replies]
    if messages:
        reading.fill_whole("outputs", {"messages": messages}, "llm.output_messages", sources)


def _tool_name_of_schema(item: dict[str, Any]) -> str | None:
    schema = readable(object_or_empty(item.get("tool")).get("json_schema"))
    if not isinstance(schema, dict):
        return None
    function = schema.get("function")
    name = function.get("name") if isinstance(function, dict) else schema.get("name")
    return name if isinstance(name, str) else None


def _openinference_messages(
    reading: SpanReading, prefix: str, sources: set[str]
) -> list[ChatMessage]:
    if f"{prefix}0.message.role" not in reading.attributes and not any(
        name.startswith(prefix) for name in reading.attributes
    ):
        return []
    items = indexed_objects(reading.attributes, prefix, sources)
    return [_openinference_message(item) for item in items]


def _openinference_message(item: dict[str, Any]) -> ChatMessage:
    inner = item.pop("message", None)
    message = {**item, **inner} if isinstance(inner, dict) else item
    message.setdefault("role", "user")
    if "function_call_name" in message:
        arguments = message.pop("function_call_arguments_json", None)
        message["function_call"] = {
            "name": message.pop("function_call_name"), "arguments": arguments,
        }  # fmt: skip
    return message


READERS = {
    "llm": _read_openinference_llm,
    "retriever": _read_openinference_retriever,
    "reranker": _read_openinference_reranker,
    "embedding": _read_openinference_embedding,
    "tool": _read_openinference_tool,
}
