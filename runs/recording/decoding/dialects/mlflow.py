"""MLflow Tracing over OTLP: `mlflow.spanType`, `mlflow.spanInputs`, `mlflow.chat.tokenUsage`.

Facts: MLflow's span attributes (2.14 to 3). Every value that its SDKs set is JSON text, so that a
name comes in quotes; other producers that send to MLflow write it without. Requests to a model and
its responses are in the form of its own API (`mlflow.message.format`).
"""

from typing import Any

from runs.recording.decoding.dialects import langgraph
from runs.recording.decoding.dialects.langchain import is_wrapper, tool_result
from runs.recording.decoding.dialects.llm_api import model_request, model_response, tool_names
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import object_or_empty, readable
from runs.recording.records.span import Span
from runs.recording.records.usage import api_usage, cost

NAME = "mlflow"

INPUT, OUTPUT = "mlflow.spanInputs", "mlflow.spanOutputs"
TYPE = "mlflow.spanType"
USAGE, COST = "mlflow.chat.tokenUsage", "mlflow.llm.cost"
TAG = "mlflow.traceTag."
KINDS = {
    "LLM": "llm",
    "CHAT_MODEL": "llm",
    "CHAIN": "chain",
    "AGENT": "agent",
    "TOOL": "tool",
    "RETRIEVER": "retriever",
    "EMBEDDING": "embedding",
    "RERANKER": "reranker",
    "PARSER": "parser",
    "MEMORY": "memory",
    "WORKFLOW": "workflow",
    "TASK": "task",
    "GUARDRAIL": "guardrail",
    "EVALUATOR": "evaluator",
}


def applies(span: Span, prefixes: set[str]) -> bool:
    return "mlflow" in prefixes


def read(reading: SpanReading) -> None:
    attributes = reading.attributes
    kind = KINDS.get(str(_json_value(attributes, TYPE) or "").upper(), "")
    _read_mlflow_trace(reading)
    input, output = _json_value(attributes, INPUT), _json_value(attributes, OUTPUT)
    langgraph.read_metadata(reading, kind, output, OUTPUT)
    reading.fill("kind", kind, TYPE)
    _read_wrapper(reading, kind)
    _read_mlflow_model(reading)
    if kind == "llm":
        _read_mlflow_call(reading, input, output)
    elif kind == "tool":
        output = tool_result(output)
    for field, value, name in (("inputs", input, INPUT), ("outputs", output, OUTPUT)):
        if field not in reading.fields and value is not None:
            reading.fill(field, value, name)
            reading.consume((name,))


def _read_wrapper(reading: SpanReading, kind: str) -> None:
    span = reading.span
    if span.parent_span_id is None or kind not in ("chain", "parser"):
        return
    if is_wrapper(span.name, span.status == "error"):
        reading.fields["folded"] = True


def _read_mlflow_trace(reading: SpanReading) -> None:
    attributes = reading.attributes
    for fact, names in (
        ("conversation", ("session.id", "mlflow.trace.session")),
        ("user", ("user.id", "mlflow.trace.user")),
        ("name", (TAG + "mlflow.traceName", "mlflow.traceName")),
    ):
        for name in names:
            reading.fill_run(fact, _unquoted_text(attributes, name), name)
    if trace := _unquoted_text(attributes, "mlflow.traceRequestId"):
        reading.fill_run("source_ids", (("mlflow-trace", trace),), "mlflow.traceRequestId")
    reading.fill_run("tags", _mlflow_tags(attributes) or None, TAG + "*")


def _mlflow_tags(attributes: dict[str, Any]) -> tuple[str, ...]:
    """Return tags as "key:value", without those that MLflow sets itself."""
    pairs = {
        name.removeprefix(TAG): _unquoted_text(attributes, name)
        for name in attributes
        if name.startswith(TAG)
    }
    all_tags = _json_value(attributes, "mlflow.trace.tags")
    if isinstance(all_tags, list):
        return tuple(str(tag) for tag in all_tags)
    pairs |= object_or_empty(all_tags)
    return tuple(f"{key}:{value}" for key, value in pairs.items() if not key.startswith("mlflow."))


def _read_mlflow_model(reading: SpanReading) -> None:
    attributes = reading.attributes
    for field, names in (
        ("model", ("mlflow.llm.model", "mlflow.chat_model.model")),
        ("provider", ("mlflow.llm.provider",)),
    ):
        for name in names:
            reading.fill(field, _unquoted_text(attributes, name), name)
    reading.fill("usage", api_usage(_json_value(attributes, USAGE)), USAGE)
    money = _json_value(attributes, COST)
    if isinstance(money, dict):
        reading.fill("cost", cost(money.get("total_cost")), COST)


def _read_mlflow_call(reading: SpanReading, input: Any, output: Any) -> None:
    request = model_request(input)
    if request and (tools := tool_names(_json_value(reading.attributes, "mlflow.chat.tools"))):
        request["tools"] = tools
    reading.fill("inputs", request, INPUT)
    reading.fill("outputs", model_response(output), OUTPUT)
    for source, name in ((output, OUTPUT), (input, INPUT)):
        if isinstance(source, dict) and isinstance(source.get("model"), str):
            reading.fill("model", source["model"], f"{name}.model")


def _json_value(attributes: dict[str, Any], name: str) -> Any:
    value = readable(attributes.get(name), is_json=True)
    return None if value == "" else value


def _unquoted_text(attributes: dict[str, Any], name: str) -> str | None:
    """Return text without the quotes that it may be in; digits stay text."""
    value = attributes.get(name)
    if isinstance(value, str) and value.startswith('"'):
        value = readable(value, is_json=True)
    return str(value) if value is not None and value != "" else None
