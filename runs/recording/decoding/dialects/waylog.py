"""Spans that Waylog itself exported: one attribute has the whole record of the step, so that it is
restored as it was.

`waylog.step` is JSON: `step` is the record as in a run file (see `record_json`), without the fields
that the span has anyway; `values` has the attribute of each of its values, and whether that is
"json" or "text"; `added` lists attributes that no producer sent, for readers of other conventions.
"""

from dataclasses import fields
from typing import Any

from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.record import NodeRecord, RunFacts
from runs.recording.records.record_json import InvalidRecord, parse_exact, record_from_json
from runs.recording.records.span import Span

NAME = "waylog"
STEP_ATTRIBUTE = "waylog.step"
VALUE_FIELDS = ("inputs", "outputs", "process_data")
# Fields that the span has in its own form.
SPAN_FIELDS = frozenset({"trace", "received", "resource", *VALUE_FIELDS})
# Fields that `SpanReading` makes itself.
READING_FIELDS = SPAN_FIELDS | {"read_from", "run"}


def applies(span: Span, prefixes: set[str]) -> bool:
    return "waylog" in prefixes and isinstance(span.attributes.get(STEP_ATTRIBUTE), str)


def read(reading: SpanReading) -> None:
    """Restore the record. No other dialect reads the span, unless the attribute is unreadable."""
    try:
        stored = _stored_json(reading.attributes[STEP_ATTRIBUTE])
        step, values, added = (stored[name] for name in ("step", "values", "added"))
        record = record_from_json(NodeRecord, {**step, "trace": reading.span.trace_id})
        sources = {name: values[name] for name in VALUE_FIELDS if name in values}
        restored = {name: _restored_value(reading, *source) for name, source in sources.items()}
    except (InvalidRecord, KeyError, TypeError):
        return
    for item in fields(NodeRecord):
        if item.name not in READING_FIELDS:
            reading.fields[item.name] = getattr(record, item.name)
    reading.fields |= restored
    for item in fields(RunFacts):
        reading.run[item.name] = getattr(record.run, item.name)
    reading.read_from |= record.read_from
    reading.consumed.update(
        (STEP_ATTRIBUTE, *added, *(attribute for attribute, _ in sources.values()))
    )
    reading.complete = True


def _restored_value(reading: SpanReading, attribute: str, form: str) -> Any:
    value = reading.attributes.get(attribute)
    return _stored_json(value) if form == "json" and isinstance(value, str) else value


def _stored_json(text: str) -> Any:
    return parse_exact(text.encode("utf-8", "replace"))
