"""Text as it is compared in searches: case, accents and ways of writing a character do not count.
Pure.

`readable` brings text into one normal form that looks the same; `fold` then replaces each of its
characters by itself, so that a place in folded text leads back to the text it was made of.
"""

import re
import unicodedata
from functools import lru_cache

from nodes.content.unicode_form import in_normal_form

# What nobody sees: combining accents, soft hyphens, joiners, marks of direction and variation.
_UNSEEN = re.compile(
    "[\u0300-\u036f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff]"
)
# Kana of half width and the mark that voices it are two characters until they are normalized.
_HALF_KANA = re.compile("[\uff66-\uff9d][\uff9e\uff9f]")
_FOREIGN = re.compile("[^\x00-\x7f]+")
_DOTLESS = str.maketrans("ı", "i")  # Turkish: all four letters i are one


class _Folded(dict[int, str]):
    """Code point → what it is compared as; filled as characters are met."""

    def __missing__(self, code: int) -> str:
        text = unicodedata.normalize("NFKC", chr(code)).casefold().translate(_DOTLESS)
        bare = _UNSEEN.sub("", unicodedata.normalize("NFD", text))
        self[code] = found = unicodedata.normalize("NFKC", bare)
        return found


_FOLDED = _Folded()


def readable(text: str) -> str:
    """The same text with its characters composed, as `fold` needs it."""
    if text.isascii():
        return text
    text = in_normal_form("NFC", text)
    if "\uff9e" in text or "\uff9f" in text:
        text = _HALF_KANA.sub(lambda pair: unicodedata.normalize("NFKC", pair[0]), text)
    return text


def fold(text: str) -> str:
    """`text`, which is `readable`, as it is compared."""
    if not text.isascii():  # most of it may be
        text = _FOREIGN.sub(lambda found: found[0].translate(_FOLDED), text)
    return text.lower()


def unfolded(text: str, place: int) -> int:
    """Where in `text` the character stands that `place` in its folded form is of."""
    if text.isascii():
        return place
    start, end = 0, len(text)
    while end - start > 1:
        middle = (start + end) // 2
        gone = len(fold(text[start:middle]))
        if gone <= place:
            start, place = middle, place - gone
        else:
            end = middle
    return start


@lru_cache(maxsize=256)
def pattern(term: str) -> re.Pattern[str]:
    """A folded term with spaces, whatever white space stands between its words; but for the sign
    that parts forms of the same text (`texts.BETWEEN`), which is white space to Unicode."""
    return re.compile(r"[^\S\x1e]+".join(map(re.escape, term.split())))


def place_of(term: str, folded: str) -> tuple[int, int] | None:
    """Where in folded text a folded term stands first: (start, end)."""
    if " " in term:
        found = pattern(term).search(folded)
        return found.span() if found else None
    start = folded.find(term)
    return None if start < 0 else (start, start + len(term))
