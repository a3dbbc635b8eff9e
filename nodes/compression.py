"""How payload bytes are stored: Zstandard where it pays. Pure.

Zstandard because recording compresses every payload, and its fast levels take a fraction of zlib's
time for nearly the same size. It is in Python's standard library from 3.14 on; `backports.zstd` is
the same module for older ones.
"""

import sys
import threading
from typing import Any

import orjson

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["pack", "unpack", "unpack_head", "unpack_json", "zstd"]

# Below this many bytes compression costs more than it saves.
PACK_FROM = 600
# Faster than level 1 for slightly more bytes.
LEVEL = -1
# What every Zstandard frame begins with (RFC 8878); no JSON does.
_FRAME = b"\x28\xb5\x2f\xfd"
_local = threading.local()


def pack(body: bytes) -> tuple[bool, bytes]:
    """Return whether `body` was compressed, and the bytes to store."""
    if len(body) < PACK_FROM:
        return False, body
    compressor = getattr(_local, "compressor", None)
    if compressor is None:
        compressor = _local.compressor = zstd.ZstdCompressor(level=LEVEL)
    return True, compressor.compress(body, compressor.FLUSH_FRAME)


def unpack(body: bytes) -> bytes:
    return zstd.decompress(body)


def unpack_json(body: bytes) -> Any:
    """Return the value of packed JSON, which by its first bytes shows whether it is compressed."""
    return orjson.loads(unpack(body) if body.startswith(_FRAME) else body)


def unpack_head(body: bytes, length: int) -> bytes:
    """Return at most the first `length` bytes, without unpacking the rest."""
    return zstd.ZstdDecompressor().decompress(body, max_length=length)
