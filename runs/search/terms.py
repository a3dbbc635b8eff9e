"""What somebody looks for: words and "exact phrases", and what must not stand there. Pure."""

import re
from dataclasses import dataclass
from string import punctuation

from runs.search.folding import fold, readable
from runs.search.texts import unescaped

MAX_WORDS = 20  # terms that are looked for; what is typed beyond them is left out
_QUOTES = '"“”„'
_PART = re.compile(
    rf"(-?)[{_QUOTES}]([^{_QUOTES}]*)(?:[{_QUOTES}]|$)|(-(?=[^\W\d_]))?([^\s{_QUOTES}]+)"
)
_ESCAPED_QUOTE = re.compile(r'\\+"')
_ESCAPE = re.compile(r"\\+(?:u[0-9a-f]{4}|.)?")


@dataclass(frozen=True, slots=True)
class Terms:
    """`words`: each word or phrase, folded, with single spaces; all of them must stand somewhere in
    a run, and none of `without`. `told`: what was typed, which may be an id. Without any it is
    false."""

    words: tuple[str, ...] = ()
    told: str = ""
    without: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.words or self.without)


def parse_text(text: str) -> Terms:
    """Words apart, what stands in quotes together; a quote that is not closed ends with the text,
    and one after a backslash parts a phrase in two: so more is found, never less. A minus before a
    letter or a quote takes away. A word that is part of another one is not looked for by itself,
    nor are signs beside words."""
    text = text.replace("\0", " ")  # which PostgreSQL takes not even in a question
    text = _ESCAPED_QUOTE.sub('" "', text)
    found: dict[bool, dict[str, None]] = {False: {}, True: {}}
    for match in _PART.finditer(text):
        word = _folded(match[4] if match[2] is None else match[2])
        if word:
            found[bool(match[1] or match[3])][word] = None
    words = [word for word in found[False]
             if not any(word != other and word in other for other in found[False])]  # fmt: skip
    words = [word for word in words if word.strip(punctuation)] or words
    told = text.strip().strip('"')
    return Terms(tuple(words[:MAX_WORDS]), told, tuple(found[True])[:MAX_WORDS])


def unescaped_word(word: str) -> str:
    """What a folded word says if it was copied from JSON with its escapes; "" if it has none."""
    read = _folded(unescaped(word)) if "\\" in word else word
    return read if read != word else ""


def between_escapes(word: str) -> list[str]:
    """What a folded word and its `unescaped_word` have in common."""
    return _ESCAPE.split(word)


def as_phrases(text: str) -> str:
    """A search for a text as it stands, even if it looks like a query: what lies between its quotes
    as phrases, the longest of them. A backslash at the end of one would keep its quote open."""
    parts = re.split(rf"\\*[{_QUOTES}]", text)
    pieces = [" ".join(part.split()).rstrip("\\ ") for part in parts]
    kept = sorted(pieces, key=len)[-MAX_WORDS + 1 :]
    return " ".join(f'"{piece}"' for piece in pieces if piece and piece in kept)


def _folded(text: str) -> str:
    return " ".join(fold(readable(text)).split())
