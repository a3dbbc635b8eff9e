"""JSON as producers write it: lone surrogates, broken UTF-8, numbers without end, 10,000 levels.
Pure; nothing here raises RecursionError."""

import json
import re
from typing import Any

import orjson

# JSON values deeper than this stay text: they are no data that somebody wants to expand, and the
# writers of JSON (orjson: 254 levels) would fail on them later.
MAX_DEPTH = 100

# A whole surrogate pair, an escaped backslash (so that \\ud800 is not taken for an escape), or a
# lone surrogate.
SURROGATES = re.compile(
    r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
# Digits become 0: nineteen of them in a row are detected without a regular expression, whose search
# took a quarter of the time of reading a span. Lists become objects: both are counted at once.
_SHAPE = bytes.maketrans(b"123456789[", b"000000000{")
_LONG_NUMBER = b"0" * 19


class NotJson(ValueError):
    """The text is not JSON that Waylog can hold; the message says why, without quoting it."""


def parse_json(text: str | bytes) -> Any:
    """Return the value of a JSON document. Lone surrogates and broken UTF-8 become U+FFFD; numbers
    that JSON does not have (Python and JavaScript write NaN and Infinity) become their names.
    Raises NotJson."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as first:
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        repaired = SURROGATES.sub(_replace_lone, text.encode("utf-8", "replace").decode("utf-8"))
        try:
            return orjson.loads(repaired)
        except orjson.JSONDecodeError:
            if "NaN" in repaired or "Infinity" in repaired:
                try:
                    return json.loads(repaired, parse_constant=str, parse_int=_small_integer)
                except (ValueError, RecursionError):
                    pass
            raise NotJson(f"{first.msg} at character {first.pos}") from None


def _small_integer(digits: str) -> int:
    """Return the integer. Raises ValueError for one that does not fit into 64 bits."""
    number = int(digits)
    if not -(2**63) <= number < 2**64:
        raise ValueError
    return number


def readable(value: Any, is_json: bool = False) -> Any:
    """Return what a person should see of an attribute: text that holds a JSON object, list or
    string (or any JSON value, where the producer says `is_json`) as that value; everything else as
    it is. Text that would lose something by it (too deep, integers over 64 bits) stays text."""
    if type(value) is not str:
        return value
    if not is_json and value.lstrip()[:1] not in ("{", "[", '"'):
        return value
    try:
        parsed = parse_json(value)
    except NotJson:
        return value
    shape = value.encode("utf-8", "replace").translate(_SHAPE)
    if _LONG_NUMBER in shape and _has_huge_integer(value):
        return value
    if shape.count(b"{") > MAX_DEPTH and deeper_than(parsed, MAX_DEPTH):
        return value
    return parsed


def object_or_empty(value: Any) -> dict[str, Any]:
    """Return a JSON object as it is; {} for anything else."""
    return value if isinstance(value, dict) else {}


def list_or_empty(value: Any) -> list[Any]:
    """Return a JSON list as it is; [] for anything else."""
    return value if isinstance(value, list) else []


def objects_in(value: Any) -> list[dict[str, Any]]:
    """Return the objects among the items of a JSON list; [] for anything else."""
    return [item for item in list_or_empty(value) if isinstance(item, dict)]


def deeper_than(value: Any, levels: int) -> bool:
    """Return whether a JSON value is nested more than `levels` deep; without recursion."""
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(levels):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return False
    return True


def _replace_lone(match: re.Match[str]) -> str:
    return "\\ufffd" if match.group("lone") else match.group()


def _has_huge_integer(text: str) -> bool:
    is_huge = False

    def check_size(digits: str) -> int:
        nonlocal is_huge
        if abs(int(digits)) >= 2**64:
            is_huge = True
        return 0

    try:
        json.loads(text, parse_int=check_size)
    except (ValueError, RecursionError):
        return True
    return is_huge
