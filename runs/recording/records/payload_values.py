"""Prepares values for payloads and text columns."""

import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from zlib import crc32

import orjson

from nodes.compression import pack
from nodes.digests import content_digest
from nodes.formats import visible

FIRST_DAY = date(1970, 1, 1)
LAST_DAY = 65_535
_LINE_ENDS = str.maketrans("\t\n\r\x0b\x0c\x85\u2028\u2029", " " * 8)
DAY_US = 86_400_000_000


def clean(text: str, length: int | None = None) -> str:
    """Return text as both databases can store it: no NUL, no halves of surrogate pairs. Text with
    a `length` is a name or an id: cut, on one line, and without what no page can hold."""
    if not text:
        return text
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    if length is None:
        return text
    text = text[:length]
    return text if text.isprintable() else visible(text.translate(_LINE_ENDS))


def canonical(value: Any) -> tuple[str, bytes]:
    """Return encoding ("json" or "text") and bytes of a value; equal values give equal bytes."""
    if isinstance(value, str):
        return "text", value.encode("utf-8", "replace")
    for option in (orjson.OPT_SORT_KEYS, orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS):
        try:
            return "json", orjson.dumps(value, option=option)
        except TypeError:  # orjson's own error is one
            continue
    # Integers beyond 64 bits and lone surrogates, which orjson refuses.
    text = json.dumps(value, sort_keys=True, default=str, separators=(",", ":"))
    return "json", text.encode()


class PayloadLocation(NamedTuple):
    """Where a payload is stored: `prefix` of its id, its app and its day."""

    prefix: str
    app_id: int
    date: str


@dataclass(slots=True)
class PayloadBatch:
    """Payloads of one transaction, each once. `rows` is keyed by id, in the columns of
    `COLUMNS`."""

    rows: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    # Values that many records share as one object (resources), so that each is read once.
    shared: dict[tuple[int, str], tuple[Any, str | None]] = field(default_factory=dict)
    COLUMNS = ("id", "app_id", "day", "encoding", "compressed", "size", "cut_of", "body")

    def add(self, location: PayloadLocation, value: Any, cut_of: int | None = None) -> str | None:
        """Add a value and return the id to refer to it by; None for no value. `cut_of`: its size in
        bytes before the producer cut it."""
        if value is None or value == "":
            return None
        encoding, body = canonical(value)
        key = location.prefix + content_digest(encoding, body, cut_of)
        if key not in self.rows:
            compressed, stored = pack(body)
            self.rows[key] = (
                key, location.app_id, location.date, encoding, compressed, len(body), cut_of,
                stored,
            )  # fmt: skip
        return key

    def add_shared(self, app_id: int, at_us: int | None, value: Any) -> str | None:
        """Do as `add` with an object that many records share: its content is looked at once, and
        stored once for all traces of the day."""
        location = payload_location(app_id, at_us, "")
        key = (id(value), location.prefix)
        if key not in self.shared:
            # The value is kept with it, so that its id() stays its own.
            self.shared[key] = (value, self.add(location, value))
        return self.shared[key][1]


def payload_location(app_id: int, at_us: int | None, trace: str) -> PayloadLocation:
    return _location(app_id, min(max((at_us or 0) // DAY_US, 0), LAST_DAY), trace)


@lru_cache(maxsize=4096)
def _location(app_id: int, day: int, trace: str) -> PayloadLocation:
    """Return the prefix of a payload's id: two bytes of day, three of app, two of trace, in hex.
    What is written together and read together lies together, whatever the size of the table."""
    trace_checksum = crc32(trace.encode("utf-8", "replace")) & 0xFFFF
    prefix = f"{day:04x}{app_id & 0xFFFFFF:06x}{trace_checksum:04x}"
    return PayloadLocation(prefix, app_id, str(FIRST_DAY + timedelta(days=day)))
