"""OTLP/JSON bodies to spans.

Our own walk over the parsed document, because protobuf's JSON reader wants base64 ids where OTLP
has hex. Tolerates snake_case keys, numbers or text for 64-bit integers, numbers or names for enums,
and ignores what it does not know.
"""

import json
from typing import Any

from runs.recording.bodies import UnreadableBody
from runs.recording.jsontext import NotJson, parse_json
from runs.recording.records import Refused
from runs.recording.spans import (
    KINDS,
    MAX_DEPTH,
    STATUSES,
    BadSpan,
    Event,
    Span,
    finite,
    microseconds,
)

HEX_DIGITS = frozenset("0123456789abcdef")
INT64 = range(-(2**63), 2**63)


def decode_json(body: bytes) -> tuple[list[Span], list[Refused]]:
    """The spans of an ExportTraceServiceRequest in the order sent, and those refused.
    Raises UnreadableBody when the body is not such a document."""
    try:
        document = parse_json(body)
    except NotJson as error:
        raise UnreadableBody(f"The body is not readable JSON: {error}.") from error
    if not isinstance(document, dict):
        raise UnreadableBody("The body is not an OTLP trace request: it is not a JSON object.")
    spans: list[Span] = []
    refused: list[Refused] = []
    for resource_spans in _objects(document, "resourceSpans", "resource_spans"):
        resource = _resource(resource_spans)
        for scope_spans in _objects(resource_spans, "scopeSpans", "scope_spans"):
            scope = _scope(scope_spans)
            for told in _list(scope_spans, "spans"):
                try:
                    spans.append(_span(told, resource, scope))
                except BadSpan as error:
                    refused.append(Refused(str(error), _raw(told)))
    return spans, refused


def _span(told: Any, resource: dict[str, Any], scope: str) -> Span:
    if not isinstance(told, dict):
        raise BadSpan("A span is not a JSON object.")
    status = _pick(told, "status")
    status = status if isinstance(status, dict) else {}
    return Span(
        _id(told, 32, "traceId", "trace_id"),
        _id(told, 16, "spanId", "span_id"),
        _parent(told),
        _text(told, "name"),
        _enum(_pick(told, "kind"), KINDS, "SPAN_KIND_"),
        _time(told, "startTimeUnixNano", "start_time_unix_nano"),
        _time(told, "endTimeUnixNano", "end_time_unix_nano"),
        _enum(status.get("code"), STATUSES, "STATUS_CODE_"),
        _text(status, "message"),
        _attributes(_list(told, "attributes")),
        [
            Event(
                _text(event, "name"),
                _time(event, "timeUnixNano", "time_unix_nano"),
                _attributes(_list(event, "attributes")),
            )
            for event in _objects(told, "events")
        ],
        [
            {
                "trace_id": _text(link, "traceId", "trace_id").lower(),
                "span_id": _text(link, "spanId", "span_id").lower(),
                "attributes": _attributes(_list(link, "attributes")),
            }
            for link in _objects(told, "links")
        ],
        resource,
        scope,
    )


def _pick(told: dict[str, Any], *names: str) -> Any:
    for name in names:
        if name in told:
            return told[name]
    return None


def _list(told: dict[str, Any], *names: str) -> list[Any]:
    found = _pick(told, *names)
    return found if isinstance(found, list) else []


def _objects(told: dict[str, Any], *names: str) -> list[dict[str, Any]]:
    return [item for item in _list(told, *names) if isinstance(item, dict)]


def _text(told: dict[str, Any], *names: str) -> str:
    found = _pick(told, *names)
    if isinstance(found, (dict, list)):
        return ""
    return found if isinstance(found, str) else "" if found is None else str(found)


def _resource(told: dict[str, Any]) -> dict[str, Any]:
    resource = told.get("resource")
    try:
        return _attributes(_list(resource, "attributes")) if isinstance(resource, dict) else {}
    except BadSpan:  # too deep: the spans below it are still good
        return {}


def _scope(told: dict[str, Any]) -> str:
    scope = told.get("scope")
    if not isinstance(scope, dict):
        return ""
    return f"{_text(scope, 'name')} {_text(scope, 'version')}".strip()


def _id(told: dict[str, Any], digits: int, *names: str) -> str:
    found = _pick(told, *names)
    text = found.lower() if isinstance(found, str) else ""
    if len(text) != digits or not HEX_DIGITS.issuperset(text) or text.strip("0") == "":
        raise BadSpan(f"The {names[1].replace('_', ' ')} is not {digits} hex digits, or all zero.")
    return text


def _parent(told: dict[str, Any]) -> str | None:
    # A parent id that is no id is kept as told: the span is then shown as an orphan, not lost.
    text = _text(told, "parentSpanId", "parent_span_id").lower()
    return text if text.strip("0") else None


def _enum(told: Any, names: tuple[str, ...], prefix: str) -> str:
    if isinstance(told, str):
        name = told.removeprefix(prefix).lower()
        if name in names:
            return name
        told = _whole(told)
    if isinstance(told, int) and 0 <= told < len(names):
        return names[told]
    return names[0]


def _time(told: dict[str, Any], *names: str) -> int | None:
    nanoseconds = _whole(_pick(told, *names))
    return None if nanoseconds is None else microseconds(nanoseconds)


def _whole(told: Any) -> int | None:
    if isinstance(told, str):
        try:
            return int(told)
        except ValueError:  # no number, or one of thousands of digits
            return None
    if isinstance(told, float):
        return int(told) if told.is_integer() else None
    return told if isinstance(told, int) else None


def _attributes(pairs: list[Any], depth: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in pairs:
        if isinstance(pair, dict):
            value = pair.get("value")
            found[_text(pair, "key")] = _value(value, depth) if isinstance(value, dict) else None
    return found


def _value(told: dict[str, Any], depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise BadSpan(f"An attribute is nested more than {MAX_DEPTH} levels deep.")
    for name, content in told.items():
        read = READERS.get(name)
        if read is not None:
            return read(content, depth)
    return None


def _integer(told: Any, depth: int) -> Any:
    number = _whole(told)
    return told if number is None or number not in INT64 else number


def _double(told: Any, depth: int) -> Any:
    if isinstance(told, str):
        try:
            return finite(float(told))
        except ValueError:
            return told
    return finite(told) if isinstance(told, float) else _scalar(told, depth)


def _array(told: Any, depth: int) -> Any:
    items = _list(told, "values") if isinstance(told, dict) else []
    return [_value(item, depth + 1) if isinstance(item, dict) else None for item in items]


def _kvlist(told: Any, depth: int) -> Any:
    return _attributes(_list(told, "values"), depth + 1) if isinstance(told, dict) else {}


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


def _raw(told: Any) -> dict[str, Any]:
    """The refused span as JSON text; where it is too deep even for that, what names it."""
    try:
        return {"json": json.dumps(told, ensure_ascii=False)}
    except RecursionError:
        return {name: _text(told, name) for name in ("name", "traceId", "spanId")}
