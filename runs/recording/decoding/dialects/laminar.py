"""Laminar: `lmnr.*`, beside the GenAI attributes that its model calls have.

Facts: `lmnr.span.type|input|output` of Laminar's SDKs, `lmnr.association.properties.*` for what is
told about the whole trace. Values are JSON text.
"""

from runs.recording.decoding.dialects.chat_messages import as_text
from runs.recording.decoding.dialects.llm_api import model_request, model_response
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import readable
from runs.recording.records.span import Span

NAME = "laminar"

KINDS = {
    "LLM": "llm",
    "CACHED": "llm",
    "TOOL": "tool",
    "EXECUTOR": "task",
    "EVALUATOR": "evaluator",
    "HUMAN_EVALUATOR": "human-input",
    "EVALUATION": "workflow",
    "PIPELINE": "workflow",
    "DEFAULT": "task",
}
ABOUT = "lmnr.association.properties."


def applies(span: Span, spoken: set[str]) -> bool:
    return "lmnr" in spoken


def read(reading: SpanReading) -> None:
    told = reading.attributes
    kind = KINDS.get(str(told.get("lmnr.span.type", "")).upper())
    reading.fill("kind", kind, "lmnr.span.type")
    if reading.fields.get("kind") == "llm":
        for field, name, in_one_form in (
            ("inputs", "lmnr.span.input", model_request),
            ("outputs", "lmnr.span.output", model_response),
        ):
            reading.fill(field, in_one_form(readable(told.get(name), True)), name)
    reading.fill_payload("inputs", "lmnr.span.input", True)
    reading.fill_payload("outputs", "lmnr.span.output", True)
    reading.fill_run_from("conversation", ABOUT + "session_id")
    reading.fill_run_from("user", ABOUT + "user_id")
    tags = readable(told.get(ABOUT + "tags"))
    if tags:
        tags = tags if isinstance(tags, list) else [tags]
        reading.fill_run("tags", tuple(as_text(tag) for tag in tags), ABOUT + "tags")
