"""Values of OTLP/JSON, whichever signal they belong to: attributes, resources, times.

Tolerates snake_case keys, numbers or text for 64-bit integers, and ignores what it does not know.
"""

import json
from typing import Any

from runs.recording.records.json_text import NotJson, parse_json
from runs.recording.records.request_body import UnreadableBody
from runs.recording.records.span import MAX_DEPTH, BadSpan, finite, us_from_ns

HEX_DIGITS = frozenset("0123456789abcdef")
INT64 = range(-(2**63), 2**63)


# -- requests --------------------------------------------------------------------------------------


def parse_request(body: bytes, signal: str) -> dict[str, Any]:
    """Return the document of a request; `signal` ("trace", "logs") names it in the error. Raises
    UnreadableBody when the body is no JSON object."""
    try:
        document = parse_json(body)
    except NotJson as error:
        raise UnreadableBody(f"The body is not readable JSON: {error}.") from error
    if not isinstance(document, dict):
        raise UnreadableBody(f"The body is not an OTLP {signal} request: it is not a JSON object.")
    return document


def single_record_request(
    keys: tuple[str, str, str], record: Any, resource: Any, scope: Any
) -> bytes:
    """Return a whole request of one span or log; `keys` are those of the lists of resources, scopes
    and records. b"" where it is nested too deep to be written."""
    resources, scopes, records = keys
    in_scope = {"scope": scope, records: [record]}
    request = {resources: [{"resource": resource, scopes: [in_scope]}]}
    try:
        return json.dumps(request).encode()
    except RecursionError:
        return b""


# -- fields of a JSON object, under any of `names` -------------------------------------------------


def pick(fields: dict[str, Any], *names: str) -> Any:
    for name in names:
        if name in fields:
            return fields[name]
    return None


def items_of(fields: dict[str, Any], *names: str) -> list[Any]:
    items = pick(fields, *names)
    return items if isinstance(items, list) else []


def objects(fields: dict[str, Any], *names: str) -> list[dict[str, Any]]:
    return [item for item in items_of(fields, *names) if isinstance(item, dict)]


def text_of(fields: dict[str, Any], *names: str) -> str:
    value = pick(fields, *names)
    if isinstance(value, (dict, list)):
        return ""
    return value if isinstance(value, str) else "" if value is None else str(value)


def id_of(fields: dict[str, Any], digits: int, *names: str) -> str:
    """Return an id of so many hex digits in lower case. Raises BadSpan for anything else."""
    value = pick(fields, *names)
    text = value.lower() if isinstance(value, str) else ""
    if len(text) != digits or not HEX_DIGITS.issuperset(text) or text.strip("0") == "":
        raise BadSpan(f"The {names[1].replace('_', ' ')} is not {digits} hex digits, or all zero.")
    return text


def time_of(fields: dict[str, Any], *names: str) -> int | None:
    """Return a time in nanoseconds as microseconds since the epoch."""
    nanoseconds = integer_or_none(pick(fields, *names))
    return None if nanoseconds is None else us_from_ns(nanoseconds)


def scope_of(fields: dict[str, Any]) -> str:
    """Return name and version of the `scope` of a ScopeSpans or ScopeLogs."""
    scope = fields.get("scope")
    if not isinstance(scope, dict):
        return ""
    return f"{text_of(scope, 'name')} {text_of(scope, 'version')}".strip()


def attributes_in(holder: Any) -> dict[str, Any]:
    """Return the attributes of a resource or scope."""
    try:
        return attributes_of(items_of(holder, "attributes")) if isinstance(holder, dict) else {}
    except BadSpan:  # too deep: the spans below it are still good
        return {}


def integer_or_none(value: Any) -> int | None:
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:  # no number, or one of thousands of digits
            return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if isinstance(value, int) else None


# -- attributes and their values -------------------------------------------------------------------


def attributes_of(pairs: list[Any], depth: int = 0) -> dict[str, Any]:
    """Return a list of {"key", "value"} as a dict; `depth` is how deep the list itself is nested.
    Raises BadSpan where a value is nested too deep."""
    attributes: dict[str, Any] = {}
    for pair in pairs:
        if isinstance(pair, dict):
            value = pair.get("value")
            attributes[text_of(pair, "key")] = (
                value_of(value, depth) if isinstance(value, dict) else None
            )
    return attributes


def value_of(any_value: dict[str, Any], depth: int) -> Any:
    """Return what an AnyValue, such as {"stringValue": "a"}, holds."""
    if depth > MAX_DEPTH:
        raise BadSpan(f"An attribute is nested more than {MAX_DEPTH} levels deep.")
    for name, content in any_value.items():
        read_content = READERS.get(name)
        if read_content is not None:
            return read_content(content, depth)
    return None


def _int_value(content: Any, depth: int) -> Any:
    number = integer_or_none(content)
    return content if number is None or number not in INT64 else number


def _double_value(content: Any, depth: int) -> Any:
    if isinstance(content, str):
        try:
            return finite(float(content))
        except ValueError:
            return content
    return finite(content) if isinstance(content, float) else _scalar_value(content, depth)


def _array_value(content: Any, depth: int) -> Any:
    items = items_of(content, "values") if isinstance(content, dict) else []
    return [value_of(item, depth + 1) if isinstance(item, dict) else None for item in items]


def _kvlist_value(content: Any, depth: int) -> Any:
    pairs = items_of(content, "values") if isinstance(content, dict) else []
    return attributes_of(pairs, depth + 1)


def _scalar_value(content: Any, depth: int) -> Any:
    return content if not isinstance(content, (dict, list)) else None


READERS = {
    "stringValue": _scalar_value,
    "string_value": _scalar_value,
    "intValue": _int_value,
    "int_value": _int_value,
    "boolValue": _scalar_value,
    "bool_value": _scalar_value,
    "doubleValue": _double_value,
    "double_value": _double_value,
    "bytesValue": _scalar_value,
    "bytes_value": _scalar_value,
    "arrayValue": _array_value,
    "array_value": _array_value,
    "kvlistValue": _kvlist_value,
    "kvlist_value": _kvlist_value,
}


def raw_of(item: Any) -> dict[str, Any]:
    """Return a refused span or log as JSON text; where it is too deep even for that, only what
    names it."""
    try:
        return {"json": json.dumps(item, ensure_ascii=False)}
    except RecursionError:
        return {name: text_of(item, name) for name in ("name", "traceId", "spanId")}
