"""The HTTP doors of OpenTelemetry: read the request, hand its body to `intake`, answer in kind.

A door is closed without a key. Whatever is wrong is said in one sentence with the right status, and
200 is said after the commit.
"""

import logging
from collections.abc import Callable
from functools import wraps

import orjson
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from runs.access import key_from
from runs.models import IngestKey
from runs.recording import bodies, intake, otlp

log = logging.getLogger(__name__)

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
RETRY_AFTER_SECONDS = 5

Door = Callable[[HttpRequest, IngestKey, bytes, str], HttpResponse]


class Refusal(Exception):
    """A request that cannot be taken: a status and one clear sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def otlp_door(door: Door) -> Callable[[HttpRequest], HttpResponse]:
    """Key, type, size and encoding are checked; the view gets the body unpacked."""

    @csrf_exempt
    @login_not_required
    @require_POST
    @wraps(door)
    def view(request: HttpRequest) -> HttpResponse:
        content_type = request.content_type or ""
        try:
            key = _checked_key(request)
            body = _body(request, content_type)
            return door(request, key, body, content_type)
        except Refusal as refusal:
            return _refused(refusal, content_type)
        except DatabaseError:
            log.exception("A request could not be stored.")
            busy = Refusal(503, "The database cannot take this now. Try again.")
            return _refused(busy, content_type)

    return view


def _checked_key(request: HttpRequest) -> IngestKey:
    key = key_from(request)
    if key is None:
        raise Refusal(
            401,
            "No valid key. Send one as `Authorization: Bearer <key>` or in the header `x-api-key`.",
        )
    if not key.can_ingest:
        raise Refusal(403, "This key may read, but not record.")
    key.touch()
    return key


def _body(request: HttpRequest, content_type: str) -> bytes:
    limit = settings.WAYLOG_MAX_BODY
    if content_type not in (PROTOBUF, JSON):
        told = f"not {content_type!r}" if content_type else "and none was given"
        raise Refusal(415, f"The content type must be {PROTOBUF} or {JSON}, {told}.")
    too_large = Refusal(413, f"The body is larger than {limit // 1_048_576} MB.")
    try:
        declared = int(request.headers.get("Content-Length") or 0)
    except ValueError:
        raise Refusal(400, "The header Content-Length is not a number.") from None
    if declared > limit:
        raise too_large
    try:
        encoding = request.headers.get("Content-Encoding", "")
        return bodies.decompress(_sent(request, limit), encoding, limit)
    except (RequestDataTooBig, bodies.BodyTooLarge):
        raise too_large from None
    except bodies.UnsupportedEncoding as problem:
        raise Refusal(415, str(problem)) from None
    except bodies.UnreadableBody as problem:
        raise Refusal(400, str(problem)) from None
    except OSError:
        raise Refusal(400, "The body ended before its announced length.") from None


def _sent(request: HttpRequest, limit: int) -> bytes:
    """The body as sent. Django reads nothing where no length is announced, as is usual for bodies
    that are compressed while they are sent: those are read until they end."""
    protocol = request.META.get("SERVER_PROTOCOL", "")
    streamed = "Transfer-Encoding" in request.headers or protocol.startswith("HTTP/2")
    if request.META.get("CONTENT_LENGTH") or not streamed:
        return request.body
    parts: list[bytes] = []
    while limit >= 0 and (part := request.META["wsgi.input"].read(65_536)):
        parts.append(part)
        limit -= len(part)
    if not parts:  # as servers also hand on one whose chunks are broken
        raise Refusal(400, "The body is empty.")
    return b"".join(parts)


def _refused(refusal: Refusal, content_type: str) -> HttpResponse:
    """OTLP wants a google.rpc.Status: its field 2 is the message."""
    sentence = str(refusal)
    response = HttpResponse(
        _status_message(sentence)
        if content_type == PROTOBUF
        else orjson.dumps({"message": sentence}),
        status=refusal.status,
        content_type=content_type if content_type == PROTOBUF else JSON,
    )
    if refusal.status == 503:
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if refusal.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="waylog"'
    return response


def _status_message(sentence: str) -> bytes:
    """google.rpc.Status{message: sentence} on the wire; one field is not worth its package."""
    text = sentence.encode()
    length, size = bytearray(), len(text)
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return b"\x12" + bytes(length) + bytes([size]) + text


@otlp_door
def traces(request: HttpRequest, key: IngestKey, body: bytes, content_type: str) -> HttpResponse:
    """`POST /v1/traces`: OTLP/HTTP, protobuf or JSON."""
    agent = request.headers.get("User-Agent", "")
    try:
        taken = intake.take(body, content_type, key, request.path, agent)
    except bodies.UnreadableBody as problem:
        raise Refusal(400, str(problem)) from None
    partial = (len(taken.refused), taken.reason) if taken.refused else None
    return HttpResponse(otlp.encode_response(partial, content_type), content_type=content_type)


@otlp_door
def set_aside(request: HttpRequest, key: IngestKey, body: bytes, content_type: str) -> HttpResponse:
    """`POST /v1/metrics`: answered, so that clients that send everything do not complain; not
    kept."""
    return HttpResponse(otlp.encode_response(None, content_type), content_type=content_type)
