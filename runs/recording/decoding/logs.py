"""What logs say: about steps, whose spans may come before or after them; evaluations, as notes; and
the turns of coding agents that speak in logs alone. Pure.

A log that names a span belongs to that step: one that tells values of its own (Dify Enterprise) is
read like a span without times, any other is kept with the step, where `assembling` reads what it
tells. A log that names none is set aside: it is no part of any run.
"""

import logging
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from runs.recording.decoding import agent_logs, evaluations
from runs.recording.decoding.dialects import dify_enterprise, read_span
from runs.recording.decoding.dify.vocabulary import THUMBS
from runs.recording.decoding.otlp.http import decoder
from runs.recording.decoding.otlp.logs import LogRecord, decode_json, decode_protobuf
from runs.recording.records.record import NodeRecord, NoteRecord, Refused
from runs.recording.records.span import Span

logger = logging.getLogger(__name__)

DIFY_NAME = "dify.event.name"
FEEDBACK = "dify.feedback.created"
DIFY_IDS = ("dify.workflow.run_id", "dify.message.id", "dify.trace_id", "dify.node.execution_id")
# Of a log's attributes these are about the run.
ABOUT_RUN = ("session.id", "user.id", "enduser.id", "gen_ai.conversation.id")


@dataclass(slots=True)
class ReadLogs:
    """What one request of logs gave; `aside` counts those that are no part of any run."""

    records: list[NodeRecord] = field(default_factory=list)
    notes: list[NoteRecord] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    aside: int = 0


def decode_logs(body: bytes, content_type: str) -> ReadLogs:
    """The records of an unpacked body. Raises UnsupportedType for another content type and
    UnreadableBody when nothing of it can be read."""
    logs, refused = decoder(content_type, decode_protobuf, decode_json)(body)
    found = ReadLogs(refused=refused)
    for log in logs:
        try:
            _take(log, found)
        except Exception as error:
            # A log that we cannot make sense of must not cost the others.
            logger.warning("log %s not understood: %s", log.name, type(error).__name__)
            reason = f"The log could not be understood ({type(error).__name__})."
            found.refused.append(Refused(reason, {"name": log.name, "attributes": log.attributes}))
    return found


def _take(log: LogRecord, found: ReadLogs) -> None:
    event = str(log.attributes.get(DIFY_NAME))
    if event == FEEDBACK:
        found.notes.append(_feedback(log))
    elif event in dify_enterprise.RECORDS:
        record = _of_dify(log, event)
        if record.trace and record.source_id:
            found.records.append(record)
        else:  # it names neither a run nor an execution
            found.aside += 1
    elif log.name == evaluations.NAME and log.trace_id and not log.span_id:
        found.notes.append(_evaluation(log))  # of the whole run
    elif not log.trace_id or not log.span_id:
        records = agent_logs.read(log)
        found.records.extend(records)
        found.aside += not records
    else:
        found.records.append(_of_span(log))
        if log.name == evaluations.NAME:
            found.notes.append(_evaluation(log))


def _of_span(log: LogRecord) -> NodeRecord:
    """A step of which nothing is known yet but that it said this."""
    about_run = {name: log.attributes[name] for name in ABOUT_RUN if name in log.attributes}
    known = {"title": "", "kind": "span", "is_run": False, "status": None}
    record = read_span(_span(log, "", log.trace_id, about_run), known)
    assert record is not None
    return replace(record, received=None, read_from={}, logs=(log.line(),))


def _span(log: LogRecord, name: str, trace: str, attributes: dict[str, Any]) -> Span:
    """The log as a span that neither began nor ended."""
    return Span(
        trace, log.span_id, None, name, "internal", None, None, "unset", "", attributes, [], [],
        log.resource, log.scope,
    )  # fmt: skip


def _of_dify(log: LogRecord, event: str) -> NodeRecord:
    """Dify Enterprise's log of a step. What was received is kept as the log; its span has its
    own."""
    span = _span(log, event, _dify_trace(log), log.attributes)
    if event in dify_enterprise.LOG_ONLY_EVENTS:
        span = replace(span, end_us=log.time_us)
    record = read_span(span)
    assert record is not None
    return replace(record, received=None, read_from={}, logs=(replace(log.line(), tells=False),))


def _dify_trace(log: LogRecord) -> str:
    """The trace by its own id, else by the id that Dify makes it of."""
    if log.trace_id:
        return log.trace_id
    for name in DIFY_IDS:
        try:
            return UUID(str(log.attributes.get(name))).hex
        except ValueError:
            continue
    return ""


def _evaluation(log: LogRecord) -> NoteRecord:
    return evaluations.note_of(log.attributes, log.trace_id, log.span_id, log.time_us, log.time_ns)


def _feedback(log: LogRecord) -> NoteRecord:
    told = log.attributes
    message, rating = str(told.get("dify.message.id") or ""), str(told.get("dify.feedback.rating"))
    content = told.get("dify.feedback.content")
    return NoteRecord(
        about=message,
        source="dify-feedback",
        source_id=f"{message}:{told.get('dify.feedback.created_at') or log.time_ns}",
        name="thumbs",
        number=THUMBS.get(rating),
        label=rating if rating in THUMBS else "",
        text=""
        if content is None or dify_enterprise.is_content_reference(content)
        else str(content),
        author=str(told.get("user_id") or told.get("gen_ai.user.id") or ""),
        created_us=log.time_us,
    )
