"""OpenTelemetry GenAI semantic conventions, all generations.

Up to 1.26: `gen_ai.usage.prompt_tokens`, indexed `gen_ai.prompt.N.*`. Up to 1.36: `gen_ai.system`,
messages as span events. From 1.37: `gen_ai.provider.name`, messages as JSON attributes or in the
event `gen_ai.client.inference.operation.details`. Then: `cache_write` for `cache_creation`.
Message contents are in `genai_messages`.
"""

from typing import Any

from runs.recording.decoding.dialects.gen_ai_messages import read_gen_ai_messages
from runs.recording.decoding.dialects.gen_ai_tools import read_tool
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
    "create_agent": "agent",
    "invoke_workflow": "workflow",
    "retrieval": "retriever",
    "search_memory": "retriever",
    "plan": "task",
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
}
CYCLE = "event_loop.cycle_id"  # Strands Agents: a round of model and tools, without values
USAGE = "gen_ai.usage."
INPUT = (USAGE + "input_tokens", USAGE + "prompt_tokens")
OUTPUT = (USAGE + "output_tokens", USAGE + "completion_tokens")
TOTAL = (USAGE + "total_tokens", "llm.usage.total_tokens")
CACHED = (
    USAGE + "cache_read.input_tokens",
    USAGE + "cache_read_input_tokens",
    USAGE + "cached_input_tokens",
    USAGE + "details.cached_tokens",
    USAGE + "details.cache_read_tokens",
)
CACHE_WRITE = (
    USAGE + "cache_write.input_tokens",
    USAGE + "cache_creation.input_tokens",
    USAGE + "cache_creation_input_tokens",
    USAGE + "cache_write_input_tokens",
    USAGE + "details.cache_write_tokens",
)
REASONING = (
    USAGE + "reasoning.output_tokens",
    USAGE + "reasoning_tokens",
    "llm.usage.reasoning_tokens",
    USAGE + "details.reasoning_tokens",
)
# The last two are LiteLLM's.
COST = (USAGE + "cost", USAGE + "total_cost", "gen_ai.cost.total_cost", "litellm.cost.total")


def applies(span: Span, spoken: set[str]) -> bool:
    return "gen_ai" in spoken or any(event.name.startswith("gen_ai.") for event in span.events)


def read(reading: SpanReading) -> None:
    told = reading.attributes
    kind = _kind(told)
    if kind == "tool":
        read_tool(reading)
    reading.fill("kind", kind, "gen_ai.operation.name")
    _read_title(reading, kind)
    if CYCLE in told and reading.span.parent_span_id is not None:
        reading.fill("folded", True, CYCLE)
    if kind in ("llm", "agent", "workflow"):
        read_gen_ai_messages(reading)
    elif kind == "retriever":
        _read_retrieval(reading)
    if kind != "tool":
        reading.fill_from("model", "gen_ai.response.model", "gen_ai.request.model")
        reading.fill_from("provider", "gen_ai.provider.name", "gen_ai.system")
        _read_usage(reading)
    reading.fill_run_from("conversation", "session.id", "gen_ai.conversation.id")
    reading.fill_run_from("user", "user.id", "enduser.id", "gen_ai.user.id", "gen_ai.user")
    reading.fill_run_from("name", "gen_ai.workflow.name")
    if reading.span.parent_span_id is None and kind == "agent":
        reading.fill_run_from("name", "gen_ai.agent.name")


def _kind(told: dict[str, Any]) -> str:
    """The kind by the operation; without one, by what the span holds."""
    operation = told.get("gen_ai.operation.name") or told.get("llm.request.type")
    if isinstance(operation, str) and (kind := KINDS.get(operation.lower())):
        return kind
    if operation and first_count(told, OUTPUT) is None:
        return ""  # an operation of the framework's own
    if "gen_ai.tool.name" in told or "gen_ai.tool.call.id" in told:
        return "tool"
    if "gen_ai.request.model" in told or "gen_ai.response.model" in told:
        return "llm"
    return "llm" if "gen_ai.prompt.0.role" in told or "gen_ai.prompt.0.content" in told else ""


def _read_title(reading: SpanReading, kind: str) -> None:
    if kind == "tool":
        reading.fill_from("title", "gen_ai.tool.name")
    elif kind == "agent":
        reading.fill_from("title", "gen_ai.agent.name")
    elif kind == "workflow":
        reading.fill_from("title", "gen_ai.workflow.name")


def _read_usage(reading: SpanReading) -> None:
    told = reading.attributes
    tokens = usage(
        first_count(told, INPUT),
        first_count(told, OUTPUT),
        first_count(told, TOTAL),
        first_count(told, CACHED),
        first_count(told, CACHE_WRITE),
        first_count(told, REASONING),
    )
    reading.fill("usage", tokens, "gen_ai.usage")
    for name in COST:
        reading.fill("cost", cost(told.get(name)), name)


def _read_retrieval(reading: SpanReading) -> None:
    told = reading.attributes
    reading.fill_payload("inputs", "gen_ai.retrieval.query.text")
    documents = readable(told.get("gen_ai.retrieval.documents"))
    if isinstance(documents, list):
        reading.fill("outputs", {"documents": documents}, "gen_ai.retrieval.documents")
        reading.use(("gen_ai.retrieval.documents",))
