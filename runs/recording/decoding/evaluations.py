"""Results of evaluations as OpenTelemetry's conventions send them: in a log that names the span
evaluated, or (before events of spans were deprecated for it) in an event of that span. Pure.

Facts: `gen_ai.evaluation.result` with gen_ai.evaluation.name, .score.value, .score.label and
.explanation; error.type, when the evaluation itself failed.
"""

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from runs.recording.records.record import NoteRecord
from runs.recording.records.span import Span

NAME = "gen_ai.evaluation.result"
_PREFIX = "gen_ai.evaluation."


def evaluation_note(
    attributes: Mapping[str, Any], trace: str, span: str, created_us: int | None, time_ns: int
) -> NoteRecord:
    """Return the note for the attributes of one result. `span` is "" where the run as a whole was
    evaluated; `time_ns` tells evaluations of one name apart."""
    name = str(attributes.get(f"{_PREFIX}name") or "evaluation")
    error_type = attributes.get("error.type")
    explanation = attributes.get(f"{_PREFIX}explanation")
    return NoteRecord(
        about=trace,
        source="evaluation",
        source_id=f"{trace}:{span}:{time_ns}:{name}",
        name=name,
        number=_score_number(attributes.get(f"{_PREFIX}score.value")),
        label=str(attributes.get(f"{_PREFIX}score.label") or ""),
        text=str(explanation or (f"Failed: {error_type}" if error_type else "")),
        about_step=span,
        created_us=created_us,
    )


def _score_number(score: Any) -> float | None:
    """Return a score as a number, also one that is sent as text; None where it is none."""
    try:
        number = float(score) if isinstance(score, int | float | str) else None
    except (ValueError, OverflowError):  # words; hundreds of digits
        return None
    return number if number is not None and isfinite(number) else None


def notes_in_events(span: Span) -> Iterator[NoteRecord]:
    """Yield a note for each event of the span that is the result of an evaluation."""
    for event in span.events:
        if event.name == NAME:
            time_ns = (event.time_us or 0) * 1000
            yield evaluation_note(
                event.attributes, span.trace_id, span.span_id, event.time_us, time_ns
            )
