"""What is known about one span while the dialects read it, one after the other."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from runs.recording.records.json_text import readable
from runs.recording.records.record import NodeRecord, RunFacts
from runs.recording.records.span import Span


class SpanReading:
    """Dialects fill what is missing and never overwrite; "" counts as absent. Fields are those of
    NodeRecord, and of RunFacts for `fill_run`. Remembers which dialect and attribute gave each
    field, and which attributes and events moved into inputs or outputs (`consumed`)."""

    __slots__ = (
        "attributes",
        "consumed",
        "consumed_events",
        "dialect",
        "fields",
        "ignored",
        "metadata",
        "read_from",
        "run",
        "settled",
        "span",
    )

    def __init__(self, span: Span) -> None:
        self.span = span
        self.attributes = span.attributes
        self.dialect = ""
        self.fields: dict[str, Any] = {}
        self.run: dict[str, Any] = {}
        self.read_from: dict[str, tuple[str, str]] = {}
        self.consumed: set[str] = set()
        self.consumed_events: set[int] = set()
        self.ignored = False  # a probe that is no part of any run
        self.settled = False  # nothing is left for further dialects
        metadata = span.attributes.get("metadata")
        metadata = readable(metadata) if metadata else None
        self.metadata: dict[str, Any] = metadata if type(metadata) is dict else {}

    def fill(self, field: str, value: Any, attribute: str) -> None:
        """Set a field of the step unless it is known already or the value says nothing."""
        if value is None or value == "" or field in self.fields:
            return
        self.fields[field] = value
        self.read_from[field] = (self.dialect, attribute)

    def fill_from(self, field: str, *attributes: str) -> None:
        """Fill a text field from the first of these attributes that says something."""
        if field in self.fields:
            return
        for attribute in attributes:
            value = self.attributes.get(attribute)
            if value is not None and value != "":
                self.fill(field, value if type(value) is str else str(value), attribute)
                return

    def fill_run(self, field: str, value: Any, attribute: str) -> None:
        """Set a fact about the whole run, by the same rule."""
        if value is None or value == "" or field in self.run:
            return
        self.run[field] = value
        self.read_from[f"run.{field}"] = (self.dialect, attribute)

    def fill_run_from(self, field: str, *attributes: str) -> None:
        """Fill a text fact about the run from the first of these attributes that says something."""
        if field in self.run:
            return
        for attribute in attributes:
            value = self.attributes.get(attribute)
            if value is not None and value != "":
                self.fill_run(field, value if type(value) is str else str(value), attribute)
                return

    def fill_payload(self, field: str, attribute: str, is_json: bool = False) -> None:
        """Fill inputs or outputs from one attribute, which then is shown there and not again."""
        value = self.attributes.get(attribute)
        if value is None or value == "" or field in self.fields:
            return
        self.fill(field, readable(value, is_json), attribute)
        self.consumed.add(attribute)

    def settle_run(self, field: str) -> None:
        """No later dialect may guess this fact about the run."""
        self.run.setdefault(field, None)

    def use(self, attributes: Iterable[str]) -> None:
        self.consumed.update(attributes)

    def record(self) -> NodeRecord:
        """The neutral record. What the dialects left open has the defaults of NodeRecord."""
        span, fields = self.span, self.fields
        run = {field: value for field, value in self.run.items() if value is not None}
        fields.setdefault("source_id", span.span_id)
        fields.setdefault("parent_source_id", span.parent_span_id)
        fields.setdefault("started_us", span.start_us)
        fields.setdefault("ended_us", span.end_us)
        fields.setdefault("kind", "span")
        return NodeRecord(
            trace=span.trace_id,
            received=self._received(),
            resource=span.resource or None,
            read_from=self.read_from,
            run=_facts(tuple(run.items())) if run else NOTHING_TOLD,
            **fields,
        )

    def _received(self) -> dict[str, Any] | None:
        span, consumed = self.span, self.consumed
        received = self._not_told_elsewhere()
        attributes = self.attributes
        if consumed:
            attributes = {key: attributes[key] for key in attributes if key not in consumed}
        if attributes:
            received["attributes"] = attributes
        if span.events:
            events = [
                {"name": event.name, "time_us": event.time_us, "attributes": event.attributes}
                for index, event in enumerate(span.events)
                if index not in self.consumed_events
            ]
            if events:
                received["events"] = events
        if span.links:
            received["links"] = span.links
        if span.scope:
            received["scope"] = span.scope
        return received or None

    def _not_told_elsewhere(self) -> dict[str, Any]:
        """Name, kind and status of the span, where no field of the step says the same."""
        span, fields = self.span, self.fields
        told: dict[str, Any] = {}
        if span.name and span.name != fields.get("title"):
            told["name"] = span.name
        if span.kind not in ORDINARY:
            told["kind"] = span.kind
        if span.status == "error" and fields.get("status") != "failed":
            told["status"] = span.status
        if span.status_message and span.status_message != fields.get("error"):
            told["status_message"] = span.status_message
        return told


@lru_cache(maxsize=2048)
def _facts(told: tuple[tuple[str, Any], ...]) -> RunFacts:
    """The spans of a run mostly tell the same."""
    return RunFacts(**dict(told))


NOTHING_TOLD = RunFacts()
ORDINARY = ("internal", "unspecified")
