"""Decode the body of an OTLP logs request: logs about steps, whose spans may come before or after
them; evaluations, as notes; and the turns of coding agents. Pure.

A log that names a span belongs to that step. One that brings values of its own (Dify Enterprise) is
read like a span without times; any other is kept with the step, and `storing.log_merging` reads
what it says about it. A log that names no span is set aside: it is no part of any run.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from runs.recording.decoding import coding_agents, evaluations
from runs.recording.decoding.dialects import dify_enterprise, read_span
from runs.recording.decoding.dify.vocabulary import THUMBS
from runs.recording.decoding.otlp.content_types import choose_decoder
from runs.recording.decoding.otlp.log_requests import (
    LogRecord,
    decode_json_logs,
    decode_protobuf_logs,
)
from runs.recording.records.record import NodeRecord, NoteRecord, Refused
from runs.recording.records.span import Span

logger = logging.getLogger(__name__)

DIFY_NAME = "dify.event.name"
FEEDBACK = "dify.feedback.created"
DIFY_IDS = ("dify.workflow.run_id", "dify.message.id", "dify.trace_id", "dify.node.execution_id")
# Those attributes of a log that are about the run.
ABOUT_RUN = ("session.id", "user.id", "enduser.id", "gen_ai.conversation.id")


@dataclass(slots=True)
class DecodedLogs:
    """What one request of logs gave; `aside` counts the logs that are no part of any run."""

    records: list[NodeRecord] = field(default_factory=list)
    notes: list[NoteRecord] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    aside: int = 0


def decode_logs(body: bytes, content_type: str) -> DecodedLogs:
    """Return the records of an unpacked body. Raises UnsupportedType for another content type and
    UnreadableBody when nothing of it can be read."""
    return read_logs(*choose_decoder(content_type, decode_protobuf_logs, decode_json_logs)(body))


def read_logs(logs: Iterable[LogRecord], refused: list[Refused]) -> DecodedLogs:
    """Return the records of these logs, in the order sent. `refused` are the logs of the same
    request that could not be decoded; those that cannot be understood join them."""
    decoded = DecodedLogs(refused=refused)
    for log in logs:
        try:
            _decode_log(log, decoded)
        except Exception as error:
            # A log that we cannot make sense of must not cost the others.
            logger.warning("log %s not understood: %s", log.name, type(error).__name__)
            reason = f"The log could not be understood ({type(error).__name__})."
            raw = {"name": log.name, "attributes": log.attributes}
            decoded.refused.append(Refused(reason, raw))
    return decoded


def _decode_log(log: LogRecord, decoded: DecodedLogs) -> None:
    """Append what one log gives to `decoded`."""
    event = str(log.attributes.get(DIFY_NAME))
    if event == FEEDBACK:
        decoded.notes.append(_dify_feedback_note(log))
    elif event in dify_enterprise.RECORDS:
        record = _dify_enterprise_record(log, event)
        if record.trace and record.source_id:
            decoded.records.append(record)
        else:  # it names neither a run nor an execution
            decoded.aside += 1
    elif log.name == evaluations.NAME and log.trace_id and not log.span_id:
        decoded.notes.append(_evaluation_note(log))  # of the whole run
    elif (records := coding_agents.read_agent_event(log)) is not None:
        decoded.records.extend(records)
        decoded.aside += not records
    elif not log.trace_id or not log.span_id:
        decoded.aside += 1
    else:
        decoded.records.append(_record_of_logged_step(log))
        if log.name == evaluations.NAME:
            decoded.notes.append(_evaluation_note(log))


def _record_of_logged_step(log: LogRecord) -> NodeRecord:
    """Return a step of which nothing is known yet but this log."""
    about_run = {name: log.attributes[name] for name in ABOUT_RUN if name in log.attributes}
    known = {"title": "", "kind": "span", "is_run": False, "status": None}
    record = read_span(_span_without_times(log, "", log.trace_id, about_run), known)
    assert record is not None
    return replace(record, received=None, read_from={}, logs=(log.line(),))


def _span_without_times(log: LogRecord, name: str, trace: str, attributes: dict[str, Any]) -> Span:
    """Return the log as a span that neither began nor ended."""
    return Span(
        trace, log.span_id, None, name, "internal", None, None, "unset", "", attributes, [], [],
        log.resource, log.scope,
    )  # fmt: skip


def _dify_enterprise_record(log: LogRecord, event: str) -> NodeRecord:
    """Return the step that a log of Dify Enterprise describes. What was received is kept as the
    log, because the step's span has received attributes of its own."""
    span = _span_without_times(log, event, _dify_trace(log), log.attributes)
    if event in dify_enterprise.LOG_ONLY_EVENTS:
        span = replace(span, end_us=log.time_us)
    record = read_span(span)
    assert record is not None
    return replace(record, received=None, read_from={}, logs=(replace(log.line(), tells=False),))


def _dify_trace(log: LogRecord) -> str:
    """Return the trace by its own id, else by the id that Dify makes it from."""
    if log.trace_id:
        return log.trace_id
    for name in DIFY_IDS:
        try:
            return UUID(str(log.attributes.get(name))).hex
        except ValueError:
            continue
    return ""


def _evaluation_note(log: LogRecord) -> NoteRecord:
    return evaluations.evaluation_note(
        log.attributes, log.trace_id, log.span_id, log.time_us, log.time_ns
    )


def _dify_feedback_note(log: LogRecord) -> NoteRecord:
    attributes = log.attributes
    message = str(attributes.get("dify.message.id") or "")
    rating = str(attributes.get("dify.feedback.rating"))
    content = attributes.get("dify.feedback.content")
    created = attributes.get("dify.feedback.created_at") or log.time_ns
    has_text = content is not None and not dify_enterprise.is_content_reference(content)
    return NoteRecord(
        about=message,
        source="dify-feedback",
        source_id=f"{message}:{created}",
        name="thumbs",
        number=THUMBS.get(rating),
        label=rating if rating in THUMBS else "",
        text=str(content) if has_text else "",
        author=str(attributes.get("user_id") or attributes.get("gen_ai.user.id") or ""),
        created_us=log.time_us,
    )
