"""The parts of a message to or from a model, in whatever form their producer writes them. Pure.

A part that no reader here knows is kept as it is; a field of a part that was not read becomes a
part of its own behind it. So nothing is dropped but fields that are empty.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from nodes.content.embedded_json import decoded_text

CITATIONS = "Citations"
OTHER_FIELDS = "Other fields"
TextForm = Literal["text", "thinking", "refusal", "transcript"]
TEXT_KINDS = frozenset({"", "text", "input_text", "output_text", "user_prompt", "system_prompt"})
THINKING_KINDS = frozenset({"thinking", "reasoning", "thought", "redacted_thinking"})
THINKING_TEXTS = (
    "thinking", "content", "text", "reasoning", "summary", "reasoning_text", "reasoningText",
)  # fmt: skip
ENCRYPTED_KEYS = (
    "encrypted_content", "encrypted", "data", "redacted", "redactedContent", "redactedData",
)  # fmt: skip
CITATION_KEYS = ("citations", "annotations")
CALL_KINDS = frozenset(
    {"tool_use", "server_tool_use", "mcp_tool_use", "tool_invocation", "dynamic_tool"}
)
RESULT_KINDS = frozenset(
    {"tool_result", "tool_return", "tool_response", "function_response", "builtin_tool_return"}
)
RESULT_ENDINGS = ("_call_output", "_call_response", "_call_result", "_tool_result")
# Parts without a type are known by the key that holds them.
KEYED_CALLS = (
    "functionCall", "function_call", "toolUse", "toolRequest", "tool_call", "toolInvocation",
    "executableCode", "executable_code",
)  # fmt: skip
KEYED_RESULTS = (
    "functionResponse", "function_response", "toolResult", "toolResponse", "tool_call_result",
    "codeExecutionResult", "code_execution_result",
)  # fmt: skip
NAME_KEYS = ("name", "toolName", "tool_name")
CALL_ID_KEYS = ("call_id", "tool_call_id", "toolCallId", "tool_use_id", "toolUseId", "id", "ref")
ARGUMENT_KEYS = (
    "arguments", "args", "input", "tool_kwargs", "parameters", "action", "code", "queries", "query",
)  # fmt: skip
RESULT_KEYS = ("response", "result", "results", "output", "outputs", "content", "value")
ERROR_KEYS = ("error", "errorText")
MEDIA_KINDS = ("image", "audio", "video", "document", "file")
MEDIA_TYPES = frozenset({"blob", "uri", "media", "container_upload", *MEDIA_KINDS})
MEDIA_ENDINGS = ("_image", "_audio", "_video", "_file", "_url")  # input_image, image_url …
# What a medium may be wrapped in, once or several times.
MEDIA_HOLDERS = (
    "image_url", "video_url", "audio_url", "file_url", "input_audio", "image", "audio", "video",
    "document", "file", "source", "inlineData", "inline_data", "fileData", "file_data", "media",
    "s3Location", "data",
)  # fmt: skip
ADDRESS_KEYS = ("url", "uri", "fileUri", "file_uri")
DATA_KEYS = ("content", "base64", "bytes", "base64_image", "base64_data")
FILE_ID_KEYS = ("file_id", "fileId")
FILE_NAME_KEYS = ("filename", "file_name", "displayName", "title", "name")
MIME_KEYS = (
    "mime_type", "mimeType", "media_type", "mediaType", "contentType", "image_mimetype",
    "document_mimetype", "format",
)  # fmt: skip
ADDRESS_STARTS = ("http://", "https://", "data:", "gs://", "s3://", "file:")
# Parts without a type that hold a medium.
KEYED_MEDIA = ("inlineData", "inline_data", "fileData", "file_data", "media", *MEDIA_KINDS)
MAX_NESTING = 4


@dataclass(frozen=True, slots=True)
class MessageText:
    """Text that was written or spoken: `form` says as what."""

    text: str
    form: TextForm = "text"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call that a model requested; `arguments` decoded where they are JSON text."""

    name: str
    arguments: Any
    id: str = ""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The result of a tool call; `id` is the call's."""

    value: Any
    id: str = ""
    name: str = ""
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class MessageMedia:
    """An image, sound, video or file: at `address`, as base64 in `data`, or known by `file_id`."""

    kind: str
    value: Any
    address: str = ""
    data: str = ""
    file_id: str = ""
    name: str = ""
    mime_type: str = ""


@dataclass(frozen=True, slots=True)
class OtherPart:
    """A part that is shown as it is. `label` is "Citations", "Encrypted thinking", "Other fields"
    (of a part or message that is read otherwise), or "" for a part of an unknown kind."""

    value: Any
    label: str = ""


