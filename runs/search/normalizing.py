"""Normalizes text for comparing: letter case, accents and alternative codings of a character do not
count. Pure.

`composed` brings text into one normal form that looks the same; `normalized` then replaces each of
its characters by itself, so that a place in normalized text leads back to the text it was made of.
"""

import re
import unicodedata
from functools import lru_cache

from nodes.content.unicode_form import in_normal_form

# What nobody sees: combining accents, soft hyphens, joiners, marks of direction and variation.
_INVISIBLE = re.compile(
    "[\u0300-\u036f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff]"
)
# Kana of half width and the mark that voices it are two characters until they are composed.
_HALF_KANA = re.compile("[\uff66-\uff9d][\uff9e\uff9f]")
_NOT_ASCII = re.compile("[^\x00-\x7f]+")
_DOTLESS = str.maketrans("ı", "i")  # Turkish: all four letters i are one


class _NormalizedCharacters(dict[int, str]):
    """Code point → what it is compared as; filled as characters are met."""

    def __missing__(self, code: int) -> str:
        text = unicodedata.normalize("NFKC", chr(code)).casefold().translate(_DOTLESS)
        bare = _INVISIBLE.sub("", unicodedata.normalize("NFD", text))
        self[code] = character = unicodedata.normalize("NFKC", bare)
        return character


_NORMALIZED = _NormalizedCharacters()


def composed(text: str) -> str:
    """Return the same text with its characters composed, as `normalized` needs it."""
    if text.isascii():
        return text
    text = in_normal_form("NFC", text)
    if "\uff9e" in text or "\uff9f" in text:
        text = _HALF_KANA.sub(lambda pair: unicodedata.normalize("NFKC", pair[0]), text)
    return text


def normalized(text: str) -> str:
    """Return `text`, which is `composed`, as it is compared."""
    if not text.isascii():  # most of it may be
        text = _NOT_ASCII.sub(lambda match: match[0].translate(_NORMALIZED), text)
    return text.lower()


def original_index(text: str, index: int) -> int:
    """Return where in `text` the character stands that `index` in its normalized form is of."""
    if text.isascii():
        return index
    start, end = 0, len(text)
    while end - start > 1:
        middle = (start + end) // 2
        skipped = len(normalized(text[start:middle]))
        if skipped <= index:
            start, index = middle, index - skipped
        else:
            end = middle
    return start


@lru_cache(maxsize=256)
def phrase_pattern(term: str) -> re.Pattern[str]:
    """Return a pattern for a normalized term with spaces: any white space between its words but the
    character that separates forms of the same text (`texts.BETWEEN_FORMS`), which is white space to
    Unicode."""
    return re.compile(r"[^\S\x1e]+".join(map(re.escape, term.split())))


def find_term(term: str, text: str) -> tuple[int, int] | None:
    """Return where in normalized text a normalized term stands first: (start, end)."""
    if " " in term:
        match = phrase_pattern(term).search(text)
        return match.span() if match else None
    start = text.find(term)
    return None if start < 0 else (start, start + len(term))
