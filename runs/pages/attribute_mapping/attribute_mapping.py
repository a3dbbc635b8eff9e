"""How an execution was decoded: which received attribute, through which dialect, gave each
field."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from nodes.content.payloads import load_value
from nodes.content.previews import single_line
from nodes.formats import tokens, visible
from nodes.models import NodeExecution
from runs.json.attribute_mapping import AttributeMappingJson, MappedFieldJson
from runs.json.values import decimal_text, iso_time
from runs.pages.attribute_mapping.decode_again import REST, DecodedAgain, decode_again
from runs.recording.records.record import Cost, Usage
from runs.recording.records.row import COLUMN_BY_FIELD, facts_from_hints
from runs.recording.records.span import Span

BEGINNING = 160  # characters of a value
MAX_UNUSED = 500

# Fields of a step and facts about its run, in the order of the page.
STEP = {
    "kind": "Kind", "title": "Title", "node_id": "Node", "status": "Status",
    "started_us": "Started", "ended_us": "Ended", "parent_source_id": "Parent", "inputs": "Inputs",
    "process_data": "Process data", "outputs": "Outputs", "model": "Model",
    "provider": "Provider", "usage": "Tokens", "cost": "Cost", "error": "Error",
    "error_type": "Error type", "handled": "Failure handled", "attempt": "Attempt",
    "taken": "Branch taken", "pass_index": "Is an iteration", "iteration_index": "In iteration",
    "container": "Container", "fan_out_index": "Item of a fan-out", "ran_after": "Ran after",
    "is_run": "Is the run itself", "parent_elsewhere": "Parent in another service",
    "deferred": "Works on a message that its parent sent",
    "transport": "Is a call of a transport",
    "folded": "Is a wrapper", "service": "App",
}  # fmt: skip
RUN = {
    "name": "Name", "mode": "Mode", "version": "Version", "conversation": "Conversation",
    "user": "User", "trigger": "Trigger", "environment": "Environment", "tags": "Tags",
    "status": "Status", "source_ids": "Ids", "reported_tokens": "Reported tokens",
    "reported_cost": "Reported cost", "reported_duration_us": "Reported duration",
}  # fmt: skip
# The fields that come from every span itself, without a dialect, and their names in OTLP.
SPAN_FIELDS = {
    "started_us": "startTimeUnixNano",
    "ended_us": "endTimeUnixNano",
    "parent_source_id": "parentSpanId",
}
SOURCE_NAMES = {
    "otlp": "OpenTelemetry",
    "dify-otlp": "OpenTelemetry, from Dify",
    "langfuse": "Langfuse's REST API",
    "dify-langfuse": "Langfuse's REST API, from Dify",
    "dify-events": "Dify's event stream",
    "dify-database": "Dify's database",
}
OTHER_MESSAGE = "reported by another message of this step, or together with inputs or outputs"


@dataclass(frozen=True, slots=True)
class MappedField:
    """One field: the beginning of its value, and the attribute that gave it with the beginning of
    what was `received` in it. `note` says where the value came from when no attribute gave it."""

    field: str
    label: str
    value: str
    dialect: str | None = None
    attribute: str | None = None
    received: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class AttributeMapping:
    """`source`: by which protocol the step arrived. `unused`: (attribute, beginning of its value)
    of the attributes that no dialect used, at most MAX_UNUSED; `unused_count` counts them all."""

    source: str
    is_span: bool
    step: list[MappedField]
    run: list[MappedField]
    unused: list[tuple[str, str]]
    unused_count: int


def map_attributes(execution: NodeExecution, source_kind: str) -> AttributeMapping:
    """Decode an execution again that was loaded `with_payloads()`, and return what gave its fields.
    `source_kind` is that of its run."""
    again = decode_again(execution)
    facts = facts_from_hints(again.hints)
    run = {name: getattr(facts, name) for name in RUN}
    unused = list(_unused_attributes(execution, again))
    return AttributeMapping(
        _source_name(source_kind, again.span),
        again.span is not None,
        [
            _mapped_field(name, STEP[name], value, again, _source_note(name, execution, again))
            for name, value in _step_values(execution, again.hints).items()
            if value not in (None, "", False, (), [])
        ],
        [
            _mapped_field(f"run.{name}", RUN[name], value, again, None)
            for name, value in run.items()
            if value not in (None, "", ())
        ],
        unused[:MAX_UNUSED],
        len(unused),
    )


def _source_name(source_kind: str, span: Span | None) -> str:
    """Return by which protocol the step arrived. Its run may have arrived by several, and names
    only one of them."""
    if span is None and source_kind in ("dify-otlp", "dify-langfuse"):
        return "Dify's event stream or database"
    kind = REST if span is not None and span.scope == REST else source_kind
    return SOURCE_NAMES.get(kind, kind or "an unknown endpoint")


def attribute_mapping_json(mapping: AttributeMapping) -> AttributeMappingJson:
    """Return the machine twin."""
    return {
        "door": mapping.source,
        "step": [_mapped_field_json(field) for field in mapping.step],
        "run": [_mapped_field_json(field) for field in mapping.run],
        "unused": [{"attribute": name, "told": text} for name, text in mapping.unused],
        "unused_count": mapping.unused_count,
    }


def _mapped_field_json(field: MappedField) -> MappedFieldJson:
    return {
        "field": field.field,
        "label": field.label,
        "value": field.value,
        "dialect": field.dialect,
        "attribute": field.attribute,
        "told": field.received,
        "note": field.note,
    }


def _step_values(execution: NodeExecution, hints: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of `STEP` as they are stored; those that were not reported are empty."""
    columns: dict[str, Any] = {
        "node_id": execution.told_node_id,
        "status": execution.told_status,
        "started_us": execution.started_at,
        "ended_us": execution.ended_at,
        "process_data": load_value(execution.process_data) if execution.process_data else None,
        "inputs": execution.inputs_preview or (execution.inputs and load_value(execution.inputs)),
        "outputs": execution.outputs_preview
        or (execution.outputs and load_value(execution.outputs)),
        "usage": _stored_usage(execution),
        "cost": Cost(execution.cost, execution.cost_currency)
        if execution.cost is not None
        else None,
        "attempt": execution.attempt if execution.attempt > 1 else None,
    }
    return {
        name: columns[name]
        if name in columns
        else hints.get(name) or _stored_column(execution, name)
        for name in STEP
    }


