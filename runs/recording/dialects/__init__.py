"""What a span says about run and step, one module per convention, tried in a fixed order.

Each module has NAME, `applies(span, spoken)` (a cheap test; `spoken` holds the first part of every
attribute's name, as "gen_ai" of "gen_ai.system") and `read(reading)`. A dialect fills what is missing
and never overwrites, so the richer and more specific ones come first. README.md beside this file
lists them.
"""

from typing import Protocol

from runs.recording.dialects import genai, openinference, plain, pydantic_ai
from runs.recording.dialects.reading import Reading
from runs.recording.dify import otlp as dify
from runs.recording.records import NodeRecord
from runs.recording.spans import Span


class Dialect(Protocol):
    NAME: str

    def applies(self, span: Span, spoken: set[str]) -> bool: ...

    def read(self, reading: Reading) -> None: ...


DIALECTS: tuple[Dialect, ...] = (dify, openinference, genai, pydantic_ai, plain)


def read(span: Span) -> NodeRecord | None:
    """The neutral record of a span. None for a probe that is no part of any run."""
    reading = Reading(span)
    spoken = {name.partition(".")[0] for name in span.attributes}
    for dialect in DIALECTS:
        if dialect.applies(span, spoken):
            reading.dialect = dialect.NAME
            dialect.read(reading)
            if reading.ignored:
                return None
    return reading.record()
