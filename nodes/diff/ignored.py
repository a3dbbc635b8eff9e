"""Parts of a value that differ between any two runs: ids, times, usage and speed. Pure.

Two values are equivalent when nothing else differs. The rule is simple, so that a page can state
it. Ignored are UUIDs, long hexadecimal ids, ids with a prefix (`call_…`, `chatcmpl-…`), dates with
a time of day (also as HTTP headers write them), and what stands under one of the MEASUREMENT_KEYS;
and 1.0 is 1. A date alone, a number and a short id are compared.
"""

import re
from typing import Any

from nodes.content.messages import decoded_json
from nodes.diff.text_diff import first_difference

MEASUREMENT_KEYS = frozenset({
    "usage", "usage_metadata", "token_usage", "latency", "elapsed_time", "time_to_first_token",
    "time_to_generate", "created", "timestamp", "system_fingerprint",
    # Times as numbers, and ids of a request: of HTTP responses, agents' logs and Dify's own inputs.
    "started_at", "finished_at", "created_at", "sys.timestamp", "sys.workflow_run_id",
    "sys.message_id", "request_id", "x-request-id",
})  # fmt: skip
IGNORED_RULE = "ids, timestamps, token usage, latency or number format (1 and 1.0)"
MAX_DEPTH = 60
MAX_ID = 400  # characters that are searched for an id on each side of a difference
_HEX = "[0-9a-fA-F]"
_VOLATILE = re.compile(
    rf"{_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}"
    r"|\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\b"
    r"|\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{16,}\b"
    r"|\b[a-z]{2,12}[-_](?=[A-Za-z]*\d)[A-Za-z0-9]{16,}\b"
    r"|\b(?:call|toolu|chatcmpl|msg|resp|gen|req)[-_](?=[A-Za-z-]{0,60}\d)[A-Za-z0-9-]{8,}"
)


def without_volatile(text: str) -> str:
    """Return `text` with a NUL in the place of each id and time."""
    return _VOLATILE.sub("\x00", text)


def is_measurement(key: str) -> bool:
    """Return whether usage, speed or a time stands under `key`."""
    return key in MEASUREMENT_KEYS


def equivalent(before: Any, after: Any, depth: int = MAX_DEPTH) -> bool:
    """Return whether the values differ in nothing but ignored parts. Values nested deeper than 60
    levels differ."""
    if isinstance(before, str) and isinstance(after, str):
        return before == after or _equivalent_texts(before, after, depth)
    if depth == 0:
        return False
    if isinstance(before, dict) and isinstance(after, dict):
        keys = {key for key in before if not is_measurement(key)}
        if keys != {key for key in after if not is_measurement(key)}:
            return False
        return all(equivalent(before[key], after[key], depth - 1) for key in keys)
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(
            equivalent(old, new, depth - 1) for old, new in zip(before, after, strict=True)
        )
    if isinstance(before, (dict, list, bool)) or isinstance(after, bool):
        return before is after
    numbers = isinstance(before, (int, float)) and isinstance(after, (int, float))
    return (numbers or type(before) is type(after)) and bool(before == after)


def _equivalent_texts(before: str, after: str, depth: int) -> bool:
    position = first_difference(before, after)
    # Where they diverge there is seldom an id: then the whole texts need not be searched.
    in_ids = all(_is_volatile(text, position) for text in (before, after))
    if in_ids and without_volatile(before) == without_volatile(after):
        return True
    values = embedded_json(before), embedded_json(after)
    return None not in values and depth > 0 and equivalent(*values, depth - 1)


def _is_volatile(text: str, position: int) -> bool:
    """Return whether an id or a time covers `position` or ends there. A time has five spaces in it
    at most: six spaces back, something else has begun."""
    start = position
    for _ in range(6):
        start = text.rfind(" ", 0, max(0, start))
    start = max(start, position - MAX_ID, 0)
    matches = _VOLATILE.finditer(text, start, position + MAX_ID)
    return any(match.start() <= position <= match.end() for match in matches)


def embedded_json(text: str) -> Any:
    """Return the object or list that a text holds as JSON, else None."""
    value = decoded_json(text) if text[:1] in ("{", "[") else None
    return value if isinstance(value, (dict, list)) else None
