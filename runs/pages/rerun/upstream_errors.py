"""What an upstream answers, in a sentence for the page. Pure: no secret of the request is left in
it."""

from collections.abc import Iterable

from runs.recording.decoding.dify.vocabulary import object_or_empty, text_or_none
from runs.recording.records.json_text import NotJson, parse_json
from runs.redaction.secrets import redact_text

READ = 64_000
SAID = 500


def head(parts: Iterable[bytes]) -> bytes:
    """The beginning of an answer."""
    body = bytearray()
    for part in parts:
        body += part
        if len(body) >= READ:
            break
    return bytes(body[:READ])


def object_of(body: bytes) -> dict[str, object]:
    """The JSON object of a body; {} where it is none."""
    try:
        return object_or_empty(parse_json(body))
    except NotJson:
        return {}


def refusal(who: str, status: int, body: bytes, key: str) -> str:
    """Why an upstream said no: its status and its own words."""
    if 300 <= status < 400:
        return f"{who} answered with a redirect ({status}), which is not followed."
    told = object_of(body)
    said = (
        text_or_none(told.get("message"))
        or text_or_none(told.get("error"))
        or text_or_none(told.get("detail"))
    )
    said = said or body[: 4 * SAID].decode("utf-8", "replace")
    said = " ".join(redact_text(said, key).split())
    said = "" if said.startswith("<") else said  # a page for browsers
    cut = said[:SAID] + (" …" if len(said) > SAID else "")
    return f"{who} refused it with {status}" + (f": {cut}" if cut else ".")
