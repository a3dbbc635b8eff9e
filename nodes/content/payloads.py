"""A stored value on a page: read, as a tree, or raw; whole on its own page, its head elsewhere."""

from dataclasses import dataclass
from typing import Any, Literal

import orjson

from nodes.compression import unpack_head
from nodes.content.json_tree import TreeMark, tree_marks
from nodes.content.parts import ContentPart, Limits, present
from nodes.formats import visible
from nodes.models import Payload

View = Literal["read", "tree", "raw"]
VIEWS: tuple[tuple[View, str], ...] = (("read", "Read"), ("tree", "Tree"), ("raw", "Raw"))
IN_PANEL = Limits()
ON_PAGE = Limits(text=2_000_000, parts=4000, messages=1000)
# Values up to these sizes are decoded; of larger ones the head is shown as text.
MAX_BYTES_IN_PANEL = 2_000_000
MAX_BYTES_ON_PAGE = 20_000_000
TREE_ON_PAGE = 5000


@dataclass(frozen=True, slots=True)
class PayloadView:
    """One stored value, presented. One of `part`, `marks`, `text` is filled, by `view`;
    `more` says why this is not all, "" when it is."""

    payload: Payload
    view: View
    part: ContentPart | None = None
    marks: list[TreeMark] | None = None
    text: str = ""
    more: str = ""

    @property
    def is_empty(self) -> bool:
        return self.part is not None and self.part.form == "empty"

    @property
    def views(self) -> tuple[tuple[View, str], ...]:
        return VIEWS


def view_named(name: str) -> View:
    """The view named in a query; anything unknown is the first."""
    return "tree" if name == "tree" else "raw" if name == "raw" else "read"


def present_payload(payload: Payload, view: View = "read", *, whole: bool = False) -> PayloadView:
    """`payload` for a page; `whole` on the payload's own page, else bounded to a panel."""
    limits = ON_PAGE if whole else IN_PANEL
    if payload.size > (MAX_BYTES_ON_PAGE if whole else MAX_BYTES_IN_PANEL):
        text = visible(head_text(payload, limits.text))
        return PayloadView(payload, view, text=text, more=f"The first {len(text):,} characters.")
    value = load_value(payload)
    if view == "tree":
        found = tree_marks(value, TREE_ON_PAGE) if whole else tree_marks(value)
        more = found[-1].text if any(mark.form == "note" for mark in found) else ""
        return PayloadView(payload, view, marks=found, more=more and "Not all of it is shown here.")
    if view == "raw":
        return _raw(payload, value, limits.text)
    part = present(value, limits)
    return PayloadView(payload, view, part=part)


def load_value(payload: Payload) -> Any:
    """The value; JSON that no parser takes (nested too deeply) as text."""
    if payload.encoding == "json":
        try:
            return orjson.loads(payload.raw)
        except orjson.JSONDecodeError:
            return payload.text
    return payload.text


def head_text(payload: Payload, length: int) -> str:
    """The first `length` characters, without unpacking the rest."""
    body = bytes(payload.body)
    if payload.compressed:
        body = unpack_head(body, length * 4)
    return body[: length * 4].decode("utf-8", "ignore")[:length]


def indented_json(value: Any) -> str:
    """Indented JSON, or the text itself."""
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()
    except orjson.JSONEncodeError:  # nested deeper than it writes
        return ""


def _raw(payload: Payload, value: Any, length: int) -> PayloadView:
    text = indented_json(value) or payload.text
    more = ""
    if len(text) > length:
        more = f"The first {length:,} of {len(text):,} characters."
    return PayloadView(payload, "raw", text=visible(text[:length]), more=more)
