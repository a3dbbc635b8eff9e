"""A text as somebody reads it who unescapes it: how words are found that hide from a plain search.
Pure."""

import re
import unicodedata
from html import unescape
from urllib.parse import unquote_plus

from nodes.content.unicode_form import normal

ROUNDS = 5  # of escaping within escaping
# From the first backslash of a row on: tried at each, a long row would take a square of its length.
_ESCAPE = re.compile(r'(?<!\\)\\+(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([nrtbf"\'/]))')


def plain(text: str) -> str:
    """As somebody who unescapes it would read it, in small letters, on one line."""
    for _ in range(ROUNDS):
        before = text
        if "\\" in text:
            text = _ESCAPE.sub(_unescaped, text)
        if "%" in text:
            text = unquote_plus(text)
        if "&" in text:
            text = unescape(text)
        if text == before:
            break
    if not text.isascii():
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        text = normal("NFKC", text)
        text = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")
    return " ".join(text.casefold().split())


def _unescaped(found: re.Match[str]) -> str:
    if code := found[1] or found[2]:
        return chr(int(code, 16))
    return found[3] if found[3] in "\"'/" else " "
