"""Moments: the events by which a stream says that a step began or ended. Pure.

A stream may arrive in any parts and any order, so that an event is stored as its producer sent it:
with its stamp, the length of the step, and the name of the event before it. When the steps ran
follows once all are known (`deriving.placing`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Moment:
    """One event about a step, as text in the hints of its row. Times are microseconds: the `stamp`
    by the producer's clock, mostly in whole seconds; the exact `length` of what ended; when it
    `arrived` here, where the stream was read live. `after`: the name of the event before it in its
    stream; "" where none was seen."""

    is_end: bool
    stamp_us: int | None = None
    length_us: int | None = None
    arrived_us: int | None = None
    after: str = ""

    def __str__(self) -> str:
        numbers = (self.stamp_us, self.length_us, self.arrived_us)
        texts = ("-" if number is None else str(number) for number in numbers)
        return " ".join(("end" if self.is_end else "begin", *texts, self.after)).rstrip()

    def name(self, source_id: str) -> str:
        """Return the name of the event, which is the same whenever it is sent; `source_id` is as it
        is stored."""
        stamp = "-" if self.stamp_us is None else self.stamp_us
        return f"{'end' if self.is_end else 'begin'} {stamp} {source_id}"


def without_repetitions(texts: Iterable[str]) -> list[str]:
    """Return the texts of moments without those of the first event of a part, where another part
    names the event before it."""
    kept: list[str] = []
    for text in sorted(texts, reverse=True):  # the longer of two first
        if not (kept and kept[-1].startswith(f"{text} ")):
            kept.append(text)
    return kept[::-1]


@lru_cache(maxsize=4096)
def moment_from_text(text: str) -> Moment | None:
    """Return the moment that a text in a row's hints describes; None for any other text."""
    what, stamp, length, arrived, after, *_ = (*text.split(" ", 4), "", "", "", "")
    if what not in ("begin", "end"):
        return None
    try:
        stamp_us, length_us, arrived_us = (
            None if part == "-" else int(part) for part in (stamp, length, arrived)
        )
    except ValueError:
        return None
    return Moment(what == "end", stamp_us, length_us, arrived_us, after)
