"""Results of evaluations as OpenTelemetry's conventions tell them: by a log that names the span
evaluated, or (before events of spans were deprecated for it) by an event of that span. Pure.

Facts: `gen_ai.evaluation.result` with gen_ai.evaluation.name, .score.value, .score.label and
.explanation; error.type, when the evaluation itself failed.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from runs.recording.records.record import NoteRecord
from runs.recording.records.span import Span

NAME = "gen_ai.evaluation.result"
_PREFIX = "gen_ai.evaluation."


def note_of(
    told: Mapping[str, Any], trace: str, span: str, at_us: int | None, moment: int
) -> NoteRecord:
    """`told`: its attributes. `span`: "" where the run as a whole was evaluated; `moment` tells
    evaluations of one name apart."""
    name = str(told.get(f"{_PREFIX}name") or "evaluation")
    score = told.get(f"{_PREFIX}score.value")
    failed = told.get("error.type")
    return NoteRecord(
        about=trace,
        source="evaluation",
        source_id=f"{trace}:{span}:{moment}:{name}",
        name=name,
        number=_number(score),
        label=str(told.get(f"{_PREFIX}score.label") or ""),
        text=str(told.get(f"{_PREFIX}explanation") or (f"Failed: {failed}" if failed else "")),
        about_step=span,
        created_us=at_us,
    )


def _number(score: Any) -> float | None:
    try:
        return float(score) if isinstance(score, int | float) else None
    except OverflowError:  # of hundreds of digits
        return None


def in_events(span: Span) -> Iterator[NoteRecord]:
    for event in span.events:
        if event.name == NAME:
            moment = (event.time_us or 0) * 1000
            yield note_of(event.attributes, span.trace_id, span.span_id, event.time_us, moment)
