"""Values taken apart to be compared: their pieces, places, and which of them tell. Pure.

A value tells where it came from only if it is unlikely to be there twice by chance: a text of 12
characters or more, 6 of them different (a character of Chinese, Japanese or Korean counts as three,
and four different ones do), or a list or object that holds such a text. Numbers, booleans, short
words and empty values never do.
"""

from dataclasses import dataclass
from typing import Any

from nodes.content.messages import decoded_json
from nodes.content.plain_text import without_fence
from nodes.numbers import whole_number

Path = tuple[str | int, ...]
MISSING: Any = object()  # no value at that place
TELLING, DIFFERENT, DIFFERENT_WIDE = 12, 6, 4
MAX_PIECES = 4_000  # of one value
MAX_DEPTH = 24
MAX_JSON_TEXT = 1_000_000  # characters of a text that is tried as JSON
_LOOKED_AT = 100  # characters of a text that decide whether it tells
_JSON_STARTS = ("{", "[", "`", " ", "\n")
_WIDE = 0x2E80  # from here on scripts whose characters are whole words


@dataclass(slots=True)
class Piece:
    """A part of a value, at its place. `decoded`: inside of JSON that stands there as text. `key`
    is what equal pieces share, None for one that does not tell; `end` is the number of the first
    piece that is no part of this one."""

    path: Path
    value: Any
    decoded: bool = False
    key: int | None = None
    end: int = 0


def weight(text: str) -> int:
    """Its length in characters of the alphabet, a wide character counting for three."""
    return len(text) if text.isascii() else len(text) + 2 * sum(ord(c) >= _WIDE for c in text)


def tells(text: str) -> bool:
    """Whether a text is unlikely to be there twice by chance (see above)."""
    head = text[:_LOOKED_AT].strip()
    enough = DIFFERENT if head.isascii() else DIFFERENT_WIDE
    return weight(head) >= TELLING and len(set(head.casefold())) >= enough


def key_of(value: Any) -> int | None:
    """What equal values share; None for a value that does not tell. Space around a text does not
    count. Good within one process."""
    if isinstance(value, str):
        return hash(value.strip()) if tells(value) else None
    return pieces(value)[0].key if isinstance(value, (dict, list)) else None


def size_of(value: Any) -> int:
    """How much a value says, roughly: the weight of its texts."""
    if isinstance(value, str):
        return weight(value[:_LOOKED_AT])
    return sum(weight(p.value[:_LOOKED_AT]) for p in pieces(value, 50) if isinstance(p.value, str))


def read(text: str) -> Any:
    """The object or list that a text holds as JSON, also in one fenced block; else MISSING."""
    if len(text) > MAX_JSON_TEXT or text[:1] not in _JSON_STARTS:
        return MISSING
    inner = without_fence(text.strip()).strip()
    found = decoded_json(inner)
    return MISSING if found is inner or not isinstance(found, (dict, list)) else found


def pieces(value: Any, limit: int = MAX_PIECES) -> list[Piece]:
    """The value and its parts, the whole before its parts, in order; also those of JSON that stands
    in it as text, at the place of the text. At most `limit`; what has more has no key."""
    found: list[Piece] = []
    _Walk(found, limit).take(value, (), False)
    return found


class _Walk:
    def __init__(self, found: list[Piece], limit: int) -> None:
        self.found = found
        self.limit = limit

    def take(self, value: Any, path: Path, decoded: bool) -> tuple[int | None, bool]:
        """Adds a piece with all its parts; a number that equal values share (None: not all of it
        was looked at), and whether it tells."""
        if len(self.found) >= self.limit:
            return None, False
        piece = Piece(path, value, decoded)
        self.found.append(piece)
        told: bool
        number: int | None
        if isinstance(value, str):
            number, told = hash(value.strip()), tells(value)
            if (inner := read(value)) is not MISSING:
                self.take(inner, path, True)
        elif isinstance(value, (dict, list)) and value:
            number, told = self.inside(value, path, decoded)
        else:
            number, told = hash(repr(value)), False
        piece.key = number if told else None
        piece.end = len(self.found)
        return number, told

    def inside(
        self, value: dict[str, Any] | list[Any], path: Path, decoded: bool
    ) -> tuple[int | None, bool]:
        if len(path) >= MAX_DEPTH:
            return None, False
        numbers: list[Any] = []
        told = whole = False
        if isinstance(value, dict):
            taken = [(str(k), *self.take(v, (*path, str(k)), decoded)) for k, v in value.items()]
            whole = all(number is not None for _, number, _ in taken)
            told = any(tells for _, _, tells in taken)
            numbers = sorted((name, number) for name, number, _ in taken) if whole else []
        else:
            items = [self.take(v, (*path, n), decoded) for n, v in enumerate(value)]
            whole = all(number is not None for number, _ in items)
            told = any(tells for _, tells in items)
            numbers = [number for number, _ in items]
        return (hash((type(value).__name__, *numbers)) if whole else None), told


def at(value: Any, path: Path) -> Any:
    """What stands at a place, through JSON that stands there as text; MISSING for nothing."""
    for step in path:
        if isinstance(value, str):
            value = read(value)
        if isinstance(value, dict):
            value = value.get(str(step), MISSING)
        elif isinstance(value, list) and (place := _place(step)) is not None:
            value = value[place] if place < len(value) else MISSING
        else:
            return MISSING
    return value


def _place(step: str | int) -> int | None:
    """The place in a list that a step of a path names; None for what is no such number."""
    return whole_number(str(step), 9)


def resolved(value: Any, path: Path) -> Path:
    """A path from an address: numbers where lists are, as the paths of pieces have them."""
    found: list[str | int] = []
    for step in path:
        inner = read(value) if isinstance(value, str) else value
        place = _place(step) if isinstance(inner, list) else None
        found.append(step if place is None else place)
        value = at(inner, (step,))
    return tuple(found)


def pointer(path: Path) -> str:
    """A place as RFC 6901 writes it: /messages/0/content."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def from_pointer(text: str) -> Path:
    """The place that a pointer names."""
    steps = text[:2000].split("/")[1:]
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in steps)


def spoken(path: Path) -> str:
    """A place for a person: messages[0].content."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")
