"""One line that tells what a value says: for lists, rows and searches. Runs on every span stored,
so it looks only at what it needs."""

import re
from typing import Any

import orjson

from nodes.content.messages import Message, read_message
from nodes.content.plain_text import has_markup, without_fence, without_json, without_markup
from nodes.models import PREVIEW_LENGTH

# Where producers put the text that matters, the most telling first.
TELLING_KEYS = (
    "question", "query", "input", "text", "answer", "output", "result", "content", "message",
    "messages", "prompt", "response", "generations", "choices", "contents", "documents", "data",
)  # fmt: skip
# Of an output that repeats its input (a graph's state) the answer, before the question again.
ANSWER_KEYS = (
    "answer", "final_answer", "output", "outputs", "result", "response", "reply", "report",
    "summary", "text", "completion", "final_result", "messages",
)  # fmt: skip
DEPTH = 6
JSON_LIMIT = 64_000
# Control characters but white space, marks that turn the direction of the text around them,
# halves of surrogate pairs, which no database takes, and what no page can hold.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff"
    "\ufdd0-\ufdef\ufffe\uffff]"
)
_JOINERS = re.compile("[\u0300-\u036f\u200d\ufe00-\ufe0f\u20d0-\u20ff\U0001f3fb-\U0001f3ff]")


def preview(value: Any) -> str:
    """At most 200 characters of the most telling text of `value`, on one line; "" for nothing."""
    return single_line(_telling(value, DEPTH))


def preview_output(value: Any) -> str:
    """As `preview`, of an output: the answer where it stands beside what was asked."""
    if isinstance(value, dict) and len(value) > 1 and not read_message(value):
        for key in ANSWER_KEYS:
            inner = value.get(key)
            if isinstance(inner, (str, dict, list)) and inner and (text := _telling(inner, DEPTH)):
                return single_line(text)
    return preview(value)


def single_line(text: str, length: int = PREVIEW_LENGTH) -> str:
    """`text` on one line without marks of Markdown and invisible characters, cut on a character to
    `length` with "…"."""
    head = text[: length * 3 // 2]
    if head.isprintable() and "  " not in head and head[:1] != " " and not has_markup(head):
        return _cut(head.rstrip(), length)  # by far the commonest form, without further ado
    if len(text) > length * 4:
        # Looking at half more than is shown is enough unless it is mostly white space or marks.
        head = " ".join(without_markup(head).split())
        text = head if len(head) > length else " ".join(without_markup(text[: length * 4]).split())
    else:
        text = " ".join(without_markup(text).split())
    if not text.isprintable():
        text = _UNSEEN.sub("", text)
    return _cut(text, length)


def _cut(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    cut = length - 1
    while cut > 1 and (_JOINERS.match(text[cut]) or text[cut - 1] == "\u200d"):
        cut -= 1
    return text[:cut].rstrip() + "…"


def _telling(value: Any, depth: int) -> str:
    if isinstance(value, str):
        return _of_text(value, depth)
    if value is None or depth == 0:
        return ""
    if isinstance(value, dict):
        return _of_dict(value, depth)
    if isinstance(value, (list, tuple)):
        return _of_list(value, depth)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _of_text(text: str, depth: int) -> str:
    """A string that holds JSON tells what the JSON tells; inlined files tell their type."""
    first = text[:1]
    if first == "d" and text[:5] == "data:" and ";base64," in text[:100]:
        return f"{text[5 : text.index(';')]} file"
    if first == "`" and len(text) < JSON_LIMIT:
        text = without_fence(text).lstrip()
        first = text[:1]
    if (first == "{" or first == "[") and depth > 1:
        try:
            if len(text) < JSON_LIMIT:
                return _telling(orjson.loads(text), depth - 1)
        except orjson.JSONDecodeError:
            pass
        return without_json(text[: PREVIEW_LENGTH * 4])
    return text


def _of_dict(value: dict[str, Any], depth: int) -> str:
    if message := read_message(value):
        return _of_message(message)
    if value.get("dify_model_identity"):  # a file
        return str(value.get("filename") or value.get("remote_url") or "file")
    if any(key.startswith("sys.") for key in value if type(key) is str):
        value = _asked(value)
    for key in TELLING_KEYS:
        inner = value.get(key)
        if inner and isinstance(inner, (str, dict, list)) and (text := _telling(inner, depth - 1)):
            return text
    if len(value) == 1 and isinstance(only := next(iter(value.values())), (str, dict, list)):
        return _telling(only, depth - 1)
    if isinstance(content := value.get("page_content"), str):  # a document
        return content
    return _of_fields(value, depth)


def _asked(value: dict[str, Any]) -> dict[str, Any]:
    """Dify flattens its system variables into the inputs: of them only the query was asked."""
    told = {key: inner for key, inner in value.items() if not str(key).startswith("sys.")}
    return {"query": value["sys.query"], **told} if value.get("sys.query") else told


def _of_fields(value: dict[str, Any], depth: int) -> str:
    """No key says it all: the first few fields with their names."""
    shown: list[str] = []
    room = PREVIEW_LENGTH
    for key, inner in value.items():
        text = _telling(inner, min(depth - 1, 2))[:PREVIEW_LENGTH]
        if text:
            shown.append(f"{key}: {text}")
            room -= len(shown[-1])
        if room <= 0 or len(shown) == 6:
            break
    return " · ".join(shown)


def _of_list(value: list[Any] | tuple[Any, ...], depth: int) -> str:
    if not value:
        return ""
    if isinstance(value[0], dict) and isinstance(value[-1], dict) and (text := _of_messages(value)):
        return text
    if isinstance(value[0], list) and len(value) == 1:
        return _of_list(value[0], depth - 1) if depth > 1 else ""
    if all(isinstance(item, (str, int, float)) for item in value[:5]) and len(value) <= 5:
        return ", ".join(_telling(item, 1)[:PREVIEW_LENGTH] for item in value)
    first = _telling(value[0], depth - 1)
    return f"{first[: PREVIEW_LENGTH - 2]} …" if first and len(value) > 1 else first


def _of_messages(items: list[Any] | tuple[Any, ...]) -> str:
    """The newest word: of the assistant when it spoke last, else of the user."""
    last: Message | None = None
    newest = items[-1]
    said = newest.get("content") if newest.get("role") in ("user", "assistant") else None
    if type(said) is str and said and not said.isspace():
        return _of_text(said[:JSON_LIMIT], 3)  # by far the commonest form, without further ado
    for item in reversed(items[-40:]):
        message = read_message(item)
        if message is None:
            return _of_message(last) if last else ""
        spoke = message.role in ("user", "assistant") and (message.text or message.calls)
        if spoke and (last is None or message.role == "user"):
            return _of_message(message)
        last = last or message
    return _of_message(last) if last else ""


def _of_message(message: Message) -> str:
    """What was said, or the tools that were called: → lookup_order(order_id=A-17)."""
    if message.text.strip():
        return _of_text(message.text[:JSON_LIMIT], 3)
    calls = (f"{call.name}({_arguments(call.arguments)})" for call in message.calls[:3])
    if text := ", ".join(calls):
        return f"→ {text}"
    return " ".join(_telling(result.value, 3) for result in message.results[:2])


def _arguments(arguments: Any) -> str:
    if isinstance(arguments, dict):
        pairs = list(arguments.items())[:6]
        return ", ".join(f"{key}={_telling(value, 2)[:80]}" for key, value in pairs)
    return _telling(arguments, 2)[:PREVIEW_LENGTH]