MessagePart = MessageText | ToolCall | ToolResult | MessageMedia | OtherPart


class UnreadFields(dict[str, Any]):
    """The fields of a message or part that no reader has taken yet."""

    def take(self, *names: str) -> Any:
        """Take the first of these fields that is not null; None where there is none."""
        for name in names:
            if self.get(name) is not None:
                return self.pop(name)
        return None

    def take_text(self, *names: str) -> str:
        """Take the first of these fields that is a text or number, as text; else ""."""
        for name in names:
            if isinstance(self.get(name), str) and self[name]:
                return str(self.pop(name))
        return ""

    def open(self, name: str) -> bool:
        """Put the fields of the object in this field in its place; return whether there was one."""
        inner = self.get(name)
        if not isinstance(inner, dict):
            return False
        del self[name]
        for key in inner:
            if self.get(key) in (None, "", [], {}):
                self[key] = inner[key]
        return True

    def left(self) -> dict[str, Any]:
        """Return the fields that nobody took and that say something."""
        return {
            name: value
            for name, value in self.items()
            if value not in (None, "", [], {})
            and value is not False
            and not name.startswith(("gen_ai.", "event."))  # said of the whole call
            and name != "index"
            and not _is_all_well(name, value)
        }


def takes_error(unread: UnreadFields) -> bool:
    """Return whether these fields of a tool's result say that it is an error, and take them."""
    failed = any(unread.pop(name, False) is True for name in ("is_error", "isError"))
    for name in ("status", "state"):
        if unread.get(name) in ("error", "output-error", "failed"):
            del unread[name]
            failed = True
    return failed


def _is_all_well(name: str, value: Any) -> bool:
    return name == "status" and value in ("success", "completed")


