"""Marks where a text stands in HTML that shows a value. Pure."""

import re
from html import escape

MAX_LENGTH = 200  # characters of a text that is marked
_TAG = re.compile(r"(<[^>]*>)")


def _word_pattern(word: str) -> str:
    """Return a pattern for a word as templates write it, or Markdown, which leaves quotes as they
    are."""
    pattern = re.escape(escape(word))
    for quote in "\"'":
        written = re.escape(escape(quote))
        pattern = pattern.replace(written, f"(?:{written}|{quote})")
    return pattern


def with_marks(html: str, text: str, mark_id: str) -> str:
    """Return `html` with <mark> around each place where `text` stands between two tags, in any
    case and with any white space between its words; `mark_id` is the id of the first. What is
    folded around a mark is opened. `html` has no ">" within a tag, as templates write it."""
    words = text[:MAX_LENGTH].split()
    if not words:
        return html
    phrase = r"\s+".join(map(_word_pattern, words))
    # A character reference is one character: no text is found within it.
    wanted = re.compile(rf"({phrase})|&#?\w+;", re.IGNORECASE)
    pieces = _TAG.split(html)
    folded: list[int] = []
    first = True

    def mark(match: re.Match[str]) -> str:
        nonlocal first
        if match[1] is None:
            return match[0]
        start = f'<mark id="{mark_id}">' if first else "<mark>"
        first = False
        return f"{start}{match[0]}</mark>"

    for place, piece in enumerate(pieces):
        if piece.startswith("<details"):
            folded.append(place)
        elif piece.startswith("</details") and folded:
            folded.pop()
        elif not piece.startswith("<") and (marked := wanted.sub(mark, piece)) != piece:
            pieces[place] = marked
            for opening in folded:
                if " open" not in pieces[opening]:
                    pieces[opening] = pieces[opening].replace("<details", "<details open", 1)
    return "".join(pieces)
