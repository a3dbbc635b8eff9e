"""What a span says about run and step, one module per convention, tried in a fixed order.

Each module has NAME, `applies(span)` (a cheap test) and `read(reading)`. A dialect fills what is
missing and never overwrites, so the richer and more specific ones come first.
"""

from typing import Protocol

from runs.recording.dialects import genai, openinference, plain, pydantic_ai
from runs.recording.dialects.reading import Reading
from runs.recording.dify import otlp as dify
from runs.recording.records import NodeRecord
from runs.recording.spans import Span


class Dialect(Protocol):
    NAME: str

    def applies(self, span: Span) -> bool: ...

    def read(self, reading: Reading) -> None: ...


DIALECTS: tuple[Dialect, ...] = (dify, openinference, genai, pydantic_ai, plain)


def read(span: Span) -> NodeRecord | None:
    """The neutral record of a span. None for a probe that is no part of any run."""
    reading = Reading(span)
    for dialect in DIALECTS:
        if dialect.applies(span):
            reading.dialect = dialect.NAME
            dialect.read(reading)
            if reading.ignored:
                return None
    return reading.record()