class MessageParts:
    """Collects the parts of a message."""

    def __init__(self) -> None:
        self.items: list[MessagePart] = []
        self.call_names: dict[str, set[str]] = {}

    def add_content(self, content: Any) -> None:
        if isinstance(content, list):
            for part in content:
                self.add(part)
        elif content not in (None, ""):
            self.add(content)

    def add(self, part: Any) -> None:
        """Add a part of a message in any of the forms that producers write."""
        if isinstance(part, str):
            self.add_text(part)
            return
        if not isinstance(part, dict):
            if part is not None:
                self.items.append(OtherPart(part))
            return
        unread = UnreadFields(part)
        unread.open("message_content")  # OpenInference
        named = unread.take_text("type", "part_kind", "block_type")
        kind = named.replace("-", "_")
        if not self.add_known(kind, unread):
            if part:
                self.items.append(OtherPart(part))
            return
        self.add_left(unread)

    def add_known(self, kind: str, unread: UnreadFields) -> bool:
        """Add a part of a known kind, and return whether it was one. Takes what is read of it."""
        for is_of_kind, add in PART_READERS:
            if is_of_kind(kind, unread):
                add(self, kind, unread)
                return True
        return False

    def add_written_text(self, kind: str, unread: UnreadFields) -> None:
        """Add a text with its citations, or the parts that stand where others have the text."""
        unread.open("citationsContent")  # Bedrock
        cites = any(unread.get(key) for key in CITATION_KEYS)
        text = unread.take_text("text", "content")
        self.add_text(text, cites=cites)
        if not text:
            self.add_content(unread.pop("content", None))
        for key in CITATION_KEYS:
            self.add_citations(unread.pop(key, None))
        if kind not in TEXT_KINDS:
            unread["type"] = kind

    def add_refusal(self, kind: str, unread: UnreadFields) -> None:
        self.add_text(unread.take_text("refusal", "text", "content"), "refusal")

    def add_text(
        self,
        text: str,
        form: TextForm = "text",
        cites: bool = False,
    ) -> None:
        """Add a text. It goes on with the text before it where one sentence was sent in several
        parts, as Anthropic does around citations (`cites`): these stay behind the sentence."""
        if not text:
            return
        if form == "thinking" and any(
            isinstance(part, MessageText) and part.form == form and text in part.text
            for part in self.items
        ):
            return  # the same thoughts under a second name
        last = len(self.items) - 1
        after_citations = last > 0 and _is_citations(self.items[last])
        last -= after_citations
        before = self.items[last] if last >= 0 else None
        if isinstance(before, MessageText) and before.form == form:
            goes_on = cites or after_citations or text[0].isspace() or before.text[-1:].isspace()
            between = "" if goes_on else "\n\n"
            self.items[last] = MessageText(f"{before.text}{between}{text}", form)
        else:
            self.items.append(MessageText(text, form))

    def add_thinking(self, value: Any) -> None:
        """Add thoughts that stand beside the content: a text, or parts."""
        if isinstance(value, str):
            self.add_text(value, "thinking")
        elif isinstance(value, list):
            for part in value:
                self.add(part)
        elif value:
            self.items.append(OtherPart(value))

    def add_thinking_part(self, kind: str, unread: UnreadFields) -> None:
        unread.pop("thought", None)
        unread.open("reasoningContent")
        unread.open("reasoningText")
        unread.open("reasoning")  # Haystack
        texts = [text for key in THINKING_TEXTS for text in _texts_in(unread.pop(key, None))]
        self.add_text("\n\n".join(dict.fromkeys(texts)), "thinking")
        for key in ENCRYPTED_KEYS:
            if value := unread.pop(key, None):
                self.items.append(OtherPart(value, "Encrypted thinking"))

    def add_citations(self, value: Any) -> None:
        citations = value if isinstance(value, list) else [value] if value else []
        if not citations:
            return
        last = self.items[-1] if self.items else None
        if isinstance(last, OtherPart) and _is_citations(last):
            self.items[-1] = OtherPart([*last.value, *citations], last.label)
        else:
            self.items.append(OtherPart(citations, CITATIONS))

    def add_call(self, call: Any) -> None:
        """Add one of a message's `tool_calls`."""
        if isinstance(call, dict):
            unread = UnreadFields(call)
            unread.pop("type", None)
            self.add_tool_call("", unread)
            self.add_left(unread)
        elif call is not None:
            self.items.append(OtherPart(call))

    def add_tool_call(self, kind: str, unread: UnreadFields) -> None:
        """Add a call, and its result where that is told with it. A call that stands twice in a
        message (LangChain: as content block and in tool_calls) counts once."""
        for key in (*KEYED_CALLS, "function", "custom"):
            if unread.open(key) and key in ("executableCode", "executable_code"):
                kind = "code_execution"
        call_id = unread.take_text(*CALL_ID_KEYS)
        name = unread.take_text(*NAME_KEYS)
        if not name and "toolCallId" in unread:  # the Vercel AI SDK's messages of a chat: tool-NAME
            name = kind.removeprefix("tool_")
        name = name or kind.removesuffix("_call")
        if kind in unread:  # OpenTelemetry's server_tool_call
            arguments = unread.pop(kind)
        else:
            arguments = unread.take(*ARGUMENT_KEYS)
        if name not in self.call_names.get(call_id, ()):
            arguments = {} if arguments is None else decoded_text(arguments)
            self.items.append(ToolCall(name, arguments, call_id))
            if call_id:
                self.call_names.setdefault(call_id, set()).add(name)
        error = unread.take(*ERROR_KEYS)
        value = unread.take("output", "outputs", "result", "results")
        if value is not None or error is not None:
            failed = takes_error(unread) or error is not None
            value = _result_value(error if value is None else value)
            self.items.append(ToolResult(value, call_id, name, failed))

    def add_tool_result(self, kind: str, unread: UnreadFields) -> None:
        """Add a result: OpenTelemetry's `tool_call_response`, Anthropic's `tool_result`, OpenAI's
        `function_call_output`, Gemini's `functionResponse` …"""
        for key in (*KEYED_RESULTS, "origin"):
            unread.open(key)
        call_id = unread.take_text(*CALL_ID_KEYS)
        name = unread.take_text(*NAME_KEYS)
        error = unread.take(*ERROR_KEYS)
        value = unread.pop(kind) if kind in unread else unread.take(*RESULT_KEYS)
        failed = takes_error(unread) or error not in (None, False)
        if value is None:
            value = error
        elif error not in (None, True, False):
            unread["error"] = error
        if isinstance(value, dict) and _is_error(value):
            failed = True
        self.items.append(ToolResult(_result_value(value), call_id, name, failed))

    def add_medium(self, kind: str, unread: UnreadFields) -> None:
        value = {"type": kind, **unread} if kind else dict(unread)
        for _ in range(MAX_NESTING):
            for key in MEDIA_HOLDERS:
                if isinstance(inner := unread.get(key), str):
                    is_address = inner.startswith(ADDRESS_STARTS)
                    unread.setdefault("url" if is_address else "base64", unread.pop(key))
                if unread.open(key):
                    unread.pop("type", None)
        transcript = unread.take_text("transcript")
        medium = MessageMedia(
            kind=_medium_kind(kind, value, unread),
            value=value,
            address=unread.take_text(*ADDRESS_KEYS),
            data=unread.take_text(*DATA_KEYS),
            file_id=unread.take_text(*FILE_ID_KEYS),
            name=unread.take_text(*FILE_NAME_KEYS),
            mime_type=unread.take_text(*MIME_KEYS),
        )
        if medium.address or medium.data or medium.file_id or medium.name:
            self.items.append(medium)
        elif not transcript:
            self.items.append(OtherPart(value))
            unread.clear()
        self.add_text(transcript, "transcript")

    def add_left(self, unread: UnreadFields) -> None:
        if left := unread.left():
            self.items.append(OtherPart(left, OTHER_FIELDS))


