"""Places of a value that differ between any two runs: ids, moments, usage and speed. Pure.

Two values are alike when nothing else differs. The rule is simple, so that a page can state it:
UUIDs, long hexadecimal ids, ids with a prefix (`call_…`, `chatcmpl-…`), dates with a time of day,
and what stands under one of the METERS; and 1.0 is 1. A date alone, a number and a short id count.
"""

import re
from typing import Any

from nodes.content.messages import decoded_json
from nodes.diff.text_diff import first_difference

MEASUREMENT_KEYS = frozenset({
    "usage", "usage_metadata", "token_usage", "latency", "elapsed_time", "time_to_first_token",
    "time_to_generate", "created", "timestamp", "system_fingerprint",
})  # fmt: skip
IGNORED_RULE = "ids, dates with a time, token usage, latency and 1 written as 1.0"
MAX_DEPTH = 60
LONGEST = 400  # characters of an id that are looked at to see whether there is one
_HEX = "[0-9a-fA-F]"
_VOLATILE = re.compile(
    rf"{_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}"
    r"|\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{16,}\b"
    r"|\b[a-z]{2,12}[-_](?=[A-Za-z]*\d)[A-Za-z0-9]{16,}\b"
    r"|\b(?:call|toolu|chatcmpl|msg|resp|gen|req)[-_](?=[A-Za-z-]{0,60}\d)[A-Za-z0-9-]{8,}"
)


def without_volatile(text: str) -> str:
    """`text` with one sign in the place of each id and moment."""
    return _VOLATILE.sub("\x00", text)


def is_measurement(key: str) -> bool:
    return key in MEASUREMENT_KEYS


def equivalent(before: Any, after: Any, depth: int = MAX_DEPTH) -> bool:
    """True if the values differ in nothing but volatile places. What is nested deeper than 60
    levels is not looked into."""
    if isinstance(before, str) and isinstance(after, str):
        return before == after or _texts_alike(before, after, depth)
    if depth == 0:
        return False
    if isinstance(before, dict) and isinstance(after, dict):
        keys = {key for key in before if not is_measurement(key)}
        if keys != {key for key in after if not is_measurement(key)}:
            return False
        return all(equivalent(before[key], after[key], depth - 1) for key in keys)
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(
            equivalent(one, other, depth - 1) for one, other in zip(before, after, strict=True)
        )
    if isinstance(before, (dict, list, bool)) or isinstance(after, bool):
        return before is after
    numbers = isinstance(before, (int, float)) and isinstance(after, (int, float))
    return (numbers or type(before) is type(after)) and bool(before == after)


def _texts_alike(before: str, after: str, depth: int) -> bool:
    place = first_difference(before, after)
    # Where they part there is seldom an id: then the long look at both can be left out.
    in_ids = all(_is_volatile(text, place) for text in (before, after))
    if in_ids and without_volatile(before) == without_volatile(after):
        return True
    values = embedded_json(before), embedded_json(after)
    return None not in values and depth > 0 and equivalent(*values, depth - 1)


def _is_volatile(text: str, place: int) -> bool:
    """Whether an id or a time covers `place` or ends there. A time has one space in it at most:
    two spaces back, something else has begun."""
    start = text.rfind(" ", 0, max(0, text.rfind(" ", 0, place)))
    start = max(start, place - LONGEST, 0)
    found = _VOLATILE.finditer(text, start, place + LONGEST)
    return any(match.start() <= place <= match.end() for match in found)


def embedded_json(text: str) -> Any:
    """The object or list that a text holds as JSON, else None."""
    value = decoded_json(text) if text[:1] in ("{", "[") else None
    return value if isinstance(value, (dict, list)) else None
