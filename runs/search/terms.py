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
class StepText:
    """Text in a value of a step: `value` is "inputs" or "outputs", and contains one of the
    normalized `phrases`. `excluded`: no step may have it."""

    value: str
    phrases: tuple[str, ...]
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """`words`: each word or phrase, normalized, with single spaces; all of them must stand
    somewhere in a run, and none of `without`. One and the same step must have all `step_texts` that
    are not excluded. `typed`: what was typed, which may be an id. Terms without any are falsy."""

    words: tuple[str, ...] = ()
    typed: str = ""
    without: tuple[str, ...] = ()
    step_texts: tuple[StepText, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.words or self.without or self.step_texts)

    @property
    def required_step_texts(self) -> list[StepText]:
        return [text for text in self.step_texts if not text.excluded]

    @property
    def looked_up(self) -> list[str]:
        """Return what each matching run has somewhere: the words, and texts of steps without
        another choice."""
        texts = [text.phrases[0] for text in self.required_step_texts if len(text.phrases) == 1]
        return [*self.words, *texts]


def parse_text(text: str) -> SearchTerms:
    """Split what was typed into words and quoted phrases. A quote that is not closed ends with the
    text, and one after a backslash splits a phrase in two: so more runs match, never fewer. A minus
    before a letter or a quote excludes. A word that is part of another one is not searched for by
    itself, nor is punctuation beside words unless it is quoted."""
    text = text.replace("\0", " ")  # which PostgreSQL takes not even as a parameter
    text = _ESCAPED_QUOTE.sub('" "', text)
    required: dict[str, None] = {}
    excluded: dict[str, None] = {}
    quoted: set[str] = set()
    for match in _PART.finditer(text):
        word = normalized_phrase(match[4] if match[2] is None else match[2])
        if word:
            (excluded if match[1] or match[3] else required)[word] = None
            quoted |= {word} if match[2] is not None else set()
    words = [
        word for word in required if not any(word != other and word in other for other in required)
    ]
    words = [word for word in words if word in quoted or word.strip(punctuation)] or words
    typed = text.strip().strip('"')
    return SearchTerms(tuple(words[:MAX_WORDS]), typed, tuple(excluded)[:MAX_WORDS])


def unescaped_word(word: str) -> str:
    """Return what a normalized word means if it was copied from JSON with its escapes; "" if it has
    none."""
    meant = normalized_phrase(unescaped(word)) if "\\" in word else word
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


def normalized_phrase(text: str) -> str:
    return " ".join(normalized(composed(text)).split())
