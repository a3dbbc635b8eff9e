"""What a mask takes out of values, as words: errors quote what went in. Pure."""

from collections.abc import Iterator
from typing import Any

from runs.share.masking import MASKED

# Characters of such a word: shorter ones stand everywhere, of longer ones nobody quotes all.
SHORTEST, LONGEST = 4, 200
NAME = 12  # letters that are no common word
MOST = 100  # of one value


def taken_out(value: Any, left: Any) -> Iterator[str]:
    """`left`: what a mask has left of the value."""
    if left == MASKED:
        yield from leaves(value)
    elif isinstance(value, dict) and isinstance(left, dict):
        for inner, rest in zip(value.values(), left.values(), strict=True):
            yield from taken_out(inner, rest)
    elif isinstance(value, list) and isinstance(left, list):
        for inner, rest in zip(value, left, strict=True):
            yield from taken_out(inner, rest)


def leaves(value: Any) -> Iterator[str]:
    """All texts and numbers in a value that are long enough to tell something."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict | list):
            waiting += one.values() if isinstance(one, dict) else one
        elif isinstance(one, str | int | float) and SHORTEST <= len(told := str(one)) <= LONGEST:
            yield told


def is_particular(text: str) -> bool:
    """Whether the text is hardly there by chance, as "chat" would be."""
    return len(text) >= NAME or not text.isalpha()
