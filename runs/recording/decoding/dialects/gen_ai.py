"""OpenTelemetry GenAI semantic conventions, all generations.

Up to 1.26: `gen_ai.usage.prompt_tokens`, indexed `gen_ai.prompt.N.*`. Up to 1.36: `gen_ai.system`,
messages as span events. From 1.37: `gen_ai.provider.name`, messages as JSON attributes or in the
event `gen_ai.client.inference.operation.details`. Then: `cache_write` for `cache_creation`. In the
conventions' own repository, 0.1: tokens by modality, a workflow's name in `gen_ai.agent.name`.
Messages are read in `gen_ai_messages`.
"""

from typing import Any

from nodes.content.messages import Message, read_messages
from runs.recording.decoding.dialects.chat_messages import chat_messages
from runs.recording.decoding.dialects.gen_ai_messages import (
    DETAILS_EVENT,
    content_blocks,
    read_gen_ai_messages,
)
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import readable
from runs.recording.records.span import Span
from runs.recording.records.usage import cost, first_count, usage

NAME = "gen_ai"

KINDS = {
    "chat": "llm",
    "generate_content": "llm",
    "text_completion": "llm",
    "completion": "llm",
    "embeddings": "embedding",
    "execute_tool": "tool",
    "invoke_agent": "agent",
    "create_agent": "span",
    "invoke_workflow": "workflow",
    "retrieval": "retriever",
    "search_memory": "retriever",
    "plan": "task",
    "fetch_response": "task",
    "agent_step": "chain",
    "rerank": "reranker",
    "embedding": "embedding",
    # Semantic Kernel
    "chat.completions": "llm",
    "text.completions": "llm",
    # LiteLLM
    "acompletion": "llm",
    "atext_completion": "llm",
    "aembedding": "embedding",
    "arerank": "reranker",
    # Strands Agents
    "invoke_swarm": "workflow",
    "invoke_graph": "workflow",
    # what agents remember
    "create_memory": "memory",
    "update_memory": "memory",
    "upsert_memory": "memory",
    "delete_memory": "memory",
    "create_memory_store": "memory",
    "delete_memory_store": "memory",
}
ANTHROPIC_SDK = "com.anthropic.sdk"  # its scopes, which go on with the language
STRANDS_CYCLE = "event_loop.cycle_id"  # Strands Agents: a round of model and tools, without values
USAGE = "gen_ai.usage."
INPUT_TOKENS = (USAGE + "input_tokens", USAGE + "prompt_tokens")
OUTPUT_TOKENS = (USAGE + "output_tokens", USAGE + "completion_tokens")
TOTAL_TOKENS = (USAGE + "total_tokens", "llm.usage.total_tokens")
CACHED_TOKENS = (
    USAGE + "cache_read.input_tokens",
    USAGE + "cache_read_input_tokens",
    USAGE + "cached_input_tokens",
    USAGE + "details.cached_tokens",
    USAGE + "details.cache_read_tokens",
    "agentscope.usage.cache_input_tokens",
)
CACHE_WRITE_TOKENS = (
    USAGE + "cache_write.input_tokens",
    USAGE + "cache_creation.input_tokens",
    USAGE + "cache_creation_input_tokens",
    USAGE + "cache_write_input_tokens",
    USAGE + "details.cache_write_tokens",
)
REASONING_TOKENS = (
    USAGE + "reasoning.output_tokens",
    USAGE + "reasoning_tokens",
    "llm.usage.reasoning_tokens",
    USAGE + "details.reasoning_tokens",
)
MODALITIES = ("text", "image", "audio", "video")
QUERY = "gen_ai.retrieval.query.text"
# What a search was asked with, by the names under which it is shown.
SEARCHED = {
    QUERY: "query",
    "gen_ai.memory.query.text": "query",
    "gen_ai.retrieval.top_k": "top_k",
    "gen_ai.data_source.id": "data_source",
    "gen_ai.memory.store.id": "store",
    "gen_ai.memory.record.id": "record",
}
# In the order of the arguments of `usage`.
TOKEN_COUNTS = (
    INPUT_TOKENS, OUTPUT_TOKENS, TOTAL_TOKENS, CACHED_TOKENS, CACHE_WRITE_TOKENS, REASONING_TOKENS,
)  # fmt: skip
# Counts that may be told by modality alone: their place in TOKEN_COUNTS.
BY_MODALITY = ((0, "input_tokens"), (1, "output_tokens"), (3, "cache_read.input_tokens"))
# The last two are LiteLLM's.
COST_ATTRIBUTES = (
    USAGE + "cost",
    USAGE + "total_cost",
    "gen_ai.cost.total_cost",
    "litellm.cost.total",
)
# Tools by which frameworks give control to another agent; the argument names the target.
HANDOFF_TOOLS = frozenset({"transfer_to_agent"})
HANDOFF_PREFIX = "transfer_to_"
TARGET_ARGUMENTS = ("agent_name", "agent", "target")


