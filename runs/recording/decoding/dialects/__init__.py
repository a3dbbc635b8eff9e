"""Turn a span into the neutral record of a step: one module per tracing convention ("dialect").

`read_span` asks the dialects one after the other, in the order of `DIALECTS`; every dialect that
applies to a span reads it. A dialect fills fields that are still empty and never overwrites, so the
richer and more specific dialects come first and `plain_opentelemetry`, which applies to every span,
comes last.

A dialect is a module with the three members that `Dialect` declares:

- `NAME` is stored as the origin of each field that it fills, and users see it: it never changes.
- `applies(span, prefixes)` returns whether the span follows this convention, by a cheap test.
  `prefixes` has the first part of the name of every attribute, as "gen_ai" of "gen_ai.system".
- `read(reading)` fills fields of the step and facts about its run through the methods of
  `SpanReading`.

To add a dialect: write `<dialect>.py` here, put the module into `DIALECTS` before every dialect
that reads less from the same spans, add its row to README.md at the same position (a test compares
the two), and write `tests/runs/recording/decoding/dialects/test_<dialect>.py`.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from runs.recording.decoding.dialects import (
    agentops,
    aliyun,
    coding_agent_spans,
    dify_enterprise,
    dify_langfuse,
    dify_native,
    dify_phoenix,
    dify_trace,
    dify_unified,
    gen_ai,
    genkit,
    google_adk,
    haystack,
    laminar,
    langfuse,
    langsmith,
    litellm,
    livekit,
    llamaindex,
    logfire,
    mastra,
    microsoft,
    mlflow,
    n8n,
    openinference,
    openlit,
    plain_opentelemetry,
    pydantic_ai,
    spring_ai,
    traceloop,
    vercel,
    waylog,
)
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.record import NodeRecord
from runs.recording.records.span import Span


class Dialect(Protocol):
    """What every module in `DIALECTS` has; the docstring of this package explains it."""

    NAME: str

    def applies(self, span: Span, prefixes: set[str]) -> bool: ...

    def read(self, reading: SpanReading) -> None: ...


DIALECTS: tuple[Dialect, ...] = (
    waylog,
    dify_enterprise,
    dify_native,
    dify_unified,
    dify_trace,
    dify_phoenix,
    aliyun,
    n8n,
    coding_agent_spans,
    dify_langfuse,
    langfuse,
    langsmith,
    mlflow,
    haystack,
    genkit,
    llamaindex,
    openinference,
    agentops,
    google_adk,
    microsoft,
    spring_ai,
    litellm,
    openlit,
    traceloop,
    vercel,
    mastra,
    livekit,
    gen_ai,
    pydantic_ai,
    logfire,
    laminar,
    plain_opentelemetry,
)
# Beginnings of the names of dialects that Dify's exporters speak.
DIFY_DIALECTS = ("dify", "aliyun", "waylog")
UNKNOWN_DIFY = "Looks like Dify, form not known: read as any other OpenTelemetry."


def read_span(span: Span, known_fields: Mapping[str, Any] | None = None) -> NodeRecord | None:
    """Return the record of the step that a span describes, or None where it is no part of any run.
    `known_fields`: fields of the record that the decoder knows already, by their names."""
    reading = read_fields(span, known_fields)
    return None if reading.ignored else reading.record()


def read_fields(span: Span, known_fields: Mapping[str, Any] | None = None) -> SpanReading:
    """Return what the dialects read from a span; `known_fields` as of `read_span`."""
    reading = SpanReading(span)
    if known_fields:
        reading.fields.update(known_fields)
    prefixes = {name.partition(".")[0] for name in span.attributes}
    for dialect in DIALECTS:
        if dialect.applies(span, prefixes):
            reading.dialect = dialect.NAME
            dialect.read(reading)
            if reading.ignored or reading.complete:
                break
    if not reading.remark and _is_unknown_dify(span, prefixes):
        reading.remark = UNKNOWN_DIFY
    return reading


def _is_unknown_dify(span: Span, prefixes: set[str]) -> bool:
    """Return whether a span names Dify, and no dialect of Dify's knew it."""
    if "dify" not in prefixes and "dify" not in span.scope:
        return False
    return not any(
        dialect.NAME.startswith(DIFY_DIALECTS) and dialect.applies(span, prefixes)
        for dialect in DIALECTS
    )
