"""The work that every endpoint for producers shares: it checks the key, the content type, the size
and the encoding of the body, refuses in one clear sentence, and leaves an entry in the inbox.

An endpoint is a function of an `IncomingRequest` below `@endpoint`, and a line in runs/urls.py:

    @endpoint(JSON)
    def ingestion(incoming: IncomingRequest) -> HttpResponse:
        incoming.result = ingest.store_decoded(decode(incoming.body), incoming.sender)
        return JsonResponse({...})

- `@endpoint(JSON, PROTOBUF)` names the content types that it accepts; without any, all.
- `methods=("GET",)`: no body is read and no type checked. `keyless=True`: the endpoint is open, or
  checks for itself. `stream=True`: `incoming.body` stays empty, `incoming.parts()` yields the body
  while it arrives. What the URL pattern captures is passed as keywords.
- `raise Refusal(status, sentence)` for whatever cannot be accepted. `UnreadableBody` and
  `UnsupportedType` become 400 and 415, a DatabaseError 503 with Retry-After. The sentence is
  answered in protobuf where protobuf was sent, else as {"message": sentence}.
- Answer after the commit, and put what became of the body into `incoming.result`, which the inbox
  shows; an endpoint that records piece by piece adds up: `incoming.result += …`.
"""

import logging
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import orjson
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from runs.access import key_from, presented_secret
from runs.models import IngestKey
from runs.models.key import key_digest
from runs.recording.decoding.otlp.salvage import length_delimited
from runs.recording.receiving.request import IncomingRequest, Refusal
from runs.recording.records import request_body

log = logging.getLogger(__name__)

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
RETRY_AFTER_SECONDS = 5


Endpoint = Callable[..., HttpResponseBase]
View = Callable[..., HttpResponseBase]
# Each endpoint's view → the function below it.
ENDPOINTS: dict[View, Endpoint] = {}


def endpoint(
    *types: str,
    methods: Sequence[str] = ("POST",),
    keyless: bool = False,
    stream: bool = False,
) -> Callable[[Endpoint], View]:
    """Decorate the function of an endpoint, as the head of this file describes."""

    def decorate(endpoint_function: Endpoint) -> View:
        @csrf_exempt
        @login_not_required
        @require_http_methods(list(methods))
        @wraps(endpoint_function)
        def view(request: HttpRequest, **path: Any) -> HttpResponseBase:
            incoming = IncomingRequest(request)
            try:
                _check_scheme(request)
                if not keyless:
                    _check_key(incoming)
                if request.method not in ("GET", "HEAD"):
                    _check_type(incoming.content_type, types)
                    if not stream:
                        incoming.read()
                response = endpoint_function(incoming, **path)
            except Exception as problem:
                response = answer_problem(incoming, problem)
            return record_in_inbox(incoming, response)

        ENDPOINTS[view] = endpoint_function
        return view

    return decorate


def record_in_inbox(incoming: IncomingRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Return the response, which writes to the inbox once it is sent: nobody waits for that."""
    if incoming.request.method not in ("GET", "HEAD") or response.status_code >= 400:
        # What Django closes when the answer is sent or the client has gone.
        closers = response._resource_closers  # type: ignore[attr-defined]
        closers.append(lambda: incoming.write_to_inbox(response.status_code))
    return response


def answer_problem(incoming: IncomingRequest, problem: Exception) -> HttpResponse:
    """Return the answer to what cannot be accepted; raise the problem again where it is an error of
    ours."""
    refusal = refusal_for(problem)
    if refusal is None:
        incoming.problem = "Waylog had an internal error; the details are in its log."
        incoming.write_to_inbox(500)
        raise problem
    incoming.problem = str(refusal)
    return refusal_response(refusal, incoming.content_type)


def refusal_for(problem: Exception) -> Refusal | None:
    """Return the refusal that a problem becomes; None for an error of ours."""
    if isinstance(problem, Refusal):
        return problem
    if isinstance(problem, request_body.UnreadableBody):
        return Refusal(400, str(problem))
    if isinstance(problem, request_body.UnsupportedType | request_body.UnsupportedEncoding):
        return Refusal(415, str(problem))
    if isinstance(problem, RequestDataTooBig | request_body.BodyTooLarge):
        return Refusal(413, f"The body is larger than {settings.WAYLOG_MAX_BODY // 1_048_576} MB.")
    if isinstance(problem, DatabaseError):
        log.error("A request could not be stored.", exc_info=problem)
        return Refusal(503, "The database is not available now. Try again.")
    return None


def _check_scheme(request: HttpRequest) -> None:
    # The endpoints are exempt from the redirect to https, which exporters do not follow.
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        raise Refusal(400, f"This server speaks https: send to https://{request.get_host()}.")


def _check_key(incoming: IncomingRequest) -> None:
    incoming.key = key_from(incoming.request)
    if incoming.key is None:
        raise Refusal(
            401, f"No valid key: {_reason_for_wrong_key(presented_secret(incoming.request))}"
        )
    if not incoming.key.can_ingest:
        raise Refusal(403, "This key can read but not record.")
    incoming.key.touch()


def _reason_for_wrong_key(secret: str) -> str:
    if not secret:
        return "none was sent. Use `Authorization: Bearer <key>` or the header `x-api-key`."
    if IngestKey.objects.filter(digest=key_digest(secret)).exists():
        return "this one was revoked."
    return "this one is unknown."


def _check_type(content_type: str, types: Sequence[str]) -> None:
    if types and content_type not in types:
        actual = f"not {content_type!r}" if content_type else "and none was given"
        raise Refusal(415, f"The content type must be {' or '.join(types)}, {actual}.")


def refusal_response(refusal: Refusal, content_type: str) -> HttpResponse:
    """Return the refusal in kind: OTLP wants a google.rpc.Status, whose field 2 is the message."""
    sentence = str(refusal)
    in_protobuf = content_type == PROTOBUF
    response = HttpResponse(
        length_delimited(2, sentence.encode())
        if in_protobuf
        else orjson.dumps({"message": sentence}),
        status=refusal.status,
        content_type=PROTOBUF if in_protobuf else JSON,
    )
    if refusal.status == 503:
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if refusal.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="waylog"'
    return response
