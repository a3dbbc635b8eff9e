"""Text in one of Unicode's normal forms, without taking long over a hostile one. Pure.

Marks on one sign are put in order, which takes the square of their number. No script has more than
30 on one; after so many comes a joiner that nobody sees, as in Unicode's own Stream-Safe Text
Format (UAX #15).
"""

import re
from functools import cache
from typing import Literal
from unicodedata import combining, is_normalized, normalize

JOINER = "\u034f"


def in_normal_form(form: Literal["NFC", "NFKC"], text: str) -> str:
    """`text` in that form; the same text where it is."""
    if text.isascii() or is_normalized(form, text):  # which looks at marks in order only
        return text
    return normalize(form, _many_marks().sub(rf"\g<0>{JOINER}", text))


@cache
def _many_marks() -> re.Pattern[str]:
    """Thirty marks that another one follows. All that Unicode has stand in this range."""
    signs = map(chr, range(0x300, 0x1E94B))
    mark = f"[{''.join(sign for sign in signs if combining(normalize('NFKD', sign)[0]))}]"
    return re.compile(rf"{mark}{mark}{{29}}(?={mark})")
