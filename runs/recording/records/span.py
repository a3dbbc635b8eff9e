"""A span as OpenTelemetry defines it, whichever encoding carried it. Pure."""

from base64 import b64encode
from dataclasses import dataclass
from math import isfinite
from typing import Any

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUSES = ("unset", "ok", "error")
# Fields of a span in OTLP that are only kept among what was received, by their names in JSON.
TRACE_FACTS = {
    "trace_state": "traceState",
    "dropped_attributes_count": "droppedAttributesCount",
    "dropped_events_count": "droppedEventsCount",
    "dropped_links_count": "droppedLinksCount",
}
# The end of the year 9998: every time zone can still write it.
LAST_US = 253_370_764_799_999_999
MAX_DEPTH = 48  # levels of nesting in one attribute; no producer means to send more


class BadSpan(ValueError):
    """One span that cannot be recorded; the message is the reason."""


@dataclass(frozen=True, slots=True)
class SpanEvent:
    name: str
    time_us: int | None
    attributes: dict[str, Any]


# Not frozen for the same reason as `NodeRecord`.
@dataclass(slots=True)
class Span:
    """Ids in lower-case hex, times in integer microseconds since the epoch (None: unknown or not a
    time). Attribute values are JSON-like: bytes are base64 text, numbers are finite. `resource` is
    one object shared by all spans of a ResourceSpans."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    kind: str
    start_us: int | None
    end_us: int | None
    status: str
    status_message: str
    attributes: dict[str, Any]
    events: list[SpanEvent]
    links: list[dict[str, Any]]
    resource: dict[str, Any]
    scope: str
    # Whether the parent is in another process (flags of the span); None: not known.
    parent_is_remote: bool | None = None
    # What is not zero or empty of TRACE_FACTS, by its name, and "scope_attributes".
    trace_facts: dict[str, Any] | None = None


def parent_is_remote(flags: int) -> bool | None:
    """Return what the flags of a span say about its parent (OTLP's SpanFlags): 0x100, it is known
    whether the parent is remote; 0x200, it is. None: not known."""
    return bool(flags & 0x200) if flags & 0x100 else None


def us_from_ns(nanoseconds: int) -> int | None:
    """Return whole microseconds; None for 0 and what is outside 1970..9998, which is no time."""
    us = nanoseconds // 1000
    return us if 0 < us <= LAST_US else None


def finite(number: float) -> float | str:
    """Return the number, or its name (NaN, Infinity, -Infinity), because JSON has no such
    numbers."""
    if isfinite(number):
        return number
    return "NaN" if number != number else ("Infinity" if number > 0 else "-Infinity")


def base64_text(data: bytes) -> str:
    return b64encode(data).decode("ascii")
