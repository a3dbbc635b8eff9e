"""Links between values of a run: from where, to where, how changed, how it is known. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from nodes.lineage.executions import Visit
from nodes.lineage.index import LONG, Index, Spot
from nodes.lineage.values import MISSING, Path, Piece, key_of, pieces, size_of, weight

MAX_LINKS = 200  # of one value
MAX_INSERTED = 20  # found inside one text
MAX_COMPARED = 60_000_000  # characters looked through for texts inside of texts
# A short value that more nodes than these gave out is common, and tells nothing.
SHORT, MANY = 60, 3
# What says something about a value, and is the same in many places.
_ABOUT = frozenset((name,) for name in (
    "model", "model_name", "model_id", "role", "type", "finish_reason", "stop_reason", "mime_type",
    "content_type", "object", "currency", "status", "system_fingerprint", "version",
))  # fmt: skip

CHANGES = {
    "same": "unchanged",
    "inserted": "as a part of a longer text",
    "cut out": "cut out of a longer text",
    "trimmed": "without the space around it",
    "parsed": "read from JSON text",
    "as text": "written as JSON text",
    "": "used in it",
}


@dataclass(frozen=True, slots=True)
class Source:
    """What a value came from. `form`: "step" (`visit`, with `part`, inputs or outputs, and `path`),
    "input" of the run (`path`), "system", "environment" or "conversation" variable (`name`), or
    "nothing": a step that has not run (`name`)."""

    form: str
    visit: Visit | None = None
    part: str = ""
    path: Path = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """`path`: where it stands in the value that it came into (`part` of the step: its inputs or
    outputs), None where only the setting (`why`) is known; `name` is the variable that it became.
    `change`: a key of CHANGES. `certain`: told by the producer, not found by looking."""

    path: Path | None
    source: Source
    change: str = "same"
    certain: bool = False
    why: str = "equal values"
    value: Any = MISSING
    part: str = "inputs"
    name: str = ""


class Holder(NamedTuple):
    """A source that has a stored value, and when it had it; later ones are nearer."""

    when: tuple[int, int]
    source: Source
    gave: frozenset[str] = frozenset()  # all nodes that gave it out


Holders = Callable[[str], Holder | None]  # by digest: the nearest that may be the source


@dataclass(slots=True)
class Search:
    """Finds where the pieces of a value came from, among what `holder` lets be a source."""

    index: Index
    holder: Holders
    left: int = MAX_COMPARED
    stopped: bool = False
    _nearest: dict[str, Holder | None] = field(default_factory=dict)

    def links(self, value: Any) -> list[Link]:
        return [link for _, link in self.links_of(pieces(value))]

    def links_of(self, found: list[Piece]) -> list[tuple[int, Link]]:
        """The whole before its parts: what came as a whole is not taken apart. With the number of
        each piece."""
        links: list[tuple[int, Link]] = []
        number = 0
        while number < len(found) and len(links) < MAX_LINKS:
            piece, place = found[number], number
            number += 1
            if link := self.equal(piece):
                links.append((place, link))
                number = piece.end
            elif isinstance(piece.value, str) and piece.end == number:
                links += [(place, link) for link in self.within(piece)]
        self.stopped = self.stopped or number < len(found)
        return links

    def equal(self, piece: Piece) -> Link | None:
        if piece.path[-1:] in _ABOUT:
            return None
        spots = self.index.equal.get(piece.key) if piece.key is not None else None
        best = self.best(spots, piece.value, piece.path) if spots else None
        if best is None:
            return None
        holder, spot = best
        change = "same"
        if spot.decoded != piece.decoded:
            change = "parsed" if spot.decoded else "as text"
        elif (
            isinstance(piece.value, str) and self.index.get(spot.payload, spot.path) != piece.value
        ):
            change = "trimmed"
        return self.link(piece, holder, spot, change)

    def within(self, piece: Piece) -> list[Link]:
        """Texts that stand in this one, the longest first, else the one it was cut out of."""
        text = piece.value.strip()
        if weight(text[:100]) < LONG or piece.path[-1:] in _ABOUT:
            return []
        found: list[tuple[int, int, Link]] = []
        whole: tuple[Holder, Spot] | None = None
        for other in self.index.longest():
            if len(found) >= MAX_INSERTED or self.left <= 0:
                self.stopped = True
                break
            self.left -= max(len(text), len(other))
            if len(other) > len(text):
                if text in other:
                    whole = max(filter(None, (whole, self.best(self.index.texts[other], text))),
                                key=lambda one: one[0].when, default=None)  # fmt: skip
                continue
            start = text.find(other) if len(other) < len(text) else -1
            if start < 0 or any(a <= start < b for a, b, _ in found):
                continue
            best = self.best(self.index.texts[other], other) if key_of(other) else None
            if best:
                link = replace(self.link(piece, *best, "inserted"), value=other)
                found.append((start, start + len(other), link))
        if found:
            return [link for _, _, link in sorted(found, key=lambda one: one[0])]
        return [self.link(piece, *whole, "cut out")] if whole and key_of(text) else []

    def best(self, spots: list[Spot], value: Any, path: Path = ()) -> tuple[Holder, Spot] | None:
        """The nearest of the sources that hold a value, unless it is common. One that has it under
        the same name (`path`) comes first: states go from step to step by name."""
        found = [(holder, spot) for spot in spots if (holder := self.nearest(spot.payload))]
        if not found:
            return None
        gave = frozenset[str]().union(*(holder.gave for holder, _ in found))
        if len(gave) > MANY and size_of(value) < SHORT:
            return None
        return max(found, key=lambda one: (bool(path) and one[1].path == path, one[0].when))

    def nearest(self, payload: str) -> Holder | None:
        if payload not in self._nearest:
            self._nearest[payload] = self.holder(payload)
        return self._nearest[payload]

    def link(self, piece: Piece, holder: Holder, spot: Spot, change: str) -> Link:
        told = holder.source
        source = Source(told.form, told.visit, told.part, spot.path, told.name)
        why = "the same text" if change in ("inserted", "cut out") else "equal values"
        return Link(piece.path, source, change, why=why, value=piece.value)


def land(value: Any, given: Any) -> list[Link]:
    """Where `value` or pieces of it stand in `given`; the source's path is that in `value`."""
    index = Index()
    index.add("value", value)
    held = Holder((0, 0), Source(""))
    return Search(index, lambda payload: held).links(given)
