"""Digests of stored values. A payload's id ends with the digest of its value, so that equal values
are recognised across runs and days without being read. Pure."""

from hashlib import sha256
from uuid import UUID

from nodes.clock import hex_id

LENGTH = 18  # hex digits; the rest of the id says where the value is stored


def content_digest(encoding: str, body: bytes, cut_of: int | None = None) -> str:
    """Return the digest of a value with this stored form: the end of its id."""
    kind = encoding if cut_of is None else f"{encoding}{cut_of}"
    return sha256(body + kind.encode()).hexdigest()[:LENGTH]


def digest_of(payload_id: str | None) -> str:
    """Return the digest in an id as text, with dashes or without; "" for no value."""
    return hex_id(payload_id)[-LENGTH:]


def digest_with_dashes(payload_id: UUID) -> str:
    """Return the digest as it stands in a UUID with dashes: for a database to compare."""
    return str(payload_id)[-LENGTH - 2 :]
