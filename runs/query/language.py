"""The search box's language: status:failed app:support tokens:>10k -tag:test "exact phrase" word.

A term is a field, a colon and a value. Several values of a field, also after commas, mean any of
them; a minus in front excludes what matches; quotes hold a value or a phrase together, and \\"
stands for a quote inside them. Everything else is text to search for. Which fields there are is
declared in `runs.query.fields`; this module only knows what a field is. Pure.
"""

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass, replace
from difflib import get_close_matches
from functools import reduce

from runs.query.values import (
    BadValue,
    ChoiceParser,
    DurationParser,
    NumberParser,
    ParsedValue,
    TimestampParser,
    ValueParser,
    ValueRange,
    WordParser,
)

MAX_LENGTH = 4000
MAX_TERMS = 100
_FIELD = re.compile(r"(-?)([A-Za-z][A-Za-z_-]*):(?!//)")
_QUOTES = ('"', "“", "„")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"|[“„]([^“”]*)[”“]', re.DOTALL)
_BARE = re.compile(r"\S+")
_BARE_OF_LIST = re.compile(r"[^\s,]+")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
# What may stand without quotes: a comma separates values, and what follows "://" is an address.
_PLAIN = re.compile(r'(?!//)[^\s,"“„][^\s,]*')


@dataclass(frozen=True, slots=True)
class FormInput:
    """An input of the form “More filters”; `place` is where it stands among the others."""

    label: str
    hint: str
    place: int


@dataclass(frozen=True, slots=True)
class RangeEnd:
    """An address's parameter that sets one end of a field's range: `sign` is ">=" or "<="."""

    parameter: str
    sign: str
    form: FormInput | None = None


@dataclass(frozen=True, slots=True, eq=False)
class QueryField:
    """What the language needs to know of a field: `name` stands before the colon, `parser` reads
    what follows it, `help` and `example` explain both to people.

    `aliases` are accepted in place of the name; `synonyms` are what other tools call the field, and
    lead to a suggestion only. `form` is its input in the form “More filters”, `range_ends` are the
    parameters for the ends of its range."""

    name: str
    help: str
    example: str
    parser: ValueParser
    _: KW_ONLY
    aliases: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    form: FormInput | None = None
    range_ends: tuple[RangeEnd, ...] = ()

    @property
    def choices(self) -> tuple[str, ...]:
        return self.parser.choices if isinstance(self.parser, ChoiceParser) else ()

    @property
    def takes_list(self) -> bool:
        """Return whether commas separate several values."""
        return isinstance(self.parser, WordParser | ChoiceParser)

    @property
    def takes_range(self) -> bool:
        return isinstance(self.parser, NumberParser | DurationParser)

    def parse(self, text: str) -> ParsedValue:
        """Return what `text` means as a value of this field. Raises BadValue."""
        return self.parser.parse(text, self.name, self.example)


