"""Lines of a file that may be compressed (gzip, zstd), with limits."""

import gzip
import zlib
from collections.abc import Iterator
from typing import IO, cast

from nodes.compression import zstd

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
HEAD = 64
PIECE = 1 << 20


class UnreadableFile(ValueError):
    """The file cannot be read on; the message is one sentence."""


class CompressedFile:
    """A file as it is when unpacked. No line longer than `longest` bytes is returned, and no more
    than `most` are unpacked in all (None: any number)."""

    def __init__(self, file: IO[bytes], longest: int, most: int | None = None) -> None:
        head = _peek(file)
        stream: IO[bytes] = file
        if head.startswith(GZIP):
            stream = cast(IO[bytes], gzip.GzipFile(fileobj=file))
        elif head.startswith(ZSTD):
            stream = cast(IO[bytes], zstd.ZstdFile(file))
        self.stream, self.longest, self.most = stream, longest, most
        self.read_so_far, self.line = 0, 0

    def head(self) -> bytes:
        """Return the first bytes, without reading them yet."""
        try:
            return _peek(self.stream)
        except (EOFError, OSError, zlib.error, zstd.ZstdError):
            raise UnreadableFile("The file is damaged: it cannot be decompressed.") from None

    def rest(self, limit: int) -> bytes:
        """Return all that follows, up to `limit` bytes and one more."""
        parts, size = [], 0
        while size <= limit and (part := self._read_part(min(PIECE, limit + 1 - size), False)):
            parts.append(part)
            size += len(part)
        return b"".join(parts)

    def lines(self) -> Iterator[tuple[int, bytes | None]]:
        """Yield (number, line); None for a line that is too long."""
        while line := self._read_part(self.longest + 1, True):
            self.line += 1
            too_long = len(line) > self.longest and not line.endswith(b"\n")
            while line and too_long and not line.endswith(b"\n"):
                line = self._read_part(PIECE, True)
            yield self.line, None if too_long else line

    def _read_part(self, size: int, line: bool) -> bytes:
        try:
            part = self.stream.readline(size) if line else self.stream.read(size)
        except (EOFError, OSError, zlib.error, zstd.ZstdError):
            raise UnreadableFile(
                f"The file is damaged or cut off after line {self.line}."
            ) from None
        self.read_so_far += len(part)
        if self.most is not None and self.read_so_far > self.most:
            raise UnreadableFile(
                f"The file holds more than {self.most >> 20} MB when it is decompressed."
            )
        return part


def _peek(stream: IO[bytes]) -> bytes:
    if peek := getattr(stream, "peek", None):
        return bytes(peek(HEAD)[:HEAD])
    position = stream.tell()
    head = stream.read(HEAD)
    stream.seek(position)
    return head
