"""The content of a stored value, told by the end of its id: equal values are seen across runs and
days without being read. Pure."""

from hashlib import sha256
from uuid import UUID

from nodes.clock import hex_id

LENGTH = 18  # hex digits; the rest of the id says where the value is stored


def content_digest(encoding: str, body: bytes, cut_of: int | None = None) -> str:
    """The end of the id of a value that is stored so."""
    kind = encoding if cut_of is None else f"{encoding}{cut_of}"
    return sha256(body + kind.encode()).hexdigest()[:LENGTH]


def digest_of(payload_id: str | None) -> str:
    """Of an id as text, with dashes or without; "" for no value."""
    return hex_id(payload_id)[-LENGTH:]


def digest_with_dashes(payload_id: UUID) -> str:
    """The same end of the id, as a UUID is written: for a database to compare."""
    return str(payload_id)[-LENGTH - 2 :]
