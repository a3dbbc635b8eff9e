"""Explains an upstream's refusal in a sentence without secrets of the request. Pure."""

import json
from collections.abc import Iterable
from typing import Any

from runs.recording.decoding.dify.vocabulary import text_or_none
from runs.recording.records.json_text import NotJson, object_or_empty, parse_json
from runs.redaction.secrets import redact_text

MAX_READ = 64_000  # bytes of an answer
MAX_REASON = 500  # characters of an upstream's own words


def read_beginning(parts: Iterable[bytes]) -> bytes:
    """Return the beginning of a response body, up to MAX_READ bytes."""
    body = bytearray()
    for part in parts:
        body += part
        if len(body) >= MAX_READ:
            break
    return bytes(body[:MAX_READ])


def json_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body; {} where it is none."""
    try:
        return object_or_empty(parse_json(body))
    except NotJson:
        return {}


def refusal_of(error: dict[str, Any], status: int, key: str) -> str:
    """Return the sentence about an error that Dify sent within a stream, {code, message, status};
    `status` is that of the answer, where the error names none."""
    own = error.get("status")
    status = own if isinstance(own, int) else status
    return refusal_sentence("Dify", status, json.dumps(error).encode(), key)


def refusal_sentence(upstream: str, status: int, body: bytes, key: str) -> str:
    """Return why an upstream refused: its status and its own words, without its `key`."""
    if 300 <= status < 400:
        return f"{upstream} answered with a redirect ({status}), which is not followed."
    answer = json_object(body)
    reasons = (text_or_none(answer.get(name)) for name in ("message", "error", "detail"))
    reason = next(filter(None, reasons), "") or body[: 4 * MAX_REASON].decode("utf-8", "replace")
    reason = " ".join(redact_text(reason, key).split())
    reason = "" if reason.startswith("<") else reason  # a page for browsers
    shortened = reason[:MAX_REASON] + (" …" if len(reason) > MAX_REASON else "")
    return f"{upstream} refused the request with {status}" + (
        f": {shortened}" if shortened else "."
    )
