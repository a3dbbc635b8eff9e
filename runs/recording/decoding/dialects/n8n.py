"""n8n (from 2.19): `workflow.execute`, `node.execute`, and the agents inside.

Facts: the attributes are those of n8n's own tracer (`n8n.*`). Executions are numbered within an
instance. An execution that waited continues in a trace of its own, with the same number, linked to
the first. The span of an execution that crashed is made again with a new id; its parent is then the
lost span, which its nodes have as their parent as well. Values are not sent, only the number of
items.

n8n executes the nodes of a workflow one after the other, and reports beside each other those and
what they call meanwhile: sub-workflows (mode "integrated") and the sub-nodes of agents, chains and
vector stores. Which node called them follows from the times; n8n knows whole milliseconds.
"""

import re
from hashlib import blake2b

from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.span import Span
from runs.recording.records.usage import to_count

NAME = "n8n"
SUB_WORKFLOW = "integrated"

STATUSES = {
    "success": "succeeded",
    "error": "failed",
    "crashed": "failed",
    "canceled": "stopped",
    "waiting": "paused",
}
# Names of node types without their package; other names have a kind by their beginning or end.
KINDS = {
    "if": "branch",
    "switch": "branch",
    "filter": "list-operator",
    "httpRequest": "http-request",
    "graphql": "http-request",
    "code": "code",
    "function": "code",
    "functionItem": "code",
    "set": "assigner",
    "splitInBatches": "loop",
    "merge": "variable-aggregator",
    "aggregate": "variable-aggregator",
    "summarize": "list-operator",
    "sort": "list-operator",
    "limit": "list-operator",
    "splitOut": "list-operator",
    "removeDuplicates": "list-operator",
    "itemLists": "list-operator",
    "html": "template-transform",
    "markdown": "template-transform",
    "extractFromFile": "document-extractor",
    "readPDF": "document-extractor",
    "executeWorkflow": "workflow",
    "wait": "human-input",
    "form": "human-input",
    "respondToWebhook": "answer",
    "stopAndError": "end",
    "start": "start",
    "manualTrigger": "start",
    "executeWorkflowTrigger": "start",
    "chatTrigger": "start",
    "webhook": "trigger-webhook",
    "formTrigger": "trigger-webhook",
    "scheduleTrigger": "trigger-schedule",
    "cron": "trigger-schedule",
    "interval": "trigger-schedule",
    "agent": "agent",
    "openAiAssistant": "agent",
    "openAi": "llm",
    "anthropic": "llm",
    "googleGemini": "llm",
    "ollama": "llm",
    "textClassifier": "question-classifier",
    "sentimentAnalysis": "question-classifier",
    "informationExtractor": "parameter-extractor",
    "guardrails": "guardrail",
    "mcpClientTool": "tool",
    "mcpClient": "tool",
}
BEGINNINGS = (
    ("lmChat", "llm"),
    ("lm", "llm"),
    ("memory", "memory"),
    ("embeddings", "embedding"),
    ("vectorStore", "retriever"),
    ("retriever", "retriever"),
    ("reranker", "reranker"),
    ("chain", "chain"),
    ("tool", "tool"),
    ("document", "document-extractor"),
    ("textSplitter", "document-extractor"),
)
ENDINGS = (("Trigger", "trigger-plugin"), ("Tool", "tool"))
# Nodes that call sub-workflows, sub-nodes that call no others, and sub-nodes that may.
CALLS_WORKFLOW = frozenset({"executeWorkflow", "toolWorkflow", "retrieverWorkflow"})
CALLS_NONE = re.compile(
    r"(lm|memory|embeddings|reranker|textSplitter|tool|outputParser)[A-Z]|.+Tool$"
)
CALLS_SUB_NODES = re.compile(r"(retriever|document|vectorStore|model)[A-Z]")
# What calls sub-nodes in spite of its name.
CALLERS = frozenset({"toolVectorStore", "outputParserAutofixing", "agentTool", "memoryManager"})
STARTS = ("start", "trigger-webhook", "trigger-schedule", "trigger-plugin")
# Spans of n8n's own runtime for nodes, below a node.
RUNTIME_SPANS = ("contract.", "sandbox.", "rpc ")


def applies(span: Span, prefixes: set[str]) -> bool:
    return "n8n" in prefixes or span.scope.startswith(("n8n", "@n8n/"))


