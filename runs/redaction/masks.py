"""Taking out of values what whoever has a link is not to see. Pure.

Three things are masked: whole fields of a run, the values of keys, and words wherever they stand. A
key is masked in values, in JSON that a text holds, and in texts that only look like it; a word in
any case, and where it is escaped the whole text with it. In doubt more is masked than was asked.
A key is seen where it stands before its value; in a table that is text (CSV) it takes words.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import orjson

from nodes.content.messages import read_message, read_messages
from nodes.content.parts import media_of
from runs.recording.records.json_text import MAX_DEPTH, NotJson, deeper_than, parse_json
from runs.redaction.unescape import plain

MASKED = "•••"
# Keys in the form of `normal`: whole ones, and parts of ones.
KEYS = {
    "messages": ("messages", "inputmessages", "outputmessages", "prompt", "prompts",
                 "systemprompt", "userprompt", "chathistory", "history", "contents",
                 "systeminstruction", "instructions"),
    "user": ("user", "userid", "username", "enduser", "enduserid", "session", "sessionid",
             "conversation", "conversationid", "threadid", "email", "traceid", "runid",
             "workflowrunid", "messageid", "taskid"),
}  # fmt: skip
PARTS = {"models": ("model",), "costs": ("cost", "price")}
# The key of a pair that is written as an object: {"name": "email", "value": …}.
NAMING = frozenset({"key", "name", "field", "variable", "label", "id", "title", "header"})
JSON_IN_JSON = 5
SHORTEST = 3  # of the beginnings of words that a cut text may end with
CUT_TEXT = 150  # a text of so many characters may have been cut
CUT_SIGNS = " \t\r\n….\"'"
# After a key in a text: quoted; an object, to the end of the text; else the line, and what is
# indented below it.
_VALUE = (
    r"""(?:(?P<quote>\\*["']).*?(?:(?<!\\)(?P=quote)|\Z)|[\[{(].*\Z|[^\n<]*(?:\n[ \t]+[^\n]*)*)"""
)


def normal(name: str) -> str:
    """A key as it is compared: userId, user_id and User-Id are one."""
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def path_of(entry: str) -> tuple[str, ...]:
    """ "customer.email" in parts. Places in lists do not count."""
    return tuple(part for part in map(normal, entry.split(".")) if part and not part.isdecimal())


@dataclass(frozen=True)
class Mask:
    """`fields` are hidden whole (`runs.pages.share.parts.FIELDS`); `paths` name keys, "email" or
    "customer.email"; `words` stand anywhere."""

    fields: frozenset[str] = frozenset()
    paths: frozenset[tuple[str, ...]] = frozenset()
    words: tuple[str, ...] = ()
    _plain_words: tuple[str, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        told = {word for word in map(str.strip, self.words) if plain(word)}
        words = sorted(told, key=lambda word: (-len(word), word))
        object.__setattr__(self, "words", tuple(words))
        object.__setattr__(self, "_plain_words", tuple(map(plain, words)))

    @cached_property
    def is_active(self) -> bool:
        """Whether values are looked into at all."""
        return bool(self.paths or self.words or self.fields & {*KEYS, *PARTS})

    def value(self, value: Any) -> Any:
        """A JSON value without what is masked."""
        if not self.is_active:
            return value
        return MASKED if deeper_than(value, MAX_DEPTH) else self._value(value, (), JSON_IN_JSON)

    def text(self, text: str) -> str:
        """A name, an error, any text of a run."""
        return self._text(text, (), JSON_IN_JSON) if self.is_active and text else text

    def with_words(self, words: Iterable[str]) -> "Mask":
        return replace(self, words=(*self.words, *words))

    # -- values -----------------------------------------------------------------------------------

    def _value(self, value: Any, path: tuple[str, ...], levels: int) -> Any:
        if isinstance(value, str):
            return self._text(value, path, levels)
        if isinstance(value, dict):
            return self._mapping(value, path, levels)
        if isinstance(value, list):
            return self._list(value, path, levels)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return MASKED if self._holds_word(str(value)) else value
        return value

    def _mapping(self, value: dict[str, Any], path: tuple[str, ...], levels: int) -> Any:
        if "messages" in self.fields and read_message(value):
            return MASKED
        pair = any(
            normal(str(key)) in NAMING and isinstance(name, str) and self._hides(path_of(name))
            for key, name in value.items()
        )
        masked: dict[str, Any] = {}
        for key, inner in value.items():
            inside = (*path, *path_of(key))
            naming = normal(key) in NAMING
            hidden = (pair and not naming) or self._hides(inside)
            name = _fresh(self._text(key, (), 0), masked)
            masked[name] = MASKED if hidden else self._value(inner, inside, levels)
        return masked

    def _list(self, value: list[Any], path: tuple[str, ...], levels: int) -> Any:
        if "messages" in self.fields and read_messages(value):
            return MASKED
        if len(value) == 2 and isinstance(value[0], str) and self._hides(path_of(value[0])):
            return [self._text(value[0], path, levels), MASKED]
        return [self._value(inner, path, levels) for inner in value]

    def _hides(self, path: tuple[str, ...]) -> bool:
        """Whether the value at this path is masked: by its key, or by the end of its path."""
        if not path:
            return False
        if any(path[-count:] in self.paths for count in range(1, len(path) + 1)):
            return True
        return path[-1] in self._own_keys or any(part in path[-1] for part in self._own_parts)

    @cached_property
    def _own_keys(self) -> frozenset[str]:
        return frozenset(key for name in self.fields for key in KEYS.get(name, ()))

    @cached_property
    def _own_parts(self) -> tuple[str, ...]:
        return tuple(part for name in self.fields for part in PARTS.get(name, ()))

    # -- texts ------------------------------------------------------------------------------------

    def _text(self, text: str, path: tuple[str, ...], levels: int) -> str:
        if media := media_of(text):
            return f"({media}, {MASKED})"
        if levels and text.lstrip()[:1] in ("{", "[", '"'):
            try:
                inner = parse_json(text)
            except NotJson:
                inner = text
            if inner is not text and not deeper_than(inner, MAX_DEPTH):
                found = self._value(inner, path, levels - 1)
                return text if found == inner else orjson.dumps(found).decode()
        if self._keys_in_text:
            text = self._keys_in_text.sub(_without_value, text)
        return self._without_words(text)

    @cached_property
    def _keys_in_text(self) -> re.Pattern[str] | None:
        """A masked key and what follows it, in a text that is no JSON: email=…, "email": "…",
        <email>…</email>."""
        names = [_spellings(path[-1]) for path in self.paths]
        names += [_spellings(key) for key in self._own_keys]
        names += [rf"\w{{0,40}}{_spellings(part)}\w{{0,40}}" for part in self._own_parts]
        if not names:
            return None
        key = f"(?P<key>(?<![a-z0-9])(?:{'|'.join(sorted(names, reverse=True))})(?![a-z0-9]))"
        told = rf"""{key}(?P<sign>[\\"'\])]*\s*(?:=>|[:=])\s*){_VALUE}"""
        tag = f"<{key.replace('?P<key>', '?P<tag>')}[^<>]{{0,500}}>.*?(?=</|\\Z)"
        return re.compile(f"{told}|{tag}", re.IGNORECASE | re.DOTALL)

    @cached_property
    def _any_word(self) -> re.Pattern[str] | None:
        spelled = [r"\s+".join(map(re.escape, word.split())) for word in self.words]
        return re.compile("|".join(map(_bounded, spelled)), re.IGNORECASE) if spelled else None

    def _without_words(self, text: str) -> str:
        if self._any_word is None:
            return text
        text = self._without_beginning(self._any_word.sub(MASKED, text))
        return MASKED if self._holds_word(text) else text

    def _without_beginning(self, text: str) -> str:
        """A text that was cut may end within a word."""
        bare = text.rstrip(CUT_SIGNS)
        if len(text) < CUT_TEXT and not text[len(bare) :].startswith(("…", "...")):
            return text
        end = bare[-max(map(len, self.words)) :].casefold()
        for word in self.words:
            for length in range(len(word) - 1, SHORTEST - 1, -1):
                if end.endswith(word[:length].casefold()):
                    return bare[:-length] + MASKED + text[len(bare) :]
        return text

    def _holds_word(self, text: str) -> bool:
        """Whether a reader who unescapes the text finds a word in it."""
        read = plain(text)
        for word in self._plain_words:
            found = word in read or (" " in word and word.replace(" ", "+") in read)
            if found and (len(word) >= SHORTEST or re.search(_bounded(re.escape(word)), read)):
                return True
        return False


def mask_of(names: Iterable[str], words: Iterable[str] = ()) -> Mask:
    """From what a link keeps: fields, "key:email", "word:Ada"; `words` are further ones."""
    told = list(names)
    return Mask(
        fields=frozenset(name for name in told if ":" not in name),
        paths=frozenset(
            path for name in told if name.startswith("key:") and (path := path_of(name[4:]))
        ),
        words=(*(name[5:] for name in told if name.startswith("word:")), *words),
    )


def _without_value(found: re.Match[str]) -> str:
    if found["key"] is None:
        return f"<{found['tag']}>{MASKED}"
    return f"{found['key']}{found['sign']}{MASKED}"


def _spellings(key: str) -> str:
    """A normal key as a pattern of the ways to write it."""
    return r"[\s_\-.]?".join(map(re.escape, key))


def _bounded(word: str) -> str:
    """Very short ones stand alone: else each "a" would be masked."""
    return word if len(word.replace("\\", "")) >= SHORTEST else rf"(?<!\w){word}(?!\w)"


def _fresh(name: str, taken: dict[str, Any]) -> str:
    """Two keys may be one, once they are masked."""
    number, found = 2, name
    while found in taken:
        found, number = f"{name} {number}", number + 1
    return found
