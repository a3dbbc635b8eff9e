"""A value as parts for a page: recognised by its shape, never by who sent it. Pure.

A part's `form` names its template, templates/content/_part_<form>.html.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from django.utils.safestring import SafeString

from nodes import formats
from nodes.content import markdown
from nodes.content.documents import RetrievedDocument, read_documents
from nodes.content.embedded_json import decoded_json
from nodes.content.limits import IN_PANEL, MAX_TEXT, Limits, cut_note, visible_name
from nodes.content.message_parts import (
    OTHER_FIELDS,
    MessageMedia,
    MessagePart,
    MessageText,
    ToolCall,
    ToolResult,
)
from nodes.content.messages import Message, read_message, read_messages
from nodes.content.previews import preview

MAX_DEPTH = 6
MAX_ROWS = 100
MAX_COLUMNS = 20
MAX_MARKDOWN = 20_000  # characters of a text that is rendered
LONG_PROMPT = 1200  # characters from which a system prompt is collapsed
MAX_CELL = 160  # characters of a text that may stand in a table
# Keys of texts that only the provider can read (Anthropic, OpenAI, Gemini), and their length.
ENCRYPTED_KEY = re.compile(r"^encrypted|[sS]ignature$")
LONG_SECRET = 60
MIXED = 24  # different characters in the first 300 of base64, at least
CHARACTER_CLASSES = (str.isupper, str.islower, str.isdecimal)
MAX_PICTURES = 1_000_000  # characters of all images of a value that are shown
_PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}\Z")
_BASE64_START = re.compile(r"[A-Za-z0-9+/_=\r\n-]{300}|[A-Za-z0-9+/_=\r\n-]+\Z")
_DATA_URL = re.compile(r"data:[\w.+/-]{1,100};base64,[A-Za-z0-9+/_-]{100,}={0,2}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{300,}={0,2}\Z")


@dataclass(slots=True)
class ContentPart:
    """A part of a value. `note` is a sentence about what it leaves out, `picture` the data: URL of
    an image."""

    form: str
    text: str = ""
    html: SafeString | None = None
    items: list[Any] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    note: str = ""
    picture: str = ""

    @property
    def template(self) -> str:
        return f"content/_part_{self.form}.html"

    @property
    def is_short(self) -> bool:
        return self.form in ("scalar", "empty", "file") or (
            self.form == "text" and self.html is None and len(self.text) < 80
        )


@dataclass(slots=True)
class PresentedPiece:
    """A part of a message for the page. `form` is "text", "call", "result" or "other", or of texts
    that are labelled, "thinking", "refusal" or "transcript"; `name` is that of the tool or the
    label. `collapsed`: closed until somebody opens it."""

    form: str
    content: ContentPart
    name: str = ""
    id: str = ""
    is_error: bool = False
    collapsed: bool = False


@dataclass(slots=True)
class PresentedMessage:
    """A message for the page: every piece of it presented, in their order."""

    role: str
    name: str
    pieces: list[PresentedPiece]


def present(value: Any, limits: Limits = IN_PANEL) -> ContentPart:
    """Return `value` as parts, whatever it holds and however deep it is."""
    return _Presenter(limits).part(value, MAX_DEPTH)


class _Presenter:
    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.left = limits.parts
        self.left_of_pictures = MAX_PICTURES

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
            return ContentPart("file", text=media, picture=self.picture(text))
        inner = decoded_json(text) if depth > 0 and len(text) < self.limits.text else text
        if inner is not text:
            return self.part(inner, depth - 1)
        if ";base64," in text:
            text = _DATA_URL.sub(lambda url: f"[{media_of(url[0])}]", text)
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
            part = _encrypted(str(key), inner) or self.part(inner, depth - 1)
            pairs.append((visible_name(str(key)), part))
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
        is_long = message.role == "system" and len(message.text) > LONG_PROMPT
        return PresentedMessage(
            role=visible_name(message.role) or "unknown",
            name="" if message.results else visible_name(message.name),
            pieces=[self.piece(part, depth - 1, is_long) for part in message.parts],
        )

    def piece(self, part: MessagePart, depth: int, is_long: bool) -> PresentedPiece:
        """Present a part of a message. `is_long`: of one whose texts are closed at first."""
        match part:
            case MessageText(text, form):
                content = self.text(text, depth if form == "text" else 0)
                return PresentedPiece(form, content, collapsed=is_long or form == "thinking")
            case ToolCall(name, arguments, call_id):
                content = self.part(arguments, depth)
                return PresentedPiece("call", content, visible_name(name), visible_name(call_id))
            case ToolResult(value, call_id, name, is_error):
                content = self.part(value, depth)
                name, call_id = visible_name(name), visible_name(call_id)
                return PresentedPiece("result", content, name, call_id, is_error)
            case MessageMedia():
                if part.data and not _BASE64_START.match(part.data):  # a text document
                    name = ", ".join(filter(None, (part.kind, part.name, part.mime_type)))
                    return PresentedPiece("other", self.text(part.data), visible_name(name))
                return PresentedPiece("other", self.medium(part))
        is_collapsed = part.label == OTHER_FIELDS
        names = ", ".join(part.value) if is_collapsed else ""
        label = f"{part.label}: {names}" if names else part.label
        content = self.part(part.value, depth)
        return PresentedPiece("other", content, visible_name(label), collapsed=is_collapsed)

    def medium(self, part: MessageMedia) -> ContentPart:
        """Return a file: what it is, its name, type and size; with a link to a web address."""
        self.left -= 1
        inlined, address = part.address, ""
        if part.data:
            inlined = f"data:{part.mime_type};base64,{part.data}"
        elif not part.address.startswith("data:"):
            inlined, address = "", part.address
        mime_type, _, size = media_of(inlined).rpartition(", ")
        mime_type = part.mime_type or mime_type
        kind = "" if mime_type.startswith(f"{part.kind}/") else part.kind
        facts = (kind, part.name, mime_type, size, part.file_id, address)
        links = [address] if address.startswith(("https://", "http://")) else []
        names = ", ".join(visible_name(fact) for fact in facts if fact)
        return ContentPart("file", text=names, items=links, picture=self.picture(inlined))

    def picture(self, address: str) -> str:
        """Return a data: URL that a browser may show as an image, as long as there is room; ""
        for any other."""
        if len(address) > self.left_of_pictures or not _PICTURE.match(address):
            return ""
        self.left_of_pictures -= len(address)
        return address


def _encrypted(key: str, value: Any) -> ContentPart | None:
    """Return what only the provider can read, such as the signature of thoughts, by its size."""
    is_text = isinstance(value, str) and len(value) > LONG_SECRET and " " not in value
    if is_text and ENCRYPTED_KEY.search(key):
        return ContentPart("file", text=f"encrypted, {_size_of_base64(value)}")
    return None


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


def _document_for_page(document: RetrievedDocument) -> RetrievedDocument:
    return replace(document, title=visible_name(document.title), score=visible_name(document.score))


def media_of(text: str) -> str:
    """Return "image/png, 12.4 KB" for a data: URL or a long run of base64; "" for other texts."""
    if text[:5] == "data:" and (end := text.find(";base64,", 0, 120)) > 0:
        return f"{formats.visible(text[5:end])}, {_size_of_base64(text[end + 8 :])}"
    if len(text) > 300 and " " not in text[:300] and _is_base64(text):
        return f"Base64 data, {_size_of_base64(text)}"
    return ""


def _is_base64(text: str) -> bool:
    """Return whether a long text is base64 of a file: of its alphabet, and mixed as no word, row of
    letters or number in hex is."""
    used = set(text[:300])
    is_mixed = len(used) >= MIXED and all(any(map(test, used)) for test in CHARACTER_CLASSES)
    return is_mixed and _BASE64.match(text) is not None


def _size_of_base64(text: str) -> str:
    return formats.size(len(text) * 3 // 4)


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
