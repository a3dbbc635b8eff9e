"""The recording proxy: `/dify/<slug>/v1/…` is the Dify API of an app, and records its runs.

It may be used by everybody whom Dify lets in. The client's Dify key is forwarded and neither kept
nor logged; the proxy asks for no key of its own, because clients of Dify have one header for one
key. It is no open proxy: it leads to the addresses that an admin has given apps, below their path,
and nowhere else. Where Dify does not know the key (401, 403), nothing is recorded.

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
BROKEN = "Dify's answer ended early."


@csrf_exempt
@login_not_required
def proxy(request: HttpRequest, slug: str, path: str) -> HttpResponseBase:
    try:
        app = "\0" not in slug and _dify_app(slug)
        query = request.META.get("QUERY_STRING", "")
        url = upstream.target(app.upstream_url, path, query) if app else None
        if not app or url is None:
            return _dify_error(404, "not_found", "No Dify API is set for this address.")
        if api_calls.is_run_request(request.method or "", path):
            return _forward_and_record(request, app, path, url)
        return _forward(request, path, url)
    except upstream.UpstreamUnreachable as problem:
        return _dify_error(problem.status, "bad_gateway", str(problem))
    except DatabaseError:
        return _dify_error(
            503, "service_unavailable", "The database is not available now. Try again."
        )
    except request_body.BodyTooLarge:
        limit = settings.WAYLOG_MAX_BODY // 1_048_576
        return _dify_error(413, "request_entity_too_large", f"The body is larger than {limit} MB.")
    except OSError:
        return _dify_error(400, "bad_request", "The body ended before its announced length.")


def _dify_app(slug: str) -> App | None:
    """Return the app with this slug, if its upstream is Dify: webhooks are not proxied."""
    apps = App.objects.filter(slug=slug, upstream_kind=Upstream.DIFY)
    return apps.exclude(upstream_url="").defer("upstream_key").first()


def _dify_error(status: int, code: str, message: str) -> JsonResponse:
    """Return an error in the form of Dify's own errors."""
    return JsonResponse({"code": code, "message": message, "status": status}, status=status)


def _forward(request: HttpRequest, path: str, url: httpx2.URL) -> HttpResponseBase:
    """Forward a request that is no run; a thumb becomes a note."""
    headers = upstream.sent_headers(request, plain=False)
    content, length = upstream.body_of(request)
    thumb = None
    if request.method == "POST" and api_calls.FEEDBACK_PATH.fullmatch(path) and content:
        body = _read_body(content)
        content, thumb = iter([body]), api_calls.read_feedback(path, body, _now_us())
    close_old_connections()
    response = upstream.send_request(request.method or "GET", url, headers + length, content)
    if thumb is not None and response.status_code < 300:
        run_in_background(partial(notes.save, [thumb]))
    return _relay_response(response, None)


def _forward_and_record(
    request: HttpRequest, app: App, path: str, url: httpx2.URL
) -> HttpResponseBase:
    """Forward a request whose answer is a run, and record the run. As long as there is no answer,
    all that is known is that it was requested."""
    content, _ = upstream.body_of(request)
    body = None if content is None else _read_body(content)
    sent_us = _now_us() if request.method == "POST" else None
    run_request = api_calls.read_run_request(app.name, body or b"", sent_us)
    in_chat = not path.startswith("workflow")
    unstarted = api_calls.UnstartedRun(run_request, uuid4().hex, in_chat)
    incoming = IncomingRequest(request)
    incoming.size = len(body or b"")
    close_old_connections()  # a stream may take minutes
    method, headers = request.method or "POST", upstream.sent_headers(request, plain=True)
    try:
        response = upstream.send_request(method, url, headers, body)
    except upstream.UpstreamUnreachable as problem:
        if method == "POST":
            _start_recorder(unstarted, incoming, problem.status).close(str(problem))
        raise
    decoder = api_calls.answer_reader(
        response.status_code, response.headers, unstarted, method == "POST"
    )
    return _relay_response(
        response, _start_recorder(decoder, incoming, response.status_code) if decoder else None
    )


def _start_recorder(
    decoder: StreamDecoder, incoming: IncomingRequest, status: int
) -> StreamRecorder:
    def store(decoded: Decoded) -> ingest.IngestResult:
        return ingest.store_decoded(decoded, incoming.sender, KIND)

    def done(result: ingest.IngestResult) -> None:
        incoming.result = result
        incoming.write_to_inbox(status)

    return StreamRecorder(decoder, store, patient=True, done=done)


def _relay_response(
    response: httpx2.Response, recorder: StreamRecorder | None
) -> StreamingHttpResponse:
    answer = StreamingHttpResponse(Relay(response, recorder), status=response.status_code)
    del answer["Content-Type"]
    for name, value in upstream.returned_headers(response).items():
        answer[name] = value
    # What Dify serves must not act as a page of Waylog's, nor wait in a proxy before it.
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer["X-Accel-Buffering"] = "no"
    return answer


class Relay:
    """The answer's bytes, as they come. It is no generator, because one that was never begun does
    not learn that its client has gone."""

    def __init__(self, response: httpx2.Response, recorder: StreamRecorder | None) -> None:
        self._response, self._recorder = response, recorder
        self._parts: Iterator[bytes] = response.iter_raw()
        self._ended = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            part = next(self._parts)
        except StopIteration:
            self._finish("")
            raise
        except httpx2.HTTPError as problem:
            # Too late for another status: the client sees the end that Waylog saw.
            log.warning("An answer of Dify's broke off: %s", type(problem).__name__)
            self._finish(BROKEN)
            raise StopIteration from None
        if self._recorder is not None:
            self._recorder.put(part)
        return part

    def _finish(self, reason: str) -> None:
        self._ended = True
        self._response.close()
        if self._recorder is not None:
            self._recorder.close(reason)

    def close(self) -> None:
        """End the relay: the answer has been sent, or the client has gone."""
        if self._ended:
            return
        self._ended = True
        if self._recorder is None:
            self._response.close()
        else:
            self._recorder.follow(self._rest(), BROKEN)

    def _rest(self) -> Iterator[bytes]:
        try:
            yield from self._parts
        finally:
            self._response.close()


def _read_body(content: Iterator[bytes]) -> bytes:
    body = bytearray()
    for part in content:
        body += part
        if len(body) > settings.WAYLOG_MAX_BODY:
            raise request_body.BodyTooLarge
    return bytes(body)


def _now_us() -> int:
    return time.time_ns() // 1000