def _stored_column(execution: NodeExecution, name: str) -> Any:
    """Return the value of a field that is stored in a column of the same name; the other fields are
    hints."""
    return None if name == "folded" else getattr(execution, name, None)


def _stored_usage(execution: NodeExecution) -> Usage | None:
    usage = Usage(
        execution.input_tokens, execution.output_tokens, execution.cached_tokens,
        execution.cache_write_tokens, execution.reasoning_tokens, execution.total_tokens,
    )  # fmt: skip
    return usage if usage != Usage() else None


def _source_note(name: str, execution: NodeExecution, again: DecodedAgain) -> str | None:
    """Return where a field of the step has its value from, when it is not an attribute."""
    column = COLUMN_BY_FIELD.get(name, "total_tokens" if name == "usage" else name)
    if column in again.hints.get("assembled", ()):
        return "read from the logs of this step"
    if name == "cost" and not execution.cost_reported:
        return "tokens at the list price of the model"
    decoded_value = getattr(again.record, name, None) if again.record else None
    if name == "service" and again.record and decoded_value != execution.service:
        return "the key, or the name given to the endpoint"
    return None


def _mapped_field(
    name: str, label: str, value: Any, again: DecodedAgain, note: str | None
) -> MappedField:
    text = _value_beginning(value)
    if note:
        return MappedField(name, label, text, note=note)
    dialect, attribute = again.read_from.get(name, ("", ""))
    if not dialect and again.span is not None and name in SPAN_FIELDS:
        dialect, attribute = "opentelemetry", SPAN_FIELDS[name]
    if not dialect:
        return MappedField(name, label, text, note=_missing_note(name, again))
    received = (
        _attribute_value(again.span, attribute) if again.span and name not in again.kept else None
    )
    received_text = None if received is None else _value_beginning(received)
    return MappedField(name, label, text, dialect, attribute or None, received_text)


def _missing_note(name: str, again: DecodedAgain) -> str:
    if again.record is None:
        return "set by the decoder of its endpoint"
    decoded_value = (
        getattr(again.record.run, name[4:])
        if name.startswith("run.")
        else getattr(again.record, name, None)
    )
    return "derived from the fields above" if decoded_value else OTHER_MESSAGE


def _attribute_value(span: Span, attribute: str) -> Any:
    """Return what the span holds under this name: an attribute, all attributes below that name, an
    attribute of an event such as an exception, a field of the span, or one of its resource."""
    if attribute in span.attributes:
        return span.attributes[attribute]
    below = {name: value for name, value in span.attributes.items()
             if name.startswith(f"{attribute}.")}  # fmt: skip
    if below:
        return below
    for event in reversed(span.events):
        if attribute in event.attributes:
            return event.attributes[attribute]
    own = {"name": span.name, "status": span.status, "status.message": span.status_message}
    return own.get(attribute, span.resource.get(attribute))


def _unused_attributes(execution: NodeExecution, again: DecodedAgain) -> Iterator[tuple[str, str]]:
    """Yield the attributes that were received and gave no field. A name that gave one may stand for
    all names below it, or be a key of what an attribute holds."""
    attributes = execution.received.get("attributes")
    names = {attribute for _, attribute in again.read_from.values() if attribute}
    for key, value in attributes.items() if isinstance(attributes, dict) else ():
        if not any(_covers(name, key) for name in names):
            yield visible(key), _value_beginning(value)


def _covers(name: str, key: str) -> bool:
    return name == key or key.startswith(f"{name}.") or name.startswith(f"{key}.")


def _value_beginning(value: Any) -> str:
    """Return a value as one short line."""
    if isinstance(value, Usage):
        value = ", ".join(
            f"{tokens(count)} {name.replace('_', ' ')}"
            for name, count in asdict(value).items()
            if count is not None
        )
    elif isinstance(value, Cost):
        value = f"{decimal_text(value.amount)} {value.currency}"
    elif isinstance(value, datetime):
        value = iso_time(value)
    elif isinstance(value, dict):
        value = ", ".join(f"{key} {inner}" for key, inner in value.items()) or "empty"
    elif isinstance(value, (tuple, list)):
        pairs = (item if isinstance(item, tuple) else (item,) for item in value)
        value = ", ".join(" ".join(map(str, pair)) for pair in pairs)
    elif isinstance(value, bool):
        value = "yes" if value else "no"
    return visible(single_line(value if isinstance(value, str) else str(value), BEGINNING))
