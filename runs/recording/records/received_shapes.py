"""Whether what a step of a run file received, and its logs, have the form in which Waylog keeps
them: pages and exports read them without asking. Pure."""

from types import NoneType
from typing import Any

EVENT = {"name": str, "time_us": (int, NoneType), "attributes": dict}
LINK = {"trace_id": str, "span_id": str, "attributes": dict}
RECEIVED: dict[str, Any] = {
    "attributes": dict, "events": [EVENT], "links": [LINK], "scope": str, "name": str, "kind": str,
    "status": str, "status_message": str,
}  # fmt: skip
LOG: dict[str, Any] = {"name": str, "severity": str, "attributes": dict, "scope": str}


def is_received(told: Any) -> bool:
    """`NodeRecord.received`, with where moved values were (see `rows_io`)."""
    if told is None:
        return True
    if not _has(told, RECEIVED):
        return False
    moved = told.get("read_from", {})
    return isinstance(moved, dict) and all(
        isinstance(place, list) and len(place) == 2 and all(isinstance(one, str) for one in place)
        for place in moved.values()
    )


def is_log(told: Any) -> bool:
    """`LogLine.value`."""
    return _has(told, LOG)


def _has(told: Any, form: dict[str, Any]) -> bool:
    return isinstance(told, dict) and all(
        _fits(told[name], kind) for name, kind in form.items() if name in told
    )


def _fits(told: Any, kind: Any) -> bool:
    if not isinstance(kind, list):
        return isinstance(told, kind)
    [inner] = kind
    return isinstance(told, list) and all(
        isinstance(one, dict) and inner.keys() <= one.keys() and _has(one, inner) for one in told
    )
