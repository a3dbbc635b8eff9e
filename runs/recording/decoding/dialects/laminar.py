"""Laminar: `lmnr.*`, beside the GenAI attributes that its model calls have.

Facts: `lmnr.span.type|input|output` of Laminar's SDKs, `lmnr.association.properties.*` for facts
about the whole trace. Values are JSON text.
"""

from runs.recording.decoding.dialects.llm_api import model_request, model_response
from runs.recording.decoding.dialects.span_reading import SpanReading
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
PROPERTIES = "lmnr.association.properties."


def applies(span: Span, prefixes: set[str]) -> bool:
    return "lmnr" in prefixes


def read(reading: SpanReading) -> None:
    kind = KINDS.get(str(reading.attributes.get("lmnr.span.type", "")).upper())
    reading.fill("kind", kind, "lmnr.span.type")
    if reading.fields.get("kind") == "llm":
        for field, name, to_messages in (
            ("inputs", "lmnr.span.input", model_request),
            ("outputs", "lmnr.span.output", model_response),
        ):
            reading.fill(field, to_messages(reading.parsed(name, is_json=True)), name)
    reading.fill_payload("inputs", "lmnr.span.input", True)
    reading.fill_payload("outputs", "lmnr.span.output", True)
    reading.fill_run_from("conversation", PROPERTIES + "session_id")
    reading.fill_run_from("user", PROPERTIES + "user_id")
    reading.fill_run_tags(reading.parsed(PROPERTIES + "tags"), PROPERTIES + "tags")