@dataclass(frozen=True, slots=True)
class Term:
    """One value of one field. `parsed` is the value as the field reads it."""

    field: QueryField
    value: str
    negated: bool = False
    parsed: ParsedValue = dataclasses.field(default="", compare=False)

    @property
    def text(self) -> str:
        """Return the term as it is typed."""
        return f"{'-' if self.negated else ''}{self.field.name}:{quoted(self.value)}"


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query: its terms, in the order typed, and the text to search for."""

    terms: tuple[Term, ...] = ()
    words: str = ""

    @property
    def text(self) -> str:
        """Return the whole query as it is typed."""
        return " ".join(
            [*(term.text for term in self.terms), *([self.words] if self.words else [])]
        )

    def required(self, name: str) -> list[Term]:
        """Return the terms of the field `name` that a run must match."""
        return [term for term in self.terms if term.field.name == name and not term.negated]

    def excluded(self, name: str) -> list[Term]:
        """Return the terms of the field `name` that a run must not match."""
        return [term for term in self.terms if term.field.name == name and term.negated]

    def has(self, term: Term) -> bool:
        return term in self.terms

    def plus(self, term: Term) -> "Query":
        return replace(self, terms=(*self.terms, term))

    def without(self, *terms: Term) -> "Query":
        return replace(self, terms=tuple(term for term in self.terms if term not in terms))

    def same_as(self, other: "Query") -> bool:
        """Return whether both have the same terms, in whatever order, and the same text."""
        return set(self.terms) == set(other.terms) and self.words == other.words


def quoted(value: str, *, always: bool = False) -> str:
    """Return `value` as one word of the language, in quotes where it needs them."""
    if _PLAIN.fullmatch(value) and not always:
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


class QueryLanguage:
    """The language with the fields that it knows."""

    def __init__(self, fields: Iterable[QueryField]) -> None:
        self.fields = tuple(fields)
        self._by_name = {
            name: known for known in self.fields for name in (known.name, *known.aliases)
        }
        self._by_synonym = {word: known.name for known in self.fields for word in known.synonyms}
        # By parameter of an address: the field, and the end of its range.
        self.range_ends = {
            end.parameter: (known, end) for known in self.fields for end in known.range_ends
        }

    def field(self, name: str) -> QueryField | None:
        return self._by_name.get(name.lower().replace("-", "_"))

    def suggestion(self, name: str) -> str:
        """Return the field that an unknown name probably means; "" for no idea."""
        name = name.lower().replace("-", "_")
        near = get_close_matches(name, self._by_name, n=1, cutoff=0.7)
        return self._by_synonym.get(name) or (near[0] if near else "")

    def term(self, name: str, value: str) -> Term:
        """Return a term of a known field, as if typed. Raises BadValue."""
        return _parsed_term(self._by_name[name], value)

    def parse(self, text: str) -> tuple[Query, list[str]]:
        """Return the query that `text` is, and what is wrong with it, a sentence each; what is
        wrong is no part of the query."""
        if len(text) > MAX_LENGTH:
            return Query(), [f"The search is longer than {MAX_LENGTH:,} characters."]
        reader = _QueryReader(self, text)
        reader.read_all()
        terms = tuple(dict.fromkeys(reader.terms))
        if len(terms) > MAX_TERMS:
            return Query(), [f"The search has more than {MAX_TERMS} conditions."]
        query = Query(terms, " ".join(reader.words))
        return query, reader.problems + self._contradictions(query)

    def _contradictions(self, query: Query) -> list[str]:
        """Return a sentence for each set of terms that no run can match together."""
        return [
            sentence
            for known in self.fields
            for sentence in _contradictions_of_field(
                known, query.required(known.name), query.excluded(known.name)
            )
        ]


def _parsed_term(known: QueryField, value: str, *, negated: bool = False) -> Term:
    parsed = known.parse(value)
    return Term(known, parsed if isinstance(parsed, str) else value, negated, parsed)


class _QueryReader:
    """Goes once through a text; `position` is the character that it reads next."""

    def __init__(self, language: QueryLanguage, text: str) -> None:
        self.language = language
        self.text = text
        self.position = 0
        self.terms: list[Term] = []
        self.words: list[str] = []
        self.problems: list[str] = []

    def read_all(self) -> None:
        while self._skip_space():
            match = _FIELD.match(self.text, self.position)
            if match is None or not self._read_term(match):
                self._read_word()

    def _skip_space(self) -> bool:
        while self.position < len(self.text) and self.text[self.position].isspace():
            self.position += 1
        return self.position < len(self.text)

    def _read_word(self) -> None:
        """Read a word, or a phrase in quotes with what adjoins it, as text to search for."""
        start = self.position
        self.position += self.text[start] == "-"
        if self.text.startswith(_QUOTES, self.position) and self._read_quoted() is None:
            after = self.text[self.position + 1 : self.position + 31]
            self.problems.append(f"The quote before “{after}” is not closed.")
            self.position = len(self.text)
            return
        self.position = self._end_of(_BARE)
        self.words.append(self.text[start : self.position])

    def _read_term(self, match: re.Match[str]) -> bool:
        """Read the term whose field and colon are `match`; return False if it is text after all."""
        minus, name = match.groups()
        known = self.language.field(name)
        has_no_value = match.end() == len(self.text) or self.text[match.end()].isspace()
        if known is None:
            if has_no_value:  # “ValueError: …” is a piece of a message
                return False
            piece = self.text[self.position : self._end_of(_BARE)]
            self._complain_of_field(name, piece)
            self.position += len(piece)
            return True
        self.position = match.end()
        if has_no_value:
            self.problems.append(
                f"{known.name}: has no value; it follows the colon without a space, as in"
                f" {known.example}. To find the word itself, put it in quotes."
            )
            return True
        for value in self._field_values(known):
            try:
                self.terms.append(_parsed_term(known, value, negated=bool(minus)))
            except BadValue as problem:
                self.problems.append(f"{known.name}: {problem}")
        return True

    def _field_values(self, known: QueryField) -> list[str]:
        """Read the values after the colon, separated by commas where the field takes a list."""
        values: list[str] = []
        while self.position < len(self.text) and not self.text[self.position].isspace():
            value = self._field_value(known, _BARE_OF_LIST if known.takes_list else _BARE)
            if value is None:
                return values
            if value.strip():
                values.append(value)
            if known.takes_list and self.text[self.position : self.position + 1] == ",":
                self.position += 1
        if not values:
            self.problems.append(f"{known.name}: has no value; write {known.example}.")
        return values

    def _field_value(self, known: QueryField, bare: re.Pattern[str]) -> str | None:
        """Read the value that begins here; return None if the rest of the text is unreadable."""
        start = self.position
        if self.text[start] not in _QUOTES:
            self.position = self._end_of(bare)
            return self.text[start : self.position]
        value = self._read_quoted()
        if value is None:
            self.problems.append(f"{known.name}: the quote is not closed.")
            self.position = len(self.text)
        elif _BARE_OF_LIST.match(self.text, self.position):
            self.problems.append(
                f"{known.name}: a space or a comma belongs after the closing quote of"
                f" {self.text[start : self.position][:40]}."
            )
            self.position = self._end_of(_BARE)
            return None
        return value

    def _read_quoted(self) -> str | None:
        """Read what stands in the quotes that begin here; return None if they do not end."""
        match = _QUOTED.match(self.text, self.position)
        if match is None:
            return None
        self.position = match.end()
        return match[2] if match[1] is None else _ESCAPED.sub(r"\1", match[1])

    def _end_of(self, pattern: re.Pattern[str]) -> int:
        """Return where the match of `pattern` that begins here ends."""
        match = pattern.match(self.text, self.position)
        return match.end() if match else self.position

    def _complain_of_field(self, name: str, piece: str) -> None:
        likely = self.language.suggestion(name)
        suggestion = f" Did you mean “{likely}:”?" if likely else ""
        self.problems.append(
            f"There is no field “{name[:40]}”.{suggestion} To find the words themselves, put them"
            f" in quotes: {quoted(piece[:60], always=True)}."
        )


def _contradictions_of_field(
    known: QueryField, required: list[Term], excluded: list[Term]
) -> list[str]:
    values = {term.value for term in required}
    sentences = [
        f"{term.text[1:]} is both required and excluded."
        for term in excluded
        if term.value in values
    ]
    if known.takes_range:
        ranges = [term.parsed for term in required if isinstance(term.parsed, ValueRange)]
        if len(ranges) > 1 and reduce(ValueRange.intersection, ranges).is_empty:
            sentences.append(
                f"{' and '.join(term.text for term in required)} leave no value between them."
            )
    if isinstance(known.parser, TimestampParser):
        if len(required) > 1:
            sentences.append(f"{known.name} is given {len(required)} times: keep one of them.")
        sentences += [
            f"{term.text}: remove the minus sign; since and until are opposites."
            for term in excluded
        ]
    if isinstance(known.parser, ChoiceParser):
        sentences += [
            f"No run is {' and '.join(sorted(pair))} at once."
            for pair in known.parser.exclusive
            if pair <= values
        ]
    return sentences
