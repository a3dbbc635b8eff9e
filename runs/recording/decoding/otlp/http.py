"""What traces and logs have in common over HTTP: two content types, and one form of answer."""

from collections.abc import Callable
from typing import Any, TypeVar

import orjson
from google.protobuf.json_format import MessageToDict

from runs.recording.records.request_body import UnsupportedType

Decode = TypeVar("Decode", bound=Callable[..., Any])
PROTOBUF = frozenset({"application/x-protobuf", "application/protobuf"})
JSON = "application/json"


def decoder(content_type: str, protobuf: Decode, json: Decode) -> Decode:
    """The one of two decoders that reads this content type. Raises UnsupportedType."""
    name = _name(content_type)
    if name != JSON and name not in PROTOBUF:
        raise UnsupportedType(
            f"Content-Type {name[:60]!r} is not supported;"
            " use application/x-protobuf or application/json."
        )
    return json if name == JSON else protobuf


def encode_response(
    response: Any, rejected: str, partial: tuple[int, str] | None, content_type: str
) -> bytes:
    """An Export…ServiceResponse, fresh, in the request's content type. `partial` is how many
    records were refused, counted in its field `rejected`, and why."""
    if partial is not None:
        count, reason = partial
        setattr(response.partial_success, rejected, count)
        response.partial_success.error_message = reason
    if _name(content_type) == JSON:
        return orjson.dumps(MessageToDict(response))
    answer: bytes = response.SerializeToString()
    return answer


def _name(content_type: str) -> str:
    return content_type.split(";")[0].strip().lower()
