"""Previews: the most informative line of a value, for lists, rows and searches. A preview is made
of every stored span, so it reads no more of a value than it needs."""

import json
import re
from typing import Any

import orjson

from nodes.content.answers import final_answer
from nodes.content.message_parts import MessageText, ToolResult
from nodes.content.messages import Message, read_message
from nodes.content.plain_text import has_markup, without_fence, without_json, without_markup
from nodes.models import PREVIEW_LENGTH

# Where producers put the text that matters, the most telling key first.
TEXT_KEYS = (
    "question", "query", "input", "text", "answer", "output", "result", "content", "message",
    "messages", "prompt", "response", "generations", "choices", "contents", "documents", "data",
)  # fmt: skip
MAX_DEPTH = 6
MAX_JSON = 64_000  # characters of a text that is parsed
# Control characters except white space, characters that change the direction of the text around
# them, surrogates, which no database takes, and non-characters, which no page can hold.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff"
    "\ufdd0-\ufdef\ufffe\uffff]"
)
_JOINERS = re.compile("[\u0300-\u036f\u200d\ufe00-\ufe0f\u20d0-\u20ff\U0001f3fb-\U0001f3ff]")


def preview(value: Any) -> str:
    """Return the most informative text of `value` on one line of at most 200 characters; "" only
    where it holds nothing (see `holds_nothing`)."""
    line = single_line(_telling_text(value, MAX_DEPTH))
    if any(map(str.isalnum, line)):
        return line
    return "" if holds_nothing(value) else line or _first_characters(value)


def preview_output(value: Any) -> str:
    """Return the preview of an output. Where it holds a question and an answer, the answer
    counts."""
    answer = final_answer(value) if isinstance(value, dict) and len(value) > 1 else None
    return (answer is not None and preview(answer)) or preview(value)


def holds_nothing(value: Any, depth: int = 4 * MAX_DEPTH) -> bool:
    """Return whether `value` is null, an empty text, list or object, or has only such values. JSON
    in a text counts as what it says; of a message its parts count, without thoughts."""
    if isinstance(value, str):
        text = value.strip()
        if text[:1] in ("[", "{", '"', "n") and len(text) < MAX_JSON:
            try:
                return holds_nothing(orjson.loads(text), depth - 1)
            except orjson.JSONDecodeError:
                return False
        return not text
    if isinstance(value, dict) and value and depth:
        if message := read_message(value):
            return all(_part_holds_nothing(part, depth) for part in message.parts)
        return all(holds_nothing(inner, depth - 1) for inner in value.values())
    if isinstance(value, (list, tuple)) and depth:
        return all(holds_nothing(inner, depth - 1) for inner in value)
    return value is None or value == {}


def _part_holds_nothing(part: Any, depth: int) -> bool:
    if isinstance(part, MessageText):
        return part.form == "thinking" or holds_nothing(part.text, depth - 1)
    return isinstance(part, ToolResult) and holds_nothing(part.value, depth - 1)


def lone_text(value: Any) -> str:
    """Return the text that a value is, or is all that an object holds beside Dify's system
    variables, of which the query counts; "" for any other value."""
    if isinstance(value, dict):
        fields = list(_without_system_variables(value).values())
        value = fields[0] if len(fields) == 1 else None
    return value if isinstance(value, str) else ""


