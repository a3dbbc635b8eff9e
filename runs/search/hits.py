"""Locates the search terms in a run: the places to show, each with the text around it. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from nodes.formats import visible
from runs.json.search_hit import SearchHitJson
from runs.search.normalizing import find_term, normalized, original_index
from runs.search.terms import SearchTerms, StepText, unescaped_word
from runs.search.texts import BETWEEN_FORMS

if TYPE_CHECKING:
    from runs.search.reading import SearchedStep

MAX_HITS = 3  # that are shown of one run, and where one run is searched
MAX_HITS_OF_ONE_RUN = 100
LABELS = {
    "inputs": "input",
    "process_data": "process data",
    "outputs": "output",
    "error": "error",
    "title": "name",
    "node_id": "id",
    "source_id": "id of the step",
}
VALUE_FIELDS = ("inputs", "process_data", "outputs")
MARKED_FIELDS = (*VALUE_FIELDS, "error")
# What stands in JSON between two values, and between a name and its value.
_BETWEEN_VALUES = re.compile(r'"?[\]}]*, ?[\[{]*"|"[\]}]*,|[\]}]+,')
_AFTER_NAME = re.compile(r'": ?[\[{]*"?')
_PART_OF_WORD = re.compile(r"^\S{0,12}\s")
MAX_BEFORE, MAX_AFTER, MAX_MATCH = 40, 120, 160  # characters around and of a match


class SearchedText(NamedTuple):
    """A text of a run: a value, an error, a name. `text` is composed (see `normalizing`). A text of
    the run itself has no execution. `field` is one of LABELS. `holders` are all steps that have the
    value, each with the field in which it does."""

    execution_id: str | None
    field: str
    title: str
    iteration: list[int]
    text: str
    holders: Sequence[tuple["SearchedStep", str]] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A place where a term stands, with the text around it; `url` leads to the step, or to the run
    for a text of the run itself."""

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
    def marked_url(self) -> str:
        """Return `url` where the match is marked and scrolled to, if it stands in a value or error
        (see `nodes.content.marking`)."""
        if self.field not in MARKED_FIELDS:
            return self.url
        return f"{self.url}?{urlencode({'find': self.match})}#found-{self.field}"

    @property
    def passes(self) -> list[int]:
        """Return the iteration path as people count it, from 1."""
        return [number + 1 for number in self.iteration]


