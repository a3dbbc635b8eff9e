"""The search box's language: status:failed app:support tokens:>10k -tag:test "exact phrase" word.

A term is a field, a colon and a value. Several values of a field, also after commas, mean any of
them; a minus in front takes away what matches; quotes hold a value or a phrase together, and \\"
stands for a quote inside them. Everything else is text to be found. Pure.
"""

import dataclasses
import re
from dataclasses import dataclass, replace
from functools import reduce

from runs.query.fields import BY_NAME, FIELDS, Field, Takes, field_of, meant_by
from runs.query.values import BadValue, Meaning, Span, read

MAX_LENGTH = 4000
MAX_TERMS = 100
_FIELD = re.compile(r"(-?)([A-Za-z][A-Za-z_-]*)[::](?!//)")
_QUOTES = ('"', "“", "„")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"|[“„]([^“”]*)[”“]', re.DOTALL)
_BARE = re.compile(r"\S+")
_BARE_OF_LIST = re.compile(r"[^\s,]+")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
# What may stand without quotes: a comma parts values, and what follows "://" is an address.
_PLAIN = re.compile(r'(?!//)[^\s,"“„][^\s,]*')
# Of these states a run is in one only; a stalled run says that it is running.
_APART = ({"running", "finished"}, {"stalled", "finished"}, {"paused", "finished"},
          {"running", "paused"}, {"stalled", "paused"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Term:
    """One value of one field. `meaning` is the value as the field reads it."""

    field: Field
    value: str
    negated: bool = False
    meaning: Meaning = dataclasses.field(default="", compare=False)

    @property
    def text(self) -> str:
        """As it is typed."""
        return f"{'-' if self.negated else ''}{self.field.name}:{quoted(self.value)}"


@dataclass(frozen=True, slots=True)
class Query:
    """What somebody asks for: terms, in the order given, and the text to be found."""

    terms: tuple[Term, ...] = ()
    words: str = ""

    @property
    def text(self) -> str:
        """The whole query as it is typed."""
        return " ".join(
            [*(term.text for term in self.terms), *([self.words] if self.words else [])]
        )

    def of(self, name: str) -> tuple[list[Term], list[Term]]:
        """The terms of a field: those that ask for something, those that take it away."""
        found = [term for term in self.terms if term.field.name == name]
        return [t for t in found if not t.negated], [t for t in found if t.negated]

    def has(self, term: Term) -> bool:
        return term in self.terms

    def plus(self, term: Term) -> "Query":
        return replace(self, terms=(*self.terms, term))

    def without(self, *terms: Term) -> "Query":
        return replace(self, terms=tuple(term for term in self.terms if term not in terms))

    def same_as(self, other: "Query") -> bool:
        """Whether both ask for the same, in whatever order."""
        return set(self.terms) == set(other.terms) and self.words == other.words


def quoted(value: str, *, always: bool = False) -> str:
    """`value` as one word of the language, in quotes where it needs them."""
    if _PLAIN.fullmatch(value) and not always:
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def term(name: str, value: str) -> Term:
    """A term of a known field, as if typed. Raises BadValue."""
    return _term(BY_NAME[name], value, negated=False)


def _term(known: Field, value: str, *, negated: bool) -> Term:
    meaning = read(known, value)
    return Term(known, meaning if isinstance(meaning, str) else value, negated, meaning)


def parse(text: str) -> tuple[Query, list[str]]:
    """The query that `text` is, and what is wrong with it, a sentence each; what is wrong is no
    part of the query."""
    if len(text) > MAX_LENGTH:
        return Query(), [f"The search is longer than {MAX_LENGTH:,} characters."]
    reader = _Reader(text)
    reader.read_all()
    terms = tuple(dict.fromkeys(reader.terms))
    if len(terms) > MAX_TERMS:
        return Query(), [f"The search has more than {MAX_TERMS} conditions."]
    query = Query(terms, " ".join(reader.words))
    return query, reader.problems + contradictions(query)


class _Reader:
    """Goes once through the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.terms: list[Term] = []
        self.words: list[str] = []
        self.problems: list[str] = []

    def read_all(self) -> None:
        while self._skip_space():
            found = _FIELD.match(self.text, self.at)
            if found is None or not self._read_field(found):
                self._read_word()

    def _skip_space(self) -> bool:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.at < len(self.text)

    def _read_word(self) -> None:
        """A word, or a phrase in quotes with what hangs on it, as text to be found."""
        start = self.at
        self.at += self.text[start] == "-"
        if self.text.startswith(_QUOTES, self.at) and self._quoted() is None:
            after = self.text[self.at + 1 : self.at + 31]
            self.problems.append(f"The quote before “{after}” is not closed.")
            self.at = len(self.text)
            return
        self.at = self._match(_BARE)
        self.words.append(self.text[start : self.at])

    def _read_field(self, found: re.Match[str]) -> bool:
        """The term that begins here; False if it is text after all."""
        minus, name = found.groups()
        known = field_of(name)
        bare = found.end() == len(self.text) or self.text[found.end()].isspace()
        if known is None:
            if bare:  # “ValueError: …” is a piece of a message
                return False
            piece = self.text[self.at : self._match(_BARE)]
            self._complain_of(name, piece)
            self.at += len(piece)
            return True
        self.at = found.end()
        if bare:
            self.problems.append(
                f"{known.name}: has no value; it follows the colon without a space, as in"
                f" {known.example}. To find the word itself, put it in quotes."
            )
            return True
        for value in self._values(known):
            try:
                self.terms.append(_term(known, value, negated=bool(minus)))
            except BadValue as problem:
                self.problems.append(f"{known.name}: {problem}")
        return True

    def _values(self, known: Field) -> list[str]:
        """The values after the colon, parted by commas where the field takes words."""
        parted = known.takes in (Takes.WORD, Takes.CHOICE)
        values: list[str] = []
        while self.at < len(self.text) and not self.text[self.at].isspace():
            value = self._value(known, _BARE_OF_LIST if parted else _BARE)
            if value is None:
                return values
            if value.strip():
                values.append(value)
            if parted and self.text[self.at : self.at + 1] == ",":
                self.at += 1
        if not values:
            self.problems.append(f"{known.name}: has no value; write {known.example}.")
        return values

    def _value(self, known: Field, bare: re.Pattern[str]) -> str | None:
        """The value that begins here; None if the rest of the text cannot be read."""
        start = self.at
        if self.text[start] not in _QUOTES:
            self.at = self._match(bare)
            return self.text[start : self.at]
        value = self._quoted()
        if value is None:
            self.problems.append(f"{known.name}: the quote is not closed.")
            self.at = len(self.text)
        elif _BARE_OF_LIST.match(self.text, self.at):
            self.problems.append(
                f"{known.name}: a space or a comma belongs after the closing quote of"
                f" {self.text[start : self.at][:40]}."
            )
            self.at = self._match(_BARE)
            return None
        return value

    def _quoted(self) -> str | None:
        """What stands in the quotes that begin here; None if they do not end."""
        found = _QUOTED.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found[2] if found[1] is None else _ESCAPED.sub(r"\1", found[1])

    def _match(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self.text, self.at)
        return found.end() if found else self.at

    def _complain_of(self, name: str, piece: str) -> None:
        likely = meant_by(name)
        asks = f" Did you mean “{likely}:”?" if likely else ""
        self.problems.append(
            f"There is no field “{name[:40]}”.{asks} To find the words themselves, put them in"
            f" quotes: {quoted(piece[:60], always=True)}."
        )


def contradictions(query: Query) -> list[str]:
    """Terms that no run can meet together, a sentence for each."""
    said: list[str] = []
    for known in FIELDS:
        asked, taken = query.of(known.name)
        values = {term.value for term in asked}
        said += [f"{t.text[1:]} is asked for and taken away." for t in taken if t.value in values]
        if known.has_range:
            spans = [term.meaning for term in asked if isinstance(term.meaning, Span)]
            if len(spans) > 1 and reduce(Span.within, spans).is_empty:
                told = " and ".join(term.text for term in asked)
                said.append(f"{told} leave nothing in between.")
        if known.takes is Takes.MOMENT:
            if len(asked) > 1:
                said.append(f"{known.name} stands there {len(asked)} times: keep one of them.")
            said += [
                f"{t.text}: leave the minus away; since and until are opposites." for t in taken
            ]
        if known.name == "is":
            said += [
                f"No run is {' and '.join(sorted(pair))} at once."
                for pair in _APART
                if pair <= values
            ]
    return said