def single_line(text: str, length: int = PREVIEW_LENGTH) -> str:
    """Return `text` on one line, without Markdown and invisible characters; cut to `length` with
    "…", never within a character that is made of several."""
    head = text[: length * 3 // 2]
    if head.isprintable() and "  " not in head and head[:1] != " " and not has_markup(head):
        return _ellipsized(head.rstrip(), length)  # by far the commonest case: it comes first
    if len(text) > length * 4:
        # Half more than `length` is enough, unless it is mostly white space or markup.
        head = " ".join(without_markup(head).split())
        text = head if len(head) > length else " ".join(without_markup(text[: length * 4]).split())
    else:
        text = " ".join(without_markup(text).split())
    if not text.isprintable():
        text = _INVISIBLE.sub("", text)
    return _ellipsized(text, length)


def _ellipsized(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    cut = length - 1
    while cut > 1 and (_JOINERS.match(text[cut]) or text[cut - 1] == "\u200d"):
        cut -= 1
    return text[:cut].rstrip() + "…"


def _telling_text(value: Any, depth: int) -> str:
    if isinstance(value, str):
        return _preview_of_text(value, depth)
    if value is None or depth == 0:
        return ""
    if isinstance(value, dict):
        return _preview_of_dict(value, depth)
    if isinstance(value, (list, tuple)):
        return _preview_of_list(value, depth)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _first_characters(value: Any) -> str:
    """Return the beginning of a value as it is written."""
    text = value if isinstance(value, str) else ""
    if not text:
        for chunk in json.JSONEncoder(ensure_ascii=False, default=str).iterencode(value):
            text += chunk
            if len(text) > PREVIEW_LENGTH:
                break
    return _ellipsized(
        " ".join(_INVISIBLE.sub("", text[: 2 * PREVIEW_LENGTH]).split()), PREVIEW_LENGTH
    )


def _preview_of_text(text: str, depth: int) -> str:
    """Return the preview of the JSON that a string holds, the type of an inlined file, or else the
    text."""
    first = text[:1]
    if first == "d" and text[:5] == "data:" and ";base64," in text[:100]:
        return f"{text[5 : text.index(';')]} file"
    if first == "`" and len(text) < MAX_JSON:
        text = without_fence(text).lstrip()
        first = text[:1]
    if (first == "{" or first == "[") and depth > 1:
        try:
            if len(text) < MAX_JSON:
                return _telling_text(orjson.loads(text), depth - 1)
        except orjson.JSONDecodeError:
            pass
        return without_json(text[: PREVIEW_LENGTH * 4])
    return text


def _preview_of_dict(value: dict[str, Any], depth: int) -> str:
    if message := read_message(value):
        return _preview_of_message(message)
    if value.get("dify_model_identity"):  # a file
        return str(value.get("filename") or value.get("remote_url") or "file")
    if any(key.startswith("sys.") for key in value if type(key) is str):
        value = _without_system_variables(value)
    for key in TEXT_KEYS:
        inner = value.get(key)
        if (
            inner
            and isinstance(inner, (str, dict, list))
            and (text := _telling_text(inner, depth - 1))
        ):
            return text
    if len(value) == 1 and isinstance(only := next(iter(value.values())), (str, dict, list)):
        return _telling_text(only, depth - 1)
    if isinstance(content := value.get("page_content"), str):  # a document
        return content
    return _preview_of_fields(value, depth)


def _without_system_variables(value: dict[str, Any]) -> dict[str, Any]:
    """Return Dify's inputs without its system variables, which it flattens into them; of these the
    query stays, because the user wrote it."""
    own = {key: inner for key, inner in value.items() if not str(key).startswith("sys.")}
    return {"query": value["sys.query"], **own} if value.get("sys.query") else own


def _preview_of_fields(value: dict[str, Any], depth: int) -> str:
    """Return the first few fields with their names, for a dict that no single key sums up."""
    fields: list[str] = []
    room = PREVIEW_LENGTH
    for key, inner in value.items():
        text = _telling_text(inner, min(depth - 1, 2))[:PREVIEW_LENGTH]
        if text.strip():
            fields.append(f"{key}: {text}")
            room -= len(fields[-1])
        if room <= 0 or len(fields) == 6:
            break
    return " · ".join(fields)


def _preview_of_list(value: list[Any] | tuple[Any, ...], depth: int) -> str:
    if not value:
        return ""
    if (
        isinstance(value[0], dict)
        and isinstance(value[-1], dict)
        and (text := _preview_of_messages(value))
    ):
        return text
    if isinstance(value[0], list) and len(value) == 1:
        return _preview_of_list(value[0], depth - 1) if depth > 1 else ""
    if all(isinstance(item, (str, int, float)) for item in value[:5]) and len(value) <= 5:
        texts = (_telling_text(item, 1)[:PREVIEW_LENGTH] for item in value)
        return ", ".join(text for text in texts if text.strip())
    first = _telling_text(value[0], depth - 1)
    return f"{first[: PREVIEW_LENGTH - 2]} …" if first.strip() and len(value) > 1 else first


def _preview_of_messages(items: list[Any] | tuple[Any, ...]) -> str:
    """Return the newest message: the assistant's where it spoke last, else the user's."""
    last: Message | None = None
    newest = items[-1]
    content = newest.get("content") if newest.get("role") in ("user", "assistant") else None
    if type(content) is str and content and not content.isspace():
        return _preview_of_text(content[:MAX_JSON], 3)  # by far the commonest case: it comes first
    for item in reversed(items[-40:]):
        message = read_message(item)
        if message is None:
            return _preview_of_message(last) if last else ""
        spoke = message.role in ("user", "assistant") and (message.text or message.calls)
        if spoke and (last is None or message.role == "user"):
            return _preview_of_message(message)
        last = last or message
    return _preview_of_message(last) if last else ""


def _preview_of_message(message: Message) -> str:
    """Return the text of a message, or the tools it calls: → lookup_order(order_id=A-17)."""
    if message.text.strip():
        return _preview_of_text(message.text[:MAX_JSON], 3)
    calls = (f"{call.name}({_preview_of_arguments(call.arguments)})" for call in message.calls[:3])
    if text := ", ".join(calls):
        return f"→ {text}"
    return " ".join(_telling_text(result.value, 3) for result in message.results[:2])


def _preview_of_arguments(arguments: Any) -> str:
    if isinstance(arguments, dict):
        pairs = list(arguments.items())[:6]
        return ", ".join(f"{key}={_telling_text(value, 2)[:80]}" for key, value in pairs)
    return _telling_text(arguments, 2)[:PREVIEW_LENGTH]
