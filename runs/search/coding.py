"""Text as the index keeps it: each word once, because every call of a model repeats what was said
before; in ASCII, so that both databases cut it into the same groups of three characters,
whatever language it is in and whatever locale they have. Pure."""

from collections.abc import Iterable

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
GROUP = 3
LONG = 200_000  # characters
MAX_PARTS = 12  # of one phrase that are asked for, and
MAX_GROUPS = 48  # of one word that are asked for; what is found is looked at again anyway


class _Codes(dict[int, str]):
    """Code point → three letters or digits; several share some, which only costs a second look."""

    def __missing__(self, code: int) -> str:
        high, low = divmod(code % 36**3, 36)
        self[code] = found = DIGITS[high // 36] + DIGITS[high % 36] + DIGITS[low]
        return found


_CODES = _Codes({code: chr(code) for code in range(128)} | {0: " "})


def encoded(folded: str) -> str:
    """Folded text with single spaces, in ASCII."""
    text = " ".join(folded.split())
    return text.replace("\0", " ") if text.isascii() else text.translate(_CODES)


def document(words: Iterable[str]) -> str:
    """Folded words as a text of the index, with a space on both sides of each."""
    return f" {encoded(' '.join(words))} "


def parts(phrase: str) -> list[str]:
    """What a document must have if a run says an encoded phrase: its words, each with a space where
    another one stands beside it; only the longest. Empty if all are too short to be asked for."""
    words = phrase.split()
    last = len(words) - 1
    spaced = (" " * (at > 0) + word + " " * (at < last) for at, word in enumerate(words))
    return sorted((part for part in spaced if len(part) >= GROUP), key=len)[-MAX_PARTS:]


def groups(text: str) -> list[str]:
    """The different groups of three characters that stand in encoded text, for a word; of a long
    one those of its beginning. Without any the index is of no use."""
    found = (text[start : start + GROUP] for start in range(len(text) - GROUP + 1))
    return list(dict.fromkeys(found))[:MAX_GROUPS]


def condensed(text: str) -> str:
    """Text from which an index makes the same groups: itself, or of a long one each group once, set
    apart by a sign that no question has."""
    if len(text) <= LONG:
        return text
    found = {text[start : start + GROUP] for start in range(len(text) - GROUP + 1)}
    return "\1".join(sorted(found))
