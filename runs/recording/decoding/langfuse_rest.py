"""Langfuse's REST ingestion: its events are rewritten as its own OpenTelemetry attributes, so that
one dialect reads both. Pure.

Facts: Langfuse's API reference. A batch holds envelopes {id, type, timestamp, body}; `body.id` is
the id of the trace, observation or score, which several events describe in parts (create, update).
A trace has no end of its own. Times are ISO 8601, names camelCase.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from nodes.clock import to_us
from runs.recording.decoding.dialects import read_span
from runs.recording.records.json_text import MAX_DEPTH, deeper_than
from runs.recording.records.record import NodeRecord, NoteRecord, Refused
from runs.recording.records.span import LAST_US, Span

OBSERVATIONS = {
    "span": "span", "generation": "generation", "event": "event", "agent": "agent", "tool": "tool",
    "chain": "chain", "retriever": "retriever", "evaluator": "evaluator", "embedding": "embedding",
    "guardrail": "guardrail", "observation": "",
}  # fmt: skip
# Fields of a body → attributes of Langfuse's spans.
TRACE = {
    "name": "langfuse.trace.name",
    "input": "langfuse.trace.input",
    "output": "langfuse.trace.output",
    "userId": "user.id",
    "sessionId": "session.id",
    "tags": "langfuse.trace.tags",
    "release": "langfuse.release",
    "version": "langfuse.version",
    "environment": "langfuse.environment",
    "metadata": "langfuse.trace.metadata",
}
OBSERVATION = {
    "input": "langfuse.observation.input",
    "output": "langfuse.observation.output",
    "level": "langfuse.observation.level",
    "statusMessage": "langfuse.observation.status_message",
    "model": "langfuse.observation.model.name",
    "modelParameters": "langfuse.observation.model.parameters",
    "completionStartTime": "langfuse.observation.completion_start_time",
    "promptName": "langfuse.observation.prompt.name",
    "promptVersion": "langfuse.observation.prompt.version",
    "usageDetails": "langfuse.observation.usage_details",
    "costDetails": "langfuse.observation.cost_details",
    "version": "langfuse.version",
    "environment": "langfuse.environment",
    "metadata": "langfuse.observation.metadata",
}
# The older `usage`, of Langfuse and in OpenAI's words; only tokens are counted here.
OLD_USAGE = {
    "input": "input", "promptTokens": "input", "output": "output", "completionTokens": "output",
    "total": "total", "totalTokens": "total",
}  # fmt: skip
OLD_COST = {"inputCost": "input", "outputCost": "output", "totalCost": "total"}
SOURCE = "langfuse"
UNREADABLE, TOO_DEEP = "It is not readable.", f"It is nested more than {MAX_DEPTH} levels deep."


class BadLangfuseEvent(ValueError):
    """One event that cannot be taken; the message says why."""


@dataclass(slots=True)
class LangfuseBatch:
    """What a batch holds. `accepted` are the envelope ids of the events that were read, `rejected`
    those of the others, each with the reason to answer."""

    records: list[NodeRecord] = field(default_factory=list)
    notes: list[NoteRecord] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)


def read_batch(events: Iterable[Any], project: str) -> LangfuseBatch:
    """Return the records and notes of a batch, in the order sent; a bad event is refused alone.
    `project` names the app where the events do not."""
    batch = LangfuseBatch()
    for event in events:
        try:
            envelope_id = _read_event(event, project, batch)
        except Exception as problem:  # whatever is wrong with one event must not cost the others
            reason = str(problem if isinstance(problem, BadLangfuseEvent) else UNREADABLE)
            rejected_id = event.get("id") if isinstance(event, dict) else None
            batch.rejected.append((str(rejected_id or ""), reason))
            batch.refused.append(Refused(reason, event))
        else:
            batch.accepted.append(envelope_id)
    return batch


def _read_event(event: Any, project: str, batch: LangfuseBatch) -> str:
    """Add what an event holds to the batch, and return the id of its envelope."""
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise BadLangfuseEvent("An event must be an object with id, type, timestamp and body.")
    body = event.get("body")
    if not isinstance(body, dict):
        raise BadLangfuseEvent("The event has no body.")
    if deeper_than(event, MAX_DEPTH):
        raise BadLangfuseEvent(TOO_DEEP)
    kind, _, action = event["type"].rpartition("-")
    if event["type"] == "trace-create":
        batch.records.append(read_trace(body, event.get("timestamp"), project))
    elif event["type"] == "score-create":
        batch.notes.append(read_score(body, event.get("timestamp")))
    elif kind in OBSERVATIONS and action in ("create", "update"):
        batch.records.append(read_observation(body, OBSERVATIONS[kind], project))
    elif event["type"] != "sdk-log":
        raise BadLangfuseEvent(f"Events of type {event['type'][:60]!r} are not supported.")
    return str(event.get("id") or "")


def read_trace(body: dict[str, Any], sent: Any, project: str) -> NodeRecord:
    """Return the trace as the run itself; `sent` is the timestamp of its envelope."""
    trace_id = _required_id(body, "id")
    known = {
        "source_id": trace_id,
        "is_run": True,
        "envelope": True,
        "title": _text_or_empty(body.get("name")),
        "service": project or _text_or_empty(body.get("name")) or SOURCE,
    }
    started = iso_microseconds(body.get("timestamp") or sent)
    attributes = _langfuse_attributes(body, TRACE)
    return _langfuse_record(
        _langfuse_span(trace_id, trace_id, None, body, started, None, attributes), known
    )


def read_observation(body: dict[str, Any], kind: str, project: str) -> NodeRecord:
    """Return an observation as a step of its trace. An update holds only what is new."""
    observation_id = _required_id(body, "id")
    trace_id = _text_or_empty(body.get("traceId")) or observation_id
    parent = _text_or_empty(body.get("parentObservationId")) or None
    attributes = _langfuse_attributes(body, OBSERVATION)
    kind = kind or str(body.get("type", "span")).lower()
    attributes["langfuse.observation.type"] = kind
    _add_old_usage(body, attributes)
    started, ended = iso_microseconds(body.get("startTime")), iso_microseconds(body.get("endTime"))
    if kind == "event":
        ended = ended or started
    known: dict[str, Any] = {
        "source_id": observation_id,
        "is_run": False,
        "service": project or SOURCE,
    }
    if not body.get("name"):
        known["title"] = ""  # an update: the name came, or will come, by itself
    span = _langfuse_span(trace_id, observation_id, parent, body, started, ended, attributes)
    return _langfuse_record(span, known)


def read_score(body: dict[str, Any], sent: Any = None) -> NoteRecord:
    """Return a score as a note on its run, or on its session; `sent` is the timestamp of its
    envelope. Raises BadLangfuseEvent when it is on neither."""
    if deeper_than(body, MAX_DEPTH):
        raise BadLangfuseEvent(TOO_DEEP)
    target_id = _text_or_empty(body.get("traceId")) or _text_or_empty(body.get("sessionId"))
    if not target_id:
        raise BadLangfuseEvent("The body has no traceId and no sessionId.")
    value = body.get("value")
    name = _text_or_empty(body.get("name"))
    comment = _text_or_empty(body.get("comment"))
    if body.get("dataType") == "TEXT":
        comment, value = "\n\n".join(filter(None, [_text_or_empty(value), comment])), None
    number = None
    if isinstance(value, int | float):  # a truth value is 1 or 0 there as well
        number = float(value)
    return NoteRecord(
        about=target_id,
        source=SOURCE,
        source_id=_text_or_empty(body.get("id"))
        or f"{target_id}:{body.get('observationId')}:{name}",
        name=name or "score",
        number=number,
        label=value if isinstance(value, str) else _text_or_empty(body.get("stringValue")),
        text=comment,
        about_step=_text_or_empty(body.get("observationId")),
        created_us=iso_microseconds(body.get("timestamp") or sent),
    )


def iso_microseconds(text: Any) -> int | None:
    """Return an ISO 8601 time in microseconds since the epoch; one without a zone is UTC. None for
    anything else."""
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    us = to_us(time.replace(tzinfo=UTC) if time.tzinfo is None else time)
    return us if us is not None and 0 < us <= LAST_US else None


def _langfuse_record(span: Span, known: dict[str, Any]) -> NodeRecord:
    record = read_span(span, known)
    assert record is not None  # no dialect ignores what has a source id
    return record


def _langfuse_span(
    trace_id: str,
    span_id: str,
    parent: str | None,
    body: dict[str, Any],
    started: int | None,
    ended: int | None,
    attributes: dict[str, Any],
) -> Span:
    level = str(body.get("level", "")).upper()
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent,
        name=_text_or_empty(body.get("name")),
        kind="internal",
        start_us=started,
        end_us=ended,
        status="error" if level == "ERROR" else "unset",
        status_message=_text_or_empty(body.get("statusMessage")),
        attributes=attributes,
        events=[],
        links=[],
        resource={},
        scope="langfuse",
    )


def _langfuse_attributes(body: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names[key]: body[key] for key in names if body.get(key) not in (None, "")}


def _add_old_usage(body: dict[str, Any], attributes: dict[str, Any]) -> None:
    """Add the older `usage` to the attributes, where no newer one is among them."""
    usage = body.get("usage")
    if not isinstance(usage, dict):
        return
    if str(usage.get("unit") or "TOKENS").upper() == "TOKENS":
        counts = _renamed_fields(usage, OLD_USAGE)
        if counts:
            attributes.setdefault(OBSERVATION["usageDetails"], counts)
    if costs := _renamed_fields(usage, OLD_COST):
        attributes.setdefault(OBSERVATION["costDetails"], costs)


def _renamed_fields(fields: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names[key]: fields[key] for key in names if fields.get(key) is not None}


def _required_id(body: dict[str, Any], name: str) -> str:
    value = _text_or_empty(body.get(name))
    if not value:
        raise BadLangfuseEvent(f"The body has no {name}.")
    return value


def _text_or_empty(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