def read(reading: SpanReading) -> None:
    attributes = reading.attributes
    if attributes.get("n8n.test") or reading.span.name == "n8n.test_trace":
        reading.ignored = True
    elif "n8n.node.type" in attributes or "n8n.node.name" in attributes:
        _read_n8n_node(reading)
    elif "n8n.workflow.id" in attributes or "n8n.execution.id" in attributes:
        _read_n8n_execution(reading)
    elif reading.span.name.startswith(RUNTIME_SPANS):
        reading.fill("folded", True, "name")
    _read_n8n_run(reading)


def _read_n8n_run(reading: SpanReading) -> None:
    # The version of n8n itself is not that of the workflow.
    reading.settle_run("version")
    execution = reading.attributes.get("n8n.execution.id")
    if execution is None and reading.span.scope.startswith("@n8n/"):
        execution = reading.attributes.get("execution_id")
    if execution not in (None, ""):
        ids = ((_instance_id_kind(reading), str(execution)),)
        reading.fill_run("source_ids", ids, "n8n.execution.id")


def _instance_id_kind(reading: SpanReading) -> str:
    """Return the kind of source id that an execution's number has: "n8n-" and a digest of the
    instance's id or, where that is not sent, of the workflow's, which is random."""
    attributes = reading.attributes
    workflow_id = attributes.get("n8n.workflow.id", attributes.get("workflow_id", ""))
    instance_id = reading.span.resource.get("n8n.instance.id") or workflow_id
    return "n8n-" + blake2b(str(instance_id).encode("utf-8", "replace"), digest_size=4).hexdigest()


def _read_n8n_execution(reading: SpanReading) -> None:
    attributes, span = reading.attributes, reading.span
    reading.fill("kind", "workflow", "n8n.workflow.id")
    reading.fill_from("title", "n8n.workflow.name")
    reading.fill_from("error_type", "n8n.execution.error_type")
    status = STATUSES.get(str(attributes.get("n8n.execution.status")))
    reading.fill("status", status, "n8n.execution.status")
    if attributes.get("n8n.execution.mode") == SUB_WORKFLOW and span.parent_span_id:
        reading.fields |= {"is_run": False, "folded": True, "called_as": "workflow"}
        return
    reading.fields["is_run"] = True
    reading.fill_from("service", "n8n.workflow.name")
    reading.fill_run_from("version", "n8n.workflow.version_id")
    reading.fill_run_from("name", "n8n.workflow.name")
    reading.fill_run_from("trigger", "n8n.execution.mode")
    if attributes.get("n8n.execution.reconstructed") is True and span.parent_span_id:
        reading.fill("span_ids", (span.parent_span_id,), "n8n.execution.reconstructed")
        reading.fields["parent_source_id"] = None
    reading.fill_run("status", status, "n8n.execution.status")
    if attributes.get("n8n.execution.retry_of"):
        tag = f"retry of {attributes['n8n.execution.retry_of']}"
        reading.fill_run("tags", (tag,), "n8n.execution.retry_of")


def _read_n8n_node(reading: SpanReading) -> None:
    attributes = reading.attributes
    node_type = str(attributes.get("n8n.node.type") or "").rpartition(".")[2]
    kind = _n8n_node_kind(node_type)
    reading.fill("kind", kind, "n8n.node.type")
    is_leaf = CALLS_NONE.match(node_type) is not None
    if is_leaf or CALLS_SUB_NODES.match(node_type):
        reading.fields["called_as"] = "sub-node"
    if node_type in CALLS_WORKFLOW:
        reading.fields["calls"] = "workflow"
    elif kind not in STARTS and (not is_leaf or node_type in CALLERS):
        reading.fields["calls"] = "sub-node"
    reading.fill_from("node_id", "n8n.node.id", "n8n.node.name")
    reading.fill_from("title", "n8n.node.name")
    for field in ("input", "output"):
        count = to_count(attributes.get(f"n8n.node.items.{field}"))
        if count is not None:
            reading.fill(f"{field}s", {"items": count}, f"n8n.node.items.{field}")
    reason = attributes.get("n8n.node.termination_reason")
    if reason == "workflow_cancelled":
        reading.fill("status", "stopped", "n8n.node.termination_reason")
    elif reason:
        reading.fill("status", "failed", "n8n.node.termination_reason")
        reading.fill("error", str(reason).replace("_", " "), "n8n.node.termination_reason")


def _n8n_node_kind(node_type: str) -> str:
    """Return the kind of node by its type's name, without the package."""
    if node_type in KINDS:
        return KINDS[node_type]
    for beginning, kind in BEGINNINGS:
        if node_type.startswith(beginning) and node_type[len(beginning) :][:1].isupper():
            return kind
    for ending, kind in ENDINGS:
        if node_type.endswith(ending):
            return kind
    return "task"
