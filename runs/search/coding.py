"""Encodes text for the index: each word once, because every model call repeats what was said
before; in ASCII, so that both databases cut it into the same trigrams (groups of three characters),
whatever language it is in and whatever locale they have. Pure."""

from collections.abc import Iterable

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
TRIGRAM = 3
LONG_TEXT = 200_000  # characters
MAX_WORDS_OF_PHRASE = 12  # that the index is asked for, and
MAX_TRIGRAMS_OF_WORD = 48  # that it is asked for; the runs that it names are looked at anyway


class _AsciiCodes(dict[int, str]):
    """Code point → three letters or digits; several share some, which only costs a second look."""

    def __missing__(self, code: int) -> str:
        high, low = divmod(code % 36**3, 36)
        self[code] = ascii_code = DIGITS[high // 36] + DIGITS[high % 36] + DIGITS[low]
        return ascii_code


_ASCII_CODES = _AsciiCodes({code: chr(code) for code in range(128)} | {0: " "})


def encoded(normalized: str) -> str:
    """Return normalized text with single spaces, in ASCII."""
    text = " ".join(normalized.split())
    return text.replace("\0", " ") if text.isascii() else text.translate(_ASCII_CODES)


def document_text(words: Iterable[str]) -> str:
    """Return normalized words as a text of the index, with a space on both sides of each."""
    return f" {encoded(' '.join(words))} "


def spaced_words(phrase: str) -> list[str]:
    """Return what a document must have if a run has an encoded phrase: the phrase's words, each
    with a space where another one stands beside it; only the longest. Empty if all are too short to
    be looked up."""
    words = phrase.split()
    last = len(words) - 1
    spaced = (" " * (place > 0) + word + " " * (place < last) for place, word in enumerate(words))
    return sorted((word for word in spaced if len(word) >= TRIGRAM), key=len)[-MAX_WORDS_OF_PHRASE:]


def trigrams(text: str) -> list[str]:
    """Return the different trigrams of encoded text, for a word; of a long one those of its
    beginning. Without any the index is of no use."""
    every = (text[start : start + TRIGRAM] for start in range(len(text) - TRIGRAM + 1))
    return list(dict.fromkeys(every))[:MAX_TRIGRAMS_OF_WORD]


def condensed(text: str) -> str:
    """Return text from which an index makes the same trigrams: the text itself, or of a long one
    each trigram once, separated by a character that no search has."""
    if len(text) <= LONG_TEXT:
        return text
    every = {text[start : start + TRIGRAM] for start in range(len(text) - TRIGRAM + 1)}
    return "\1".join(sorted(every))
