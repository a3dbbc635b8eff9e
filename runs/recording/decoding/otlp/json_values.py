"""Values of OTLP/JSON, whichever signal they belong to: attributes, resources, times.

Tolerates snake_case keys, numbers or text for 64-bit integers, and ignores what it does not know.
"""

import json
from typing import Any

from runs.recording.records.span import MAX_DEPTH, BadSpan, finite, us_from_ns

HEX_DIGITS = frozenset("0123456789abcdef")
INT64 = range(-(2**63), 2**63)


def pick(told: dict[str, Any], *names: str) -> Any:
    for name in names:
        if name in told:
            return told[name]
    return None


def items_of(told: dict[str, Any], *names: str) -> list[Any]:
    found = pick(told, *names)
    return found if isinstance(found, list) else []


def objects(told: dict[str, Any], *names: str) -> list[dict[str, Any]]:
    return [item for item in items_of(told, *names) if isinstance(item, dict)]


def text_of(told: dict[str, Any], *names: str) -> str:
    found = pick(told, *names)
    if isinstance(found, (dict, list)):
        return ""
    return found if isinstance(found, str) else "" if found is None else str(found)


def id_of(told: dict[str, Any], digits: int, *names: str) -> str:
    found = pick(told, *names)
    text = found.lower() if isinstance(found, str) else ""
    if len(text) != digits or not HEX_DIGITS.issuperset(text) or text.strip("0") == "":
        raise BadSpan(f"The {names[1].replace('_', ' ')} is not {digits} hex digits, or all zero.")
    return text


def resource_of(told: dict[str, Any]) -> dict[str, Any]:
    resource = told.get("resource")
    try:
        return attributes_of(items_of(resource, "attributes")) if isinstance(resource, dict) else {}
    except BadSpan:  # too deep: the spans below it are still good
        return {}


def scope_of(told: dict[str, Any]) -> str:
    scope = told.get("scope")
    if not isinstance(scope, dict):
        return ""
    return f"{text_of(scope, 'name')} {text_of(scope, 'version')}".strip()


def time_of(told: dict[str, Any], *names: str) -> int | None:
    nanoseconds = whole(pick(told, *names))
    return None if nanoseconds is None else us_from_ns(nanoseconds)


def whole(told: Any) -> int | None:
    if isinstance(told, str):
        try:
            return int(told)
        except ValueError:  # no number, or one of thousands of digits
            return None
    if isinstance(told, float):
        return int(told) if told.is_integer() else None
    return told if isinstance(told, int) else None


def attributes_of(pairs: list[Any], depth: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in pairs:
        if isinstance(pair, dict):
            value = pair.get("value")
            found[text_of(pair, "key")] = (
                value_of(value, depth) if isinstance(value, dict) else None
            )
    return found


def value_of(told: dict[str, Any], depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise BadSpan(f"An attribute is nested more than {MAX_DEPTH} levels deep.")
    for name, content in told.items():
        read = READERS.get(name)
        if read is not None:
            return read(content, depth)
    return None


def _integer(told: Any, depth: int) -> Any:
    number = whole(told)
    return told if number is None or number not in INT64 else number


def _double(told: Any, depth: int) -> Any:
    if isinstance(told, str):
        try:
            return finite(float(told))
        except ValueError:
            return told
    return finite(told) if isinstance(told, float) else _scalar(told, depth)


def _array(told: Any, depth: int) -> Any:
    items = items_of(told, "values") if isinstance(told, dict) else []
    return [value_of(item, depth + 1) if isinstance(item, dict) else None for item in items]


def _kvlist(told: Any, depth: int) -> Any:
    return attributes_of(items_of(told, "values"), depth + 1) if isinstance(told, dict) else {}


def _scalar(told: Any, depth: int) -> Any:
    return told if not isinstance(told, (dict, list)) else None


READERS = {
    "stringValue": _scalar,
    "string_value": _scalar,
    "intValue": _integer,
    "int_value": _integer,
    "boolValue": _scalar,
    "bool_value": _scalar,
    "doubleValue": _double,
    "double_value": _double,
    "bytesValue": _scalar,
    "bytes_value": _scalar,
    "arrayValue": _array,
    "array_value": _array,
    "kvlistValue": _kvlist,
    "kvlist_value": _kvlist,
}


def raw_of(told: Any) -> dict[str, Any]:
    """The refused span as JSON text; where it is too deep even for that, what names it."""
    try:
        return {"json": json.dumps(told, ensure_ascii=False)}
    except RecursionError:
        return {name: text_of(told, name) for name in ("name", "traceId", "spanId")}
