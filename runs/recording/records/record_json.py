"""Records as JSON and back, field by field as `record` declares them. Pure.

This is the form of a step in a run file and in the attribute `waylog.step` of an exported span.
What has its default is left out; money is decimal text, a tuple a list.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin

import orjson

from nodes.choices import NodeStatus
from runs.choices import AppMode, RunStatus
from runs.recording.records.json_text import MAX_DEPTH, deeper_than
from runs.recording.records.payload_values import clean
from runs.recording.records.record import RANKED
from runs.recording.records.span import LAST_US

LARGEST = 2**63 - 1
LARGEST_COST = Decimal(10) ** 9
# Nineteen digits in a row may be an integer that orjson would read as a float.
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 19
_ALLOWED_WORDS = {
    ("NodeRecord", "status"): frozenset(NodeStatus.values),
    ("RunFacts", "status"): frozenset(RunStatus.values),
    ("RunFacts", "mode"): frozenset(AppMode.values),
}
_ID_FIELDS = frozenset({
    ("NodeRecord", "trace"), ("NodeRecord", "source_id"), ("NoteRecord", "about"),
    ("NoteRecord", "source_id"),
})  # fmt: skip


# What a step of a run file received, and its logs, must have the form in which Waylog keeps them:
# pages and exports read them without checking.
_EVENT = {"name": str, "time_us": (int, NoneType), "attributes": dict}
_LINK = {"trace_id": str, "span_id": str, "attributes": dict}
_RECEIVED: dict[str, Any] = {
    "attributes": dict, "events": [_EVENT], "links": [_LINK], "scope": str, "name": str,
    "kind": str, "status": str, "status_message": str,
}  # fmt: skip
_LOG: dict[str, Any] = {"name": str, "severity": str, "attributes": dict, "scope": str}


def _is_received(value: Any) -> bool:
    """Return whether this may be `NodeRecord.received`, with where moved values were
    (`read_from`)."""
    if value is None:
        return True
    if not _matches(value, _RECEIVED):
        return False
    moved = value.get("read_from", {})
    return isinstance(moved, dict) and all(
        isinstance(origin, list) and len(origin) == 2 and all(isinstance(it, str) for it in origin)
        for origin in moved.values()
    )


def _is_log(value: Any) -> bool:
    return _matches(value, _LOG)


def _matches(value: Any, shape: dict[str, Any]) -> bool:
    return isinstance(value, dict) and all(
        _has_type(value[name], type_) for name, type_ in shape.items() if name in value
    )


def _has_type(value: Any, type_: Any) -> bool:
    """Return whether a value has the type `type_`: a type, several, or [shape], which stands for a
    list of objects that have all keys of the shape."""
    if not isinstance(type_, list):
        return isinstance(value, type_)
    [shape] = type_
    return isinstance(value, list) and all(
        isinstance(item, dict) and shape.keys() <= item.keys() and _matches(item, shape)
        for item in value
    )


def _is_anything(value: Any) -> bool:
    return True


def _is_object_or_none(value: Any) -> bool:
    return value is None or isinstance(value, dict)


_SHAPES: dict[tuple[str, str], Callable[[Any], bool]] = {
    ("NodeRecord", "received"): _is_received, ("NodeRecord", "resource"): _is_object_or_none,
    ("StepLog", "value"): _is_log,
    ("VersionLine", "graph"): _is_object_or_none,
    ("VersionLine", "configuration"): _is_object_or_none,
}  # fmt: skip
MAX_ID = 128
MAX_LEVELS = 2 * MAX_DEPTH  # of a line, whose values have MAX_DEPTH
SOURCES = ("sources", "source_ids")
TIMES = ("started_us", "ended_us", "created_us", "seen_us")

Record = TypeVar("Record")


class InvalidRecord(ValueError):
    """The JSON is no such record; the message says why in one sentence."""


def record_to_json(record: Any) -> dict[str, Any]:
    """Return a record as a JSON object."""
    values = ((item, getattr(record, item.name)) for item in _fields(type(record)))
    return {item.name: _value_to_json(value) for item, value in values if value != _default(item)}


def _value_to_json(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return record_to_json(value)
    if isinstance(value, tuple):
        return [_value_to_json(item) for item in value]
    if isinstance(value, Decimal):
        return str(value)
    return value


def record_from_json(kind: type[Record], value: Any) -> Record:
    """Return the record that a JSON object describes. Raises InvalidRecord."""
    if not isinstance(value, dict):
        raise InvalidRecord("It is not a JSON object.")
    known = {item.name: item for item in _fields(kind)}
    for name in value:
        if name not in known:
            raise InvalidRecord(f"There is no field “{name[:40]}”.")
    values: dict[str, Any] = {}
    for name, item in known.items():
        if name in value:
            values[name] = _field_from_json(kind.__name__, name, item.type, value[name])
        elif item.default is MISSING and item.default_factory is MISSING:
            raise InvalidRecord(f"The field “{name}” is missing.")
    return kind(**values)


def parse_exact(text: bytes) -> Any:
    """Return the value of a JSON document, with integers of any length and halves of surrogate
    pairs as they are: what is stored must come back the same. Raises InvalidRecord."""
    value = _parse_any_depth(text)
    deep = text.count(b"[") + text.count(b"{") > MAX_LEVELS and deeper_than(value, MAX_LEVELS)
    if deep:
        raise InvalidRecord(f"It is nested more than {MAX_LEVELS} levels deep.")
    return value


def _parse_any_depth(text: bytes) -> Any:
    try:
        if _LONG_NUMBER not in text.translate(_DIGITS):
            return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass  # lone surrogates, which the other parser accepts
    try:
        return json.loads(text)
    except UnicodeDecodeError:
        raise InvalidRecord("It is not UTF-8.") from None
    except (ValueError, RecursionError):
        raise InvalidRecord("It is not readable JSON.") from None


_fields: Callable[[Any], tuple[Field[Any], ...]] = lru_cache(maxsize=16)(fields)


def _default(item: Field[Any]) -> Any:
    return item.default_factory() if item.default_factory is not MISSING else item.default


def _field_from_json(record: str, name: str, kind: Any, value: Any) -> Any:
    """Return the value of a field of type `kind`. `record`: the name of the class that the field
    belongs to, "" within a list or an object."""
    if kind is Any:
        if not _SHAPES.get((record, name), _is_anything)(value):
            raise InvalidRecord(f"“{name}” does not have the form of a run file.")
        return value
    if isinstance(kind, UnionType):
        if value is None:
            return None
        kind = next(arg for arg in get_args(kind) if arg is not NoneType)
    read = _FROM_JSON.get(get_origin(kind) or kind)
    if read is not None:
        result = read(name, kind, value)
        if (record, name) in _ALLOWED_WORDS and result not in _ALLOWED_WORDS[record, name]:
            raise InvalidRecord(f"“{result[:40]}” is not a known {name}.")
        if (record, name) in _ID_FIELDS and not 0 < len(result) <= MAX_ID:
            raise InvalidRecord(f"“{name}” has {len(result)} characters; an id has 1 to {MAX_ID}.")
        if (record, name) in _ID_FIELDS:
            return clean(result)
        if record and name in SOURCES:
            return tuple((clean(kind, 20), clean(id_, MAX_ID)) for kind, id_ in result)
        return result
    return record_from_json(kind, value)


def _text_from_json(name: str, kind: Any, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidRecord(f"“{name}” is not a text.")
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def _integer_from_json(name: str, kind: Any, value: Any) -> int:
    if type(value) is not int or abs(value) > LARGEST:
        raise InvalidRecord(f"“{name}” is not a whole number of 64 bits.")
    if name.endswith(("_us", "_ns", "_cut")) and value < 0:
        raise InvalidRecord(f"“{name}” is negative.")
    if name in TIMES and value > LAST_US:
        raise InvalidRecord(f"“{name}” is not a time before the year 9999.")
    if name == "attempt" and not 0 < value < 2**31:
        raise InvalidRecord("“attempt” is not a number of 1 or more.")
    return value


def _flag_from_json(name: str, kind: Any, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidRecord(f"“{name}” is neither true nor false.")
    return value


def _float_from_json(name: str, kind: Any, value: Any) -> float:
    if type(value) not in (int, float):
        raise InvalidRecord(f"“{name}” is not a number.")
    return float(value)


def _money_from_json(name: str, kind: Any, value: Any) -> Decimal:
    try:
        amount = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite() or not 0 <= amount <= LARGEST_COST:
        raise InvalidRecord(f"“{name}” is not an amount of money as text.")
    return amount


def _tuple_from_json(name: str, kind: Any, value: Any) -> tuple[Any, ...]:
    """Return a list as the tuple that `tuple[X, ...]` or `tuple[X, Y]` describes."""
    kinds = get_args(kind)
    if not isinstance(value, list):
        raise InvalidRecord(f"“{name}” is not a list.")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_field_from_json("", name, kinds[0], item) for item in value)
    if len(value) != len(kinds):
        raise InvalidRecord(f"“{name}” does not have {len(kinds)} items.")
    return tuple(
        _field_from_json("", name, item_kind, item)
        for item_kind, item in zip(kinds, value, strict=True)
    )


def _object_from_json(name: str, kind: Any, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidRecord(f"“{name}” is not a JSON object.")
    if name == "rank" and not value.keys() <= set(RANKED):
        raise InvalidRecord("“rank” names a field that has no rank.")
    inner = get_args(kind)[1]
    return {key: _field_from_json("", name, inner, item) for key, item in value.items()}


_FROM_JSON: dict[Any, Any] = {
    str: _text_from_json, int: _integer_from_json, bool: _flag_from_json, float: _float_from_json,
    Decimal: _money_from_json, tuple: _tuple_from_json, dict: _object_from_json,
    Mapping: _object_from_json,
}  # fmt: skip
