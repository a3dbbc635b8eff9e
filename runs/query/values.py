"""Parses the values of fields: words, numbers, durations, times and ranges. Pure.

Durations are integer microseconds, numbers are Decimal, and a time is a datetime (a naive one is in
the console's time zone) or a timedelta (so long ago)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from difflib import get_close_matches
from typing import ClassVar

from django.utils.dateparse import parse_date, parse_datetime

_AGO = re.compile(r"(\d{1,5})\s*(m|min|h|d|w)")
_AGO_UNITS = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(\d{1,20}(?:\.\d{1,20})?)\s*(us|µs|ms|s|m|min|h)?")
_MICROSECONDS = {
    "us": 1,
    "µs": 1,
    "ms": 1000,
    "s": 10**6,
    "m": 60 * 10**6,
    "min": 60 * 10**6,
    "h": 3600 * 10**6,
}
_NUMBER = re.compile(r"(-?\d{1,20}(?:\.\d{1,20})?)\s*([km])?")
_MULTIPLIERS = {"": 1, "k": 1000, "m": 1_000_000}
_RANGE = re.compile(r"(?P<sign>>=|<=|>|<|=)\s*(?P<bound>.+)|(?P<low>.*?)\.\.(?P<high>.*)")
ORDER_SIGNS = (">", ">=", "<", "<=")
MIN_BEGINNING = 3  # letters that stand for a choice
# The largest values that the databases' columns hold.
LARGEST_INTEGER = 2**63 - 1
LARGEST_DECIMAL = 10**10 - 1


class BadValue(ValueError):
    """A value that its field does not take; the message is a sentence for people. `meant` is the
    term that was probably meant, as typed; "" where nobody knows."""

    def __init__(self, sentence: str, meant: str = "") -> None:
        super().__init__(sentence)
        self.meant = meant


@dataclass(frozen=True, slots=True)
class ValueRange:
    """The numbers from `low` to `high`; None: the range has no end there. `above` and `below`: that
    end itself lies outside."""

    low: Decimal | None = None
    high: Decimal | None = None
    above: bool = False
    below: bool = False

    def intersection(self, other: "ValueRange") -> "ValueRange":
        low, above = max(
            ((side.low, side.above) for side in (self, other) if side.low is not None),
            default=(None, False),
        )
        high, below = min(
            ((side.high, not side.below) for side in (self, other) if side.high is not None),
            default=(None, True),
        )
        return ValueRange(low, high, above, not below)

    @property
    def is_empty(self) -> bool:
        if self.low is None or self.high is None:
            return False
        return self.low > self.high or (self.low == self.high and (self.above or self.below))


ParsedValue = str | ValueRange | datetime | timedelta


@dataclass(frozen=True, slots=True)
class WordParser:
    """Takes a word, or several in quotes; `normalize` returns what is stored for it."""

    normalize: Callable[[str], str] = str
    comparisons: ClassVar[tuple[str, ...]] = ()

    def parse(self, text: str, name: str, example: str) -> str:
        return self.normalize(text)


@dataclass(frozen=True, slots=True)
class ChoiceParser:
    """Takes one of `choices`, or enough of its beginning; a run never meets both choices of a pair
    in `exclusive`. `also` are other words for choices, and `elsewhere` are words that are terms of
    other fields."""

    choices: tuple[str, ...]
    exclusive: tuple[frozenset[str], ...] = ()
    also: Mapping[str, str] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    comparisons: ClassVar[tuple[str, ...]] = ()

    def parse(self, text: str, name: str, example: str) -> str:
        word = "-".join(text.lower().replace("_", " ").split())
        word = self.also.get(word, word)
        if word in self.choices:
            return word
        begun = [choice for choice in self.choices if choice.startswith(word)]
        if len(begun) == 1 and len(word) >= MIN_BEGINNING:
            return begun[0]
        near = get_close_matches(word, self.choices, n=1)
        meant = self.elsewhere.get(word) or (f"{name}:{near[0]}" if near else "")
        raise BadValue(f"“{text[:40]}” is not one of {', '.join(self.choices)}.", meant)


@dataclass(frozen=True, slots=True)
class NumberParser:
    """Takes a number (10k, 1.5M), alone or with >, >=, <, <=, or a range (1k..2k); `whole`: no
    fractions."""

    whole: bool = False
    comparisons: ClassVar[tuple[str, ...]] = ORDER_SIGNS

    def parse(self, text: str, name: str, example: str) -> ValueRange:
        match = _RANGE.fullmatch(text)
        if match is None:
            number = self.amount(text, example)
            return ValueRange(number, number)
        return _range_from_match(match, text, example, self.amount)

    def amount(self, text: str, example: str) -> Decimal:
        text = text.strip()
        if match := _NUMBER.fullmatch(text.lower()):
            number = Decimal(match[1]) * _MULTIPLIERS[match[2] or ""]
            largest = LARGEST_INTEGER if self.whole else LARGEST_DECIMAL
            if abs(number) <= largest and not (self.whole and number != int(number)):
                return number
        whole = "whole " if self.whole else ""
        raise BadValue(f"“{text[:40]}” is not a {whole}number. Write {example}.")


@dataclass(frozen=True, slots=True)
class DurationParser:
    """Takes a duration with >, >=, <, <=, or a range (2s..5s); a bare number is seconds."""

    comparisons: ClassVar[tuple[str, ...]] = ORDER_SIGNS

    def parse(self, text: str, name: str, example: str) -> ValueRange:
        match = _RANGE.fullmatch(text)
        if match is None:
            self.amount(text, example)
            raise BadValue(
                f"“{text[:40]}” would match only one exact duration. Write {name}:>2s,"
                f" {name}:<500ms or {name}:2s..5s.",
                f"{name}:>={text.strip()}",
            )
        return _range_from_match(match, text, example, self.amount)

    def amount(self, text: str, example: str) -> Decimal:
        """Return the microseconds of a duration."""
        text = text.strip()
        if match := _DURATION.fullmatch(text.lower()):
            microseconds = int(Decimal(match[1]) * _MICROSECONDS[match[2] or "s"])
            if microseconds <= LARGEST_INTEGER:
                return Decimal(microseconds)
        raise BadValue(f"“{text[:40]}” is not a duration. Write 2s, 500ms or 2m.")


@dataclass(frozen=True, slots=True)
class TimestampParser:
    """Takes a time, or how long ago it was; `comparisons` say which side of it counts."""

    comparisons: tuple[str, ...] = ()

    def parse(self, text: str, name: str, example: str) -> datetime | timedelta:
        return parse_timestamp(text)


ValueParser = WordParser | ChoiceParser | NumberParser | DurationParser | TimestampParser


def parse_timestamp(text: str) -> datetime | timedelta:
    """Read 2026-11-22, 2026-11-22T09:30, or so long ago: 30m, 24h, 7d, 2w. Raises BadValue."""
    if ago := _AGO.fullmatch(text.lower()):
        return timedelta(**{_AGO_UNITS[ago[2]]: int(ago[1])})
    try:
        return _datetime_from_text(text)
    except (ValueError, OverflowError):
        raise BadValue(
            f"“{text[:40]}” is not a time. Write 2026-11-22, 2026-11-22T09:30, or 24h, 7d."
        ) from None


def _datetime_from_text(text: str) -> datetime:
    # "+" of a zone arrives as a space when nobody escaped it.
    read = parse_datetime(re.sub(r"(\d) (\d\d:?\d\d)$", r"\1+\2", text) if "T" in text else text)
    if read is None:
        day: date | None = parse_date(text)
        if day is None:
            raise ValueError
        read = datetime.combine(day, time())
    # Beyond these years databases and time zones disagree.
    if not 1970 <= read.year <= 9000:
        raise ValueError
    return read


def _range_from_match(
    match: re.Match[str], text: str, example: str, amount: Callable[[str, str], Decimal]
) -> ValueRange:
    """Return the range that a match of `_RANGE` in `text` writes; `amount` reads an end of it."""
    if sign := match["sign"]:
        value = amount(match["bound"], example)
        if sign == "=":
            return ValueRange(value, value)
        strict = len(sign) == 1
        if sign[0] == ">":
            return ValueRange(low=value, above=strict)
        return ValueRange(high=value, below=strict)
    low, high = (
        amount(end, example) if end.strip() else None for end in (match["low"], match["high"])
    )
    if low is None and high is None:
        raise BadValue(f"A range needs at least one end: {example}.")
    value_range = ValueRange(low, high)
    if value_range.is_empty:
        raise BadValue(f"“{text[:40]}” ends before it begins.")
    return value_range