def _is_citations(part: MessagePart) -> bool:
    return isinstance(part, OtherPart) and part.label == CITATIONS


def _is_thinking(kind: str, unread: UnreadFields) -> bool:
    if kind in THINKING_KINDS or kind.startswith("reasoning."):
        return True
    is_keyed = "reasoningContent" in unread or (not kind and "reasoning" in unread)
    return is_keyed or unread.get("thought") is True


def _is_tool_result(kind: str, unread: UnreadFields) -> bool:
    if kind in RESULT_KINDS or kind.endswith(RESULT_ENDINGS):
        return True
    return any(isinstance(unread.get(key), dict) for key in KEYED_RESULTS)


def _is_tool_call(kind: str, unread: UnreadFields) -> bool:
    if kind in CALL_KINDS or kind.endswith("_call"):
        return True
    if kind.startswith("tool_") and "toolCallId" in unread:
        return True
    return any(isinstance(unread.get(key), dict) for key in KEYED_CALLS)


def _is_refusal(kind: str, unread: UnreadFields) -> bool:
    return kind == "refusal"


def _is_medium(kind: str, unread: UnreadFields) -> bool:
    if kind in MEDIA_TYPES or kind.endswith(MEDIA_ENDINGS):
        return True
    return not kind and any(isinstance(unread.get(key), dict) for key in KEYED_MEDIA)


def _is_written_text(kind: str, unread: UnreadFields) -> bool:
    texts = (unread.get("text"), unread.get("content"))
    if any(isinstance(text, str) for text in texts) or "citationsContent" in unread:
        return True
    is_text = kind != "" and kind in TEXT_KINDS
    return is_text and (isinstance(unread.get("content"), list) or not unread.left())


def _medium_kind(kind: str, value: dict[str, Any], unread: UnreadFields) -> str:
    """Return what a medium is: "image", "audio", "video", "document" or "file"."""
    mime = next((unread[key] for key in MIME_KEYS if isinstance(unread.get(key), str)), "")
    candidates = (unread.pop("modality", ""), kind, *value, mime.partition("/")[0])
    for candidate in candidates:
        for medium in MEDIA_KINDS[:-1]:
            if isinstance(candidate, str) and medium in candidate.split("_"):
                return medium
    return "file"


def _is_error(value: dict[str, Any]) -> bool:
    kind = value.get("type")
    is_named = isinstance(kind, str) and (kind.endswith("_error") or kind.startswith("error-"))
    return is_named or value.get("isError") is True


def _result_value(value: Any) -> Any:
    """Return the result of a tool without the blocks of text around it, decoded."""
    if isinstance(value, dict) and value.keys() <= {"type", "value", "providerOptions"}:
        value = value.get("value", value)  # the Vercel AI SDK
    if isinstance(value, list) and value:
        texts = [_text_of_block(block) for block in value]
        if all(text is not None for text in texts):
            return decoded_text("\n".join(filter(None, texts)))
        if len(value) == 1 and isinstance(value[0], dict) and value[0].keys() == {"json"}:
            return value[0]["json"]  # Bedrock
    return decoded_text(value)


def _text_of_block(block: Any) -> str | None:
    is_text = isinstance(block, dict) and block.keys() <= {"type", "text"}
    text = block.get("text") if is_text else None
    return text if isinstance(text, str) else None


def _texts_in(value: Any) -> Iterator[str]:
    """Yield a text, or the texts of a list of them or of objects with a text."""
    if isinstance(value, str) and value:
        yield value
    elif isinstance(value, dict):
        yield from _texts_in(value.get("text"))
    elif isinstance(value, list):
        for item in value:
            yield from _texts_in(item)


# In the order in which they are asked.
PART_READERS: tuple[
    tuple[
        Callable[[str, UnreadFields], bool],
        Callable[[MessageParts, str, UnreadFields], None],
    ],
    ...,
] = (
    (_is_thinking, MessageParts.add_thinking_part),
    (_is_tool_result, MessageParts.add_tool_result),
    (_is_tool_call, MessageParts.add_tool_call),
    (_is_refusal, MessageParts.add_refusal),
    (_is_medium, MessageParts.add_medium),
    (_is_written_text, MessageParts.add_written_text),
)
