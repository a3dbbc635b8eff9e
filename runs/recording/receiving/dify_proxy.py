"""The recording proxy: `/dify/<slug>/v1/…` is the Dify API of an app, and records its runs.

Who may use it: whoever Dify lets in. The client's Dify key is handed on and neither kept nor
logged; the proxy asks for no key of its own, because clients of Dify have one header for one key.
It is no open proxy: it leads to the addresses that an admin has given apps, below their path, and
nowhere else. Where Dify does not know the key (401, 403), nothing is recorded.

A client that hangs up does not stop its run at Dify, so that the stream is read to its end and
recorded all the same.
"""

import logging
import time
from collections.abc import Iterator
from functools import partial
from uuid import uuid4

import httpx2
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, close_old_connections
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from runs.choices import Upstream
from runs.models import App
from runs.recording.decoding.dify_stream import api_calls
from runs.recording.receiving import upstream
from runs.recording.receiving.live_stream import StreamDecoder, StreamRecorder, run_in_background
from runs.recording.receiving.request import IncomingRequest
from runs.recording.records import request_body
from runs.recording.records.record import Decoded
from runs.recording.storing import ingest, notes

log = logging.getLogger(__name__)

KIND = "proxy"
BROKEN = "Dify's answer broke off before its end."


@csrf_exempt
@login_not_required
def proxy(request: HttpRequest, slug: str, path: str) -> HttpResponseBase:
    try:
        app = "\0" not in slug and _app(slug)
        query = request.META.get("QUERY_STRING", "")
        url = upstream.target(app.upstream_url, path, query) if app else None
        if not app or url is None:
            return _error(404, "not_found", "No Dify API is set for this address.")
        if api_calls.is_run_request(request.method or "", path):
            return _recorded(request, app, path, url)
        return _passed(request, path, url)
    except upstream.UpstreamUnreachable as problem:
        return _error(problem.status, "bad_gateway", str(problem))
    except DatabaseError:
        return _error(503, "service_unavailable", "The database cannot be asked now. Try again.")
    except request_body.BodyTooLarge:
        limit = settings.WAYLOG_MAX_BODY // 1_048_576
        return _error(413, "request_entity_too_large", f"The body is larger than {limit} MB.")
    except OSError:
        return _error(400, "bad_request", "The body ended before its announced length.")


def _app(slug: str) -> App | None:
    """Of an app whose upstream is Dify: to a webhook nobody is led."""
    found = App.objects.filter(slug=slug, upstream_kind=Upstream.DIFY)
    return found.exclude(upstream_url="").defer("upstream_key").first()


def _error(status: int, code: str, message: str) -> JsonResponse:
    """In the form of Dify's own errors."""
    return JsonResponse({"code": code, "message": message, "status": status}, status=status)


def _passed(request: HttpRequest, path: str, url: httpx2.URL) -> HttpResponseBase:
    """Whatever is no run goes through; of a thumb a note is made."""
    headers = upstream.sent_headers(request, plain=False)
    content, length = upstream.body_of(request)
    thumb = None
    if request.method == "POST" and api_calls.FEEDBACK_PATH.fullmatch(path) and content:
        body = _whole(content)
        content, thumb = iter([body]), api_calls.read_feedback(path, body, _now())
    close_old_connections()
    response = upstream.send_request(request.method or "GET", url, headers + length, content)
    if thumb is not None and response.status_code < 300:
        run_in_background(partial(notes.save, [thumb]))
    return _answer(response, None)


def _recorded(request: HttpRequest, app: App, path: str, url: httpx2.URL) -> HttpResponseBase:
    """A request whose answer is a run. What can be said of it as long as there is no answer: that
    it was asked for."""
    content, _ = upstream.body_of(request)
    body = None if content is None else _whole(content)
    asked = api_calls.read_run_request(app.name, body or b"")
    failure = api_calls.UnstartedRun(asked, uuid4().hex, not path.startswith("workflow"), _now())
    incoming = IncomingRequest(request)
    incoming.size = len(body or b"")
    close_old_connections()  # a stream may take minutes
    method, headers = request.method or "POST", upstream.sent_headers(request, plain=True)
    try:
        response = upstream.send_request(method, url, headers, body)
    except upstream.UpstreamUnreachable as problem:
        if method == "POST":
            _record(failure, incoming, problem.status).close(str(problem))
        raise
    reading = api_calls.answer_reader(
        response.status_code, response.headers, failure, method == "POST"
    )
    return _answer(response, _record(reading, incoming, response.status_code) if reading else None)


def _record(reading: StreamDecoder, incoming: IncomingRequest, status: int) -> StreamRecorder:
    def keep(found: Decoded) -> ingest.IngestResult:
        return ingest.store_decoded(found, incoming.sender, KIND)

    def done(taken: ingest.IngestResult) -> None:
        incoming.result = taken
        incoming.note(status)

    return StreamRecorder(reading, keep, patient=True, done=done)


def _answer(response: httpx2.Response, recording: StreamRecorder | None) -> StreamingHttpResponse:
    answer = StreamingHttpResponse(Relay(response, recording), status=response.status_code)
    del answer["Content-Type"]
    for name, value in upstream.returned_headers(response).items():
        answer[name] = value
    # What Dify serves must not act as a page of Waylog's, nor wait in a proxy before it.
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer["X-Accel-Buffering"] = "no"
    return answer


class Relay:
    """The answer's bytes, as they come. Not a generator: one that was never begun is not told that
    its client has gone."""

    def __init__(self, response: httpx2.Response, recording: StreamRecorder | None) -> None:
        self._response, self._recording = response, recording
        self._parts: Iterator[bytes] = response.iter_raw()
        self._ended = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            part = next(self._parts)
        except StopIteration:
            self._end("")
            raise
        except httpx2.HTTPError as problem:
            # Too late for another status: the client sees the end that Waylog saw.
            log.warning("An answer of Dify's broke off: %s", type(problem).__name__)
            self._end(BROKEN)
            raise StopIteration from None
        if self._recording is not None:
            self._recording.put(part)
        return part

    def _end(self, reason: str) -> None:
        self._ended = True
        self._response.close()
        if self._recording is not None:
            self._recording.close(reason)

    def close(self) -> None:
        """The answer has been sent, or the client has gone."""
        if self._ended:
            return
        self._ended = True
        if self._recording is None:
            self._response.close()
        else:
            self._recording.follow(self._rest(), BROKEN)

    def _rest(self) -> Iterator[bytes]:
        try:
            yield from self._parts
        finally:
            self._response.close()


def _whole(content: Iterator[bytes]) -> bytes:
    body = bytearray()
    for part in content:
        body += part
        if len(body) > settings.WAYLOG_MAX_BODY:
            raise request_body.BodyTooLarge
    return bytes(body)


def _now() -> int:
    return time.time_ns() // 1000