@dataclass(slots=True)
class RunMatch:
    """What of the `terms` the texts of one run have, which are looked at one after the other. At
    most `most` hits are kept. `allowed`: ids of the steps in which texts of steps count (None:
    all). `spellings`: of each term, what may stand for it in a text. `steps_by_text`: ids of the
    steps that have a text."""

    terms: SearchTerms
    allowed: frozenset[str] | None = None
    most: int = MAX_HITS
    missing: set[str] = field(init=False)
    spellings: dict[str, list[str]] = field(init=False)
    steps_by_text: dict[StepText, set[str]] = field(init=False)
    count: int = 0
    excluded: bool = False  # something stands there that must not
    is_whole: bool = True  # all texts of the run were looked at
    # Those to show, the best first: more of the terms, then one that was missing so far.
    _best: list[tuple[tuple[int, bool, int], Hit]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.missing = set(self.terms.words)
        phrases = (phrase for text in self.terms.step_texts for phrase in text.phrases)
        self.spellings = {
            word: [word, *filter(None, [unescaped_word(word)])]
            for word in (*self.terms.words, *self.terms.without, *phrases)
        }
        self.steps_by_text = {text: set() for text in self.terms.step_texts}

    def look_at(self, text: SearchedText) -> None:
        """Note where the text has terms, and keep one that was missing to be shown, the longest."""
        normalized_text = normalized(text.text)
        find = _find_whole if text.field == "source_id" else find_term
        spans = {
            word: span
            for word, spellings in self.spellings.items()
            for spelling in spellings
            if (span := find(spelling, normalized_text))
        }
        self.excluded = self.excluded or not spans.keys().isdisjoint(self.terms.without)
        present = [
            (word not in self.missing, -len(word), word)
            for word in self.terms.words
            if word in spans
        ]
        in_step = self._look_at_holders(text, spans)
        if not present and not in_step:
            return
        self.count += 1
        known, _, word = min(present) if present else (False, 0, "")
        self.missing -= spans.keys()
        rank = (-len(present) - bool(in_step), known, self.count)
        if len(self._best) < self.most or rank < self._best[-1][0]:
            hit = snippet(*in_step) if in_step else snippet(text, spans[word])
            self._best = sorted([*self._best, (rank, hit)], key=itemgetter(0))[: self.most]

    def _look_at_holders(
        self, text: SearchedText, spans: dict[str, tuple[int, int]]
    ) -> tuple[SearchedText, tuple[int, int]] | None:
        """Note which steps have the texts that a step must or must not have; return one of those
        that must, as that step has it, and where it stands."""
        shown = None
        for wanted in self.terms.step_texts:
            span = next((spans[phrase] for phrase in wanted.phrases if phrase in spans), None)
            for step, name in text.holders if span else ():
                if name != wanted.value:
                    continue
                if wanted.excluded:
                    self.excluded = True
                elif self.allowed is None or step.id in self.allowed:
                    self.steps_by_text[wanted].add(step.id)
                    assert span
                    shown = shown or (step.searched_text(name, text.text), span)
        return shown

    @property
    def complete(self) -> bool:
        return not self.missing and not self.excluded and self._has_step

    @property
    def _has_step(self) -> bool:
        """Return whether one step has all texts that a step must have."""
        steps = [self.steps_by_text[text] for text in self.terms.required_step_texts]
        return not steps or bool(set.intersection(*steps))

    @property
    def enough(self) -> bool:
        """Return whether reading on would only count."""
        excludes = self.terms.without or any(text.excluded for text in self.terms.step_texts)
        return self.complete and self.count >= self.most and not excludes

    @property
    def more(self) -> int | None:
        """Return how many hits there are beside those shown; None where they were not counted."""
        return self.count - len(self._best) if self.is_whole else None

    @property
    def hits(self) -> list[Hit]:
        """Return at most `most` hits, in the order of the run."""
        return [hit for _, hit in sorted(self._best, key=lambda ranked: ranked[0][-1])]


def _find_whole(term: str, text: str) -> tuple[int, int] | None:
    """Compare ids as a whole: a part of one is another id."""
    return (0, len(text)) if term == text else None


def snippet(searched: SearchedText, span: tuple[int, int]) -> Hit:
    """Return the hit at `span` of the normalized text of `searched`."""
    text = searched.text
    start, end = original_index(text, span[0]), original_index(text, span[1] - 1) + 1
    before = text[max(0, start - MAX_BEFORE) : start].rpartition(BETWEEN_FORMS)[2]
    after = text[end : end + MAX_AFTER].partition(BETWEEN_FORMS)[0]
    cut_before = len(before) == MAX_BEFORE < start
    cut_after = len(after) == MAX_AFTER < len(text) - end
    if cut_before:
        before = _PART_OF_WORD.sub("", before)
    if cut_after:
        after = _PART_OF_WORD.sub("", after[::-1])[::-1]
    if searched.field in VALUE_FIELDS:
        before, after = _without_json_marks(before), _without_json_marks(after)
        before = before if cut_before else before.lstrip('[{"')
        after = after if cut_after else after.rstrip(']}"')
    return Hit(
        UUID(searched.execution_id) if searched.execution_id else None,
        searched.field,
        searched.title,
        searched.iteration,
        ("… " if cut_before else "") + _on_one_line(before).lstrip(),
        _on_one_line(text[start : min(end, start + MAX_MATCH)]),
        _on_one_line(after).rstrip() + (" …" if cut_after else ""),
    )


def _without_json_marks(text: str) -> str:
    """Return a part of JSON with its names and values as people write them."""
    return _BETWEEN_VALUES.sub(" · ", _AFTER_NAME.sub(": ", text))


def _on_one_line(text: str) -> str:
    """Return text on one line, with white space at its ends kept as one space."""
    words = " ".join(text.split())
    head = " " if text[:1].isspace() and words else ""
    tail = " " if text[-1:].isspace() else ""
    return visible(f"{head}{words}{tail}")


def hits_json(hits: Sequence[Hit], base_url: str = "") -> list[SearchHitJson]:
    """Return hits as the machine twin of the history has them."""
    return [
        {
            "execution": str(hit.execution_id) if hit.execution_id else None,
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
