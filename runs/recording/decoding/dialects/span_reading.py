"""The state of one span while the dialects read it one after the other."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from runs.recording.decoding.dialects.chat_messages import as_text
from runs.recording.decoding.dialects.kept_values import KeptValues
from runs.recording.records.json_text import readable
from runs.recording.records.record import NodeRecord, RunFacts
from runs.recording.records.row import retry_source_id
from runs.recording.records.span import Span


class SpanReading:
    """Collects what the dialects read from one span, and makes the `NodeRecord` of it.

    Dialects fill fields that are empty and never overwrite; None and "" count as empty. `fields`
    has fields of NodeRecord by name, `run` those of RunFacts. `read_from` has the dialect and the
    attribute that gave each field. `consumed` has the attributes that are whole in inputs, outputs
    or another field, `copied` those that are there in another form, in the order in which they were
    read, and `consumed_events` the indexes of such events: as far as fields hold all of them, they
    are not kept a second time among what was received. `metadata` is the JSON object in the
    attribute `metadata`, or what a dialect puts in its place. `dialect` is the name of the dialect
    that reads now. `attempts` has fields of failed attempts that were tried again, where the span
    of the step tells them. `remark` is a sentence for the inbox, such as why the span is `ignored`.
    `about_step_above` has the id of the step above and fields of it that this span alone tells.
    """

    __slots__ = (
        "about_step_above",
        "attempts",
        "attributes",
        "complete",
        "consumed",
        "consumed_events",
        "copied",
        "dialect",
        "fields",
        "ignored",
        "metadata",
        "read_from",
        "remark",
        "run",
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
        self.copied: dict[str, None] = {}
        self.consumed_events: set[int] = set()
        self.attempts: list[dict[str, Any]] = []
        self.ignored = False  # no part of any run
        self.remark = ""
        self.about_step_above: tuple[str, dict[str, Any]] | None = None
        self.complete = False  # further dialects have nothing to add
        metadata = span.attributes.get("metadata")
        metadata = readable(metadata) if metadata else None
        self.metadata: dict[str, Any] = metadata if type(metadata) is dict else {}

    def parsed(self, attribute: str, is_json: bool = False) -> Any:
        """Return the value of an attribute, None where it was not sent. Text that is a JSON object
        or list, or that the producer declares as JSON (`is_json`), is parsed."""
        return readable(self.attributes.get(attribute), is_json)

    def fill(self, field: str, value: Any, attribute: str) -> None:
        """Set a field of the step, unless it is filled already or the value is empty."""
        if value is None or value == "" or field in self.fields:
            return
        self.fields[field] = value
        self.read_from[field] = (self.dialect, attribute)

    def fill_from(self, field: str, *attributes: str) -> None:
        """Fill a text field from the first of these attributes that is not empty."""
        if field in self.fields:
            return
        for attribute in attributes:
            value = self.attributes.get(attribute)
            if value is not None and value != "":
                self.fill(field, value if type(value) is str else str(value), attribute)
                return

    def fill_run(self, field: str, value: Any, attribute: str) -> None:
        """Set a fact about the whole run, unless it is filled already or the value is empty."""
        if value is None or value == "" or field in self.run:
            return
        self.run[field] = value
        self.read_from[f"run.{field}"] = (self.dialect, attribute)

    def fill_run_from(self, field: str, *attributes: str) -> None:
        """Fill a text fact about the run from the first of these that is not empty."""
        if field in self.run:
            return
        for attribute in attributes:
            value = self.attributes.get(attribute)
            if value is not None and value != "":
                self.fill_run(field, value if type(value) is str else str(value), attribute)
                return

    def fill_run_tags(self, value: Any, attribute: str) -> None:
        """Set the tags of the run from a list of tags or from a single one."""
        if value:
            tags = value if isinstance(value, list) else [value]
            self.fill_run("tags", tuple(as_text(tag) for tag in tags), attribute)

    def fill_payload(self, field: str, attribute: str, is_json: bool = False) -> None:
        """Fill inputs, outputs or process data with the value of one attribute, and consume it.
        `is_json`: see `parsed`."""
        value = self.attributes.get(attribute)
        if value is None or value == "" or field in self.fields:
            return
        self.fill(field, readable(value, is_json), attribute)
        self.consumed.add(attribute)

    def fill_whole(self, field: str, value: Any, attribute: str, sources: Iterable[str]) -> None:
        """Fill a field with a value that holds all of the attributes `sources` as they came, and
        consume them."""
        if field not in self.fields:
            self.fill(field, value, attribute)
            self.consumed.update(sources)

    def settle_run(self, field: str) -> None:
        """Keep later dialects from guessing this fact about the run."""
        self.run.setdefault(field, None)

    def consume(self, attributes: Iterable[str]) -> None:
        """Leave these attributes out of what is kept as received, if fields hold all of them."""
        self.copied.update(dict.fromkeys(attributes))

    def records(self) -> list[NodeRecord]:
        """Return what the span says about other steps, and then the record of its own."""
        record = self.record()
        others = [_attempt_record(record, fields) for fields in self.attempts]
        if self.about_step_above:
            others.append(_record_above(record, *self.about_step_above))
        return [*others, record]

    def record(self) -> NodeRecord:
        """Return the record. Fields that no dialect filled have the defaults of NodeRecord."""
        span, fields = self.span, self.fields
        run = {field: value for field, value in self.run.items() if value is not None}
        fields.setdefault("source_id", span.span_id)
        fields.setdefault("parent_source_id", span.parent_span_id)
        fields.setdefault("started_us", span.start_us)
        fields.setdefault("ended_us", span.end_us)
        fields.setdefault("kind", "span")
        if span.links:
            fields["links"] = (*fields.get("links", ()), *_link_targets(span.links))
        return NodeRecord(
            trace=span.trace_id,
            received=self._unconsumed(),
            resource=span.resource or None,
            read_from=self.read_from,
            run=_run_facts(tuple(run.items())) if run else NO_RUN_FACTS,
            **fields,
        )

    def _unconsumed(self) -> dict[str, Any] | None:
        """Return what was received and is in no field of the record."""
        span, consumed = self.span, self._whole_attributes()
        received = self._differing_from_fields()
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
        if span.trace_facts:
            received |= span.trace_facts
        return received or None

    def _whole_attributes(self) -> set[str]:
        """Return the attributes of which fields hold all, and keep events that they do not hold."""
        copied = [name for name in self.copied if name not in self.consumed]
        if not copied and not self.consumed_events:
            return self.consumed
        kept, events = KeptValues(self.fields), self.span.events
        for name in sorted(self.consumed):
            kept.take(self.attributes.get(name))
        self.consumed_events = {
            index for index in sorted(self.consumed_events) if kept.take(events[index].attributes)
        }
        attributes = self.attributes
        return self.consumed | {name for name in copied if kept.take(attributes.get(name))}

    def _differing_from_fields(self) -> dict[str, Any]:
        """Return name, kind and status of the span where no field of the step says the same."""
        span, fields = self.span, self.fields
        differing: dict[str, Any] = {}
        if span.name and (span.name != fields.get("title") or len(span.name) > MAX_TITLE):
            differing["name"] = span.name
        if span.kind not in ORDINARY_SPAN_KINDS:
            differing["kind"] = span.kind
        if span.status == "error" and fields.get("status") != "failed":
            differing["status"] = span.status
        if span.status_message and span.status_message != fields.get("error"):
            differing["status_message"] = span.status_message
        return differing


def _link_targets(links: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    """Return the spans that links name, each once, "trace:span"."""
    pairs = ((link["trace_id"], link["span_id"]) for link in links)
    targets = (f"{trace}:{span}" for trace, span in pairs if len(trace) == 32 and len(span) == 16)
    return tuple(dict.fromkeys(targets))[:MAX_LINKS]


def _record_above(source: NodeRecord, step_id: str, fields: dict[str, Any]) -> NodeRecord:
    fields = {"kind": "span"} | fields
    return NodeRecord(
        trace=source.trace,
        source_id=step_id,
        service=source.service,
        title="",
        rank={"kind": -1},
        run=source.run,
        **fields,
    )


def _attempt_record(step: NodeRecord, fields: dict[str, Any]) -> NodeRecord:
    return NodeRecord(
        trace=step.trace,
        source_id=retry_source_id(step.source_id, fields["attempt"]),
        service=step.service,
        title=step.title,
        kind=step.kind,
        parent_source_id=step.parent_source_id,
        node_id=step.node_id,
        status="retry",
        chained=step.chained,
        container=step.container,
        iteration_index=step.iteration_index,
        run=step.run,
        **fields,
    )


@lru_cache(maxsize=2048)
def _run_facts(facts: tuple[tuple[str, Any], ...]) -> RunFacts:
    """Return one shared object for equal facts: most spans of a run state the same."""
    return RunFacts(**dict(facts))


NO_RUN_FACTS = RunFacts()
MAX_LINKS = 128  # of one span; as many as OpenTelemetry's SDKs send
MAX_TITLE = 255  # characters of a step's title that are stored
ORDINARY_SPAN_KINDS = ("internal", "unspecified")
