"""Read what a page says: its text without scripts, styles and hidden parts, and its links."""

import re
from collections.abc import Sequence
from html.parser import HTMLParser

VOID = {
    *("area", "base", "br", "col", "embed", "hr", "img", "input"),
    *("link", "meta", "source", "track", "wbr"),
}
INLINE = {
    *("a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "i", "kbd", "mark", "q", "s"),
    *("samp", "small", "span", "strong", "sub", "sup", "u", "var", "wbr"),
}
UNSEEN = {"script", "style", "template", "head"}
SECTIONS = {"inputs": "value-inputs", "outputs": "value-outputs"}


def visible_text(
    markup: str, section: str | None = None, without: Sequence[str] = ()
) -> tuple[str, list[str]]:
    """Return text and link addresses of `markup`: of one `section` (an id, or `inputs` or
    `outputs`) or of all, without the sections of the ids `without`."""
    reader = _PageReader(SECTIONS.get(section or "", section), set(without))
    reader.feed(markup)
    text = re.sub(r"[ \t\r\f\v\xa0]*\n\s*", "\n", "".join(reader.parts))
    return re.sub(r"[ \t\xa0]+", " ", text).strip(), reader.links


class _PageReader(HTMLParser):
    def __init__(self, section: str | None, without: set[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.section, self.without = section, without
        self.parts: list[str] = []
        self.links: list[str] = []
        # (tag, whether it is hidden, whether it is inside the wanted section)
        self.open: list[tuple[str, bool, bool]] = [("", False, section is None)]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        _, hidden, inside = self.open[-1]
        element_id = values.get("id")
        hidden = hidden or tag in UNSEEN or "hidden" in values or element_id in self.without
        inside = inside or element_id == self.section
        seen = inside and not hidden
        if tag == "a" and seen and values.get("href"):
            self.links.append(str(values["href"]))
        if tag == "input" and seen and values.get("type", "text") == "text":
            self.parts.append(f" {values.get('value') or ''} ")
        if tag not in INLINE:
            self.parts.append(" ")
        if tag not in VOID:
            self.open.append((tag, hidden, inside))

    def handle_endtag(self, tag: str) -> None:
        if any(name == tag for name, _, _ in self.open):
            while self.open.pop()[0] != tag:
                pass
        if tag not in INLINE:
            self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        _, hidden, inside = self.open[-1]
        if inside and not hidden:
            self.parts.append(data)
