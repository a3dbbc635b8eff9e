"""Calls of Dify's API: what a request asks for, and answers that are no stream. Pure.

Facts: `POST /workflows/run` and `/workflows/<id>/run` {inputs, response_mode, user}; `POST
/chat-messages` {inputs, query, conversation_id, …}; `POST /completion-messages` {inputs, …};
`GET /workflow/<run>/events` follows a run that was started before. Errors are {code, message,
status}.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runs.recording.decoding.dify.vocabulary import THUMBS, text_or_none
from runs.recording.decoding.dify_stream.stream_event import RunRequest
from runs.recording.decoding.dify_stream.stream_reader import StreamReader
from runs.recording.records.json_text import (
    MAX_DEPTH,
    NotJson,
    deeper_than,
    object_or_empty,
    parse_json,
)
from runs.recording.records.record import Decoded, NodeRecord, NoteRecord, RunFacts

RUN_REQUEST_PATH = re.compile(r"workflows/(?:[^/]+/)?run|chat-messages|completion-messages")
FOLLOW_PATH = re.compile(r"workflow/[^/]+/events")
FEEDBACK_PATH = re.compile(r"messages/([^/]+)/feedbacks")
ERROR_LIMIT = 64_000  # bytes that are read of an error
UNKNOWN_CALLER = (401, 403)


def is_run_request(method: str, path: str) -> bool:
    """Return whether the answer to this request is a run, which it starts or follows."""
    if method == "POST":
        return RUN_REQUEST_PATH.fullmatch(path) is not None
    return method == "GET" and FOLLOW_PATH.fullmatch(path) is not None


def read_run_request(service: str, body: bytes, sent_us: int | None) -> RunRequest:
    """Return what the body of such a request says of its run; `service` is the app's name,
    `sent_us` when the request was sent that started the run, in microseconds."""
    fields = _body_object(body)
    inputs = fields.get("inputs")
    return RunRequest(
        service=service,
        inputs=inputs if isinstance(inputs, dict) and inputs else None,
        query=text_or_none(fields.get("query")),
        user=text_or_none(fields.get("user")),
        conversation=text_or_none(fields.get("conversation_id")),
        trigger="app-run" if fields else None,
        sent_us=sent_us,
    )


@dataclass(slots=True)
class BlockingReply:
    """A blocking answer, read once it is whole."""

    reader: StreamReader
    body: bytearray = field(default_factory=bytearray)
    arrived_us: int | None = None

    def feed(self, part: bytes, arrived_us: int | None = None) -> Decoded:
        self.body += part
        self.arrived_us = arrived_us
        return Decoded([], [])

    def end(self) -> Decoded:
        return self.reader.whole(bytes(self.body), self.arrived_us)

    def broken(self, reason: str) -> Decoded:
        return Decoded([], [])


@dataclass(slots=True)
class UnstartedRun:
    """A run that was requested and never began: Dify refused it or did not answer. `run_id` is
    ours, for Dify gave none. It reads the body of the refusal."""

    request: RunRequest
    run_id: str
    in_chat: bool
    status: int | None = None
    body: bytes = b""

    def feed(self, part: bytes, arrived_us: int | None = None) -> Decoded:
        self.body = (self.body + part)[:ERROR_LIMIT]
        return Decoded([], [])

    def end(self) -> Decoded:
        return self.refused(_body_object(self.body))

    def refused(self, error: dict[str, Any]) -> Decoded:
        """Return the failed run with Dify's `error`, {code, message, status}."""
        message = text_or_none(error.get("message"))
        message = message or self.body[:1000].decode("utf-8", "replace").strip()
        status = self.status or text_or_none(error.get("status")) or "an error"
        sentence = f"Dify answered with {status}" + (f": {message}" if message else ".")
        return self.broken(sentence, text_or_none(error.get("code")))

    def broken(self, reason: str, code: str | None = None) -> Decoded:
        """Return the failed run; `code` is Dify's name for the error."""
        request = self.request
        record = NodeRecord(
            trace=self.run_id,
            source_id=self.run_id,
            service=request.service,
            title="message" if self.in_chat else "workflow",
            kind="chain" if self.in_chat else "workflow",
            is_run=True,
            status="failed",
            started_us=request.sent_us,
            inputs=request.inputs if request.query is None else request.message_inputs,
            error=reason,
            error_type=code,
            run=RunFacts(
                mode="chatflow" if self.in_chat else "workflow",
                status="failed",
                conversation=request.conversation,
                user=request.user,
                trigger=request.trigger,
                source_ids=(("dify-asked", self.run_id),),
            ),
        )
        return Decoded([record], [])


@dataclass(slots=True)
class RunAnswer:
    """The answer to a request for a run: the run that `stream` reads, or, as long as it says
    nothing of one, the run that never began. `reader` reads the events of either kind of stream."""

    reader: StreamReader
    stream: StreamReader | BlockingReply
    unstarted: UnstartedRun | None

    def feed(self, part: bytes, arrived_us: int | None = None) -> Decoded:
        return self.stream.feed(part, arrived_us)

    def end(self) -> Decoded:
        decoded = self.stream.end()
        if self.reader.finished:
            return decoded
        return _concatenated(decoded, self.broken("Dify's answer ended before the run did."))

    def broken(self, reason: str) -> Decoded:
        decoded = self.reader.broken(reason)
        if self.reader.events or self.unstarted is None:
            return decoded
        if self.reader.refusal is not None:
            return _concatenated(decoded, self.unstarted.refused(self.reader.refusal))
        return _concatenated(decoded, self.unstarted.broken(reason))


def _concatenated(first: Decoded, second: Decoded) -> Decoded:
    return Decoded(first.records + second.records, first.refused + second.refused)


def answer_reader(
    status: int, headers: Mapping[str, str], unstarted: UnstartedRun, starts_run: bool
) -> RunAnswer | UnstartedRun | None:
    """Return what reads the answer to a request for a run; `starts_run`: a new one, of which
    `unstarted` is the record should it fail. None where there is nothing to record: Dify does not
    know the caller, or the bytes cannot be read."""
    if status >= 400:
        unstarted.status = status
        return unstarted if starts_run and status not in UNKNOWN_CALLER else None
    if headers.get("content-encoding", "identity") != "identity":
        return None
    reader = StreamReader(unstarted.request, is_answer=True)
    is_stream = headers.get("content-type", "").startswith("text/event-stream")
    stream = reader if is_stream else BlockingReply(reader)
    return RunAnswer(reader, stream, unstarted if starts_run else None)


def read_feedback(path: str, body: bytes, created_us: int) -> NoteRecord | None:
    """Return the thumb that a user gives a message, or takes back (rating null); None when the
    request is none."""
    match, fields = FEEDBACK_PATH.fullmatch(path), _body_object(body)
    if not match or not fields:
        return None
    message = match[1]
    rating = text_or_none(fields.get("rating")) or ""
    user = text_or_none(fields.get("user")) or ""
    return NoteRecord(
        about=message,
        source="dify-feedback",
        source_id=f"{message}/user/{user}",
        name="thumbs",
        number=THUMBS.get(rating),
        label=rating or "taken back",
        text=text_or_none(fields.get("content")) or "",
        author=user,
        created_us=created_us,
    )


def _body_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body; {} for anything else."""
    try:
        value = parse_json(body)
    except NotJson:
        return {}
    return {} if deeper_than(value, MAX_DEPTH) else object_or_empty(value)
