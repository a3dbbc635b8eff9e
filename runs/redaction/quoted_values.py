"""What a mask takes out of values, as words to be masked in other places: errors quote what went
in. Pure."""

from collections.abc import Iterator
from typing import Any

from runs.recording.records.json_text import MAX_DEPTH, NotJson, deeper_than, parse_json
from runs.redaction.masks import MASKED

# Characters of such a word: shorter ones stand everywhere, of longer ones nobody quotes all.
SHORTEST, LONGEST = 4, 200
NAME = 12  # letters that are no common word
MOST = 100  # of one value


def taken_out(value: Any, left: Any) -> Iterator[str]:
    """`left`: what a mask has left of the value. Where it was masked as text, not as JSON, it may
    have another shape: then only what both have is compared."""
    if left == MASKED:
        yield from leaves(value)
    elif isinstance(value, dict) and isinstance(left, dict):
        for inner, rest in zip(value.values(), left.values(), strict=False):
            yield from taken_out(inner, rest)
    elif isinstance(value, list) and isinstance(left, list):
        for inner, rest in zip(value, left, strict=False):
            yield from taken_out(inner, rest)
    elif isinstance(value, str) and value != left:
        yield from _of_text(value, left)


def _of_text(value: str, left: str) -> Iterator[str]:
    """What is taken out of JSON that a text holds."""
    try:
        inner, rest = parse_json(value), parse_json(left)
    except NotJson:
        return
    if isinstance(inner, dict | list) and not deeper_than(inner, MAX_DEPTH):
        yield from taken_out(inner, rest)


def leaves(value: Any) -> Iterator[str]:
    """All texts and numbers in a value that are long enough to tell something."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict | list):
            waiting += one.values() if isinstance(one, dict) else one
        elif type(one) in (str, int, float) and SHORTEST <= len(told := str(one)) <= LONGEST:
            yield told


def is_particular(text: str) -> bool:
    """Whether a text is unlikely to stand elsewhere by chance, as "chat" does."""
    return len(text) >= NAME or not text.isalpha()
