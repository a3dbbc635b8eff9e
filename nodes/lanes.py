"""Which steps of one level ran beside each other, and on which lane each is drawn. Pure.

A step goes on in the lane that was left last before it began, so that a branch of several steps
stays in one lane. That is the order of time, not the graph: likely, not certain.
"""

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from nodes.timeline import Entry
from nodes.waterfall import slack_of


@dataclass(frozen=True, slots=True)
class Lane:
    """Lane `number`, from 1, of `total` that ran at the same time."""

    number: int
    total: int


def lanes(siblings: Sequence[Entry], now: int) -> dict[Entry, Lane]:
    """The lanes of those that ran beside others; none where one followed the other. `now` is the
    end of what still runs."""
    if not _overlap(siblings, now):
        return {}
    known = sorted(
        (entry for entry in siblings if entry.start is not None), key=lambda entry: entry.start or 0
    )
    found: dict[Entry, Lane] = {}
    for group in _groups(known, now):
        if len(group) > 1:
            found.update(_placed(group, now))
    return found


def _overlap(siblings: Iterable[Entry], now: int) -> bool:
    """Quick, as most never do. Siblings that stand in another order may seem to."""
    reached = 0
    for entry in siblings:
        start = entry.start
        if start is None:
            continue
        if start < reached and start + slack_of(start) < reached:
            return True
        end = now if entry.end is None else entry.end
        if end > reached:
            reached = end
    return False


def _groups(ordered: Iterable[Entry], now: int) -> Iterator[list[Entry]]:
    """Stretches without a moment at which none ran."""
    group: list[Entry] = []
    reached = 0
    for entry in ordered:
        start = entry.start or 0
        if group and start + slack_of(start) >= reached:
            yield group
            group = []
        group.append(entry)
        reached = max(reached, now if entry.end is None else entry.end)
    if group:
        yield group


def _placed(group: list[Entry], now: int) -> dict[Entry, Lane]:
    ends: list[tuple[int, int]] = []  # of each lane the end of its last, and its number; in order
    numbers: dict[Entry, int] = {}
    for entry in group:
        start = entry.start or 0
        free = bisect_right(ends, (start + slack_of(start), len(group)))
        number = ends.pop(free - 1)[1] if free else len(ends) + 1
        insort(ends, (now if entry.end is None else entry.end, number))
        numbers[entry] = number
    return {entry: Lane(number, len(ends)) for entry, number in numbers.items()}
