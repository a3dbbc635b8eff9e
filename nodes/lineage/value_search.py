"""Searches the other values of a run for the pieces of a value: equal pieces, and texts inside
texts. Pure.

This is how links are found that no producer declares. A text is looked for inside others from a
weight of LONG on; a short value that many nodes output is common, and says nothing.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from nodes.content.messages import read_message
from nodes.lineage.links import LineageLink, ValueSource
from nodes.lineage.values import (
    MAX_PIECES,
    MISSING,
    ValuePath,
    ValuePiece,
    content_weight,
    equality_key,
    pieces_of,
    text_weight,
    value_at,
)

LONG = 16  # weight from which a text is looked for inside others
MAX_SPOTS = 200  # places kept of one value
MAX_TEXTS = 5_000
MAX_LINKS = 200  # of one value
MAX_INSERTED = 20  # texts found inside of one text
MAX_COMPARED = 60_000_000  # characters looked through for texts inside of texts
# A short value that more nodes than these output is common, and says nothing.
SHORT, MAX_NODES_OF_SHORT = 60, 3
# What describes a value, and is the same in many places.
_DESCRIPTIVE_PATHS = frozenset((name,) for name in (
    "model", "model_name", "model_id", "role", "type", "finish_reason", "stop_reason", "mime_type",
    "content_type", "object", "currency", "status", "system_fingerprint", "version",
))  # fmt: skip
_MESSAGE_KEYS = frozenset(
    {"tool_calls", "parts", "function_call", "content", "contents", "blocks", "call_id"}
)


@dataclass(frozen=True, slots=True)
class ValueSpot:
    """A place in a stored value. `digest` names the value; `decoded`: inside of JSON text."""

    digest: str
    path: ValuePath
    decoded: bool = False


@dataclass(frozen=True, slots=True)
class RequestedCall:
    """A call of a tool that a model asked for, and where its message says so."""

    spot: ValueSpot
    name: str
    arguments: Any


class ValueIndex:
    """The values of a run by their pieces. Every value is indexed once, however many steps had it
    in or out. `truncated`: not all of what was added is in it."""

    def __init__(self) -> None:
        self.truncated = False
        self.values: dict[str, Any] = {}
        self.pieces: dict[str, list[ValuePiece]] = {}
        self.equal: dict[int, list[ValueSpot]] = defaultdict(list)
        self.texts: dict[str, list[ValueSpot]] = {}
        self.calls: dict[str, list[RequestedCall]] = defaultdict(list)  # by their ids
        self._longest_first: list[str] = []

    def add(self, digest: str, value: Any) -> None:
        if digest in self.values:
            return
        self.values[digest] = value
        self.pieces[digest] = pieces_of(value)
        self.truncated = self.truncated or len(self.pieces[digest]) >= MAX_PIECES
        for piece in self.pieces[digest]:
            if piece.key is not None and len(self.equal[piece.key]) < MAX_SPOTS:
                self.equal[piece.key].append(ValueSpot(digest, piece.path, piece.decoded))
            if isinstance(piece.value, str):
                self._add_text(piece.value, ValueSpot(digest, piece.path, piece.decoded))
            elif isinstance(piece.value, dict):
                self._add_calls(piece.value, ValueSpot(digest, piece.path, piece.decoded))

    def _add_text(self, text: str, spot: ValueSpot) -> None:
        text = text.strip()
        if text_weight(text[:100]) < LONG:
            return
        if len(self.texts) >= MAX_TEXTS and text not in self.texts:
            self.truncated = True
            return
        spots = self.texts.setdefault(text, [])
        if len(spots) < MAX_SPOTS:
            spots.append(spot)

    def _add_calls(self, value: dict[str, Any], spot: ValueSpot) -> None:
        if not value.keys() & _MESSAGE_KEYS:
            return
        message = read_message(value)
        for call in message.calls if message else ():
            if call.id:
                self.calls[call.id].append(RequestedCall(spot, call.name, call.arguments))

    def longest_first(self) -> list[str]:
        """Return the texts, the longest first."""
        if len(self._longest_first) != len(self.texts):
            self._longest_first = sorted(self.texts, key=len, reverse=True)
        return self._longest_first

    def value_at(self, digest: str, path: ValuePath = ()) -> Any:
        """Return what stands at a path; MISSING where the value was not loaded."""
        return value_at(self.values[digest], path) if digest in self.values else MISSING


class ValueHolder(NamedTuple):
    """A source that has a stored value, and when it had it (later is nearer); `node_ids` are all
    nodes that output the value."""

    when: tuple[int, int]
    source: ValueSource
    node_ids: frozenset[str] = frozenset()


# By digest of a stored value: the nearest holder that may be the source.
FindHolder = Callable[[str], ValueHolder | None]


@dataclass(slots=True)
class ValueSearch:
    """Finds where the pieces of a value came from, among the holders that `find_holder` admits.
    `truncated`: the search ended before everything was compared."""

    index: ValueIndex
    find_holder: FindHolder
    characters_left: int = MAX_COMPARED
    truncated: bool = False
    _holders: dict[str, ValueHolder | None] = field(default_factory=dict)

    def links_of(self, value: Any) -> list[LineageLink]:
        return [link for _, link in self.links_of_pieces(pieces_of(value))]

    def links_of_pieces(self, pieces: list[ValuePiece]) -> list[tuple[int, LineageLink]]:
        """Return links of pieces, each with the number of its piece. The whole comes before its
        parts: what came as a whole is not taken apart."""
        links: list[tuple[int, LineageLink]] = []
        number = 0
        while number < len(pieces) and len(links) < MAX_LINKS:
            piece, piece_number = pieces[number], number
            number += 1
            if link := self._equal_link(piece):
                links.append((piece_number, link))
                number = piece.end
            elif isinstance(piece.value, str) and piece.end == number:
                links += [(piece_number, link) for link in self._text_links(piece)]
        self.truncated = self.truncated or number < len(pieces)
        return links

    def _equal_link(self, piece: ValuePiece) -> LineageLink | None:
        """Return the link to an equal value."""
        if piece.path[-1:] in _DESCRIPTIVE_PATHS:
            return None
        spots = self.index.equal.get(piece.key) if piece.key is not None else None
        nearest = self.nearest(spots, piece.value, piece.path) if spots else None
        if nearest is None:
            return None
        holder, spot = nearest
        change = "same"
        if spot.decoded != piece.decoded:
            change = "parsed" if spot.decoded else "as text"
        elif (
            isinstance(piece.value, str)
            and self.index.value_at(spot.digest, spot.path) != piece.value
        ):
            change = "trimmed"
        return _inferred_link(piece, holder, spot, change)

    def _text_links(self, piece: ValuePiece) -> list[LineageLink]:
        """Return links to the texts that stand in this one, the longest first, else to the one it
        was cut out of."""
        text = piece.value.strip()
        if text_weight(text[:100]) < LONG or piece.path[-1:] in _DESCRIPTIVE_PATHS:
            return []
        inserted: list[tuple[int, int, LineageLink]] = []
        longer: tuple[ValueHolder, ValueSpot] | None = None
        for other in self.index.longest_first():
            if len(inserted) >= MAX_INSERTED or self.characters_left <= 0:
                self.truncated = True
                break
            self.characters_left -= max(len(text), len(other))
            if len(other) > len(text):
                if text in other:
                    candidates = filter(None, (longer, self.nearest(self.index.texts[other], text)))
                    longer = max(candidates, key=lambda pair: pair[0].when, default=None)
                continue
            start = text.find(other) if len(other) < len(text) else -1
            if start < 0 or any(first <= start < last for first, last, _ in inserted):
                continue
            nearest = self.nearest(self.index.texts[other], other) if equality_key(other) else None
            if nearest:
                link = replace(_inferred_link(piece, *nearest, "inserted"), value=other)
                inserted.append((start, start + len(other), link))
        if inserted:
            return [link for _, _, link in sorted(inserted, key=lambda match: match[0])]
        return [_inferred_link(piece, *longer, "cut out")] if longer and equality_key(text) else []

    def nearest(
        self, spots: list[ValueSpot], value: Any, path: ValuePath = ()
    ) -> tuple[ValueHolder, ValueSpot] | None:
        """Return the nearest of the sources that hold a value, unless the value is common. One that
        has it under the same name (`path`) comes first: states go from step to step by name."""
        candidates = [(holder, spot) for spot in spots if (holder := self._holder_of(spot.digest))]
        if not candidates:
            return None
        node_ids = frozenset[str]().union(*(holder.node_ids for holder, _ in candidates))
        if len(node_ids) > MAX_NODES_OF_SHORT and content_weight(value) < SHORT:
            return None
        return max(candidates, key=lambda pair: (bool(path) and pair[1].path == path, pair[0].when))

    def _holder_of(self, digest: str) -> ValueHolder | None:
        if digest not in self._holders:
            self._holders[digest] = self.find_holder(digest)
        return self._holders[digest]


def _inferred_link(
    piece: ValuePiece, holder: ValueHolder, spot: ValueSpot, change: str
) -> LineageLink:
    source = replace(holder.source, path=spot.path)
    why = "the same text" if change in ("inserted", "cut out") else "equal values"
    return LineageLink(piece.path, source, change, why=why, value=piece.value)


def locate(value: Any, target: Any) -> list[LineageLink]:
    """Return links that say where `value` or pieces of it stand in `target`. The path of a link's
    source is that in `value`."""
    index = ValueIndex()
    index.add("value", value)
    holder = ValueHolder((0, 0), ValueSource(""))
    return ValueSearch(index, lambda digest: holder).links_of(target)
