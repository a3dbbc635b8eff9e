"""Spans that Waylog itself exported: what it knew of the step stands in one attribute, so that it
comes back as it was.

`waylog.step` is JSON: `step`, the record as in a run file (see `told`) without what the span tells
in its own words; `values`, where its values are (field → attribute, "json" or "text"); `added`,
attributes that no producer sent, for readers of other conventions.
"""

from dataclasses import fields
from typing import Any

from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.record import NodeRecord, RunFacts
from runs.recording.records.record_json import NotTold, parse, record_of
from runs.recording.records.span import Span

NAME = "waylog"
STEP_ATTRIBUTE = "waylog.step"
VALUE_FIELDS = ("inputs", "outputs", "process_data")
# Fields that the span tells in its own words.
SPAN_FIELDS = frozenset({"trace", "received", "resource", *VALUE_FIELDS})
# Fields that a reading makes up itself.
OF_READING = SPAN_FIELDS | {"read_from", "run"}


def applies(span: Span, spoken: set[str]) -> bool:
    return "waylog" in spoken and isinstance(span.attributes.get(STEP_ATTRIBUTE), str)


def read(reading: SpanReading) -> None:
    """Nothing else is asked, unless what the attribute holds cannot be read."""
    try:
        told = _json(reading.attributes[STEP_ATTRIBUTE])
        step, values, added = (told[name] for name in ("step", "values", "added"))
        record = record_of(NodeRecord, {**step, "trace": reading.span.trace_id})
        places = {name: values[name] for name in VALUE_FIELDS if name in values}
        found = {name: _value(reading, *place) for name, place in places.items()}
    except (NotTold, KeyError, TypeError):
        return
    for item in fields(NodeRecord):
        if item.name not in OF_READING:
            reading.fields[item.name] = getattr(record, item.name)
    reading.fields |= found
    for item in fields(RunFacts):
        reading.run[item.name] = getattr(record.run, item.name)
    reading.read_from |= record.read_from
    reading.use((STEP_ATTRIBUTE, *added, *(attribute for attribute, _ in places.values())))
    reading.settled = True


def _value(reading: SpanReading, attribute: str, form: str) -> Any:
    value = reading.attributes.get(attribute)
    return _json(value) if form == "json" and isinstance(value, str) else value


def _json(text: str) -> Any:
    return parse(text.encode("utf-8", "replace"))