def applies(span: Span, prefixes: set[str]) -> bool:
    return "gen_ai" in prefixes or any(event.name.startswith("gen_ai.") for event in span.events)


def read(reading: SpanReading) -> None:
    attributes = reading.attributes
    kind = _kind_by_operation(attributes)
    if kind == "tool":
        _read_tool_call(reading)
    reading.fill("kind", kind, "gen_ai.operation.name")
    _read_genai_title(reading, kind)
    if STRANDS_CYCLE in attributes and reading.span.parent_span_id is not None:
        reading.fill("folded", True, STRANDS_CYCLE)
    if attributes.get("gen_ai.operation.name") == "create_agent":
        reading.fields.setdefault("transport", True)  # it is made, nothing runs
    if kind == "llm" and reading.span.scope.startswith(ANTHROPIC_SDK):
        reading.fields["sdk_call"] = True
    if kind in ("llm", "agent", "workflow", "embedding"):
        read_gen_ai_messages(reading)
    elif kind in ("retriever", "memory"):
        _read_genai_retrieval(reading)
    if kind != "tool":
        reading.fill_from("model", "gen_ai.response.model", "gen_ai.request.model")
        reading.fill_from("provider", "gen_ai.provider.name", "gen_ai.system")
        _read_genai_usage(reading)
        reading.fill_from("response_id", "gen_ai.response.id")
    reading.fill_run_from("conversation", "session.id", "gen_ai.conversation.id")
    reading.fill_run_from("user", "user.id", "enduser.id", "gen_ai.user.id", "gen_ai.user")
    reading.fill_run_from("name", "gen_ai.workflow.name")
    if reading.span.parent_span_id is None and kind in ("agent", "workflow"):
        reading.fill_run_from("name", "gen_ai.agent.name")


def _kind_by_operation(attributes: dict[str, Any]) -> str:
    """Return the kind by the operation; without one, by the attributes that the span has."""
    operation = attributes.get("gen_ai.operation.name") or attributes.get("llm.request.type")
    if isinstance(operation, str) and (kind := KINDS.get(operation.lower())):
        return kind
    if operation and first_count(attributes, OUTPUT_TOKENS) is None:
        return ""  # an operation of the framework's own
    if "gen_ai.tool.name" in attributes or "gen_ai.tool.call.id" in attributes:
        return "tool"
    if "gen_ai.request.model" in attributes or "gen_ai.response.model" in attributes:
        return "llm"
    has_prompt = "gen_ai.prompt.0.role" in attributes or "gen_ai.prompt.0.content" in attributes
    return "llm" if has_prompt else ""


def _read_genai_title(reading: SpanReading, kind: str) -> None:
    if kind == "tool":
        reading.fill_from("title", "gen_ai.tool.name")
    elif kind == "agent":
        reading.fill_from("title", "gen_ai.agent.name")
    elif kind == "workflow":
        reading.fill_from("title", "gen_ai.workflow.name", "gen_ai.agent.name")


def _read_genai_usage(reading: SpanReading) -> None:
    attributes = reading.attributes
    counts = [first_count(attributes, names) for names in TOKEN_COUNTS]
    for place, kind_of_token in BY_MODALITY:
        if counts[place] is None:
            counts[place] = _sum_of_modalities(attributes, kind_of_token)
    reading.fill("usage", usage(*counts), "gen_ai.usage")
    for name in COST_ATTRIBUTES:
        reading.fill("cost", cost(attributes.get(name)), name)


