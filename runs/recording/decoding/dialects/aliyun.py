"""`gen_ai.span.kind` and its companions: Alibaba Cloud's (ARMS) and Tencent Cloud's conventions,
which Dify's exporters for both speak, and Alibaba's own agents.

Facts, read in Dify's `core/ops/aliyun_trace` and `core/ops/tencent_trace`: both write every number
as text. Alibaba puts values into `input.value`, `output.value`, Tencent into
`gen_ai.entity.input|output`. Dify's run is a span `workflow`, below a span `message` in a chatflow,
and its nodes are children of it. The trace id is the id of the run, as a UUID in hex, unless the
caller gave one of its own; the execution's id is not told.
"""

from typing import Any
from uuid import UUID

from runs.recording.decoding.dialects.gen_ai_messages import read_gen_ai_messages
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import readable
from runs.recording.records.span import Span
from runs.recording.records.usage import first_count, usage

NAME = "aliyun"

KINDS = {
    "LLM": "llm",
    "GENERATION": "llm",
    "EMBEDDING": "embedding",
    "RETRIEVER": "retriever",
    "RERANKER": "reranker",
    "TOOL": "tool",
    "AGENT": "agent",
    "TASK": "task",
    "STEP": "task",
    "CHAIN": "chain",
    "WORKFLOW": "workflow",
    "ENTRY": "chain",
}
# Names that say nothing that the kind does not say.
GENERIC = frozenset({"GENERATION", "LLM"})
SIDES = ("input", "output", "total")
TURN, WORKFLOW = "message", "workflow"
MADE_BY_CHANCE = (4, 7)  # versions of UUID that Dify gives to its runs


def applies(span: Span, spoken: set[str]) -> bool:
    return "gen_ai.span.kind" in span.attributes or "gen_ai.entity.input" in span.attributes


def read(reading: SpanReading) -> None:
    told = reading.attributes
    kind = KINDS.get(str(told.get("gen_ai.span.kind", "")).upper(), "")
    is_dify = told.get("gen_ai.framework") == "dify"
    if is_dify and reading.span.name in (TURN, WORKFLOW) and "node.execution_id" not in told:
        _read_dify_run(reading)
    reading.fill("kind", kind, "gen_ai.span.kind")
    if kind == "tool":
        reading.fill_from("title", "gen_ai.tool.name", "tool.name")
        reading.fill_payload("inputs", "tool.parameters")
    elif kind == "retriever":
        _read_retrieval(reading)
    elif kind == "llm":
        _read_model(reading)
    if reading.span.name in GENERIC:
        reading.fill_from("title", "gen_ai.response.model", "gen_ai.request.model")
    for field, side in (("inputs", "input"), ("outputs", "output")):
        reading.fill_payload(field, f"gen_ai.entity.{side}")
        reading.fill_payload(field, f"{side}.value")
    reading.fill_run_from("conversation", "gen_ai.session.id")
    reading.fill_run_from("user", "gen_ai.user.id", "gen_ai.user.name")


def _read_dify_run(reading: SpanReading) -> None:
    """A turn of a chatflow is a span around the workflow's."""
    is_turn = reading.span.name == TURN
    reading.fields["is_run"] = True
    reading.fill("kind", "chain" if is_turn else "workflow", "name")
    if is_turn:
        reading.fill_run("mode", "chatflow", "name")
        return
    run_id = UUID(reading.span.trace_id)
    if run_id.version in MADE_BY_CHANCE:
        reading.fill_run("source_ids", (("dify-run", str(run_id)),), "trace id")


def _read_retrieval(reading: SpanReading) -> None:
    query = reading.attributes.get("retrieval.query")
    if query:
        reading.fill("inputs", {"query": query}, "retrieval.query")
        reading.use(("retrieval.query",))
    documents = readable(reading.attributes.get("retrieval.document"))
    if isinstance(documents, list):
        found = [_document(item) for item in documents]
        reading.fill("outputs", {"documents": found}, "retrieval.document")
        reading.use(("retrieval.document",))


def _document(told: Any) -> Any:
    """{"document": {…}} as the document."""
    inner = told.get("document") if isinstance(told, dict) else None
    return inner if isinstance(inner, dict) else told


def _read_model(reading: SpanReading) -> None:
    """Messages are told in the words of the GenAI conventions, with an operation or without."""
    told = reading.attributes
    read_gen_ai_messages(reading)
    reading.fill_from("model", "gen_ai.response.model", "gen_ai.request.model", "gen_ai.model_name")
    reading.fill_from("provider", "gen_ai.provider.name", "gen_ai.system")
    counts = [first_count(told, (f"gen_ai.usage.{side}_tokens",)) for side in SIDES]
    if any(counts):  # Dify writes zeros where a node used no model
        reading.fill("usage", usage(*counts), "gen_ai.usage")
