"""Sends a refused record to its endpoint again, after a fix."""

import logging
from io import BytesIO

from django.core.handlers.wsgi import WSGIRequest
from django.urls import Resolver404, resolve
from django.utils import timezone

from runs.models import RefusedRecord
from runs.recording.receiving.endpoint import ENDPOINTS, refusal_for
from runs.recording.receiving.request import IncomingRequest
from runs.recording.storing import inbox

log = logging.getLogger(__name__)


def replay(record: RefusedRecord) -> str:
    """Send the record again, with the key that it came with. Returns "" and marks the record as
    replayed where it is accepted; else stores and returns the reason why it is refused."""
    reason = _send_again(record)
    rows = RefusedRecord.objects.filter(pk=record.pk)
    rows.update(reason=reason) if reason else rows.update(replayed_at=timezone.now())
    return reason


def _send_again(record: RefusedRecord) -> str:
    if record.body is None:
        return record.reason
    path, _, query = record.door.partition("?")
    try:
        match = resolve(path)
    except Resolver404:
        return f"There is no endpoint at {path} any more."
    endpoint = ENDPOINTS.get(match.func)
    if endpoint is None:
        return f"There is no endpoint at {path} any more."
    incoming = _incoming_request(record, path, query)
    try:
        status = endpoint(incoming, **match.kwargs).status_code
    except Exception as problem:
        refusal = refusal_for(problem)
        if refusal is None:
            log.exception("A refused record could not be replayed.")
        return str(refusal or f"Waylog failed to read it ({type(problem).__name__}).")
    # What is refused again is this record, so the copies that the endpoint kept are deleted.
    RefusedRecord.objects.filter(pk__in=incoming.result.kept).exclude(pk=record.pk).delete()
    return incoming.result.reason or ("" if status < 400 else f"The endpoint answered {status}.")


def _incoming_request(record: RefusedRecord, path: str, query: str) -> IncomingRequest:
    body = inbox.replay_body(record)
    request = WSGIRequest({
        "REQUEST_METHOD": "POST", "PATH_INFO": path, "QUERY_STRING": query,
        "SERVER_NAME": "localhost", "SERVER_PORT": "80", "HTTP_USER_AGENT": record.user_agent,
        "CONTENT_TYPE": record.content_type, "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
    })  # fmt: skip
    incoming = IncomingRequest(request)
    incoming.key, incoming.body = record.key, body
    return incoming
