"""One request at a machine door: who sent it, its body, and what became of it."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest

from runs.models import IngestKey
from runs.recording.records import request_body
from runs.recording.storing import inbox
from runs.recording.storing.ingest import NOTHING_INGESTED, IngestResult

PIECE = 65_536


class Refusal(Exception):
    """A request that cannot be taken: a status and one clear sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class IncomingRequest:
    """One request at a door: who sent it, its body unpacked, and what became of it."""

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
        """Whose records these are, for `intake`."""
        door, app = self.request.path.rstrip("/") or "/", self.request.GET.get("app")
        door += f"?{urlencode({'app': app})}" if app else ""  # other parameters may be secrets
        agent = self.request.headers.get("User-Agent", "")
        return inbox.Sender(door, self.key, agent, self.content_type)

    def read(self) -> None:
        """Read the whole body, unpacked."""
        sent = b"".join(_sent(self.request))
        encoding = self.request.headers.get("Content-Encoding", "")
        self.body = request_body.decompress(sent, encoding, settings.WAYLOG_MAX_BODY)
        self.size = len(self.body)

    def parts(self) -> Iterator[bytes]:
        """The body in pieces while it arrives; one that is compressed comes whole. Raises Refusal
        when it is over the limit or breaks off."""
        encoding = self.request.headers.get("Content-Encoding", "identity").strip().lower()
        if not self.body and encoding != "identity":
            self.read()
        if self.body:
            yield self.body
            return
        for part in _sent(self.request, live=True):
            self.size += len(part)
            yield part

    def note(self, status: int) -> None:
        """Tell the inbox."""
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
            error=self.problem or result.reason,
        )
        if row and result.kept:
            inbox.link_refused(result.kept, row)


def _line(source: Any) -> bytes:
    """The next line, or part of a long one, of a body that is still being sent. Granian's `read`
    waits until all that was asked for is there, its `readline` until more comes than the line: a
    byte at a time is what is there when it is there, and costs a second for some megabytes."""
    line = bytearray()
    while len(line) < PIECE and (byte := source.read(1)):
        line += byte
        if byte == b"\n":
            break
    return bytes(line)


def _sent(request: HttpRequest, live: bool = False) -> Iterator[bytes]:
    """The body as sent. Django reads nothing where no length is announced, as is usual for bodies
    that are made or compressed while they are sent: those are read until they end; `live`: line by
    line, as they come."""
    told = request.headers.get("Content-Length") or ""
    if told and not told.isdecimal():
        raise Refusal(400, "The header Content-Length is not a number.")
    left = settings.WAYLOG_MAX_BODY
    if told and int(told) > left:
        raise request_body.BodyTooLarge
    protocol = request.META.get("SERVER_PROTOCOL", "")
    open_ended = "Transfer-Encoding" in request.headers or protocol.startswith("HTTP/2")
    source = request.META["wsgi.input"] if open_ended and not told else request
    try:
        while part := _line(source) if live and source is not request else source.read(PIECE):
            left -= len(part)
            if left < 0:
                raise request_body.BodyTooLarge
            yield part
    except OSError:
        raise Refusal(400, "The body ended before its announced length.") from None
    if left == settings.WAYLOG_MAX_BODY and source is not request:
        raise Refusal(400, "The body is empty.")  # as servers also hand on one with broken chunks
