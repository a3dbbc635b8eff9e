"""Request bodies: unpacking with a cap, and the errors that an endpoint turns into a status."""

import zlib
from typing import Any

from nodes.compression import zstd

MAX_GZIP_MEMBERS = 100


class UnreadableBody(ValueError):
    """The body is not what it says it is (400). The message is one sentence for the sender."""


class BodyTooLarge(ValueError):
    """The body is over the limit once unpacked (413)."""


class UnsupportedEncoding(ValueError):
    """A Content-Encoding that Waylog cannot unpack (415)."""


class UnsupportedType(ValueError):
    """A Content-Type that Waylog cannot read (415)."""


def decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """Return the body without its Content-Encoding: "", identity, gzip, deflate (zlib or raw) and
    zstd. Never unpacks more than `limit` bytes (plus one)."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return _check_size(body, limit)
    if name in ("gzip", "x-gzip"):
        return _gunzip(body, limit)
    if name == "deflate":
        return _inflate(body, limit)
    if name == "zstd":
        return _unzstd(body, limit)
    raise UnsupportedEncoding(f"Content-Encoding {name[:40]!r} is not supported; use gzip.")


def _check_size(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise BodyTooLarge(f"The body is larger than the limit of {limit} bytes.")
    return body


def _gunzip(body: bytes, limit: int) -> bytes:
    members: list[bytes] = []
    for _ in range(MAX_GZIP_MEMBERS):
        stream = zlib.decompressobj(wbits=31)
        members.append(_check_size(_unpack(stream, body, limit, "gzip"), limit))
        limit -= len(members[-1])
        body = stream.unused_data.lstrip(b"\0")  # padding after a member is allowed
        if not body:
            return b"".join(members)
    raise UnreadableBody(f"The gzip body has more than {MAX_GZIP_MEMBERS} members.")


def _inflate(body: bytes, limit: int) -> bytes:
    # "deflate" is zlib by the standard, but some clients send the bare stream.
    try:
        return _check_size(_unpack(zlib.decompressobj(), body, limit, "deflate"), limit)
    except UnreadableBody:
        return _check_size(_unpack(zlib.decompressobj(wbits=-15), body, limit, "deflate"), limit)


def _unpack(stream: Any, body: bytes, limit: int, name: str) -> bytes:
    """Return at most limit + 1 bytes: one too many means that there is more."""
    try:
        unpacked: bytes = stream.decompress(body, max(limit, 0) + 1)
    except zlib.error as error:
        raise UnreadableBody(f"The body is not valid {name}.") from error
    if not stream.eof and len(unpacked) <= limit:
        raise UnreadableBody(f"The {name} body ends too early.")
    return unpacked


def _unzstd(body: bytes, limit: int) -> bytes:
    stream = zstd.ZstdDecompressor()
    try:
        unpacked: bytes = stream.decompress(body, max_length=limit + 1)
    except zstd.ZstdError as error:
        raise UnreadableBody("The body is not valid zstd.") from error
    if not stream.eof and len(unpacked) <= limit:
        raise UnreadableBody("The zstd body ends too early.")
    return _check_size(unpacked, limit)
