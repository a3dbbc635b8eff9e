"""The terms of a search: words and "exact phrases", and those that are excluded. Pure."""

import re
from dataclasses import dataclass
from string import punctuation

from runs.search.normalizing import composed, normalized
from runs.search.texts import unescaped

MAX_WORDS = 20  # that are searched for; what is typed beyond them is left out
_QUOTES = '"“”„'
_PART = re.compile(
    rf"(-?)[{_QUOTES}]([^{_QUOTES}]*)(?:[{_QUOTES}]|$)|(-(?=[^\W\d_]))?([^\s{_QUOTES}]+)"
)
_ESCAPED_QUOTE = re.compile(r'\\+"')
_ESCAPE = re.compile(r"\\+(?:u[0-9a-f]{4}|.)?")


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """`words`: each word or phrase, normalized, with single spaces; all of them must stand
    somewhere in a run, and none of `without`. `typed`: what was typed, which may be an id. Terms
    without any words are falsy."""

    words: tuple[str, ...] = ()
    typed: str = ""
    without: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.words or self.without)


def parse_text(text: str) -> SearchTerms:
    """Split what was typed into words and quoted phrases. A quote that is not closed ends with the
    text, and one after a backslash splits a phrase in two: so more runs match, never fewer. A minus
    before a letter or a quote excludes. A word that is part of another one is not searched for by
    itself, nor is punctuation beside words."""
    text = text.replace("\0", " ")  # which PostgreSQL takes not even as a parameter
    text = _ESCAPED_QUOTE.sub('" "', text)
    required: dict[str, None] = {}
    excluded: dict[str, None] = {}
    for match in _PART.finditer(text):
        word = _normalized_word(match[4] if match[2] is None else match[2])
        if word:
            (excluded if match[1] or match[3] else required)[word] = None
    words = [
        word for word in required if not any(word != other and word in other for other in required)
    ]
    words = [word for word in words if word.strip(punctuation)] or words
    typed = text.strip().strip('"')
    return SearchTerms(tuple(words[:MAX_WORDS]), typed, tuple(excluded)[:MAX_WORDS])


def unescaped_word(word: str) -> str:
    """Return what a normalized word means if it was copied from JSON with its escapes; "" if it has
    none."""
    meant = _normalized_word(unescaped(word)) if "\\" in word else word
    return meant if meant != word else ""


def between_escapes(word: str) -> list[str]:
    """Return the pieces that a normalized word and its `unescaped_word` have in common."""
    return _ESCAPE.split(word)


def as_phrases(text: str) -> str:
    """Return a search for a text as it stands, even if it looks like a query: what lies between its
    quotes as phrases, the longest of them. A backslash at the end of one would keep its quote
    open."""
    parts = re.split(rf"\\*[{_QUOTES}]", text)
    pieces = [" ".join(part.split()).rstrip("\\ ") for part in parts]
    kept = sorted(pieces, key=len)[-MAX_WORDS + 1 :]
    return " ".join(f'"{piece}"' for piece in pieces if piece and piece in kept)


def _normalized_word(text: str) -> str:
    return " ".join(normalized(composed(text)).split())
