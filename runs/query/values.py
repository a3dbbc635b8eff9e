"""What stands behind a field's colon: numbers, durations, times and ranges of them. Pure.

Durations are integer microseconds, numbers Decimal, a time is a datetime (naive: of the console's
time zone) or a timedelta (so long ago)."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.utils.dateparse import parse_date, parse_datetime

from runs.query.fields import Field, Takes

_AGO = re.compile(r"(\d{1,5})\s*(m|min|h|d|w)")
_AGO_UNITS = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LASTING = re.compile(r"(\d{1,20}(?:\.\d{1,20})?)\s*(us|µs|ms|s|m|min|h)?")
_LASTING_US = {
    "us": 1,
    "µs": 1,
    "ms": 1000,
    "s": 10**6,
    "m": 60 * 10**6,
    "min": 60 * 10**6,
    "h": 3600 * 10**6,
}
_NUMBER = re.compile(r"(-?\d{1,20}(?:\.\d{1,20})?)\s*([km])?")
_TIMES = {"": 1, "k": 1000, "m": 1_000_000}
_RANGE = re.compile(r"(?P<sign>>=|<=|>|<|=)\s*(?P<one>.+)|(?P<low>.*?)\.\.(?P<high>.*)")
# What the databases' columns hold.
LARGEST = {Takes.COUNT: 2**63 - 1, Takes.LASTING: 2**63 - 1, Takes.NUMBER: 10**10 - 1}


class BadValue(ValueError):
    """A value that its field does not take; the text is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Span:
    """From `low` to `high`, None: no end there. `above` and `below`: that end itself is outside."""

    low: Decimal | None = None
    high: Decimal | None = None
    above: bool = False
    below: bool = False

    def within(self, other: "Span") -> "Span":
        """What lies in both."""
        low, above = max(
            ((span.low, span.above) for span in (self, other) if span.low is not None),
            default=(None, False),
        )
        high, below = min(
            ((span.high, not span.below) for span in (self, other) if span.high is not None),
            default=(None, True),
        )
        return Span(low, high, above, not below)

    @property
    def is_empty(self) -> bool:
        if self.low is None or self.high is None:
            return False
        return self.low > self.high or (self.low == self.high and (self.above or self.below))


Meaning = str | Span | datetime | timedelta


def read(field: Field, text: str) -> Meaning:
    """What `text` means to `field`. Raises BadValue."""
    if field.takes is Takes.CHOICE:
        return _choice(field, text)
    if field.takes is Takes.MOMENT:
        return when(text)
    return _span(field, text) if field.has_range else field.key(text)


def _choice(field: Field, text: str) -> str:
    word = text.lower().replace("_", "-")
    if word not in field.choices:
        raise BadValue(f"“{text[:40]}” is none of {', '.join(field.choices)}.")
    return word


def when(text: str) -> datetime | timedelta:
    """2026-11-22, 2026-11-22T09:30, or so long ago: 30m, 24h, 7d, 2w. Raises BadValue."""
    if ago := _AGO.fullmatch(text.lower()):
        return timedelta(**{_AGO_UNITS[ago[2]]: int(ago[1])})
    try:
        return _written(text)
    except (ValueError, OverflowError):
        raise BadValue(
            f"“{text[:40]}” is not a time. Write 2026-11-22, 2026-11-22T09:30, or 24h, 7d."
        ) from None


def _written(text: str) -> datetime:
    # "+" of a zone arrives as a space when nobody escaped it.
    found = parse_datetime(re.sub(r"(\d) (\d\d:?\d\d)$", r"\1+\2", text) if "T" in text else text)
    if found is None:
        day: date | None = parse_date(text)
        if day is None:
            raise ValueError
        found = datetime.combine(day, time())
    # Beyond these years databases and time zones disagree.
    if not 1970 <= found.year <= 9000:
        raise ValueError
    return found


def _span(field: Field, text: str) -> Span:
    found = _RANGE.fullmatch(text)
    if found is None:
        if field.takes is Takes.LASTING:
            raise BadValue(
                f"“{text[:40]}” would be one exact duration. Write {field.name}:>2s,"
                f" {field.name}:<500ms or {field.name}:2s..5s."
            )
        value = _amount(field, text)
        return Span(value, value)
    if sign := found["sign"]:
        value = _amount(field, found["one"])
        if sign == "=":
            return Span(value, value)
        strict = len(sign) == 1
        return Span(low=value, above=strict) if sign[0] == ">" else Span(high=value, below=strict)
    low, high = (
        _amount(field, end) if end.strip() else None for end in (found["low"], found["high"])
    )
    if low is None and high is None:
        raise BadValue(f"A range has an end at least: {field.example}.")
    span = Span(low, high)
    if span.is_empty:
        raise BadValue(f"“{text[:40]}” ends before it begins.")
    return span


def _amount(field: Field, text: str) -> Decimal:
    """A number (10k, 1.5M), or a duration in microseconds (a bare number is seconds)."""
    text, value = text.strip(), None
    if field.takes is Takes.LASTING:
        told = "a duration. Write 2s, 500ms or 2m"
        if found := _LASTING.fullmatch(text.lower()):
            value = Decimal(int(Decimal(found[1]) * _LASTING_US[found[2] or "s"]))
    else:
        whole = field.takes is Takes.COUNT
        told = f"a {'whole ' if whole else ''}number. Write {field.example}"
        if found := _NUMBER.fullmatch(text.lower()):
            value = Decimal(found[1]) * _TIMES[found[2] or ""]
            value = None if whole and value != int(value) else value
    if value is None or abs(value) > LARGEST[field.takes]:
        raise BadValue(f"“{text[:40]}” is not {told}.")
    return value
