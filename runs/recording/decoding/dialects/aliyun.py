"""`gen_ai.span.kind` and the attributes that come with it: Alibaba Cloud's (ARMS) and Tencent
Cloud's conventions, which Dify's exporters for both use, and Alibaba's own agents.

Facts, read in Dify's `core/ops/aliyun_trace` and `core/ops/tencent_trace`: both write every number
as text. Alibaba puts values into `input.value`, `output.value`, Tencent into
`gen_ai.entity.input|output`. Dify's run is a span `workflow`, below a span `message` in a chatflow,
and its nodes are children of it. The trace id is the id of the run, as a UUID in hex, unless the
caller chose a trace id; the id of the execution is not sent.
"""

from typing import Any
from uuid import UUID

from runs.recording.decoding.dialects.gen_ai_messages import read_gen_ai_messages
from runs.recording.decoding.dialects.span_reading import SpanReading
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
# Names that only repeat the kind.
GENERIC_NAMES = frozenset({"GENERATION", "LLM"})
SIDES = ("input", "output", "total")
TURN_SPAN, WORKFLOW_SPAN = "message", "workflow"
RUN_ID_VERSIONS = (4, 7)  # versions of UUID that Dify gives to its runs


def applies(span: Span, prefixes: set[str]) -> bool:
    return "gen_ai.span.kind" in span.attributes or "gen_ai.entity.input" in span.attributes


def read(reading: SpanReading) -> None:
    attributes = reading.attributes
    kind = KINDS.get(str(attributes.get("gen_ai.span.kind", "")).upper(), "")
    is_dify = attributes.get("gen_ai.framework") == "dify"
    if (
        is_dify
        and reading.span.name in (TURN_SPAN, WORKFLOW_SPAN)
        and "node.execution_id" not in attributes
    ):
        _read_dify_run(reading)
    reading.fill("kind", kind, "gen_ai.span.kind")
    if kind == "tool":
        reading.fill_from("title", "gen_ai.tool.name", "tool.name")
        reading.fill_payload("inputs", "tool.parameters")
    elif kind == "retriever":
        _read_aliyun_retrieval(reading)
    elif kind == "llm":
        _read_aliyun_model_call(reading)
    if reading.span.name in GENERIC_NAMES:
        reading.fill_from("title", "gen_ai.response.model", "gen_ai.request.model")
    for field, side in (("inputs", "input"), ("outputs", "output")):
        reading.fill_payload(field, f"gen_ai.entity.{side}")
        reading.fill_payload(field, f"{side}.value")
    reading.fill_run_from("conversation", "gen_ai.session.id")
    reading.fill_run_from("user", "gen_ai.user.id", "gen_ai.user.name")


def _read_dify_run(reading: SpanReading) -> None:
    """Read Dify's run. A turn of a chatflow is a span around the workflow's."""
    is_turn = reading.span.name == TURN_SPAN
    reading.fields["is_run"] = True
    reading.fill("kind", "chain" if is_turn else "workflow", "name")
    if is_turn:
        reading.fill_run("mode", "chatflow", "name")
        return
    run_id = UUID(reading.span.trace_id)
    if run_id.version in RUN_ID_VERSIONS:
        reading.fill_run("source_ids", (("dify-run", str(run_id)),), "trace id")


def _read_aliyun_retrieval(reading: SpanReading) -> None:
    query = reading.attributes.get("retrieval.query")
    if query:
        reading.fill("inputs", {"query": query}, "retrieval.query")
        reading.consume(("retrieval.query",))
    documents = reading.parsed("retrieval.document")
    if isinstance(documents, list):
        documents = [_inner_document(item) for item in documents]
        reading.fill("outputs", {"documents": documents}, "retrieval.document")
        reading.consume(("retrieval.document",))


def _inner_document(item: Any) -> Any:
    """Return the document in {"document": {…}}; anything else as it is."""
    inner = item.get("document") if isinstance(item, dict) else None
    return inner if isinstance(inner, dict) else item


def _read_aliyun_model_call(reading: SpanReading) -> None:
    """Read a model call. Its messages follow the GenAI conventions even without an operation."""
    read_gen_ai_messages(reading)
    reading.fill_from("model", "gen_ai.response.model", "gen_ai.request.model", "gen_ai.model_name")
    reading.fill_from("provider", "gen_ai.provider.name", "gen_ai.system")
    counts = [first_count(reading.attributes, (f"gen_ai.usage.{side}_tokens",)) for side in SIDES]
    if any(counts):  # Dify writes zeros where a node used no model
        reading.fill("usage", usage(*counts), "gen_ai.usage")
