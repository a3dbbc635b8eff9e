"""Langfuse's REST ingestion: its events in the words of its own OpenTelemetry attributes, so that
one dialect reads both. Pure.

Facts: Langfuse's API reference. A batch holds envelopes {id, type, timestamp, body}; `body.id` is
the id of the trace, observation or score, told in parts by several events (create, update). A trace
has no end of its own. Times are ISO 8601, names camelCase.
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


class BadEvent(ValueError):
    """One event that cannot be taken; the message says why."""


@dataclass(slots=True)
class Batch:
    """What a batch told. `taken` and `bad` are the envelope ids with what is to be answered."""

    records: list[NodeRecord] = field(default_factory=list)
    notes: list[NoteRecord] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    bad: list[tuple[str, str]] = field(default_factory=list)


def read_batch(events: Iterable[Any], project: str) -> Batch:
    """The records and notes of a batch, in the order sent; a bad event is refused alone. `project`
    names the app where the events do not."""
    batch = Batch()
    for event in events:
        try:
            name = _read_event(event, project, batch)
        except Exception as problem:  # whatever is wrong with one event must not cost the others
            reason = str(problem if isinstance(problem, BadEvent) else UNREADABLE)
            told = event.get("id") if isinstance(event, dict) else None
            batch.bad.append((str(told or ""), reason))
            batch.refused.append(Refused(reason, event))
        else:
            batch.taken.append(name)
    return batch


def _read_event(event: Any, project: str, batch: Batch) -> str:
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise BadEvent("An event is an object with id, type, timestamp and body.")
    body = event.get("body")
    if not isinstance(body, dict):
        raise BadEvent("The event has no body.")
    if deeper_than(event, MAX_DEPTH):
        raise BadEvent(TOO_DEEP)
    kind, _, action = event["type"].rpartition("-")
    if event["type"] == "trace-create":
        batch.records.append(read_trace(body, event.get("timestamp"), project))
    elif event["type"] == "score-create":
        batch.notes.append(read_score(body, event.get("timestamp")))
    elif kind in OBSERVATIONS and action in ("create", "update"):
        batch.records.append(read_observation(body, OBSERVATIONS[kind], project))
    elif event["type"] != "sdk-log":
        raise BadEvent(f"Events of type {event['type'][:60]!r} are not known.")
    return str(event.get("id") or "")


def read_trace(body: dict[str, Any], sent: Any, project: str) -> NodeRecord:
    """The trace as the run itself."""
    trace_id = _id(body, "id")
    told = {
        "source_id": trace_id,
        "is_run": True,
        "envelope": True,
        "title": _text(body.get("name")),
        "service": project or _text(body.get("name")) or SOURCE,
    }
    started = microseconds(body.get("timestamp") or sent)
    return _record(_span(trace_id, trace_id, None, body, started, None, _named(body, TRACE)), told)


def read_observation(body: dict[str, Any], kind: str, project: str) -> NodeRecord:
    """An observation as a step of its trace. An update tells what it knows alone."""
    own = _id(body, "id")
    trace_id = _text(body.get("traceId")) or own
    parent = _text(body.get("parentObservationId")) or None
    attributes = _named(body, OBSERVATION)
    kind = kind or str(body.get("type", "span")).lower()
    attributes["langfuse.observation.type"] = kind
    _read_old_usage(body, attributes)
    started, ended = microseconds(body.get("startTime")), microseconds(body.get("endTime"))
    if kind == "event":
        ended = ended or started
    told: dict[str, Any] = {
        "source_id": own,
        "is_run": False,
        "service": project or SOURCE,
    }
    if not body.get("name"):
        told["title"] = ""  # an update: the name came, or will come, by itself
    return _record(_span(trace_id, own, parent, body, started, ended, attributes), told)


def read_score(body: dict[str, Any], sent: Any = None) -> NoteRecord:
    """A score as a note on its run. Raises BadEvent when it is on no trace (but on a session)."""
    if deeper_than(body, MAX_DEPTH):
        raise BadEvent(TOO_DEEP)
    trace_id = _id(body, "traceId")
    value = body.get("value")
    name = _text(body.get("name"))
    said = _text(body.get("comment"))
    if body.get("dataType") == "TEXT":
        said, value = "\n\n".join(filter(None, [_text(value), said])), None
    number = None
    if isinstance(value, int | float):  # a truth value is 1 or 0 there as well
        number = float(value)
    return NoteRecord(
        about=trace_id,
        source=SOURCE,
        source_id=_text(body.get("id")) or f"{trace_id}:{body.get('observationId')}:{name}",
        name=name or "score",
        number=number,
        label=value if isinstance(value, str) else _text(body.get("stringValue")),
        text=said,
        about_step=_text(body.get("observationId")),
        created_us=microseconds(body.get("timestamp") or sent),
    )


def microseconds(told: Any) -> int | None:
    """An ISO 8601 time in microseconds since the epoch; one without a zone is UTC."""
    if not isinstance(told, str):
        return None
    try:
        at = datetime.fromisoformat(told)
    except ValueError:
        return None
    us = to_us(at.replace(tzinfo=UTC) if at.tzinfo is None else at)
    return us if us is not None and 0 < us <= LAST_US else None


def _record(span: Span, told: dict[str, Any]) -> NodeRecord:
    record = read_span(span, told)
    assert record is not None  # no dialect ignores what has a source id
    return record


def _span(
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
        name=_text(body.get("name")),
        kind="internal",
        start_us=started,
        end_us=ended,
        status="error" if level == "ERROR" else "unset",
        status_message=_text(body.get("statusMessage")),
        attributes=attributes,
        events=[],
        links=[],
        resource={},
        scope="langfuse",
    )


def _named(body: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names[key]: body[key] for key in names if body.get(key) not in (None, "")}


def _read_old_usage(body: dict[str, Any], attributes: dict[str, Any]) -> None:
    usage = body.get("usage")
    if not isinstance(usage, dict):
        return
    if str(usage.get("unit") or "TOKENS").upper() == "TOKENS":
        counts = _renamed(usage, OLD_USAGE)
        if counts:
            attributes.setdefault(OBSERVATION["usageDetails"], counts)
    if costs := _renamed(usage, OLD_COST):
        attributes.setdefault(OBSERVATION["costDetails"], costs)


def _renamed(told: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names[key]: told[key] for key in names if told.get(key) is not None}


def _id(body: dict[str, Any], name: str) -> str:
    told = _text(body.get(name))
    if not told:
        raise BadEvent(f"The body has no {name}.")
    return told


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
