"""Marked-up text as a reader would say it, for one line of a list: Markdown, fenced or broken JSON.
Pure. Runs on every span stored: text without marks costs one search."""

import re

# What most marks have and most texts have not.
_SIGNS = ("*", "#", "`", "|", ">", "~")
_FENCE = re.compile(r"```[\w+-]*[ \t]*\n(.*?)\n?```\s*\Z", re.DOTALL)
_LINE = re.compile(
    r"^[ \t]*(?:(?P<fence>```|~~~).*|(?P<rule>[-*_=|: \t]{3,})"
    r"|(?P<heading>#{1,6}[ \t].*)"
    r"|(?P<point>[-*+][ \t].*)|>(?P<quoted>.*)|\|(?P<cells>.*))$",
    re.MULTILINE,
)
_LINK = re.compile(r"!?\[([^\]\n]*)\]\((?:[^()\s]|\([^()\s]*\))*\)")
_STRONG = re.compile(r"\*\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*\*(?!\d)")
_EMPHASIS = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![\w*])")
_CODE = re.compile(r"`+([^`\n]+)`+")
_BOX = re.compile(r"\[[ xX]\][ \t]+")
_BREAK = " · "
_EDGE = "\x1f"  # where a break will be; texts with a dot of their own keep it
# The signs of JSON between its words; a quote with a backslash before it belongs to the text.
_JSON_START = re.compile(r'\A[\[{\s]+"?')
_JSON_COLON = re.compile(r'(?<!\\)"\s*:\s*[\[{\s]*"?')
_JSON_NEXT = re.compile(r'(?:(?<!\\)"|(?<=[\w\]}]))[\s\]}]*,[\s\[{]*"')
_JSON_ESCAPE = re.compile(r'\\(?:[nrt]|(["\\/]))')


def without_fence(text: str) -> str:
    """What stands in a text that is nothing but one fenced block; else the text."""
    found = _FENCE.match(text)
    return found[1] if found else text


def has_markup(text: str) -> bool:
    """Whether there may be marks in `text`. One look for each sign: a pattern takes ten times as
    long."""
    for sign in _SIGNS:
        if sign in text:
            return True
    return "\n-" in text or text[:1] == "-" or "](" in text


def without_markup(text: str) -> str:
    """`text`, the head of one, without the marks of Markdown: headings, points and lines of tables
    are set apart by " · "."""
    if not has_markup(text):
        return text
    text = _LINE.sub(_line, text)
    if "](" in text:
        text = _LINK.sub(r"\1", text)
    if "**" in text:
        text = _STRONG.sub(r"\1", text)
    if "*" in text:
        text = _EMPHASIS.sub(r"\1", text)
    if "`" in text:
        text = _CODE.sub(r"\1", text)
    if _EDGE not in text:
        return text
    return _BREAK.join(piece for found in text.split(_EDGE) if (piece := found.strip()))


def _line(found: re.Match[str]) -> str:
    if heading := found["heading"]:
        return _EDGE + heading.strip(" \t#") + _EDGE
    if point := found["point"]:
        return _EDGE + _BOX.sub("", point[1:].lstrip())
    if found["cells"] is not None:
        cells = (cell.strip() for cell in found["cells"].strip(" \t|").split("|"))
        return _EDGE + _EDGE.join(cells) + _EDGE
    return found["quoted"] or ""


def without_json(text: str) -> str:
    """The head of JSON that cannot be read, because it is broken or cut, without its signs:
    {"risk": "high", "quote": "The … → risk: high · quote: The …"""
    if text[:2] not in ('{"', '["', "[{", "[["):
        return text
    words = _JSON_COLON.sub(": ", _JSON_START.sub("", text))
    words = _JSON_NEXT.sub(_BREAK, words)
    if "\\" in words:
        words = _JSON_ESCAPE.sub(lambda found: found[1] or " ", words)
    return words.rstrip('"]} ') or text
