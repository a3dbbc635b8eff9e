"""Masks what a share link must not show. Pure.

Four things are masked: whole fields of a run, what `runs.redaction.secrets` takes for a secret, the
values of keys, and words wherever they stand. A key is masked in values, in JSON that a text holds,
and in texts that only look like it; a word in any case, and where it is escaped the whole text with
it. In doubt more is masked than was chosen. A key is seen where it stands before its value; in a
table that is text (CSV) it takes words.

Errors and notes quote values: `masked_texts` says what a mask took out of a value, so that it can
be masked there as words.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import orjson

from nodes.content.messages import read_message, read_messages
from nodes.content.parts import media_of
from runs.recording.records.json_text import MAX_DEPTH, NotJson, deeper_than, parse_json
from runs.redaction.secrets import REDACTED, redact_value
from runs.redaction.unescape import unescaped

MASKED = "•••"
# Fields of a run that a share link may hide whole, with their labels.
MASKABLE_FIELDS = {
    "secrets": "Secrets",
    "inputs": "Inputs",
    "outputs": "Outputs",
    "messages": "Prompts and messages",
    "errors": "Errors",
    "attributes": "As received (attributes, events, logs)",
    "user": "User and ids",
    "models": "Model names",
    "costs": "Costs",
}
# Keys that a masked field of the run masks inside of values, normalized: whole keys, and parts.
FIELD_KEYS = {
    "messages": ("messages", "inputmessages", "outputmessages", "prompt", "prompts",
                 "systemprompt", "userprompt", "chathistory", "history", "contents",
                 "systeminstruction", "instructions"),
    "user": ("user", "userid", "username", "enduser", "enduserid", "session", "sessionid",
             "conversation", "conversationid", "threadid", "email", "traceid", "runid",
             "workflowrunid", "messageid", "taskid"),
}  # fmt: skip
FIELD_KEY_PARTS = {"models": ("model",), "costs": ("cost", "price")}
# The key of a pair that is written as an object: {"name": "email", "value": …}.
NAME_KEYS = frozenset({"key", "name", "field", "variable", "label", "id", "title", "header"})
MAX_NESTED_JSON = 5  # levels of JSON text within JSON text that are read
MIN_WORD = 3  # characters of the beginning of a word that a truncated text may end with
TRUNCATED_LENGTH = 150  # a text of so many characters may have been truncated
TRUNCATION_MARKS = " \t\r\n….\"'"
# Texts that a mask took out: shorter ones stand everywhere, longer ones are not quoted in full.
MIN_QUOTED, MAX_QUOTED = 4, 200
MIN_DISTINCTIVE_WORD = 12  # letters from which a text is no common word
MAX_QUOTED_TEXTS = 100  # of one value
# After a key in a text: quoted; an object, to the end of the text; else the line, and what is
# indented below it.
_VALUE_IN_TEXT = (
    r"""(?:(?P<quote>\\*["']).*?(?:(?<!\\)(?P=quote)|\Z)|[\[{(].*\Z|[^\n<]*(?:\n[ \t]+[^\n]*)*)"""
)


def normalized_key(name: str) -> str:
    """Return a key as it is compared: userId, user_id and User-Id are one."""
    return "".join(char for char in name.casefold() if char.isalnum())


def key_path(entry: str) -> tuple[str, ...]:
    """Return the parts of "customer.email", normalized. Positions in lists do not count."""
    parts = map(normalized_key, entry.split("."))
    return tuple(part for part in parts if part and not part.isdecimal())


@dataclass(frozen=True)
class Mask:
    """What is masked. `fields` are hidden whole (of MASKABLE_FIELDS, and "notes"); `paths` name
    keys, "email" or "customer.email"; `words` may stand anywhere."""

    fields: frozenset[str] = frozenset()
    paths: frozenset[tuple[str, ...]] = frozenset()
    words: tuple[str, ...] = ()
    _unescaped_words: tuple[str, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        distinct = {word for word in map(str.strip, self.words) if unescaped(word)}
        words = sorted(distinct, key=lambda word: (-len(word), word))
        object.__setattr__(self, "words", tuple(words))
        object.__setattr__(self, "_unescaped_words", tuple(map(unescaped, words)))

    @cached_property
    def is_active(self) -> bool:
        """Return whether anything inside of values is masked."""
        inside = {"secrets", *FIELD_KEYS, *FIELD_KEY_PARTS}
        return bool(self.paths or self.words or self.fields & inside)

    @property
    def hides_secrets(self) -> bool:
        return "secrets" in self.fields

    def value(self, value: Any) -> Any:
        """Return a JSON value without what is masked."""
        if not self.is_active:
            return value
        if deeper_than(value, MAX_DEPTH):
            return MASKED
        return self._masked_value(self._without_secrets(value), (), MAX_NESTED_JSON)

    def _without_secrets(self, value: Any) -> Any:
        return redact_value(value) if self.hides_secrets else value

    def text(self, text: str) -> str:
        """Return a name, an error or any other text of a run without what is masked."""
        if not (self.is_active and text):
            return text
        return self._masked_text(text, (), MAX_NESTED_JSON)

    def with_words(self, words: Iterable[str]) -> "Mask":
        return replace(self, words=(*self.words, *words))

    # -- values -----------------------------------------------------------------------------------

    def _masked_value(self, value: Any, path: tuple[str, ...], levels: int) -> Any:
        """Mask a value that stands at `path`. `levels`: of JSON in texts that are still read."""
        if isinstance(value, str):
            return self._masked_text(value, path, levels)
        if isinstance(value, dict):
            return self._masked_object(value, path, levels)
        if isinstance(value, list):
            return self._masked_list(value, path, levels)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return MASKED if self._holds_word(str(value)) else value
        return value

    def _masked_object(self, value: dict[str, Any], path: tuple[str, ...], levels: int) -> Any:
        if "messages" in self.fields and read_message(value):
            return MASKED
        is_masked_pair = any(
            normalized_key(str(key)) in NAME_KEYS
            and isinstance(name, str)
            and self._masks(key_path(name))
            for key, name in value.items()
        )
        masked: dict[str, Any] = {}
        for key, inner in value.items():
            inner_path = (*path, *key_path(key))
            is_name = normalized_key(key) in NAME_KEYS
            is_masked = (is_masked_pair and not is_name) or self._masks(inner_path)
            name = _unused_key(self._masked_text(key, (), 0), masked)
            masked[name] = MASKED if is_masked else self._masked_value(inner, inner_path, levels)
        return masked

    def _masked_list(self, value: list[Any], path: tuple[str, ...], levels: int) -> Any:
        if "messages" in self.fields and read_messages(value):
            return MASKED
        if len(value) == 2 and isinstance(value[0], str) and self._masks(key_path(value[0])):
            return [self._masked_text(value[0], path, levels), MASKED]
        return [self._masked_value(inner, path, levels) for inner in value]

    def _masks(self, path: tuple[str, ...]) -> bool:
        """Return whether the value at this path is masked: by its key, or by the end of its
        path."""
        if not path:
            return False
        if any(path[-count:] in self.paths for count in range(1, len(path) + 1)):
            return True
        return path[-1] in self._field_keys or any(part in path[-1] for part in self._field_parts)

    @cached_property
    def _field_keys(self) -> frozenset[str]:
        return frozenset(key for name in self.fields for key in FIELD_KEYS.get(name, ()))

    @cached_property
    def _field_parts(self) -> tuple[str, ...]:
        return tuple(part for name in self.fields for part in FIELD_KEY_PARTS.get(name, ()))

    # -- texts ------------------------------------------------------------------------------------

    def _masked_text(self, text: str, path: tuple[str, ...], levels: int) -> str:
        if media := media_of(text):
            return f"({media}, {MASKED})"
        if levels and text.lstrip()[:1] in ("{", "[", '"'):
            try:
                inner = parse_json(text)
            except NotJson:
                inner = text
            if inner is not text and not deeper_than(inner, MAX_DEPTH):
                masked = self._masked_value(self._without_secrets(inner), path, levels - 1)
                return text if masked == inner else orjson.dumps(masked).decode()
        text = self._without_secrets(text)
        if self._keys_in_text:
            text = self._keys_in_text.sub(_masked_key_value, text)
        return self._without_words(text)

    @cached_property
    def _keys_in_text(self) -> re.Pattern[str] | None:
        """Return a pattern for a masked key and what follows it in a text that is not JSON:
        email=…, "email": "…", <email>…</email>."""
        names = [_spellings(path[-1]) for path in self.paths]
        names += [_spellings(key) for key in self._field_keys]
        names += [rf"\w{{0,40}}{_spellings(part)}\w{{0,40}}" for part in self._field_parts]
        if not names:
            return None
        key = f"(?P<key>(?<![a-z0-9])(?:{'|'.join(sorted(names, reverse=True))})(?![a-z0-9]))"
        pair = rf"""{key}(?P<sign>[\\"'\])]*\s*(?:=>|[:=])\s*){_VALUE_IN_TEXT}"""
        tag = f"<{key.replace('?P<key>', '?P<tag>')}[^<>]{{0,500}}>.*?(?=</|\\Z)"
        return re.compile(f"{pair}|{tag}", re.IGNORECASE | re.DOTALL)

    @cached_property
    def _any_word(self) -> re.Pattern[str] | None:
        patterns = [r"\s+".join(map(re.escape, word.split())) for word in self.words]
        return re.compile("|".join(map(_bounded, patterns)), re.IGNORECASE) if patterns else None

    def _without_words(self, text: str) -> str:
        if self._any_word is None:
            return text
        text = self._without_truncated_word(self._any_word.sub(MASKED, text))
        return MASKED if self._holds_word(text) else text

    def _without_truncated_word(self, text: str) -> str:
        """Mask the beginning of a word that a truncated text ends with."""
        bare = text.rstrip(TRUNCATION_MARKS)
        if len(text) < TRUNCATED_LENGTH and not text[len(bare) :].startswith(("…", "...")):
            return text
        end = bare[-max(map(len, self.words)) :].casefold()
        for word in self.words:
            for length in range(len(word) - 1, MIN_WORD - 1, -1):
                if end.endswith(word[:length].casefold()):
                    return bare[:-length] + MASKED + text[len(bare) :]
        return text

    def _holds_word(self, text: str) -> bool:
        """Return whether a reader who unescapes the text finds a masked word in it."""
        readable = unescaped(text)
        for word in self._unescaped_words:
            stands_in = word in readable or (" " in word and word.replace(" ", "+") in readable)
            if stands_in and (
                len(word) >= MIN_WORD or re.search(_bounded(re.escape(word)), readable)
            ):
                return True
        return False


def mask_of(entries: Iterable[str], words: Iterable[str] = ()) -> Mask:
    """Return the mask of a share link's `entries`: fields, "key:email", "word:Ada". `words` are
    further ones."""
    entries = list(entries)
    return Mask(
        fields=frozenset(entry for entry in entries if ":" not in entry),
        paths=frozenset(
            path for entry in entries if entry.startswith("key:") and (path := key_path(entry[4:]))
        ),
        words=(*(entry[5:] for entry in entries if entry.startswith("word:")), *words),
    )


def _masked_key_value(match: re.Match[str]) -> str:
    if match["key"] is None:
        return f"<{match['tag']}>{MASKED}"
    return f"{match['key']}{match['sign']}{MASKED}"


def _spellings(key: str) -> str:
    """Return a pattern that matches a normalized key however it is spelled."""
    return r"[\s_\-.]?".join(map(re.escape, key))


def _bounded(word: str) -> str:
    """Let very short words match only where they stand alone: else each "a" would be masked."""
    return word if len(word.replace("\\", "")) >= MIN_WORD else rf"(?<!\w){word}(?!\w)"


def _unused_key(name: str, taken: dict[str, Any]) -> str:
    """Return `name` with a number where `taken` has it: two keys may be equal once masked."""
    number, key = 2, name
    while key in taken:
        key, number = f"{name} {number}", number + 1
    return key


# -- what a mask took out, as words to be masked where values are quoted ---------------------------


def masked_texts(value: Any, masked: Any) -> Iterator[str]:
    """Yield the texts and numbers of `value` that are not in `masked`, the same value past a mask.
    Where it was masked as text, not as JSON, it may have another shape: then only what both have
    is compared."""
    if masked in (MASKED, REDACTED):
        yield from quotable_texts(value)
    elif isinstance(value, dict) and isinstance(masked, dict):
        for inner, masked_inner in zip(value.values(), masked.values(), strict=False):
            yield from masked_texts(inner, masked_inner)
    elif isinstance(value, list) and isinstance(masked, list):
        for inner, masked_inner in zip(value, masked, strict=False):
            yield from masked_texts(inner, masked_inner)
    elif isinstance(value, str) and value != masked:
        yield from _masked_texts_of_json(value, masked)


def _masked_texts_of_json(text: str, masked: str) -> Iterator[str]:
    """Yield what was taken out of JSON that a text holds."""
    try:
        inner, masked_inner = parse_json(text), parse_json(masked)
    except NotJson:
        return
    if isinstance(inner, dict | list) and not deeper_than(inner, MAX_DEPTH):
        yield from masked_texts(inner, masked_inner)


def quotable_texts(value: Any) -> Iterator[str]:
    """Yield all texts and numbers in a value whose length makes it likely that they are quoted."""
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, dict | list):
            waiting += inner.values() if isinstance(inner, dict) else inner
        elif type(inner) in (str, int, float) and MIN_QUOTED <= len(str(inner)) <= MAX_QUOTED:
            yield str(inner)


def is_distinctive(text: str) -> bool:
    """Return whether a text is unlikely to stand elsewhere by chance, as "chat" does."""
    return len(text) >= MIN_DISTINCTIVE_WORD or not text.isalpha()
