"""What differs between two values: by path, and within long texts by word. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

import orjson
from typing_extensions import TypedDict

from nodes.diff.ignored import (
    embedded_json,
    equivalent,
    ignored_keys,
    without_ignored,
    without_volatile,
)
from nodes.diff.list_alignment import MAX_EXACT_CELLS, kept_positions, split_by_position
from nodes.diff.text_diff import DiffPiece, diff_words, invisible_difference
from nodes.formats import visible

ChangeForm = Literal["added", "removed", "changed", "moved"]

MAX_CHANGES = 60  # that a page shows
MAX_VALUES = 50_000  # that are compared
# Characters of list items that are read to align them; lists after that are compared by position.
MAX_KEY_CHARS = 1_000_000
MAX_TEXT = 1_000  # characters of a value on one side of a change
MIN_WORD_DIFF = 60  # characters from which a text is compared by word
MAX_KEY = 100


@dataclass(slots=True)
class ValueChange:
    """A change at `path` ("" is the whole value) from `old` to `new`.

    `ignored`: it is in an id, a time or a measurement, which differ between any two runs. The
    fields from `before` on are what a page shows: both sides, or the `pieces` of a long text;
    `unseen` is a sentence about an invisible difference.
    """

    path: str
    form: ChangeForm
    old: Any = None
    new: Any = None
    ignored: bool = False
    before: str = ""
    after: str = ""
    pieces: list[DiffPiece] = field(default_factory=list)
    note: str = ""
    unseen: str = ""


@dataclass(frozen=True, slots=True)
class ValueDifference:
    """What differs between two values: the first 60 of `total` changes, and of `ignored_total`
    changes that are ignored."""

    changes: list[ValueChange]
    total: int
    ignored: list[ValueChange]
    ignored_total: int
    note: str = ""

    @property
    def hidden(self) -> int:
        return self.total - len(self.changes)

    @property
    def ignored_hidden(self) -> int:
        return self.ignored_total - len(self.ignored)


def value_difference(before: Any, after: Any, limit: int = MAX_CHANGES) -> ValueDifference:
    """Compare any two values that JSON can hold; changes are in the order of `before`."""
    walk = _ValueWalk()
    changes: list[ValueChange] = []
    ignored: list[ValueChange] = []
    for change in islice(walk.changes(before, after), MAX_VALUES):
        (ignored if change.ignored else changes).append(change)
    complete = walk.left >= 0 and not walk.cut and len(changes) + len(ignored) < MAX_VALUES
    note = "" if complete else f"Only the first {MAX_VALUES:,} values were compared."
    for change in (*changes[:limit], *ignored[:limit]):
        _fill_in_sides(change)
    return ValueDifference(changes[:limit], len(changes), ignored[:limit], len(ignored), note)


def whole_value_difference(value: Any, form: ChangeForm) -> ValueDifference:
    """Return the difference of a value that only one side has: it was added or removed."""
    change = ValueChange("", form, value, value)
    _fill_in_sides(change)
    return ValueDifference([change], 1, [], 0)


class _ValueWalk:
    """Walks through both values at once, without recursion: they may be nested deeply."""

    def __init__(self) -> None:
        self.left = MAX_VALUES
        self.key_chars = 0
        self.cut = False  # items of a list were left out
        # (path, key under which the values stand or the list that holds them, old, new, ignored)
        self.stack: list[tuple[str, str, Any, Any, bool]] = []

    def changes(self, before: Any, after: Any) -> Iterator[ValueChange]:
        self.stack = [("", "", before, after, False)]
        while self.stack:
            self.left -= 1
            if self.left < 0:
                return
            path, name, old, new, ignored = self.stack.pop()
            if isinstance(old, str) and isinstance(new, str) and old != new:
                values = embedded_json(old), embedded_json(new)
                old, new = (old, new) if None in values else values
            if isinstance(old, dict) and isinstance(new, dict):
                yield from self._member_changes(path, name, old, new, ignored)
            elif isinstance(old, list) and isinstance(new, list):
                yield from self._item_changes(path, name, old, new, ignored)
            elif type(old) is not type(new) or old != new:
                yield ValueChange(path, "changed", old, new, ignored or equivalent(old, new))

    def _member_changes(
        self, path: str, name: str, old: dict[str, Any], new: dict[str, Any], ignored: bool
    ) -> Iterator[ValueChange]:
        both = []
        not_compared = ignored_keys(old, name) | ignored_keys(new, name)
        for key in sorted({*old, *new}, key=str):
            inner_path = member_path(path, str(key))
            is_ignored = ignored or key in not_compared
            if key not in new:
                yield ValueChange(inner_path, "removed", old=old[key], ignored=is_ignored)
            elif key not in old:
                yield ValueChange(inner_path, "added", new=new[key], ignored=is_ignored)
            else:
                both.append((inner_path, key, old[key], new[key], is_ignored))
        self.stack += reversed(both)

    def _item_changes(
        self, path: str, name: str, old: list[Any], new: list[Any], ignored: bool
    ) -> Iterator[ValueChange]:
        """Align items by their content without what is ignored, and compare what lies between them
        by position."""
        if max(len(old), len(new)) > MAX_VALUES:
            old, new, self.cut = old[:MAX_VALUES], new[:MAX_VALUES], True
        keys = self._alignment_keys(old, new, name)
        both, removed, added = split_by_position(
            kept_positions(*keys) if keys else [], len(old), len(new)
        )
        added_by_key = {keys[1][at]: at for at in reversed(added)} if keys else {}
        moved: set[int] = set()
        for at in removed:
            to = added_by_key.pop(keys[0][at], None) if keys else None
            if to is None:
                yield ValueChange(f"{path}[{at}]", "removed", old=old[at], ignored=ignored)
            else:
                moved.add(to)
                yield ValueChange(f"{path}[{at}]", "moved", new=f"{path}[{to}]", ignored=ignored)
        for at in added:
            if at not in moved:
                yield ValueChange(f"{path}[{at}]", "added", new=new[at], ignored=ignored)
        self.stack += [
            (f"{path}[{at}]", name, old[at], new[to], ignored) for at, to in reversed(both)
        ]

    def _alignment_keys(
        self, old: list[Any], new: list[Any], name: str
    ) -> tuple[list[str], list[str]] | None:
        """Return what items are aligned by; None where there is nothing to align or too much was
        read before. In long lists what is ignored counts: leaving it out would take too long."""
        if not old or not new or len(old) == len(new) == 1 or self.key_chars > MAX_KEY_CHARS:
            return None
        short = len(old) * len(new) <= MAX_EXACT_CELLS
        ours, theirs = (
            [_item_key(item, name, compared_only=short) for item in items] for items in (old, new)
        )
        self.key_chars += sum(map(len, ours)) + sum(map(len, theirs))
        return ours, theirs


def _item_key(value: Any, name: str, *, compared_only: bool) -> str:
    """Return an item as text; `compared_only`: without what is ignored."""
    kept = without_ignored(value, name) if compared_only else value
    try:
        text = orjson.dumps(kept, option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONEncodeError:  # nested deeper than it writes
        return f"{type(value).__name__} of {len(value)}"
    return without_volatile(text) if compared_only else text


def member_path(path: str, key: str) -> str:
    """Return the path of the value under `key` of the object at `path`, cut where it is long."""
    key = visible(key if len(key) <= MAX_KEY else key[:MAX_KEY] + "…")
    if key and not set(key) & set('.[]" '):
        return f"{path}.{key}" if path else key
    return f'{path}["{key}"]'


def _fill_in_sides(change: ValueChange) -> None:
    """Fill in what a page shows of a change."""
    old, new = change.old, change.new
    if change.form == "moved":
        change.after = new
        return
    if change.form == "changed" and isinstance(old, str) and isinstance(new, str):
        change.unseen = invisible_difference(old, new)
        if max(len(old), len(new)) > MIN_WORD_DIFF:
            text_diff = diff_words(old, new)
            change.pieces, change.note = text_diff.pieces, text_diff.note
            if change.pieces:
                return
    if change.form != "added":
        change.before = _side_text(old)
    if change.form != "removed":
        change.after = _side_text(new)


class ValueChangeJson(TypedDict):
    """A difference between two values, as texts; long ones are cut to what differs."""

    path: str
    change: str
    """“added”, “removed”, “changed” or “moved”."""
    before: str
    after: str


def changes_json(difference: ValueDifference) -> list[ValueChangeJson]:
    """Return the differences as JSON."""
    changes: list[ValueChangeJson] = []
    for change in difference.changes:
        before, after = change.before, change.after
        if change.pieces:
            before = _text_without(change.pieces, "added")
            after = _text_without(change.pieces, "removed")
        changes.append(
            {"path": change.path, "change": change.form, "before": before, "after": after}
        )
    return changes


def _text_without(pieces: list[DiffPiece], form: str) -> str:
    return "".join(
        " […] " if piece.form == "gap" else piece.text for piece in pieces if piece.form != form
    )


def _side_text(value: Any) -> str:
    """Return a text as it is, anything else as JSON; cut to 1,000 characters with a remark."""
    text = value if isinstance(value, str) else _indented_or_key(value)
    if not text:
        return "(empty text)"
    cut = f"… ({MAX_TEXT:,} of {len(text):,} characters)" if len(text) > MAX_TEXT else ""
    return visible(text[:MAX_TEXT]) + cut


def _indented_or_key(value: Any) -> str:
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONEncodeError:
        return _item_key(value, "", compared_only=False)
