"""What a span says about run and step, one module per convention, tried in a fixed order.

Each module has NAME, `applies(span, spoken)` (a cheap test; `spoken` has the first part of every
attribute's name, as "gen_ai" of "gen_ai.system") and `read(reading)`. A dialect fills what is
missing and never overwrites, so the richer and more specific ones come first. README.md beside this
file lists them.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from runs.recording.decoding.dialects import (
    agentops,
    aliyun,
    dify_enterprise,
    dify_native,
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
    plain_opentelemetry,
    pydantic_ai,
    spring_ai,
    traceloop,
    vercel,
    waylog,
)
from runs.recording.decoding.dialects import dify_langfuse as dify_langfuse
from runs.recording.decoding.dialects import dify_phoenix as dify
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.record import NodeRecord
from runs.recording.records.span import Span


class Dialect(Protocol):
    NAME: str

    def applies(self, span: Span, spoken: set[str]) -> bool: ...

    def read(self, reading: SpanReading) -> None: ...


DIALECTS: tuple[Dialect, ...] = (
    waylog,
    dify_enterprise,
    dify_native,
    dify,
    aliyun,
    n8n,
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


def read_span(span: Span, told: Mapping[str, Any] | None = None) -> NodeRecord | None:
    """The neutral record of a span. `told`: fields of it that the decoder knows already. None for a
    probe that is no part of any run."""
    reading = SpanReading(span)
    if told:
        reading.fields.update(told)
    spoken = {name.partition(".")[0] for name in span.attributes}
    for dialect in DIALECTS:
        if dialect.applies(span, spoken):
            reading.dialect = dialect.NAME
            dialect.read(reading)
            if reading.ignored:
                return None
            if reading.settled:
                break
    return reading.record()
