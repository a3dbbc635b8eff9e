"""Unicode's normal forms in bounded time, whatever the text. Pure.

A normal form puts the combining marks on a character in order, which takes the square of their
number. No script has more than 30 on one character; after 30 an invisible joiner is inserted, as
Unicode's own Stream-Safe Text Format does (UAX #15).
"""

import re
from functools import cache
from typing import Literal
from unicodedata import combining, is_normalized, normalize

JOINER = "\u034f"


def in_normal_form(form: Literal["NFC", "NFKC"], text: str) -> str:
    """Return `text` in that normal form."""
    if text.isascii() or is_normalized(form, text):  # takes linear time
        return text
    return normalize(form, _piled_marks().sub(rf"\g<0>{JOINER}", text))


@cache
def _piled_marks() -> re.Pattern[str]:
    """Match thirty combining marks that another one follows. All that Unicode has are in this
    range."""
    characters = map(chr, range(0x300, 0x1E94B))
    marks = (char for char in characters if combining(normalize("NFKD", char)[0]))
    mark = f"[{''.join(marks)}]"
    return re.compile(rf"{mark}{mark}{{29}}(?={mark})")
