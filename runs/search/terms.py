"""What somebody looks for: words and "exact phrases". Pure."""

import re
from dataclasses import dataclass

from runs.search.folding import fold, readable

MOST = 20  # terms that are looked for; what is typed beyond them is left out
_PART = re.compile(r'["“”„]([^"“”„]*)(?:["“”„]|$)|[^\s"“”„]+')


@dataclass(frozen=True, slots=True)
class Terms:
    """`words`: each word or phrase, folded, with single spaces; all of them must stand somewhere in
    a run. `told`: what was typed, which may be an id. Without words it is false."""

    words: tuple[str, ...] = ()
    told: str = ""

    def __bool__(self) -> bool:
        return bool(self.words)


def parse_text(text: str) -> Terms:
    """Words apart, what stands in quotes together; a quote that is not closed ends with the text.
    A word that is part of another one is not looked for by itself."""
    text = text.replace("\0", " ")  # which PostgreSQL takes not even in a question
    parts = (match[1] if match[1] is not None else match[0] for match in _PART.finditer(text))
    words = list(dict.fromkeys(filter(None, map(_folded, parts))))
    needed = [word for word in words if not any(word != other and word in other for other in words)]
    return Terms(tuple(needed[:MOST]), text.strip().strip('"'))


def _folded(text: str) -> str:
    return " ".join(fold(readable(text)).split())
