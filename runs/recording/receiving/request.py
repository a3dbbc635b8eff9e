"""One request to an endpoint for producers: its sender, its body, and its result."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest

from runs.models import IngestKey
from runs.recording.records import request_body
from runs.recording.records.json_text import NotJson, parse_json
from runs.recording.storing import inbox
from runs.recording.storing.ingest import NOTHING_INGESTED, IngestResult

PIECE = 65_536


class Refusal(Exception):
    """A request that cannot be accepted: a status and one clear sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class IncomingRequest:
    """One request to an endpoint: who sent it, its unpacked body, and what became of it."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.content_type = request.content_type or ""
        self.key: IngestKey | None = None
        self.body = b""
        self.size = 0
        self.result: IngestResult = NOTHING_INGESTED
        self.problem = ""  # the sentence of a refusal
        self.began = time.perf_counter_ns()

    @property
    def sender(self) -> inbox.Sender:
        """Return who sent these records, for `ingest`."""
        path, app = self.request.path.rstrip("/") or "/", self.request.GET.get("app")
        path += f"?{urlencode({'app': app})}" if app else ""  # other parameters may be secrets
        agent = self.request.headers.get("User-Agent", "")
        return inbox.Sender(path, self.key, agent, self.content_type)

    def read(self) -> None:
        """Read the whole body, unpacked."""
        sent = b"".join(_body_parts(self.request))
        encoding = self.request.headers.get("Content-Encoding", "")
        self.body = request_body.decompress(sent, encoding, settings.WAYLOG_MAX_BODY)
        self.size = len(self.body)

    def parts(self) -> Iterator[bytes]:
        """Yield the body in pieces while it arrives; a compressed one comes whole. Raises Refusal
        when it is over the limit or breaks off."""
        encoding = self.request.headers.get("Content-Encoding", "identity").strip().lower()
        if not self.body and encoding != "identity":
            self.read()
        if self.body:
            yield self.body
            return
        for part in _body_parts(self.request, live=True):
            self.size += len(part)
            yield part

    def json(self) -> Any:
        """Return the body as JSON. Raises UnreadableBody."""
        try:
            return parse_json(self.body)
        except NotJson as problem:
            raise request_body.UnreadableBody(f"The body is not JSON: {problem}.") from None

    def write_to_inbox(self, status: int) -> None:
        """Write down in the inbox what became of the request; `status` is that of the answer."""
        result = self.result
        row = inbox.record_request(
            self.sender,
            status=status,
            size=self.size,
            duration_us=(time.perf_counter_ns() - self.began) // 1000,
            records=result.records,
            refused=len(result.refused),
            duplicates=result.duplicates,
            late=result.late,
            orphans=sum(result.orphans.values()),
            run_count=len(result.runs),
            run_ids=[str(run_id) for run_id in result.runs_worst_first[: inbox.RUNS_LISTED]],
            remarks=dict(result.remarks),
            error=self.problem or result.reason,
        )
        if row and result.kept:
            inbox.link_refused(result.kept, row)


def _next_line(source: Any) -> bytes:
    """Return the next line, or part of a long one, of a body that is still being sent. Granian's
    `read` waits until all requested bytes are there, its `readline` until more than the line has
    come: a byte at a time is what comes as soon as it is there, and costs a second for some
    megabytes."""
    line = bytearray()
    while len(line) < PIECE and (byte := source.read(1)):
        line += byte
        if byte == b"\n":
            break
    return bytes(line)


def _body_parts(request: HttpRequest, live: bool = False) -> Iterator[bytes]:
    """Yield the body as sent. Django reads nothing where no length is announced, as is usual for
    bodies that are made or compressed while they are sent: those are read until they end; `live`:
    line by line, as they come."""
    length = request.headers.get("Content-Length") or ""
    if length and not length.isdecimal():
        raise Refusal(400, "The header Content-Length is not a number.")
    left = settings.WAYLOG_MAX_BODY
    if length and int(length) > left:
        raise request_body.BodyTooLarge
    protocol = request.META.get("SERVER_PROTOCOL", "")
    open_ended = "Transfer-Encoding" in request.headers or protocol.startswith("HTTP/2")
    source = request.META["wsgi.input"] if open_ended and not length else request
    try:
        while part := _next_line(source) if live and source is not request else source.read(PIECE):
            left -= len(part)
            if left < 0:
                raise request_body.BodyTooLarge
            yield part
    except OSError:
        raise Refusal(400, "The body ended before its announced length.") from None
    if left == settings.WAYLOG_MAX_BODY and source is not request:
        raise Refusal(400, "The body is empty.")  # which is what servers make of broken chunks, too
