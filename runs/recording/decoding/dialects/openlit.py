"""OpenLIT's own spans of functions: `@openlit.trace` and `openlit.start_trace`.

Facts: OpenLIT's source. Arguments are in `function.args` and `function.kwargs`, as Python writes
them, and what was returned is text in `gen_ai.output.messages` (before: an attribute of another
name). Its model calls follow the GenAI conventions.
"""

from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.span import Span

NAME = "openlit"
ARGUMENTS = ("function.args", "function.kwargs")
RESULTS = ("gen_ai.output.messages", "gen_ai.content.completion", "gen_ai.completion")
EMPTY = ("", "()", "{}")


def applies(span: Span, prefixes: set[str]) -> bool:
    return span.scope.startswith("openlit") and "gen_ai.operation.name" not in span.attributes


def read(reading: SpanReading) -> None:
    attributes = reading.attributes
    reading.fill("kind", "chain", "scope")
    arguments = {
        name.removeprefix("function."): attributes[name]
        for name in ARGUMENTS
        if attributes.get(name, "") not in EMPTY
    }
    if arguments:
        reading.fill("inputs", arguments, ARGUMENTS[0])
        reading.consume(ARGUMENTS)
    for name in RESULTS:
        reading.fill_payload("outputs", name)
