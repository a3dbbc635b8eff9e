"""Two lists aligned by the keys of their items, so that one inserted item does not make all items
after it differ. Pure.

What both begin and end with is kept. A short stretch in between is aligned exactly by difflib,
which takes the square of its length and more; of a longer one those items are kept that each list
has just once, as many of them as are in the same order in both.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

from nodes.diff.text_diff import ends_in_common

MAX_EXACT_CELLS = 40_000  # pairs of items up to which two lists are short

PositionPairs = list[tuple[int, int]]  # in the one list and in the other, both rising


def kept_positions(olds: Sequence[str], news: Sequence[str]) -> PositionPairs:
    """The places of the items that both lists keep."""
    first, last = ends_in_common(olds, news)
    end_a, end_b = len(olds) - last, len(news) - last
    if (end_a - first) * (end_b - first) <= MAX_EXACT_CELLS:
        matcher = SequenceMatcher(None, olds[first:end_a], news[first:end_b], autojunk=False)
        blocks = matcher.get_matching_blocks()
        inner = [(first + at + n, first + to + n) for at, to, size in blocks for n in range(size)]
    else:
        places = _once(news, first, end_b)
        alone = _once(olds, first, end_a)
        inner = _rising([(at, places[key]) for key, at in alone.items() if key in places])
    return [
        *((n, n) for n in range(first)),
        *inner,
        *((end_a + n, end_b + n) for n in range(last)),
    ]


def split_by_position(
    stay: PositionPairs, before: int, after: int
) -> tuple[PositionPairs, list[int], list[int]]:
    """For lists of these lengths: which places are compared, which are gone, which are new."""
    both: PositionPairs = []
    gone: list[int] = []
    come: list[int] = []
    at = to = 0
    for next_at, next_to in [*stay, (before, after)]:
        common = min(next_at - at, next_to - to)
        both += [(at + n, to + n) for n in range(common)]
        gone += range(at + common, next_at)
        come += range(to + common, next_to)
        both.append((next_at, next_to))
        at, to = next_at + 1, next_to + 1
    return both[:-1], gone, come


def _once(keys: Sequence[str], start: int, end: int) -> dict[str, int]:
    """The keys that are there just once, and where."""
    counts = Counter(keys[start:end])
    return {keys[at]: at for at in range(start, end) if counts[keys[at]] == 1}


def _rising(places: PositionPairs) -> PositionPairs:
    """The most places whose second numbers rise as well; the first ones do already."""
    lowest: list[int] = []  # for each length of a chain the lowest number that one ends with …
    ends: list[int] = []  # … and where it ends
    before: list[int] = []
    for at, (_, to) in enumerate(places):
        length = bisect_left(lowest, to)
        before.append(ends[length - 1] if length else -1)
        lowest[length : length + 1], ends[length : length + 1] = [to], [at]
    chain: PositionPairs = []
    at = ends[-1] if ends else -1
    while at >= 0:
        chain.append(places[at])
        at = before[at]
    return chain[::-1]