def _sum_of_modalities(attributes: dict[str, Any], kind_of_token: str) -> int | None:
    """Return the sum of tokens that are reported by modality alone (GenAI conventions 0.1)."""
    names = (f"{USAGE}{modality}.{kind_of_token}" for modality in MODALITIES)
    counts = [count for name in names if (count := first_count(attributes, (name,))) is not None]
    return sum(counts) if counts else None


def _read_genai_retrieval(reading: SpanReading) -> None:
    """Read a search for documents or memories, and what is done with memories."""
    attributes = reading.attributes
    searches = attributes.get("gen_ai.operation.name") in ("retrieval", "search_memory")
    records = reading.parsed("gen_ai.memory.records")
    inputs = {key: attributes[name] for name, key in SEARCHED.items() if name in attributes}
    if records is not None and not searches:
        inputs["records"] = records
    if inputs.keys() == {"query"}:
        reading.fill_payload("inputs", next(name for name in SEARCHED if name in attributes))
    elif inputs:
        reading.fill("inputs", inputs, "gen_ai.memory.records" if "records" in inputs else QUERY)
        reading.consume((*SEARCHED, "gen_ai.memory.records"))
    if records is not None and searches:
        reading.fill("outputs", {"records": records}, "gen_ai.memory.records")
        reading.consume(("gen_ai.memory.records",))
    documents = reading.parsed("gen_ai.retrieval.documents")
    if isinstance(documents, list):
        reading.fill("outputs", {"documents": documents}, "gen_ai.retrieval.documents")
        reading.consume(("gen_ai.retrieval.documents",))


def _read_tool_call(reading: SpanReading) -> None:
    reading.fill_payload("inputs", "gen_ai.tool.call.arguments")
    reading.fill_payload("outputs", "gen_ai.tool.call.result")
    for index, event in enumerate(reading.span.events):
        before = len(reading.fields)
        _read_tool_event(reading, event.name, event.attributes)
        if len(reading.fields) > before:
            reading.consumed_events.add(index)
    tool = str(reading.attributes.get("gen_ai.tool.name", ""))
    if tool in HANDOFF_TOOLS or tool.startswith(HANDOFF_PREFIX):
        target = _handoff_target(tool, reading.fields.get("inputs"))
        reading.fill("kind", "handoff", "gen_ai.tool.name")
        reading.fill("taken", target, "gen_ai.tool.name")


def _read_tool_event(reading: SpanReading, name: str, attributes: dict[str, Any]) -> None:
    """Read arguments and result as Strands Agents sends them: like the messages of a model."""
    if name == "gen_ai.tool.message":
        reading.fill("inputs", readable(attributes.get("content")), name)
    elif name == "gen_ai.choice":
        reading.fill("outputs", _single_text_result(readable(attributes.get("message"))), name)
    elif name == DETAILS_EVENT:
        for message in _tool_messages(attributes, "gen_ai.input.messages"):
            for call in message.calls:
                reading.fill("inputs", call.arguments, name)
        for message in _tool_messages(attributes, "gen_ai.output.messages"):
            for result in message.results:
                reading.fill("outputs", readable(result.value), name)


def _tool_messages(attributes: dict[str, Any], name: str) -> list[Message]:
    return read_messages(chat_messages(readable(attributes.get(name)), "tool")) or []


def _single_text_result(value: Any) -> Any:
    """Return the text of a result that is a single text block; any other result as it is."""
    blocks = content_blocks(value)
    if blocks and len(blocks) == 1 and set(blocks[0]) == {"text"}:
        return readable(blocks[0]["text"])
    return value


def _handoff_target(tool: str, arguments: Any) -> str | None:
    if isinstance(arguments, dict):
        for name in TARGET_ARGUMENTS:
            if isinstance(arguments.get(name), str):
                return str(arguments[name])
    return None if tool in HANDOFF_TOOLS else tool.removeprefix(HANDOFF_PREFIX)
