"""Plain text of Markdown, fenced blocks and broken JSON, for one line of a list. Pure. It runs on
every stored span, so a text without markup costs one search."""

import re

# Characters that most markup has and most texts have not.
_MARKUP = ("*", "#", "`", "|", ">", "~")
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
_EDGE = "\x1f"  # where a break will be; texts with a " · " of their own keep it
# The punctuation of JSON; a quote with a backslash before it belongs to the text.
_JSON_START = re.compile(r'\A[\[{\s]+"?')
_JSON_COLON = re.compile(r'(?<!\\)"\s*:\s*[\[{\s]*"?')
_JSON_NEXT = re.compile(r'(?:(?<!\\)"|(?<=[\w\]}]))[\s\]}]*,[\s\[{]*"')
_JSON_ESCAPE = re.compile(r'\\(?:[nrt]|(["\\/]))')


def without_fence(text: str) -> str:
    """Return the content of a text that is one fenced block; any other text as it is."""
    match = _FENCE.match(text)
    return match[1] if match else text


def has_markup(text: str) -> bool:
    """Return whether `text` may hold markup. It is searched for each character by itself: a pattern
    takes ten times as long."""
    for char in _MARKUP:
        if char in text:
            return True
    return "\n-" in text or text[:1] == "-" or "](" in text


def without_markup(text: str) -> str:
    """Return `text`, which may be cut, without the marks of Markdown. Headings, list items and
    table rows are set apart by " · "."""
    if not has_markup(text):
        return text
    text = _LINE.sub(_line_without_markup, text)
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
    pieces = (piece.strip() for piece in text.split(_EDGE))
    return _BREAK.join(filter(None, pieces))


def _line_without_markup(line: re.Match[str]) -> str:
    if heading := line["heading"]:
        return _EDGE + heading.strip(" \t#") + _EDGE
    if point := line["point"]:
        return _EDGE + _BOX.sub("", point[1:].lstrip())
    if line["cells"] is not None:
        cells = (cell.strip() for cell in line["cells"].strip(" \t|").split("|"))
        return _EDGE + _EDGE.join(cells) + _EDGE
    return line["quoted"] or ""


def without_json(text: str) -> str:
    """Return the words of JSON that cannot be parsed, because it is broken or cut:
    {"risk": "high", "quote": "The … → risk: high · quote: The …"""
    if text[:2] not in ('{"', '["', "[{", "[["):
        return text
    words = _JSON_COLON.sub(": ", _JSON_START.sub("", text))
    words = _JSON_NEXT.sub(_BREAK, words)
    if "\\" in words:
        words = _JSON_ESCAPE.sub(lambda escape: escape[1] or " ", words)
    return words.rstrip('"]} ') or text
