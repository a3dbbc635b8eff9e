"""AgentOps: `agentops.*`, beside the GenAI attributes that its model calls have.

Facts: a decorated function is a span `NAME.KIND` with `agentops.span.kind`, `operation.name`, and
its values as JSON text in `agentops.KIND.input|output` (before: `agentops.entity.*`); arguments are
{args, kwargs}. The session is the root. Tools and agents have `tool.*` and `agent.*`.
"""

from typing import Any

from runs.recording.decoding.dialects.chat_messages import as_text
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import readable
from runs.recording.records.span import Span
from runs.recording.records.usage import cost

NAME = "agentops"

KINDS = {
    "session": "workflow",
    "workflow": "workflow",
    "task": "task",
    "operation": "task",
    "text": "task",
    "agent": "agent",
    "tool": "tool",
    "llm": "llm",
    "chain": "chain",
    "guardrail": "guardrail",
    "http": "http-request",
}
KIND = "agentops.span.kind"
END_STATE = "agentops.session.end_state"


def applies(span: Span, prefixes: set[str]) -> bool:
    return "agentops" in prefixes


def read(reading: SpanReading) -> None:
    attributes, span = reading.attributes, reading.span
    agentops_kind = str(attributes.get(KIND, "")).lower()
    kind = KINDS.get(agentops_kind)
    reading.fill("kind", kind, KIND)
    if kind in ("tool", "agent"):
        reading.fill_from("title", f"{kind}.name")
    reading.fill_from("title", "agentops.entity.name", "operation.name")
    if agentops_kind and span.name.endswith(f".{agentops_kind}"):
        reading.fill("title", span.name.removesuffix(f".{agentops_kind}"), "name")
    _read_agentops_values(reading, agentops_kind)
    reading.fill("cost", cost(attributes.get("gen_ai.usage.total_cost")), "gen_ai.usage.total_cost")
    if attributes.get("to_agent"):
        reading.fill_from("taken", "to_agent")
    if span.parent_span_id is None:
        reading.fill_run("name", reading.fields.get("title"), "operation.name")
    _read_session(reading)


def _read_agentops_values(reading: SpanReading, agentops_kind: str) -> None:
    attributes = reading.attributes
    for name in (f"agentops.{agentops_kind}.input", "agentops.entity.input"):
        if name in attributes and "inputs" not in reading.fields:
            reading.fill("inputs", _without_args_and_kwargs(readable(attributes[name])), name)
            reading.consume((name,))
    reading.fill_payload("inputs", "tool.parameters")
    for name in (f"agentops.{agentops_kind}.output", "agentops.entity.output", "tool.result"):
        reading.fill_payload("outputs", name, True)


def _without_args_and_kwargs(value: Any) -> Any:
    """Return the arguments of a call by their names; of a single one without a name its value."""
    if not isinstance(value, dict) or set(value) != {"args", "kwargs"}:
        return value
    if not value["args"]:
        return value["kwargs"] or None
    single = isinstance(value["args"], list) and len(value["args"]) == 1 and not value["kwargs"]
    return value["args"][0] if single else value


def _read_session(reading: SpanReading) -> None:
    state = str(reading.attributes.get(END_STATE, "")).lower()
    if "error" in state or "fail" in state:
        reading.fill_run("status", "failed", END_STATE)
    tags = reading.parsed("agentops.tags")
    if isinstance(tags, dict):
        tags = [f"{key}: {as_text(value)}" for key, value in tags.items()]
    reading.fill_run_tags(tags, "agentops.tags")
    environment = reading.span.resource.get("agentops.environment")
    if isinstance(environment, str):
        reading.fill_run("environment", environment, "agentops.environment")
