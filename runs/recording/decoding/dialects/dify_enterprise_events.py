"""What Dify Enterprise tells as logs alone: turns of chat apps, and the steps that belong to them.

Facts, read in Dify's `api/enterprise/telemetry` (the data dictionary's "standalone logs"): the
trace is the run's where there is one, else the message's. A log is written when all is over; how
long it took is told by most.
"""

import json
from hashlib import blake2b
from typing import Any

from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.decoding.dify.vocabulary import ENDED_BADLY, duration_us
from runs.recording.records.span import Span
from runs.recording.records.usage import cost

GATED = "ref:"
MESSAGE = "dify.message.run"
# Event → the beginning of its attributes, the kind of step.
EVENTS = {
    MESSAGE: ("dify.message", "chain"),
    "dify.tool.execution": ("dify.tool", "tool"),
    "dify.moderation.check": ("dify.moderation", "moderation"),
    "dify.suggested_question.generation": ("dify.suggested_question", "llm"),
    "dify.dataset.retrieval": ("dify.retrieval", "knowledge-retrieval"),
    "dify.generate_name.execution": ("dify.generate_name", "llm"),
    "dify.prompt_generation.execution": ("dify.prompt_generation", "llm"),
}
STATUSES = {
    "succeeded": "succeeded",
    "success": "succeeded",
    "normal": "succeeded",
    "failed": "failed",
    "error": "failed",
    "exception": "exception",
    "stopped": "stopped",
    "paused": "paused",
    "running": "running",
    "retry": "retry",
}
INPUTS = ("inputs", "query", "instruction")
OUTPUTS = ("outputs", "output", "questions", "action")
DURATIONS = ("duration", "time_cost", "latency")


def read(reading: SpanReading) -> None:
    told = reading.attributes
    event = reading.span.name
    prefix, kind = EVENTS[event]
    is_turn = event == MESSAGE
    message = str(told.get("dify.message.id") or "")
    inside_run = bool(told.get("dify.workflow.run_id"))
    reading.fields["is_run"] = is_turn and not inside_run
    # In a chatflow the nodes did the work; the message repeats the sum of it.
    reading.fields["folded"] = is_turn and inside_run
    if is_turn and message and not inside_run:
        reading.fill("source_id", message, "dify.message.id")
    reading.fill("source_id", f"{message or prefix}:{_digest(reading.span)}", "dify.message.id")
    if not is_turn and not inside_run:
        reading.fill("parent_source_id", message, "dify.message.id")
    reading.fill("kind", kind, "name")
    reading.fill_from("title", "gen_ai.tool.name", "dify.tool.name")
    reading.fill("title", event.split(".")[1].replace("_", " "), "name")
    _read_times(reading, prefix)
    read_values(reading, prefix)
    _read_documents(reading)
    read_status(reading, prefix, told.get(f"{prefix}.status"))
    price = cost(told.get(f"{prefix}.total_price"), told.get(f"{prefix}.currency"))
    reading.fill("cost", price, f"{prefix}.total_price")
    if is_turn:
        _read_turn(reading, inside_run)


def _read_turn(reading: SpanReading, inside_run: bool) -> None:
    if inside_run:
        reading.fields["usage"] = None
    reading.fill_run("mode", "chatflow", "name")
    reading.fill_run_from("conversation", "dify.conversation.id")
    reading.fill_run_from("user", "gen_ai.user.id", "dify.message.from_end_user_id")
    reading.fill_run_from("trigger", "dify.invoke_from")


def _read_times(reading: SpanReading, prefix: str) -> None:
    """The span that stands for the log ends when the log was written."""
    ended = reading.span.end_us
    for name in DURATIONS:
        took = duration_us(reading.attributes.get(f"{prefix}.{name}"))
        if took is not None and ended is not None:
            reading.fill("started_us", max(ended - took, 1), f"{prefix}.{name}")
    reading.fill("started_us", ended, "time")


def _digest(span: Span) -> str:
    """The same for the same log; a message may have several of an event."""
    told = json.dumps([span.name, span.end_us, span.attributes], sort_keys=True)
    return blake2b(told.encode(), digest_size=8).hexdigest()


def read_values(reading: SpanReading, prefix: str) -> None:
    """Inputs, outputs and process data. What is held back stays among what was received, where it
    says so."""
    for field, names in (
        ("inputs", [f"{prefix}.{name}" for name in INPUTS] + ["input.value"]),
        ("outputs", [f"{prefix}.{name}" for name in OUTPUTS] + ["output.value"]),
        ("process_data", [f"{prefix}.process_data"]),
    ):
        for name in names:
            if is_gated(reading.attributes.get(name)):
                reading.fields.setdefault(field, None)  # no other dialect shall show it
            else:
                reading.fill_payload(field, name)


def _read_documents(reading: SpanReading) -> None:
    if not is_gated(reading.attributes.get("dify.dataset.documents")):
        reading.fill_payload("outputs", "dify.dataset.documents")


def is_gated(value: Any) -> bool:
    """Whether a value is a reference that stands for content held back: `ref:message_id=…`."""
    return isinstance(value, str) and value.startswith(GATED) and "=" in value[:40]


def read_status(reading: SpanReading, prefix: str, status: Any) -> None:
    """Status and error; a log that tells an error and no status is of a failure."""
    error = reading.attributes.get(f"{prefix}.error")
    reading.fill("status", STATUSES.get(str(status)), f"{prefix}.status")
    if status is None and reading.span.name in EVENTS:
        reading.fill("status", "failed" if error else "succeeded", f"{prefix}.error")
    if reading.fields.get("status") in ENDED_BADLY:
        reading.fill_from("error", f"{prefix}.error", "error.message")
