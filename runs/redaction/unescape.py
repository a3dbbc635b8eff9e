"""Undoes the escaping of a text, so that words are found that a plain search would miss. Pure."""

import re
import unicodedata
from html import unescape
from urllib.parse import unquote_plus

from nodes.content.unicode_form import in_normal_form

MAX_LEVELS = 5  # of escaping within escaping
# From the first backslash of a row on: tried at each, a long row would take a square of its length.
_ESCAPE = re.compile(r'(?<!\\)\\+(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([nrtbf"\'/]))')


def unescaped(text: str) -> str:
    """Return `text` without backslash, URL and HTML escaping, in lower case, on one line, in NFKC
    and without invisible characters."""
    for _ in range(MAX_LEVELS):
        before = text
        if "\\" in text:
            text = _ESCAPE.sub(_unescaped_character, text)
        if "%" in text:
            text = unquote_plus(text)
        if "&" in text:
            text = unescape(text)
        if text == before:
            break
    if not text.isascii():
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        text = in_normal_form("NFKC", text)
        text = "".join(char for char in text if unicodedata.category(char) != "Cf")
    return " ".join(text.casefold().split())


def _unescaped_character(match: re.Match[str]) -> str:
    if code := match[1] or match[2]:
        return chr(int(code, 16))
    return match[3] if match[3] in "\"'/" else " "
