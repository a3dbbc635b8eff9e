"""A dialect that cannot read the spans that it applies to, as one with a mistake in it."""

from collections.abc import Callable

from runs.recording.decoding import dialects
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.span import Span


class FailingDialect:
    NAME = "failing"

    def __init__(self, fails: Callable[[Span], bool] = lambda span: True) -> None:
        self.fails = fails

    def applies(self, span: Span, prefixes: set[str]) -> bool:
        return self.fails(span)

    def read(self, reading: SpanReading) -> None:
        raise KeyError(reading.span.attributes)


def dialects_with(failing: FailingDialect) -> tuple[dialects.Dialect, ...]:
    return (failing, *dialects.DIALECTS)
