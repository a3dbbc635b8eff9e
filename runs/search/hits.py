"""Where in a run the terms stand: the places that are shown, each with the text around it. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from nodes.formats import visible
from runs.search.folding import fold, place_of, unfolded
from runs.search.terms import Terms, unescaped_word
from runs.search.texts import BETWEEN

SHOWN = 3  # hits of one run
LABELS = {
    "inputs": "input",
    "process_data": "process data",
    "outputs": "output",
    "error": "error",
    "title": "name",
    "node_id": "id",
    "source_id": "id of the step",
}
VALUES = ("inputs", "process_data", "outputs")
# What stands in JSON between two values, and between a name and its value.
_NEXT = re.compile(r'"?[\]}]*, ?[\[{]*"|"[\]}]*,|[\]}]+,')
_NAME = re.compile(r'": ?[\[{]*"?')
_CUT_WORD = re.compile(r"^\S{0,12}\s")
BEFORE, AFTER, LONGEST = 40, 120, 160  # characters of a snippet; of a match


class Piece(NamedTuple):
    """Something that a run says: a value, an error, a name. `text` is readable. What the run
    itself says has no execution. `field` is one of LABELS."""

    execution_id: str | None
    field: str
    title: str
    iteration: list[int]
    text: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A place where a term stands, with the text around it; `url` leads to the step, or to the run
    for what it says itself."""

    execution_id: UUID | None
    field: str
    title: str
    iteration: list[int]
    before: str
    match: str
    after: str
    url: str = ""

    @property
    def label(self) -> str:
        return LABELS[self.field]

    @property
    def passes(self) -> list[int]:
        """The iteration as people count."""
        return [number + 1 for number in self.iteration]


@dataclass(slots=True)
class Search:
    """Looks through what one run says, a piece after the other."""

    terms: Terms
    missing: set[str] = field(init=False)
    readings: dict[str, list[str]] = field(init=False)
    count: int = 0
    refused: bool = False  # something stands there that must not
    is_whole: bool = True  # all that the run says was looked through
    # Those to show, the best first: more of the terms, then one that was not found before.
    _best: list[tuple[tuple[int, bool, int], Hit]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.missing = set(self.terms.words)
        self.readings = {word: [word, *filter(None, [unescaped_word(word)])]
                         for word in (*self.terms.words, *self.terms.without)}  # fmt: skip

    def see(self, piece: Piece) -> None:
        """Note where the piece has terms, and show one that was missing, the longest."""
        folded = fold(piece.text)
        look = _whole if piece.field == "source_id" else place_of
        places = {word: place for word, readings in self.readings.items() for reading in readings
                  if (place := look(reading, folded))}  # fmt: skip
        self.refused = self.refused or not places.keys().isdisjoint(self.terms.without)
        found = [(word not in self.missing, -len(word), word) for word in self.terms.words
                 if word in places]  # fmt: skip
        if not found:
            return
        self.count += 1
        known, _, word = min(found)
        self.missing -= places.keys()
        rank = (-len(found), known, self.count)
        if len(self._best) < SHOWN or rank < self._best[-1][0]:
            best = sorted([*self._best, (rank, snippet(piece, places[word]))], key=itemgetter(0))
            self._best = best[:SHOWN]

    @property
    def complete(self) -> bool:
        return not self.missing and not self.refused

    @property
    def enough(self) -> bool:
        """Reading on would only count."""
        return not self.missing and self.count >= SHOWN and not self.terms.without

    @property
    def more(self) -> int | None:
        """How many hits there are beside those shown; None: not counted."""
        return self.count - len(self._best) if self.is_whole else None

    @property
    def hits(self) -> list[Hit]:
        """At most three, in the order of the run."""
        return [hit for _, hit in sorted(self._best, key=lambda one: one[0][-1])]


def _whole(term: str, folded: str) -> tuple[int, int] | None:
    """Ids are found as a whole: a part of one is another id."""
    return (0, len(folded)) if term == folded else None


def snippet(piece: Piece, place: tuple[int, int]) -> Hit:
    """The hit of what stands at `place` in the folded text of a piece."""
    text = piece.text
    start, end = unfolded(text, place[0]), unfolded(text, place[1] - 1) + 1
    before = text[max(0, start - BEFORE) : start].rpartition(BETWEEN)[2]
    after = text[end : end + AFTER].partition(BETWEEN)[0]
    cut_before, cut_after = len(before) == BEFORE < start, len(after) == AFTER < len(text) - end
    if cut_before:
        before = _CUT_WORD.sub("", before)
    if cut_after:
        after = _CUT_WORD.sub("", after[::-1])[::-1]
    if piece.field in VALUES:
        before, after = _spoken(before), _spoken(after)
        before = before if cut_before else before.lstrip('[{"')
        after = after if cut_after else after.rstrip(']}"')
    return Hit(
        UUID(piece.execution_id) if piece.execution_id else None,
        piece.field,
        piece.title,
        piece.iteration,
        ("… " if cut_before else "") + _line(before).lstrip(),
        _line(text[start : min(end, start + LONGEST)]),
        _line(after).rstrip() + (" …" if cut_after else ""),
    )


def _spoken(text: str) -> str:
    """A part of JSON with its names as people write them."""
    return _NEXT.sub(" · ", _NAME.sub(": ", text))


def _line(text: str) -> str:
    """On one line, with white space at its ends kept as one space."""
    words = " ".join(text.split())
    head = " " if text[:1].isspace() and words else ""
    tail = " " if text[-1:].isspace() else ""
    return visible(f"{head}{words}{tail}")


def hits_json(hits: Sequence[Hit], base_url: str = "") -> list[dict[str, Any]]:
    """Hits as the machine twin of the history tells them."""
    return [
        {
            "execution": hit.execution_id and str(hit.execution_id),
            "field": hit.field,
            "title": hit.title or None,
            "iteration": hit.iteration,
            "before": hit.before,
            "match": hit.match,
            "after": hit.after,
            "url": base_url + hit.url,
        }
        for hit in hits
    ]
