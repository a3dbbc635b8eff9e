"""Writes the texts that tools answer with: bounded, because all of it is read by a model. Pure.

Sizes are bytes of UTF-8: about four are a token, in English as in Chinese.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

from nodes import formats

MAX_ANSWER = 8_000
# Of an answer, what is kept for its heading and for how to read on.
MARGIN = 700


def size_of(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def head(text: str, room: int) -> str:
    """Return the beginning of `text` that fits into `room` bytes."""
    return text.encode("utf-8", "replace")[: max(room, 0)].decode("utf-8", "ignore")


def on_a_line(text: str | None, room: int) -> str:
    """Return a text on one line, cut to `room` bytes with a mark."""
    return cut(" ".join((text or "").split()), room)


def cut(text: str, room: int) -> str:
    """Return a text of at most `room` bytes, with a mark where it was longer."""
    return text if size_of(text) <= room else f"{head(text, room - 3)}…"


def facts(*parts: object) -> str:
    """Return the parts of a line that are there, with separators."""
    return " | ".join(str(part) for part in parts if part not in (None, "", False))


def labelled(label: str, text: str | None, room: int = 200) -> str:
    """Return "label: text", or "" without a text."""
    return f"{label}: {on_a_line(text, room)}" if text else ""


def listing(
    heading: str, entries: Sequence[str], read_on: Callable[[int], str], most: int = 0
) -> str:
    """Return a heading, as many entries as fit, and below them `read_on` of how many these are.
    Where there are at most `most` entries, each is cut to its share, so that all fit."""
    room, shown = MAX_ANSWER - MARGIN - size_of(heading), 0
    if most:
        entries = [cut(entry, room // most - 1) for entry in entries]
    for entry in entries:
        room -= size_of(entry) + 1
        if room < 0:
            break
        shown += 1
    return "\n".join(filter(None, (heading, *entries[:shown], read_on(shown))))


def second(time: str | None) -> str:
    """Return an ISO time to the second."""
    return (time or "")[:19]


def money(amount: str | None, currency: str | None) -> str:
    return formats.money(Decimal(amount), currency or "") if amount else ""


def lasted(us: int | None) -> str:
    return formats.duration(us) if us is not None else ""


def iteration(path: Sequence[int]) -> str:
    """Return the place in loops as people count: "iteration #4.1"; "" outside any loop."""
    label = formats.iteration_label(".".join(map(str, path)))
    return f"iteration {label}" if label else ""


def quantiles(p50: int | None, p95: int | None) -> str:
    """Return the median and the 95th percentile of durations; "" where none is known."""
    return f"p50 {lasted(p50)}, p95 {lasted(p95)}" if p50 is not None else ""
