"""What kinds of node there are, and how each is shown.

Keys are the producers' standard words: Dify's node types, OpenInference's span kinds in lower case,
and `span` for a span that names no kind. An unknown kind is shown under its own name.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """`group` picks colour and icon: model, agent, tool, retrieval, branch, loop, flow, data,
    human, other. `call` names the API call that the step is: model, tool, http, or ""."""

    key: str
    label: str
    group: str
    call: str = ""
    container: bool = False


def _by_key(*kinds: Kind) -> dict[str, Kind]:
    return {kind.key: kind for kind in kinds}


KINDS = _by_key(
    # models
    Kind("llm", "LLM", "model", "model"),
    Kind("embedding", "Embedding", "model", "model"),
    Kind("reranker", "Reranker", "model", "model"),
    Kind("question-classifier", "Question classifier", "branch", "model"),
    Kind("parameter-extractor", "Parameter extractor", "model", "model"),
    # agents and containers
    Kind("workflow", "Workflow", "flow", container=True),
    Kind("agent", "Agent", "agent", container=True),
    Kind("chain", "Chain", "flow", container=True),
    Kind("iteration", "Iteration", "loop", container=True),
    Kind("loop", "Loop", "loop", container=True),
    Kind("task", "Task", "flow", container=True),
    # tools and other calls
    Kind("tool", "Tool", "tool", "tool"),
    Kind("http-request", "HTTP request", "tool", "http"),
    Kind("code", "Code", "data"),
    # retrieval
    Kind("retriever", "Retriever", "retrieval"),
    Kind("knowledge-retrieval", "Knowledge retrieval", "retrieval"),
    Kind("memory", "Memory", "retrieval"),
    # flow
    Kind("start", "Start", "flow"),
    Kind("end", "End", "flow"),
    Kind("answer", "Answer", "flow"),
    Kind("if-else", "If / else", "branch"),
    Kind("branch", "Branch", "branch"),
    Kind("handoff", "Hand-off", "branch"),
    Kind("trigger-webhook", "Webhook trigger", "flow"),
    Kind("trigger-schedule", "Schedule trigger", "flow"),
    Kind("trigger-plugin", "Plugin trigger", "flow"),
    Kind("datasource", "Data source", "flow"),
    Kind("datasource-empty", "Data source", "flow"),
    Kind("start-placeholder", "Start", "flow"),
    Kind("knowledge-index", "Knowledge index", "retrieval"),
    Kind("iteration-start", "Iteration start", "flow"),
    Kind("loop-start", "Loop start", "flow"),
    Kind("loop-end", "Loop end", "flow"),
    # data
    Kind("template-transform", "Template", "data"),
    Kind("variable-aggregator", "Variable aggregator", "data"),
    Kind("variable-assigner", "Variable aggregator", "data"),  # its name before Dify 0.7
    Kind("assigner", "Variable assigner", "data"),
    Kind("document-extractor", "Document extractor", "data"),
    Kind("list-operator", "List operator", "data"),
    Kind("prompt", "Prompt", "data"),
    Kind("parser", "Parser", "data"),
    Kind("joiner", "Joiner", "data"),
    # people and checks
    Kind("human-input", "Human input", "human"),
    Kind("guardrail", "Guardrail", "human"),
    Kind("evaluator", "Evaluator", "human"),
    Kind("moderation", "Moderation", "human"),
    Kind("event", "Event", "other"),
    Kind("span", "Span", "other"),
)


_BY_LABEL = {kind.label.lower(): kind.key for kind in reversed(KINDS.values())}


def kind_key(word: str) -> str:
    """Return the key of the kind that has this key or label; for any other word the word itself."""
    lowered = word.lower()
    return lowered if lowered in KINDS else _BY_LABEL.get(lowered, word)


def kind_of(key: str) -> Kind:
    """Return the kind with this key; one that is not listed has its key as label."""
    return KINDS.get(key) or Kind(
        key, key.replace("-", " ").replace("_", " ").capitalize(), "other"
    )
