"""Figures of two runs, or of two versions, and the difference between them. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from nodes import formats

Number = TypeVar("Number", int, Decimal)


@dataclass(frozen=True, slots=True)
class ComparedFigure:
    """A figure of both sides as text; `delta` is the change from A to B, "" for none."""

    label: str
    a: str
    b: str
    delta: str = ""


def compared_figure(
    label: str, a: Number | None, b: Number | None, as_text: Callable[[Number], str]
) -> ComparedFigure:
    """Compare a figure of both sides; `as_text` formats it. None is an unknown figure."""
    text_a, text_b = (formats.NO_VALUE if value is None else as_text(value) for value in (a, b))
    if a is None or b is None or a == b:
        return ComparedFigure(label, text_a, text_b)
    sign = "+" if b > a else "−"
    return ComparedFigure(
        label, text_a, text_b, f"{sign}{as_text(abs(b - a))}{_percent_text(a, b)}"
    )


def _percent_text(a: int | Decimal, b: int | Decimal) -> str:
    """Return how much more or less `b` is, where that says anything: " (+40 %)", " (×3.1)"."""
    if not a or not b:
        return ""
    if b >= a * 2:
        return f" (×{b / a:.1f})"
    percent = round((b - a) * 100 / a)
    return f" ({percent:+d} %)".replace("-", "−") if percent else ""
