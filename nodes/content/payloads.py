"""A stored value on a page: as parts, as a tree, or raw; whole on its own page, its beginning
elsewhere."""

from dataclasses import dataclass
from typing import Any, Literal

import orjson

from nodes.compression import unpack_head
from nodes.content.answers import final_answer, is_state
from nodes.content.embedded_json import decoded_json
from nodes.content.json_tree import TreeMark, tree_marks
from nodes.content.limits import IN_PANEL, ON_PAGE, cut_note
from nodes.content.parts import ContentPart, present
from nodes.formats import visible
from nodes.models import Payload

View = Literal["read", "tree", "raw"]
VIEWS: tuple[tuple[View, str], ...] = (("read", "Read"), ("tree", "Tree"), ("raw", "Raw"))
# Values up to these sizes are decoded; of larger ones the head is shown as text.
MAX_BYTES_IN_PANEL = 2_000_000
MAX_BYTES_ON_PAGE = 20_000_000
MAX_TREE_NODES_ON_PAGE = 5000


@dataclass(frozen=True, slots=True)
class PayloadView:
    """A stored value, presented. `view` says which of `part`, `marks` and `text` is filled; `more`
    is a sentence about what is left out, "" for nothing."""

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
    """Return the view that a query names; "read" for an unknown name."""
    return "tree" if name == "tree" else "raw" if name == "raw" else "read"


def present_payload(payload: Payload, view: View = "read", *, whole: bool = False) -> PayloadView:
    """Present `payload`: `whole` on its own page, else within the limits of a panel."""
    limits = ON_PAGE if whole else IN_PANEL
    if payload.size > (MAX_BYTES_ON_PAGE if whole else MAX_BYTES_IN_PANEL):
        text = visible(head_text(payload, limits.text))
        return PayloadView(
            payload, view, text=text, more=f"Only the first {len(text):,} characters are shown."
        )
    value = load_value(payload)
    if view == "tree":
        marks = tree_marks(value, MAX_TREE_NODES_ON_PAGE) if whole else tree_marks(value)
        more = marks[-1].text if any(mark.form == "note" for mark in marks) else ""
        return PayloadView(
            payload, view, marks=marks, more=more and "Only a part of the value is shown here."
        )
    if view == "raw":
        text = indented_json(value) or payload.text
        more = cut_note(limits.text, text)
        return PayloadView(payload, "raw", text=visible(text[: limits.text]), more=more)
    part = present(value, limits)
    return PayloadView(payload, view, part=part)


def present_answer(outputs: Payload, inputs: Payload | None) -> ContentPart | None:
    """Present what the user saw of an output that is the state of an agent, made from `inputs`;
    None for an output that the user saw whole, and for a huge one."""
    answer = answer_in(outputs, inputs)
    return None if answer is None else present(answer)


def answer_in(outputs: Payload, inputs: Payload | None) -> Any:
    """Return what the user saw of an output, as `present_answer` presents it."""
    if outputs.size > MAX_BYTES_IN_PANEL:
        return None
    value = _decoded_value(outputs)
    known = inputs is not None and inputs.size <= MAX_BYTES_IN_PANEL
    if not is_state(value, _decoded_value(inputs) if inputs and known else None):
        return None
    return final_answer(value)


def _decoded_value(payload: Payload) -> Any:
    value = load_value(payload)
    return decoded_json(value) if isinstance(value, str) else value


def load_value(payload: Payload) -> Any:
    """Return the value of a payload; JSON that no parser takes (nested too deeply) as text."""
    if payload.encoding == "json":
        try:
            return orjson.loads(payload.raw)
        except orjson.JSONDecodeError:
            return payload.text
    return payload.text


def head_text(payload: Payload, length: int) -> str:
    """Return the first `length` characters of a payload without unpacking the rest."""
    body = bytes(payload.body)
    if payload.compressed:
        body = unpack_head(body, length * 4)
    return body[: length * 4].decode("utf-8", "ignore")[:length]


def indented_json(value: Any) -> str:
    """Return indented JSON, or the text itself; "" for what is nested too deeply to write."""
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()
    except orjson.JSONEncodeError:  # nested deeper than it writes
        return ""
