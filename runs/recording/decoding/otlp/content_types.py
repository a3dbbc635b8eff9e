"""The content types and the form of answer that OTLP traces and logs share over HTTP."""

from collections.abc import Callable
from typing import Any, TypeVar

import orjson
from google.protobuf.json_format import MessageToDict

from runs.recording.records.request_body import UnsupportedType

Decode = TypeVar("Decode", bound=Callable[..., Any])
PROTOBUF = frozenset({"application/x-protobuf", "application/protobuf"})
JSON = "application/json"


def choose_decoder(content_type: str, protobuf: Decode, json: Decode) -> Decode:
    """Return the one of two decoders that reads this content type. Raises UnsupportedType."""
    media_type = _media_type(content_type)
    if media_type != JSON and media_type not in PROTOBUF:
        raise UnsupportedType(
            f"Content-Type {media_type[:60]!r} is not supported;"
            " use application/x-protobuf or application/json."
        )
    return json if media_type == JSON else protobuf


def encode_export_response(
    response: Any, rejected_field: str, partial: tuple[int, str] | None, content_type: str
) -> bytes:
    """Return `response`, a fresh Export…ServiceResponse, in the request's content type. `partial`
    is how many records were refused, which is counted in `rejected_field`, and why."""
    if partial is not None:
        count, reason = partial
        setattr(response.partial_success, rejected_field, count)
        response.partial_success.error_message = reason
    if _media_type(content_type) == JSON:
        return orjson.dumps(MessageToDict(response))
    body: bytes = response.SerializeToString()
    return body


def _media_type(content_type: str) -> str:
    return content_type.split(";")[0].strip().lower()
