"""The kinds of nodes, and how each is shown.

Keys are the producers' standard words: Dify's node types, OpenInference's span kinds in lower case,
and `span` for a span that names no kind. An unknown kind is shown under its own name.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NodeKind:
    """`group` picks colour and icon: model, agent, tool, retrieval, branch, loop, flow, data,
    human, other. `call` names the API call that the step is: model, tool, http, or ""."""

    key: str
    label: str
    group: str
    call: str = ""
    container: bool = False


def _by_key(*kinds: NodeKind) -> dict[str, NodeKind]:
    return {kind.key: kind for kind in kinds}


KINDS = _by_key(
    # models
    NodeKind("llm", "LLM", "model", "model"),
    NodeKind("embedding", "Embedding", "model", "model"),
    NodeKind("reranker", "Reranker", "model", "model"),
    NodeKind("question-classifier", "Question classifier", "branch", "model"),
    NodeKind("parameter-extractor", "Parameter extractor", "model", "model"),
    # agents and containers
    NodeKind("workflow", "Workflow", "flow", container=True),
    NodeKind("agent", "Agent", "agent", container=True),
    NodeKind("chain", "Chain", "flow", container=True),
    NodeKind("iteration", "Iteration", "loop", container=True),
    NodeKind("loop", "Loop", "loop", container=True),
    NodeKind("task", "Task", "flow", container=True),
    # tools and other calls
    NodeKind("tool", "Tool", "tool", "tool"),
    NodeKind("http-request", "HTTP request", "tool", "http"),
    NodeKind("code", "Code", "data"),
    # retrieval
    NodeKind("retriever", "Retriever", "retrieval"),
    NodeKind("knowledge-retrieval", "Knowledge retrieval", "retrieval"),
    NodeKind("memory", "Memory", "retrieval"),
    # flow
    NodeKind("start", "Start", "flow"),
    NodeKind("end", "End", "flow"),
    NodeKind("answer", "Answer", "flow"),
    NodeKind("if-else", "If / else", "branch"),
    NodeKind("branch", "Branch", "branch"),
    NodeKind("handoff", "Hand-off", "branch"),
    NodeKind("trigger-webhook", "Webhook trigger", "flow"),
    NodeKind("trigger-schedule", "Schedule trigger", "flow"),
    NodeKind("trigger-plugin", "Plugin trigger", "flow"),
    NodeKind("datasource", "Data source", "flow"),
    NodeKind("datasource-empty", "Data source", "flow"),
    NodeKind("start-placeholder", "Start", "flow"),
    NodeKind("knowledge-index", "Knowledge index", "retrieval"),
    NodeKind("iteration-start", "Iteration start", "flow"),
    NodeKind("loop-start", "Loop start", "flow"),
    NodeKind("loop-end", "Loop end", "flow"),
    # data
    NodeKind("template-transform", "Template", "data"),
    NodeKind("variable-aggregator", "Variable aggregator", "data"),
    NodeKind("variable-assigner", "Variable aggregator", "data"),  # its name before Dify 0.7
    NodeKind("assigner", "Variable assigner", "data"),
    NodeKind("document-extractor", "Document extractor", "data"),
    NodeKind("list-operator", "List operator", "data"),
    NodeKind("prompt", "Prompt", "data"),
    NodeKind("parser", "Parser", "data"),
    NodeKind("joiner", "Joiner", "data"),
    # people and checks
    NodeKind("human-input", "Human input", "human"),
    NodeKind("guardrail", "Guardrail", "human"),
    NodeKind("evaluator", "Evaluator", "human"),
    NodeKind("moderation", "Moderation", "human"),
    NodeKind("event", "Event", "other"),
    NodeKind("span", "Span", "other"),
)


_BY_LABEL = {kind.label.lower(): kind.key for kind in reversed(KINDS.values())}


def kind_key(word: str) -> str:
    """Return the key of the kind that has this key or label; for any other word the word itself."""
    lowered = word.lower()
    return lowered if lowered in KINDS else _BY_LABEL.get(lowered, word)


def kind_of(key: str) -> NodeKind:
    """Return the kind with this key; one that is not listed has its key as label."""
    return KINDS.get(key) or NodeKind(
        key, key.replace("-", " ").replace("_", " ").capitalize(), "other"
    )
