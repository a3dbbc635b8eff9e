"""Takes values apart for comparing: pieces, paths, and which pieces are distinctive. Pure.

A value is distinctive, so that it says where it came from, only if it is unlikely to be there twice
by chance: a text of 12 characters or more, 6 of them different (a character of Chinese, Japanese or
Korean counts as three, and four different ones do), or a list or object that holds such a text.
Numbers, booleans, short words and empty values never are.
"""

from dataclasses import dataclass
from typing import Any

from nodes.content.embedded_json import decoded_json
from nodes.content.plain_text import without_fence
from nodes.numbers import whole_number

ValuePath = tuple[str | int, ...]
MISSING: Any = object()  # no value at that path
MIN_WEIGHT, MIN_DIFFERENT, MIN_DIFFERENT_WIDE = 12, 6, 4
MAX_PIECES = 4_000  # of one value
MAX_DEPTH = 24
MAX_JSON_TEXT = 1_000_000  # characters of a text that is tried as JSON
_HEAD = 100  # characters of a text that decide whether it is distinctive
_JSON_STARTS = ("{", "[", "`", " ", "\n")
_WIDE = 0x2E80  # from here on scripts whose characters are whole words


@dataclass(slots=True)
class ValuePiece:
    """A part of a value, at its path. `decoded`: it stands inside of JSON that is there as text.
    `key` is what equal pieces share, None for one that is not distinctive; `end` is the number of
    the first piece that is no part of this one."""

    path: ValuePath
    value: Any
    decoded: bool = False
    key: int | None = None
    end: int = 0


def text_weight(text: str) -> int:
    """Return the length of a text in characters of the alphabet; a wide one counts for three."""
    return len(text) if text.isascii() else len(text) + 2 * sum(ord(c) >= _WIDE for c in text)


def is_distinctive(text: str) -> bool:
    """Return whether a text is unlikely to be there twice by chance (see above)."""
    head = text[:_HEAD].strip()
    enough = MIN_DIFFERENT if head.isascii() else MIN_DIFFERENT_WIDE
    return text_weight(head) >= MIN_WEIGHT and len(set(head.casefold())) >= enough


def equality_key(value: Any) -> int | None:
    """Return what equal values share; None for a value that is not distinctive. Space around a
    text does not count. Good within one process."""
    if isinstance(value, str):
        return hash(value.strip()) if is_distinctive(value) else None
    return pieces_of(value)[0].key if isinstance(value, (dict, list)) else None


def content_weight(value: Any) -> int:
    """Return roughly how much a value says: the weight of its texts."""
    if isinstance(value, str):
        return text_weight(value[:_HEAD])
    texts = (piece.value for piece in pieces_of(value, 50) if isinstance(piece.value, str))
    return sum(text_weight(text[:_HEAD]) for text in texts)


def embedded_json(text: str) -> Any:
    """Return the object or list that a text holds as JSON, also in one fenced block; else
    MISSING."""
    if len(text) > MAX_JSON_TEXT or text[:1] not in _JSON_STARTS:
        return MISSING
    inner = without_fence(text.strip()).strip()
    value = decoded_json(inner)
    return MISSING if value is inner or not isinstance(value, (dict, list)) else value


def pieces_of(value: Any, limit: int = MAX_PIECES) -> list[ValuePiece]:
    """Return the value and its parts in order, the whole before its parts; also those of JSON that
    stands in it as text, at the path of the text. At most `limit`; what has more has no key."""
    pieces: list[ValuePiece] = []
    _PieceCollector(pieces, limit).add(value, (), False)
    return pieces


class _PieceCollector:
    def __init__(self, pieces: list[ValuePiece], limit: int) -> None:
        self.pieces = pieces
        self.limit = limit

    def add(self, value: Any, path: ValuePath, decoded: bool) -> tuple[int | None, bool]:
        """Add a piece with all its parts. Return a hash that equal values share (None: not all of
        it was looked at), and whether it is distinctive."""
        if len(self.pieces) >= self.limit:
            return None, False
        piece = ValuePiece(path, value, decoded)
        self.pieces.append(piece)
        distinctive: bool
        digest: int | None
        if isinstance(value, str):
            digest, distinctive = hash(value.strip()), is_distinctive(value)
            if (inner := embedded_json(value)) is not MISSING:
                self.add(inner, path, True)
        elif isinstance(value, (dict, list)) and value:
            digest, distinctive = self.add_parts(value, path, decoded)
        else:
            digest, distinctive = hash(repr(value)), False
        piece.key = digest if distinctive else None
        piece.end = len(self.pieces)
        return digest, distinctive

    def add_parts(
        self, value: dict[str, Any] | list[Any], path: ValuePath, decoded: bool
    ) -> tuple[int | None, bool]:
        if len(path) >= MAX_DEPTH:
            return None, False
        digests: list[Any] = []
        distinctive = complete = False
        if isinstance(value, dict):
            fields = [(str(k), *self.add(v, (*path, str(k)), decoded)) for k, v in value.items()]
            complete = all(digest is not None for _, digest, _ in fields)
            distinctive = any(is_telling for _, _, is_telling in fields)
            digests = sorted((name, digest) for name, digest, _ in fields) if complete else []
        else:
            items = [self.add(v, (*path, n), decoded) for n, v in enumerate(value)]
            complete = all(digest is not None for digest, _ in items)
            distinctive = any(is_telling for _, is_telling in items)
            digests = [digest for digest, _ in items]
        return (hash((type(value).__name__, *digests)) if complete else None), distinctive


# -- paths --


def value_at(value: Any, path: ValuePath) -> Any:
    """Return what stands at a path, through JSON that stands there as text; MISSING for nothing."""
    for key in path:
        if isinstance(value, str):
            value = embedded_json(value)
        if isinstance(value, dict):
            value = value.get(str(key), MISSING)
        elif isinstance(value, list) and (position := _list_position(key)) is not None:
            value = value[position] if position < len(value) else MISSING
        else:
            return MISSING
    return value


def _list_position(key: str | int) -> int | None:
    """Return the position in a list that a key of a path names; None for what is no such number."""
    return whole_number(str(key), 9)


def resolve_path(value: Any, path: ValuePath) -> ValuePath:
    """Return a path from an address with numbers where lists are, as the paths of pieces have
    them."""
    keys: list[str | int] = []
    for key in path:
        inner = embedded_json(value) if isinstance(value, str) else value
        position = _list_position(key) if isinstance(inner, list) else None
        keys.append(key if position is None else position)
        value = value_at(inner, (key,))
    return tuple(keys)


def to_pointer(path: ValuePath) -> str:
    """Write a path as RFC 6901 does: /messages/0/content."""
    return "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in path)


def from_pointer(text: str) -> ValuePath:
    """Return the path that a pointer names."""
    keys = text[:2000].split("/")[1:]
    return tuple(key.replace("~1", "/").replace("~0", "~") for key in keys)


def display_path(path: ValuePath) -> str:
    """Write a path for a person: messages[0].content."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return text.removeprefix(".")


def paths_overlap(first: ValuePath, second: ValuePath) -> bool:
    """Return whether one path is the other or leads to a part of it; "0" and 0 are the same key."""
    shorter = min(len(first), len(second))
    return tuple(map(str, first[:shorter])) == tuple(map(str, second[:shorter]))
