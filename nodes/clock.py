"""Conversions of times, iteration paths and ids between their stored form and the one in code.
Pure.

A time is an aware datetime in a model and whole microseconds since the epoch (UTC) elsewhere; never
a float. An iteration path is "3.0" in its column (iteration 3 of the outer container, 0 of the
inner one, both from 0; "" outside any) and (3, 0) in code. An id is 32 hex digits in code, while a
database that casts a UUID to text writes dashes.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import overload

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@overload
def to_us(time: datetime) -> int: ...
@overload
def to_us(time: None) -> None: ...
def to_us(time: datetime | None) -> int | None:
    """Return an aware datetime as microseconds since the epoch."""
    if time is None:
        return None
    since = time - EPOCH
    # Faster than a division of the timedelta.
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


@overload
def from_us(us: int) -> datetime: ...
@overload
def from_us(us: None) -> None: ...
def from_us(us: int | None) -> datetime | None:
    """Return microseconds since the epoch as a datetime in UTC. Raises OverflowError outside the
    years 1 to 9999."""
    return None if us is None else EPOCH + timedelta(microseconds=us)


def iteration_path(text: str) -> tuple[int, ...]:
    """Return the numbers of a stored iteration path."""
    return tuple(map(int, text.split("."))) if text else ()


def iteration_text(path: Iterable[int]) -> str:
    """Return an iteration path as its column stores it."""
    return ".".join(map(str, path))


def hex_id(text: str | None) -> str:
    """Return an id that was read as text, with dashes or without, as 32 hex digits; "" for none."""
    return text.replace("-", "") if text else ""
