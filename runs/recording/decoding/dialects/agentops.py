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


def applies(span: Span, spoken: set[str]) -> bool:
    return "agentops" in spoken


def read(reading: SpanReading) -> None:
    told, span = reading.attributes, reading.span
    said = str(told.get(KIND, "")).lower()
    kind = KINDS.get(said)
    reading.fill("kind", kind, KIND)
    if kind in ("tool", "agent"):
        reading.fill_from("title", f"{kind}.name")
    reading.fill_from("title", "agentops.entity.name", "operation.name")
    if said and span.name.endswith(f".{said}"):
        reading.fill("title", span.name.removesuffix(f".{said}"), "name")
    _read_values(reading, said)
    reading.fill("cost", cost(told.get("gen_ai.usage.total_cost")), "gen_ai.usage.total_cost")
    if told.get("to_agent"):
        reading.fill_from("taken", "to_agent")
    if span.parent_span_id is None:
        reading.fill_run("name", reading.fields.get("title"), "operation.name")
    _read_run(reading)


def _read_values(reading: SpanReading, said: str) -> None:
    told = reading.attributes
    for name in (f"agentops.{said}.input", "agentops.entity.input"):
        if name in told and "inputs" not in reading.fields:
            reading.fill("inputs", _arguments(readable(told[name])), name)
            reading.use((name,))
    reading.fill_payload("inputs", "tool.parameters")
    for name in (f"agentops.{said}.output", "agentops.entity.output", "tool.result"):
        reading.fill_payload("outputs", name, True)


def _arguments(told: Any) -> Any:
    """Arguments by name where they have names; of one without, its value."""
    if not isinstance(told, dict) or set(told) != {"args", "kwargs"}:
        return told
    if not told["args"]:
        return told["kwargs"] or None
    single = isinstance(told["args"], list) and len(told["args"]) == 1 and not told["kwargs"]
    return told["args"][0] if single else told


def _read_run(reading: SpanReading) -> None:
    told = reading.attributes
    state = str(told.get(END_STATE, "")).lower()
    if "error" in state or "fail" in state:
        reading.fill_run("status", "failed", END_STATE)
    tags = readable(told.get("agentops.tags"))
    if isinstance(tags, dict):
        tags = [f"{key}: {as_text(value)}" for key, value in tags.items()]
    if tags:
        tags = tags if isinstance(tags, list) else [tags]
        reading.fill_run("tags", tuple(as_text(tag) for tag in tags), "agentops.tags")
    environment = reading.span.resource.get("agentops.environment")
    if isinstance(environment, str):
        reading.fill_run("environment", environment, "agentops.environment")
