"""Align two lists by the keys of their items, so that one inserted item does not make all items
after it differ. Pure.

The common beginning and end are kept. A short stretch in between is aligned exactly by difflib,
which takes the square of its length and more; of a longer stretch those items are kept that each
list has just once, as many of them as are in the same order in both.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

from nodes.diff.text_diff import ends_in_common

MAX_EXACT_CELLS = 40_000  # pairs of items up to which two lists are short

PositionPairs = list[tuple[int, int]]  # (in the old list, in the new list), both rising


def kept_positions(olds: Sequence[str], news: Sequence[str]) -> PositionPairs:
    """Return the positions of the items that both lists keep."""
    first, last = ends_in_common(olds, news)
    end_a, end_b = len(olds) - last, len(news) - last
    if (end_a - first) * (end_b - first) <= MAX_EXACT_CELLS:
        matcher = SequenceMatcher(None, olds[first:end_a], news[first:end_b], autojunk=False)
        blocks = matcher.get_matching_blocks()
        inner = [(first + at + n, first + to + n) for at, to, size in blocks for n in range(size)]
    else:
        new_positions = _unique_positions(news, first, end_b)
        old_positions = _unique_positions(olds, first, end_a)
        in_both = [
            (at, new_positions[key]) for key, at in old_positions.items() if key in new_positions
        ]
        inner = _longest_rising(in_both)
    return [
        *((n, n) for n in range(first)),
        *inner,
        *((end_a + n, end_b + n) for n in range(last)),
    ]


def split_by_position(
    kept: PositionPairs, before: int, after: int
) -> tuple[PositionPairs, list[int], list[int]]:
    """Return which positions are compared, which were removed, and which were added.

    `kept` are the positions that both lists keep; `before` and `after` are the lengths.
    """
    both: PositionPairs = []
    removed: list[int] = []
    added: list[int] = []
    at = to = 0
    for next_at, next_to in [*kept, (before, after)]:
        common = min(next_at - at, next_to - to)
        both += [(at + n, to + n) for n in range(common)]
        removed += range(at + common, next_at)
        added += range(to + common, next_to)
        both.append((next_at, next_to))
        at, to = next_at + 1, next_to + 1
    return both[:-1], removed, added


def _unique_positions(keys: Sequence[str], start: int, end: int) -> dict[str, int]:
    """Return the position of each key that is there just once between `start` and `end`."""
    counts = Counter(keys[start:end])
    return {keys[at]: at for at in range(start, end) if counts[keys[at]] == 1}


def _longest_rising(pairs: PositionPairs) -> PositionPairs:
    """Return the most pairs whose second positions rise as well; the first ones do already."""
    lowest: list[int] = []  # for each length of a chain the lowest number that one ends with …
    ends: list[int] = []  # … and where it ends
    before: list[int] = []
    for at, (_, to) in enumerate(pairs):
        length = bisect_left(lowest, to)
        before.append(ends[length - 1] if length else -1)
        lowest[length : length + 1], ends[length : length + 1] = [to], [at]
    chain: PositionPairs = []
    at = ends[-1] if ends else -1
    while at >= 0:
        chain.append(pairs[at])
        at = before[at]
    return chain[::-1]
