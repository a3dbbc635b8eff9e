"""Records as JSON and back, field by field as `records` declares them. Pure.

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
from runs.recording.records.received_shapes import is_log, is_received
from runs.recording.records.record import RANKED
from runs.recording.records.span import LAST_US

LARGEST = 2**63 - 1
LARGEST_COST = Decimal(10) ** 9
# Nineteen digits in a row may be an integer that orjson would read as a float.
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 19
_WORDS = {
    ("NodeRecord", "status"): frozenset(NodeStatus.values),
    ("RunFacts", "status"): frozenset(RunStatus.values),
    ("RunFacts", "mode"): frozenset(AppMode.values),
}
_IDS = frozenset({("NodeRecord", "trace"), ("NodeRecord", "source_id"), ("NoteRecord", "about"),
                  ("NoteRecord", "source_id")})  # fmt: skip


def _any(value: Any) -> bool:
    return True


def _object(value: Any) -> bool:
    return value is None or isinstance(value, dict)


_SHAPES: dict[tuple[str, str], Callable[[Any], bool]] = {
    ("NodeRecord", "received"): is_received, ("NodeRecord", "resource"): _object,
    ("LogLine", "value"): is_log,
    ("VersionLine", "graph"): _object, ("VersionLine", "configuration"): _object,
}  # fmt: skip
MAX_ID = 128
MAX_LEVELS = 2 * MAX_DEPTH  # of a line, whose values have MAX_DEPTH
SOURCES = ("sources", "source_ids")
TIMES = ("started_us", "ended_us", "created_us", "seen_us")

Record = TypeVar("Record")


class InvalidRecord(ValueError):
    """The JSON is no such record; the message is one sentence that says why."""


def record_to_json(record: Any) -> dict[str, Any]:
    """A record as a JSON object."""
    told = ((item, getattr(record, item.name)) for item in _fields(type(record)))
    return {item.name: _plain(value) for item, value in told if value != _default(item)}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return record_to_json(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return str(value)
    return value


def record_from_json(kind: type[Record], told: Any) -> Record:
    """The record of a JSON object. Raises NotTold."""
    if not isinstance(told, dict):
        raise InvalidRecord("It is not a JSON object.")
    known = {item.name: item for item in _fields(kind)}
    for name in told:
        if name not in known:
            raise InvalidRecord(f"There is no field “{name[:40]}”.")
    values: dict[str, Any] = {}
    for name, item in known.items():
        if name in told:
            values[name] = _read(kind.__name__, name, item.type, told[name])
        elif item.default is MISSING and item.default_factory is MISSING:
            raise InvalidRecord(f"The field “{name}” is missing.")
    return kind(**values)


def parse_exact(text: bytes) -> Any:
    """The value of a JSON document, with integers of any length and halves of surrogate pairs as
    they are: what is stored must come back the same. Raises NotTold."""
    found = _parsed(text)
    deep = text.count(b"[") + text.count(b"{") > MAX_LEVELS and deeper_than(found, MAX_LEVELS)
    if deep:
        raise InvalidRecord(f"It is nested more than {MAX_LEVELS} levels deep.")
    return found


def _parsed(text: bytes) -> Any:
    try:
        if _LONG_NUMBER not in text.translate(_DIGITS):
            return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass  # lone surrogates, which the other reader takes
    try:
        return json.loads(text)
    except UnicodeDecodeError:
        raise InvalidRecord("It is not UTF-8.") from None
    except (ValueError, RecursionError):
        raise InvalidRecord("It is not readable JSON.") from None


_fields: Callable[[Any], tuple[Field[Any], ...]] = lru_cache(maxsize=16)(fields)


def _default(item: Field[Any]) -> Any:
    return item.default_factory() if item.default_factory is not MISSING else item.default


def _read(record: str, name: str, kind: Any, value: Any) -> Any:
    if kind is Any:
        if not _SHAPES.get((record, name), _any)(value):
            raise InvalidRecord(f"“{name}” does not have the form that it has in a run file.")
        return value
    if isinstance(kind, UnionType):
        if value is None:
            return None
        kind = next(one for one in get_args(kind) if one is not NoneType)
    read = _READERS.get(get_origin(kind) or kind)
    if read is not None:
        found = read(name, kind, value)
        if (record, name) in _WORDS and found not in _WORDS[record, name]:
            raise InvalidRecord(f"“{found[:40]}” is no {name} that there is.")
        if (record, name) in _IDS and not 0 < len(found) <= MAX_ID:
            raise InvalidRecord(f"“{name}” has {len(found)} characters; an id has 1 to {MAX_ID}.")
        if (record, name) in _IDS:
            return clean(found)
        if record and name in SOURCES:
            return tuple((clean(kind, 20), clean(id_, MAX_ID)) for kind, id_ in found)
        return found
    return record_from_json(kind, value)


def _text(name: str, kind: Any, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidRecord(f"“{name}” is not a text.")
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def _whole(name: str, kind: Any, value: Any) -> int:
    if type(value) is not int or abs(value) > LARGEST:
        raise InvalidRecord(f"“{name}” is not a whole number of 64 bits.")
    if name.endswith(("_us", "_ns", "_cut")) and value < 0:
        raise InvalidRecord(f"“{name}” is negative.")
    if name in TIMES and value > LAST_US:
        raise InvalidRecord(f"“{name}” is no time before the year 9999.")
    if name == "attempt" and not 0 < value < 2**31:
        raise InvalidRecord("“attempt” is no number from 1 on.")
    return value


def _flag(name: str, kind: Any, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidRecord(f"“{name}” is neither true nor false.")
    return value


def _number(name: str, kind: Any, value: Any) -> float:
    if type(value) not in (int, float):
        raise InvalidRecord(f"“{name}” is not a number.")
    return float(value)


def _money(name: str, kind: Any, value: Any) -> Decimal:
    try:
        found = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        found = None
    if found is None or not found.is_finite() or not 0 <= found <= LARGEST_COST:
        raise InvalidRecord(f"“{name}” is no amount of money as text.")
    return found


def _items(name: str, kind: Any, value: Any) -> tuple[Any, ...]:
    """`tuple[X, ...]` or `tuple[X, Y]`."""
    kinds = get_args(kind)
    if not isinstance(value, list):
        raise InvalidRecord(f"“{name}” is not a list.")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_read("", name, kinds[0], item) for item in value)
    if len(value) != len(kinds):
        raise InvalidRecord(f"“{name}” has items of another number than {len(kinds)}.")
    return tuple(_read("", name, one, item) for one, item in zip(kinds, value, strict=True))


def _mapping(name: str, kind: Any, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidRecord(f"“{name}” is not a JSON object.")
    if name == "rank" and not value.keys() <= set(RANKED):
        raise InvalidRecord("“rank” names a field that has none.")
    inner = get_args(kind)[1]
    return {key: _read("", name, inner, item) for key, item in value.items()}


_READERS: dict[Any, Any] = {
    str: _text, int: _whole, bool: _flag, float: _number, Decimal: _money, tuple: _items,
    dict: _mapping, Mapping: _mapping,
}  # fmt: skip
