"""A value as parts for a page: recognised by its shape, never by who sent it. Pure.

A part's `form` names its template, templates/content/_part_<form>.html.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import orjson
from django.utils.safestring import SafeString

from nodes import formats
from nodes.content import markdown
from nodes.content.documents import RetrievedDocument, read_documents
from nodes.content.limits import IN_PANEL, MAX_TEXT, Limits, cut_note, visible_name
from nodes.content.messages import (
    Message,
    ToolCall,
    ToolResult,
    decoded_json,
    read_message,
    read_messages,
)
from nodes.content.previews import preview

MAX_DEPTH = 6
MAX_ROWS = 100
MAX_COLUMNS = 20
MAX_MARKDOWN = 20_000  # characters of a text that is rendered
LONG_PROMPT = 1200  # characters from which a system prompt is collapsed
MAX_CELL = 160  # characters of a text that may stand in a table
_Named = TypeVar("_Named", ToolCall, ToolResult)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{300,}={0,2}\Z")


@dataclass(slots=True)
class ContentPart:
    """A part of a value. `note` is a sentence about what it leaves out."""

    form: str
    text: str = ""
    html: SafeString | None = None
    items: list[Any] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    note: str = ""

    @property
    def template(self) -> str:
        return f"content/_part_{self.form}.html"

    @property
    def is_short(self) -> bool:
        return self.form in ("scalar", "empty") or (
            self.form == "text" and self.html is None and len(self.text) < 80
        )


@dataclass(slots=True)
class PresentedMessage:
    """A message for the page: every piece of it presented."""

    role: str
    name: str
    content: ContentPart | None
    thinking: ContentPart | None
    calls: list[tuple[ToolCall, ContentPart]]
    results: list[tuple[ToolResult, ContentPart]]
    rest: list[ContentPart]
    collapsed: bool


def present(value: Any, limits: Limits = IN_PANEL) -> ContentPart:
    """Return `value` as parts, whatever it holds and however deep it is."""
    return _Presenter(limits).part(value, MAX_DEPTH)


class _Presenter:
    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.left = limits.parts

    def part(self, value: Any, depth: int) -> ContentPart:
        self.left -= 1
        if isinstance(value, str):
            return self.text(value, depth)
        if value is None or value in ([], {}):
            return ContentPart("empty", text={"NoneType": "null", "list": "empty list"}.get(
                type(value).__name__, "empty"))  # fmt: skip
        if not isinstance(value, (dict, list)):
            return ContentPart(
                "scalar", text=str(value).lower() if value is True or value is False else str(value)
            )
        if depth <= 0 or self.left <= 0:
            return self.compact(value)
        return self.mapping(value, depth) if isinstance(value, dict) else self.listing(value, depth)

    def text(self, text: str, depth: int = 0) -> ContentPart:
        if not text.strip():
            return ContentPart("empty", text="empty text" if not text else "only white space")
        if media := media_of(text):
            return ContentPart("file", text=media)
        inner = decoded_json(text) if depth > 0 and len(text) < self.limits.text else text
        if inner is not text:
            return self.part(inner, depth - 1)
        head, note = text[: self.limits.text], cut_note(self.limits.text, text)
        if text.startswith("Traceback (most recent call last)"):
            return ContentPart("code", text=formats.visible(head), note=note)
        if len(text) <= MAX_MARKDOWN and markdown.looks_like_markdown(text):
            return ContentPart(
                "text", text=text, html=markdown.render_markdown(formats.visible(text))
            )
        return ContentPart("text", text=formats.visible(head), note=note)

    def compact(self, value: Any) -> ContentPart:
        """Return JSON on a few lines of what is too deep or too much for this view."""
        try:
            text = orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()
        except (orjson.JSONEncodeError, RecursionError):
            return ContentPart("code", text="…", note="Nested too deeply to show here.")
        head = formats.visible(text[:MAX_TEXT])
        return ContentPart(
            "code", text=head, note="Truncated here." if len(text) > MAX_TEXT else ""
        )

    def mapping(self, value: dict[str, Any], depth: int) -> ContentPart:
        if message := read_message(value):
            return ContentPart("messages", items=[self.message(message, depth)])
        if documents := read_documents([value]):
            return self.documents(documents, depth)
        if value.get("dify_model_identity"):
            return _dify_file(value)
        pairs = []
        for key, inner in value.items():
            if self.left <= 0:
                break
            pairs.append((visible_name(str(key)), self.part(inner, depth - 1)))
        hidden = len(value) - len(pairs)
        return ContentPart(
            "fields", items=pairs, note=f"{hidden} more fields are not shown." if hidden else ""
        )

    def listing(self, value: list[Any], depth: int) -> ContentPart:
        if messages := read_messages(value):
            newest = messages[-self.limits.messages :]
            hidden = len(messages) - len(newest)
            note = f"{hidden} earlier messages are not shown." if hidden else ""
            presented = [self.message(message, depth) for message in newest]
            return ContentPart("messages", items=presented, note=note)
        if documents := read_documents(value):
            return self.documents(documents, depth)
        if columns := _column_names(value):
            cells = [[_table_cell(row.get(name)) for name in columns] for row in value[:MAX_ROWS]]
            hidden = len(value) - len(cells)
            note = f"{hidden} more rows are not shown." if hidden else ""
            return ContentPart(
                "table", columns=[visible_name(name) for name in columns], items=cells, note=note
            )
        items = []
        for inner in value[:MAX_ROWS]:
            if self.left <= 0:
                break
            items.append(self.part(inner, depth - 1))
        hidden = len(value) - len(items)
        return ContentPart(
            "list", items=items, note=f"{hidden} more items are not shown." if hidden else ""
        )

    def documents(self, documents: list[RetrievedDocument], depth: int) -> ContentPart:
        items = [
            (
                _document_for_page(document),
                self.text(document.content),
                self.part(document.metadata, depth - 1),
            )
            for document in documents[:MAX_ROWS]
        ]
        hidden = len(documents) - len(items)
        return ContentPart(
            "documents",
            items=items,
            note=f"{hidden} more documents are not shown." if hidden else "",
        )

    def message(self, message: Message, depth: int) -> PresentedMessage:
        self.left -= 1
        return PresentedMessage(
            role=visible_name(message.role) or "unknown",
            name=visible_name(message.name),
            content=self.text(message.text, depth - 1) if message.text else None,
            thinking=self.text(message.thinking) if message.thinking else None,
            calls=[
                (_named_for_page(call), self.part(call.arguments, depth - 1))
                for call in message.calls
            ],
            results=[
                (_named_for_page(result), self.part(result.value, depth - 1))
                for result in message.results
            ],
            rest=[self.part(value, depth - 1) for value in message.rest],
            collapsed=message.role == "system" and len(message.text) > LONG_PROMPT,
        )


def _dify_file(value: dict[str, Any]) -> ContentPart:
    """Return a file as Dify describes it: name, type, size; with a link where it has a web
    address."""
    size = value.get("size")
    facts = (
        value.get("filename") or value.get("related_id") or "file",
        value.get("mime_type") or value.get("extension"),
        formats.size(size) if isinstance(size, int) and size >= 0 else "",
    )
    url = str(value.get("remote_url") or value.get("url") or "")
    names = [visible_name(str(fact)) for fact in facts if fact]
    links = [url] if url.startswith(("https://", "http://")) else []
    return ContentPart("file", text=", ".join(names), items=links)


def _named_for_page(item: _Named) -> _Named:
    return replace(item, name=visible_name(item.name), id=visible_name(item.id))


def _document_for_page(document: RetrievedDocument) -> RetrievedDocument:
    return replace(document, title=visible_name(document.title), score=visible_name(document.score))


def media_of(text: str) -> str:
    """Return "image/png, 12.4 KB" for a data: URL or a long run of base64; "" for other texts."""
    if text[:5] == "data:" and (end := text.find(";base64,", 0, 120)) > 0:
        return f"{formats.visible(text[5:end])}, {formats.size((len(text) - end - 8) * 3 // 4)}"
    if len(text) > 300 and " " not in text[:300] and _BASE64.match(text):
        return f"Base64 data, {formats.size(len(text) * 3 // 4)}"
    return ""


def _column_names(value: list[Any]) -> list[str]:
    """Return the column names of a list of two or more flat dicts; [] where it is no table."""
    if len(value) < 2 or not all(isinstance(row, dict) and row for row in value[:MAX_ROWS]):
        return []
    names: dict[str, None] = {}
    for row in value[:MAX_ROWS]:
        for name, cell in row.items():
            if isinstance(cell, (dict, list)) or (isinstance(cell, str) and len(cell) > MAX_CELL):
                return []
            names[name] = None
    return list(names) if len(names) <= MAX_COLUMNS else []


def _table_cell(value: Any) -> str:
    return preview(value) if value is not None else ""
