"""MLflow Tracing over OTLP: `mlflow.spanType`, `mlflow.spanInputs`, `mlflow.chat.tokenUsage`.

Facts: MLflow's span attributes (2.14 to 3). Every value that its SDKs set is JSON text, so that a
name comes in quotes; other producers that speak to MLflow write it plainly. What a model was asked
and answered is told as the model's own API has it (`mlflow.message.format`).
"""

from typing import Any

from runs.recording.decoding.dialects import langgraph
from runs.recording.decoding.dialects.langchain import is_wrapper, tool_result
from runs.recording.decoding.dialects.llm_api import model_request, model_response, tool_names
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import readable
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


def applies(span: Span, spoken: set[str]) -> bool:
    return "mlflow" in spoken


def read(reading: SpanReading) -> None:
    told = reading.attributes
    kind = KINDS.get(str(_value(told, TYPE) or "").upper(), "")
    _read_run(reading)
    question, output = _value(told, INPUT), _value(told, OUTPUT)
    langgraph.read_metadata(reading, kind, output, OUTPUT)
    reading.fill("kind", kind, TYPE)
    _fold(reading, kind)
    _read_model(reading)
    if kind == "llm":
        _read_call(reading, question, output)
    elif kind == "tool":
        output = tool_result(output)
    for field, value, name in (("inputs", question, INPUT), ("outputs", output, OUTPUT)):
        if field not in reading.fields and value is not None:
            reading.fill(field, value, name)
            reading.use((name,))


def _fold(reading: SpanReading, kind: str) -> None:
    span = reading.span
    if span.parent_span_id is None or kind not in ("chain", "parser"):
        return
    if is_wrapper(span.name, span.status == "error"):
        reading.fields["folded"] = True


def _read_run(reading: SpanReading) -> None:
    told = reading.attributes
    for fact, names in (
        ("conversation", ("session.id", "mlflow.trace.session")),
        ("user", ("user.id", "mlflow.trace.user")),
        ("name", (TAG + "mlflow.traceName", "mlflow.traceName")),
    ):
        for name in names:
            reading.fill_run(fact, _text(told, name), name)
    if trace := _text(told, "mlflow.traceRequestId"):
        reading.fill_run("source_ids", (("mlflow-trace", trace),), "mlflow.traceRequestId")
    reading.fill_run("tags", _tags(told) or None, TAG + "*")


def _tags(told: dict[str, Any]) -> tuple[str, ...]:
    """MLflow's tags are pairs; its own are no news to a reader."""
    pairs = {name.removeprefix(TAG): _text(told, name) for name in told if name.startswith(TAG)}
    at_once = _value(told, "mlflow.trace.tags")
    if isinstance(at_once, list):
        return tuple(str(tag) for tag in at_once)
    pairs |= at_once if isinstance(at_once, dict) else {}
    return tuple(f"{key}:{value}" for key, value in pairs.items() if not key.startswith("mlflow."))


def _read_model(reading: SpanReading) -> None:
    told = reading.attributes
    for field, names in (
        ("model", ("mlflow.llm.model", "mlflow.chat_model.model")),
        ("provider", ("mlflow.llm.provider",)),
    ):
        for name in names:
            reading.fill(field, _text(told, name), name)
    reading.fill("usage", api_usage(_value(told, USAGE)), USAGE)
    money = _value(told, COST)
    if isinstance(money, dict):
        reading.fill("cost", cost(money.get("total_cost")), COST)


def _read_call(reading: SpanReading, question: Any, output: Any) -> None:
    request = model_request(question)
    if request and (tools := tool_names(_value(reading.attributes, "mlflow.chat.tools"))):
        request["tools"] = tools
    reading.fill("inputs", request, INPUT)
    reading.fill("outputs", model_response(output), OUTPUT)
    for source, name in ((output, OUTPUT), (question, INPUT)):
        if isinstance(source, dict) and isinstance(source.get("model"), str):
            reading.fill("model", source["model"], f"{name}.model")


def _value(told: dict[str, Any], name: str) -> Any:
    value = readable(told.get(name), is_json=True)
    return None if value == "" else value


def _text(told: dict[str, Any], name: str) -> str | None:
    """Text that may be in quotes; digits stay text."""
    value = told.get(name)
    if isinstance(value, str) and value.startswith('"'):
        value = readable(value, is_json=True)
    return str(value) if value is not None and value != "" else None
