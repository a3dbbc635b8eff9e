"""Measures of two runs, or of two versions, and what lies between them. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from nodes import formats

Measure = TypeVar("Measure", int, Decimal)


@dataclass(frozen=True, slots=True)
class ComparedFigure:
    """A measure of both; `delta` from the first to the second in words, "" where none is."""

    label: str
    a: str
    b: str
    delta: str = ""


def compared_figure(
    label: str, a: Measure | None, b: Measure | None, written: Callable[[Measure], str]
) -> ComparedFigure:
    one, other = (formats.NO_VALUE if value is None else written(value) for value in (a, b))
    if a is None or b is None or a == b:
        return ComparedFigure(label, one, other)
    sign = "+" if b > a else "−"
    return ComparedFigure(label, one, other, f"{sign}{written(abs(b - a))}{_percent(a, b)}")


def _percent(a: int | Decimal, b: int | Decimal) -> str:
    """How much more or less, where that says anything: " (+40 %)", " (×3.1)"."""
    if not a or not b:
        return ""
    if b >= a * 2:
        return f" (×{b / a:.1f})"
    percent = round((b - a) * 100 / a)
    return f" ({percent:+d} %)".replace("-", "−") if percent else ""
