"""What differs between two values: by path, and within long texts by word. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

import orjson
from typing_extensions import TypedDict

from nodes.diff.ignored import embedded_json, equivalent, is_measurement, without_volatile
from nodes.diff.list_alignment import MAX_EXACT_CELLS, kept_positions, split_by_position
from nodes.diff.text_diff import DiffPiece, diff_words, invisible_difference
from nodes.formats import visible

Form = Literal["added", "removed", "changed", "moved"]

MAX_CHANGES = 60  # changes that a page shows
MAX_VALUES = 50_000  # values that are looked at
KEYED = 1_000_000  # characters of items that are read; lists after that are compared place by place
TEXT = 1_000  # characters of a value that is shown by itself
BY_WORD = 60  # characters from which a text is compared by word
MAX_KEY = 100


@dataclass(slots=True)
class ValueChange:
    """At `path` ("" is the whole value). `before` and `after` are as a page shows them; of a long
    text `pieces` instead. `aside`: an id, a moment or a meter, which tells no two runs apart."""

    path: str
    form: Form
    old: Any = None
    new: Any = None
    aside: bool = False
    before: str = ""
    after: str = ""
    pieces: list[DiffPiece] = field(default_factory=list)
    note: str = ""
    unseen: str = ""


@dataclass(frozen=True, slots=True)
class ValueDifference:
    """`changes` that count, the first 60 of `total`; `aside` those that do not."""

    changes: list[ValueChange]
    total: int
    aside: list[ValueChange]
    aside_total: int
    note: str = ""

    @property
    def hidden(self) -> int:
        return self.total - len(self.changes)

    @property
    def aside_hidden(self) -> int:
        return self.aside_total - len(self.aside)


def value_difference(before: Any, after: Any, shown: int = MAX_CHANGES) -> ValueDifference:
    """Of any two values that JSON can hold, in the order of `before`."""
    walk = _Walk()
    counted: list[ValueChange] = []
    aside: list[ValueChange] = []
    for change in islice(walk.changes(before, after), MAX_VALUES):
        (aside if change.aside else counted).append(change)
    ended = walk.left >= 0 and not walk.cut and len(counted) + len(aside) < MAX_VALUES
    note = "" if ended else f"Only the first {MAX_VALUES:,} values were compared."
    for change in (*counted[:shown], *aside[:shown]):
        _write(change)
    return ValueDifference(counted[:shown], len(counted), aside[:shown], len(aside), note)


def whole_value_difference(value: Any, form: Form) -> ValueDifference:
    """Of a value that only one side has: `added` or `removed` as a whole."""
    change = ValueChange("", form, value, value)
    _write(change)
    return ValueDifference([change], 1, [], 0)


class _Walk:
    """Through both values at once, without recursion: they may be nested deeply."""

    def __init__(self) -> None:
        self.left = MAX_VALUES
        self.keyed = 0
        self.cut = False  # items of a list were left out
        self.stack: list[tuple[str, Any, Any, bool]] = []

    def changes(self, before: Any, after: Any) -> Iterator[ValueChange]:
        self.stack = [("", before, after, False)]
        while self.stack:
            self.left -= 1
            if self.left < 0:
                return
            path, old, new, aside = self.stack.pop()
            if isinstance(old, str) and isinstance(new, str) and old != new:
                values = embedded_json(old), embedded_json(new)
                old, new = (old, new) if None in values else values
            if isinstance(old, dict) and isinstance(new, dict):
                yield from self._members(path, old, new, aside)
            elif isinstance(old, list) and isinstance(new, list):
                yield from self._items(path, old, new, aside)
            elif type(old) is not type(new) or old != new:
                yield ValueChange(path, "changed", old, new, aside or equivalent(old, new))

    def _members(
        self, path: str, old: dict[str, Any], new: dict[str, Any], aside: bool
    ) -> Iterator[ValueChange]:
        both = []
        for key in sorted({*old, *new}, key=str):
            place, meter = _member(path, str(key)), aside or is_measurement(str(key))
            if key not in new:
                yield ValueChange(place, "removed", old=old[key], aside=meter)
            elif key not in old:
                yield ValueChange(place, "added", new=new[key], aside=meter)
            else:
                both.append((place, old[key], new[key], meter))
        self.stack += reversed(both)

    def _items(
        self, path: str, old: list[Any], new: list[Any], aside: bool
    ) -> Iterator[ValueChange]:
        """Items are aligned by their content, ids and times aside; what lies between them is
        compared place by place."""
        if max(len(old), len(new)) > MAX_VALUES:
            old, new, self.cut = old[:MAX_VALUES], new[:MAX_VALUES], True
        keys = self._keys(old, new)
        both, gone, come = split_by_position(
            kept_positions(*keys) if keys else [], len(old), len(new)
        )
        arrived = {keys[1][at]: at for at in reversed(come)} if keys else {}
        moved: set[int] = set()
        for at in gone:
            to = arrived.pop(keys[0][at], None) if keys else None
            if to is None:
                yield ValueChange(f"{path}[{at}]", "removed", old=old[at], aside=aside)
            else:
                moved.add(to)
                yield ValueChange(f"{path}[{at}]", "moved", new=f"{path}[{to}]", aside=aside)
        for at in come:
            if at not in moved:
                yield ValueChange(f"{path}[{at}]", "added", new=new[at], aside=aside)
        self.stack += [(f"{path}[{at}]", old[at], new[to], aside) for at, to in reversed(both)]

    def _keys(self, old: list[Any], new: list[Any]) -> tuple[list[str], list[str]] | None:
        """What items are aligned by; None if there is nothing to align or too much was read before.
        In long lists ids and times count as well: leaving them out would take too long."""
        if not old or not new or len(old) == len(new) == 1 or self.keyed > KEYED:
            return None
        keys = list(map(_key, old)), list(map(_key, new))
        self.keyed += sum(map(len, keys[0])) + sum(map(len, keys[1]))
        if len(old) * len(new) <= MAX_EXACT_CELLS:
            keys = list(map(without_volatile, keys[0])), list(map(without_volatile, keys[1]))
        return keys


def _key(value: Any) -> str:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONEncodeError:  # nested deeper than it writes
        return f"{type(value).__name__} of {len(value)}"


def _member(path: str, key: str) -> str:
    key = visible(key if len(key) <= MAX_KEY else key[:MAX_KEY] + "…")
    if key and not set(key) & set('.[]" '):
        return f"{path}.{key}" if path else key
    return f'{path}["{key}"]'


def _write(change: ValueChange) -> None:
    """Fill in what a page shows of a change."""
    old, new = change.old, change.new
    if change.form == "moved":
        change.after = new
        return
    if change.form == "changed" and isinstance(old, str) and isinstance(new, str):
        change.unseen = invisible_difference(old, new)
        if max(len(old), len(new)) > BY_WORD:
            wording = diff_words(old, new)
            change.pieces, change.note = wording.pieces, wording.note
            if change.pieces:
                return
    if change.form != "added":
        change.before = _shown(old)
    if change.form != "removed":
        change.after = _shown(new)


class ValueChangeJson(TypedDict):
    """A difference between two values, as texts; long ones are cut to what differs."""

    path: str
    change: str
    """“added”, “removed”, “changed” or “moved”."""
    before: str
    after: str


def changes_json(found: ValueDifference) -> list[ValueChangeJson]:
    """Return the differences as JSON."""
    changes: list[ValueChangeJson] = []
    for change in found.changes:
        before, after = change.before, change.after
        if change.pieces:
            before = _joined(change.pieces, "added")
            after = _joined(change.pieces, "removed")
        changes.append(
            {"path": change.path, "change": change.form, "before": before, "after": after}
        )
    return changes


def _joined(pieces: list[DiffPiece], without: str) -> str:
    return "".join(
        " […] " if piece.form == "gap" else piece.text for piece in pieces if piece.form != without
    )


def _shown(value: Any) -> str:
    """A text as it is, anything else as JSON; cut to 1,000 characters, saying so."""
    text = value if isinstance(value, str) else _json(value)
    if not text:
        return "(empty text)"
    cut = f"… ({TEXT:,} of {len(text):,} characters)" if len(text) > TEXT else ""
    return visible(text[:TEXT]) + cut


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONEncodeError:
        return _key(value)
