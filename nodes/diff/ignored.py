"""Parts of a value that differ between any two runs: ids, times, usage and speed. Pure.

Two values are equivalent when nothing else differs. The rule is simple, so that a page can state
it. In texts UUIDs, long hexadecimal ids, ids with a prefix (`call_…`, `chatcmpl-…`), dates with a
time of day and the signatures of addresses are ignored; and 1.0 is 1. A date alone, a number and a
short id are compared. What stands under a key is ignored only where the engine or a protocol wrote
it there, see `ignored_keys`: `created_at` of an order is the user's own.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from nodes.content.embedded_json import decoded_json
from nodes.diff.text_diff import first_difference

# What no user's data calls so: usage and speed of a model call or of a step.
MEASUREMENT_KEYS = frozenset({
    "usage", "usage_metadata", "token_usage", "latency", "elapsed_time", "time_to_first_token",
    "time_to_generate", "system_fingerprint",
})  # fmt: skip
# When a step or an answer was made, beside a key that only such a record has: Dify's log entries
# and events have the length of the work, answers of model providers their model.
TIME_KEYS = frozenset({
    "created", "created_at", "started_at", "finished_at", "completed_at", "timestamp",
})  # fmt: skip
RECORD_KEYS = frozenset({"elapsed_time", "latency", "system_fingerprint"})
ANSWER_KEYS = frozenset({"object", "model"})
# Dify's system variables that are new in each run, as `sys.timestamp`, `#sys.timestamp#` (a
# variable of a prompt) or `timestamp` of an object `sys`.
SYSTEM_VARIABLES = frozenset({
    "timestamp", "workflow_run_id", "workflow_execution_id", "message_id", "conversation_id",
})  # fmt: skip
# Headers of HTTP that are made for one request or answer, or follow from its body, which is
# compared itself.
_HEADER = re.compile(
    r"(?:.*-)?(?:request|trace|correlation|transaction|session|operation)[-_]?id"
    r"|date|age|expires|last-modified|etag|set-cookie|content-length|via"
    r"|traceparent|tracestate|baggage|b3|x-b3-.+|sentry-trace|uber-trace-id|x-cloud-trace-context"
    r"|cf-ray|report-to|nel|server-timing|x-amz-(?:id-2|cf-id)|x-amzn-remapped-.+|x-served-by"
    r"|x-(?:response-time|runtime|process(?:ing)?-time|timer|envoy-upstream-service-time)(?:-ms)?"
    r"|openai-processing-ms|x-cache(?:-hits)?|(?:x-)?rate-?limit-(?:remaining|reset)(?:-.+)?"
    r"|(?:anthropic-)?ratelimit-.+-(?:remaining|reset)"
)
IGNORED_RULE = (
    "ids, timestamps, token usage, latency, headers of a single HTTP answer or number format "
    "(1 and 1.0)"
)
MAX_DEPTH = 60
MAX_ID = 400  # characters that are searched for an id on each side of a difference
MAX_HEADER = 80  # characters of the name of a header
_HEX = "[0-9a-fA-F]"
_TIME = r"\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?"
_VOLATILE = re.compile(
    rf"{_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}"
    rf"|\b\d{{4}}([-/])\d\d\1\d\d[T ]{_TIME}(?:Z|[+-]\d\d:?\d\d)?"
    # As HTTP, e-mail, C and JavaScript write it: Mon, 30 Nov 2026 19:57:45 +0000.
    rf"|\b[A-Z][a-z]{{2}},? \d\d? [A-Z][a-z]{{2}} \d{{4}} {_TIME} (?:GMT|UTC|[+-]\d{{4}})"
    rf"|\b[A-Z][a-z]{{2}} [A-Z][a-z]{{2}} [ \d]\d {_TIME}(?: [A-Z]{{3,4}})? \d{{4}}\b"
    rf"|\b[A-Z][a-z]{{2}} [A-Z][a-z]{{2}} \d\d \d{{4}} {_TIME} GMT[+-]\d{{4}}"
    r"|(?<=[?&])(?:timestamp|nonce|sign|X-Amz-\w+)=[^&\s\"'<>)]{1,2000}"
    r"|\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{16,}\b"
    r"|\b[a-z]{2,12}[-_](?=[A-Za-z]*\d)[A-Za-z0-9]{16,}\b"
    r"|\b(?:call|toolu|chatcmpl|msg|resp|gen|req)[-_](?=[A-Za-z-]{0,60}\d)[A-Za-z0-9-]{8,}"
)


def without_volatile(text: str) -> str:
    """Return `text` with a NUL in the place of each id and time."""
    return _VOLATILE.sub("\x00", text)


def ignored_keys(value: Mapping[str, Any], name: str) -> set[str]:
    """Return the keys of an object under which stands what is new in each run. `name`: the key
    under which the object itself stands, "" for a whole value."""
    keys = value.keys()
    ignored = {key for key in keys if key in MEASUREMENT_KEYS or _is_system_variable(key)}
    if not RECORD_KEYS.isdisjoint(keys) or keys >= ANSWER_KEYS:
        ignored |= TIME_KEYS & keys
    elif name == "metadata":  # of Dify's log entries, also while the work goes on
        ignored |= {"started_at", "finished_at"} & keys
    elif name == "sys":
        ignored |= SYSTEM_VARIABLES & keys
    in_headers = name.lower().endswith("headers")
    return ignored | {key for key in keys if _is_header_of_request(key, in_headers=in_headers)}


@lru_cache(maxsize=4096)
def _is_system_variable(key: str) -> bool:
    return key.strip("#").removeprefix("sys.") in SYSTEM_VARIABLES and "sys." in key


@lru_cache(maxsize=4096)
def _is_header_of_request(key: str, *, in_headers: bool) -> bool:
    if len(key) > MAX_HEADER:
        return False
    header = key.lower()
    return (in_headers or header.startswith(("x-", "cf-"))) and bool(_HEADER.fullmatch(header))


def without_ignored(value: Any, name: str = "", depth: int = MAX_DEPTH) -> Any:
    """Return a value without what stands under ignored keys, down to 60 levels."""
    if depth == 0:
        return value
    if isinstance(value, dict):
        ignored = ignored_keys(value, name)
        return {
            key: without_ignored(inner, key, depth - 1)
            for key, inner in value.items()
            if key not in ignored
        }
    if isinstance(value, list):
        return [without_ignored(inner, name, depth - 1) for inner in value]
    return value


def equivalent(before: Any, after: Any, name: str = "", depth: int = MAX_DEPTH) -> bool:
    """Return whether the values differ in nothing but ignored parts; `name` as in `ignored_keys`.
    Values nested deeper than 60 levels differ."""
    if isinstance(before, str) and isinstance(after, str):
        return before == after or _equivalent_texts(before, after, name, depth)
    if depth == 0:
        return False
    if isinstance(before, dict) and isinstance(after, dict):
        ignored = ignored_keys(before, name) | ignored_keys(after, name)
        keys = before.keys() - ignored
        return keys == after.keys() - ignored and all(
            equivalent(before[key], after[key], key, depth - 1) for key in keys
        )
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(
            equivalent(old, new, name, depth - 1) for old, new in zip(before, after, strict=True)
        )
    if isinstance(before, (dict, list, bool)) or isinstance(after, bool):
        return before is after
    numbers = isinstance(before, (int, float)) and isinstance(after, (int, float))
    return (numbers or type(before) is type(after)) and bool(before == after)


def _equivalent_texts(before: str, after: str, name: str, depth: int) -> bool:
    position = first_difference(before, after)
    # Where they diverge there is seldom an id: then the whole texts need not be searched.
    in_ids = all(_is_volatile(text, position) for text in (before, after))
    if in_ids and without_volatile(before) == without_volatile(after):
        return True
    values = embedded_json(before), embedded_json(after)
    return None not in values and depth > 0 and equivalent(*values, name, depth - 1)


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
