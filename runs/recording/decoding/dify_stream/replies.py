"""What a request to Dify's API asks for, and answers that are no stream. Pure.

Facts: `POST /workflows/run` and `/workflows/<id>/run` {inputs, response_mode, user}; `POST
/chat-messages` {inputs, query, conversation_id, …}; `POST /completion-messages` {inputs, …};
`GET /workflow/<run>/events` follows a run that was started before. Errors are {code, message,
status}.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runs.recording.decoding.dify.vocabulary import THUMBS, mapping, text
from runs.recording.decoding.dify_stream.event import Asked
from runs.recording.decoding.dify_stream.reader import Reader
from runs.recording.records.json_text import MAX_DEPTH, NotJson, deeper_than, parse_json
from runs.recording.records.record import Decoded, NodeRecord, NoteRecord, RunFacts

ASKING = re.compile(r"workflows/(?:[^/]+/)?run|chat-messages|completion-messages")
FOLLOWING = re.compile(r"workflow/[^/]+/events")
FEEDBACK = re.compile(r"messages/([^/]+)/feedbacks")
ERROR_LIMIT = 64_000
UNKNOWN_CALLER = (401, 403)


def asks_for_run(method: str, path: str) -> bool:
    """Whether the answer to this request is a run: asked for, or followed."""
    if method == "POST":
        return ASKING.fullmatch(path) is not None
    return method == "GET" and FOLLOWING.fullmatch(path) is not None


def asked_of(service: str, body: bytes) -> Asked:
    """What the body of such a request tells of its run."""
    told = _object(body)
    inputs = told.get("inputs")
    return Asked(
        service=service,
        inputs=inputs if isinstance(inputs, dict) and inputs else None,
        query=text(told.get("query")),
        user=text(told.get("user")),
        conversation=text(told.get("conversation_id")),
        trigger="app-run" if told else None,
    )


@dataclass(slots=True)
class Reply:
    """A blocking answer, read once it is whole."""

    reader: Reader
    body: bytearray = field(default_factory=bytearray)

    def feed(self, part: bytes) -> Decoded:
        self.body += part
        return Decoded([], [])

    def end(self) -> Decoded:
        return self.reader.whole(bytes(self.body))

    def broken(self, reason: str) -> Decoded:
        return Decoded([], [])


@dataclass(slots=True)
class Failure:
    """A run that was asked for and never began: Dify said no, or nothing. `run_id` is ours, for
    Dify gave none; times in microseconds."""

    asked: Asked
    run_id: str
    in_chat: bool
    started_us: int
    status: int | None = None
    body: bytes = b""

    def feed(self, part: bytes) -> Decoded:
        self.body = (self.body + part)[:ERROR_LIMIT]
        return Decoded([], [])

    def end(self) -> Decoded:
        return self.refused(_object(self.body))

    def refused(self, told: dict[str, Any]) -> Decoded:
        """Dify's reason, {code, message, status}."""
        said = text(told.get("message")) or self.body[:1000].decode("utf-8", "replace").strip()
        status = self.status or text(told.get("status")) or "an error"
        sentence = f"Dify answered with {status}" + (f": {said}" if said else ".")
        return self.broken(sentence, text(told.get("code")))

    def broken(self, reason: str, code: str | None = None) -> Decoded:
        asked = self.asked
        inputs: Any = asked.inputs
        if asked.query is not None:
            inputs = {"query": asked.query, **asked.inputs} if asked.inputs else asked.query
        record = NodeRecord(
            trace=self.run_id,
            source_id=self.run_id,
            service=asked.service,
            title="message" if self.in_chat else "workflow",
            kind="chain" if self.in_chat else "workflow",
            is_run=True,
            status="failed",
            started_us=self.started_us,
            inputs=inputs,
            error=reason,
            error_type=code,
            run=RunFacts(
                mode="chatflow" if self.in_chat else "workflow",
                status="failed",
                conversation=asked.conversation,
                user=asked.user,
                trigger=asked.trigger,
                source_ids=(("dify-asked", self.run_id),),
            ),
        )
        return Decoded([record], [])


@dataclass(slots=True)
class Answer:
    """The answer to a request for a run: the run, or, as long as it tells of none, the failure."""

    reader: Reader
    reading: Reader | Reply
    failure: Failure | None

    def feed(self, part: bytes) -> Decoded:
        return self.reading.feed(part)

    def end(self) -> Decoded:
        found = self.reading.end()
        if self.reader.finished:
            return found
        return _both(found, self.broken("Dify's answer ended before the run did."))

    def broken(self, reason: str) -> Decoded:
        found = self.reader.broken(reason)
        if self.reader.events or self.failure is None:
            return found
        if self.reader.refusal is not None:
            return _both(found, self.failure.refused(self.reader.refusal))
        return _both(found, self.failure.broken(reason))


def _both(one: Decoded, other: Decoded) -> Decoded:
    return Decoded(one.records + other.records, one.refused + other.refused)


def reading_of(
    status: int, headers: Mapping[str, str], failure: Failure, is_asked: bool
) -> Answer | Failure | None:
    """How to read the answer to a request for a run; `is_asked`: for a new one. None where there is
    nothing to record: Dify does not know the caller, or the bytes cannot be read."""
    if status >= 400:
        failure.status = status
        return failure if is_asked and status not in UNKNOWN_CALLER else None
    if headers.get("content-encoding", "identity") != "identity":
        return None
    reader = Reader(failure.asked, is_answer=True)
    is_stream = headers.get("content-type", "").startswith("text/event-stream")
    return Answer(reader, reader if is_stream else Reply(reader), failure if is_asked else None)


def feedback(path: str, body: bytes, at_us: int) -> NoteRecord | None:
    """The thumb that a user gives a message, or takes back (rating null); None when the request is
    none."""
    found, told = FEEDBACK.fullmatch(path), _object(body)
    if not found or not told:
        return None
    rating, user = text(told.get("rating")) or "", text(told.get("user")) or ""
    return NoteRecord(
        about=found[1],
        source="dify-feedback",
        source_id=f"{found[1]}/user/{user}",
        name="thumbs",
        number=THUMBS.get(rating),
        label=rating or "taken back",
        text=text(told.get("content")) or "",
        author=user,
        created_us=at_us,
    )


def _object(body: bytes) -> dict[str, Any]:
    try:
        told = parse_json(body)
    except NotJson:
        return {}
    return {} if deeper_than(told, MAX_DEPTH) else mapping(told)
