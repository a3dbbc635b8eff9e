"""The search box's language: (status:failed OR cost>1) app:support -tag:test "exact phrase" word.

A term is a field, a colon and a value; fields with an order also take >, >=, <, <= and =. Several
values of a field, also after commas, mean any of them; a minus in front, or NOT, excludes what
matches; quotes hold a value or a phrase together, and \\" stands for a quote inside them. What
stands side by side must all match; OR, which binds less, separates alternatives, and parentheses
hold them together. Parentheses around words alone are text. Everything else is text to search for.
Which fields there are is declared in `runs.query.fields`; this module only knows what a field is.
Pure.
"""

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from difflib import get_close_matches
from enum import StrEnum
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
MAX_DEPTH = 8  # of parentheses inside parentheses
_FIELD = re.compile(r"(-?)([A-Za-z][A-Za-z_-]*):(?!//)")
_COMPARISON = re.compile(r"(-?)([A-Za-z][A-Za-z_-]*)(\s*)(>=|<=|!=|==|=|>|<)(\s*)(?=\S)")
_OPERATOR = re.compile(r"(OR|AND|NOT)(?![^\s()])")
_QUOTES = ('"', "“", "„")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"|[“„]([^“”]*)[”“]', re.DOTALL)
_BARE = re.compile(r"\S+")
_BARE_OF_LIST = re.compile(r"[^\s,]+")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
# What may stand without quotes: a comma separates values, parentheses hold alternatives together,
# and what follows "://" is an address.
_PLAIN = re.compile(r'(?!//)[^\s,"“„()][^\s,()]*')


@dataclass(frozen=True, slots=True)
class FormInput:
    """An input of the form “More filters”; `place` is where it stands among the others."""

    label: str
    hint: str
    place: int


@dataclass(frozen=True, slots=True)
class SignedParameter:
    """A further parameter of an address for a field: its value stands after `sign`, which is ">="
    or "<=" for an end of a range, "=" for a whole name, and may be empty. `help` says what the
    value is."""

    parameter: str
    sign: str
    form: FormInput | None = None
    help: str = "one end of a range"


@dataclass(frozen=True, slots=True, eq=False)
class QueryField:
    """What the language needs to know of a field: `name` stands before the colon, `parser` reads
    what follows it, `help` and `example` explain both to people.

    `aliases` are accepted in place of the name; `synonyms` are what other tools call the field, and
    lead to a suggestion only. `form` is its input in the form “More filters”, `parameters` are the
    parameters of an address beside the one of its name, or in place of it. `takes_part`: a value
    may be a part of a name; a sign "=" before it asks for the whole name. `is_text`: its value is
    searched for as words are, so that it may be "" in quotes, and cannot be an alternative."""

    name: str
    help: str
    example: str
    parser: ValueParser
    _: KW_ONLY
    aliases: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    form: FormInput | None = None
    parameters: tuple[SignedParameter, ...] = ()
    takes_part: bool = False
    is_text: bool = False

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
class AnyOf:
    """Alternatives in parentheses: a run must match at least one of these queries, which have no
    words; `negated`: none of them."""

    alternatives: tuple["Query", ...]
    negated: bool = False

    @property
    def text(self) -> str:
        """Return the alternatives as they are typed."""
        inside = " OR ".join(query.text for query in self.alternatives)
        return f"{'-' if self.negated else ''}({inside})"


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query: its terms and alternatives, in the order typed, and the text to search for. A
    run must match all of them."""

    terms: tuple[Term, ...] = ()
    words: str = ""
    groups: tuple[AnyOf, ...] = ()

    @property
    def text(self) -> str:
        """Return the whole query as it is typed."""
        parts = [*(term.text for term in self.terms), *(group.text for group in self.groups)]
        return " ".join([*parts, *([self.words] if self.words else [])])

    @property
    def every_term(self) -> Iterator[Term]:
        """Yield the terms, also those within alternatives."""
        yield from self.terms
        for group in self.groups:
            for query in group.alternatives:
                yield from query.every_term

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

    def without(self, *parts: Term | AnyOf) -> "Query":
        return replace(
            self,
            terms=tuple(term for term in self.terms if term not in parts),
            groups=tuple(group for group in self.groups if group not in parts),
        )

    def without_words(self) -> "Query":
        return replace(self, words="")

    def with_terms(self, terms: Mapping[Term, Sequence[Term]]) -> "Query":
        """Return the query with other terms in place of some, also within alternatives."""
        if terms.keys().isdisjoint(self.every_term):
            return self
        replaced = (new for term in self.terms for new in terms.get(term, (term,)))
        return replace(
            self,
            terms=tuple(dict.fromkeys(replaced)),
            groups=tuple(
                replace(
                    group,
                    alternatives=tuple(query.with_terms(terms) for query in group.alternatives),
                )
                for group in self.groups
            ),
        )

    def same_as(self, other: "Query") -> bool:
        """Return whether both have the same terms and alternatives, in whatever order, and the same
        text."""
        same_terms = set(self.terms) == set(other.terms)
        return same_terms and set(self.groups) == set(other.groups) and self.words == other.words


@dataclass(frozen=True, slots=True)
class QueryProblem:
    """A sentence about what is wrong with a query. `suggestion` is what was probably meant in place
    of the wrong part, and `meant` the whole query with it; "" where nobody knows."""

    sentence: str
    suggestion: str = ""
    meant: str = ""

    def __str__(self) -> str:
        suggestion = f" Did you mean “{self.suggestion}”?" if self.suggestion else ""
        return self.sentence + suggestion


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
        # By parameter of an address: the field, and the sign before its value.
        self.signed_parameters = {
            signed.parameter: (known, signed)
            for known in self.fields
            for signed in known.parameters
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

    def parse(self, text: str) -> tuple[Query, list[QueryProblem]]:
        """Return the query that `text` is, and what is wrong with it; what is wrong is no part of
        the query."""
        if len(text) > MAX_LENGTH:
            problem = f"The search is longer than {MAX_LENGTH:,} characters."
            return Query(), [QueryProblem(problem)]
        reader = _QueryReader(self, text)
        query = _QueryBuilder(text, reader.problems).build(reader.read_all())
        if sum(1 for _ in query.every_term) > MAX_TERMS:
            return Query(), [QueryProblem(f"The search has more than {MAX_TERMS} conditions.")]
        return query, reader.problems + self._contradictions(query)

    def _contradictions(self, query: Query) -> list[QueryProblem]:
        """Return a problem for each set of terms that no run can match together."""
        return [
            QueryProblem(sentence)
            for known in self.fields
            for sentence in _contradictions_of_field(
                known, query.required(known.name), query.excluded(known.name)
            )
        ]


def _parsed_term(known: QueryField, value: str, *, negated: bool = False) -> Term:
    parsed = known.parse(value)
    return Term(known, parsed if isinstance(parsed, str) else value, negated, parsed)


class _Mark(StrEnum):
    """What a piece of a query is."""

    TERM = "term"
    WORD = "word"
    OPENING = "("
    CLOSING = ")"
    OR = "OR"
    AND = "AND"
    NOT = "NOT"


@dataclass(slots=True)
class _Token:
    """A piece of a query from `start` to `end`. `terms` are those of a term, none where its value
    is wrong; `negated`: a minus stands before it. `problem` is what is wrong with a piece that only
    looks like a term, unless it turns out to be text in parentheses."""

    mark: _Mark
    start: int
    end: int
    terms: list[Term] = field(default_factory=list)
    negated: bool = False
    problem: QueryProblem | None = None


class _QueryReader:
    """Goes once through a text; `position` is the character that it reads next, inside `depth`
    parentheses."""

    def __init__(self, language: QueryLanguage, text: str) -> None:
        self.language = language
        self.text = text
        self.position = 0
        self.depth = 0
        self.problems: list[QueryProblem] = []

    def read_all(self) -> list[_Token]:
        tokens: list[_Token] = []
        while self._skip_space():
            tokens.append(self._read_token())
        return tokens

    def _skip_space(self) -> bool:
        while self.position < len(self.text) and self.text[self.position].isspace():
            self.position += 1
        return self.position < len(self.text)

    def _read_token(self) -> _Token:
        start = self.position
        if self.text[start] == ")" and self.depth:
            self.position += 1
            self.depth -= 1
            return _Token(_Mark.CLOSING, start, self.position)
        if self.text.startswith(("(", "-("), start):
            self.position = self.text.index("(", start) + 1
            self.depth += 1
            return _Token(_Mark.OPENING, start, self.position, negated=self.text[start] == "-")
        if match := _OPERATOR.match(self.text, start):
            self.position = match.end()
            return _Token(_Mark(match[1]), start, self.position)
        return self._read_term() or self._read_word()

    def _read_word(self) -> _Token:
        """Read a word, or a phrase in quotes with what adjoins it, as text to search for."""
        start = self.position
        self.position += self.text[start] == "-"
        if self.text.startswith(_QUOTES, self.position) and self._read_quoted() is None:
            after = self.text[self.position + 1 : self.position + 31]
            self._complain(f"The quote before “{after}” is not closed.")
            self.position = len(self.text)
            return _Token(_Mark.TERM, start, self.position)
        self.position = max(self._end_of(_BARE), start + 1)
        return _Token(_Mark.WORD, start, self.position)

    def _read_term(self) -> _Token | None:
        """Read the term that begins here; return None if it is text after all."""
        start = self.position
        if match := _FIELD.match(self.text, start):
            minus, name, sign = match[1], match[2], ""
            known = self.language.field(name)
        elif match := _COMPARISON.match(self.text, start):
            minus, name, sign = match[1], match[2], match[4]
            known = self._compared_field(match)
            if known is None:
                return None
        else:
            return None
        has_no_value = match.end() == len(self.text) or self.text[match.end()].isspace()
        if known is None and has_no_value:  # “ValueError: …” is a piece of a message
            return None
        if known is None:
            self.position = self._end_of(_BARE)
            return self._doubtful(start, self._unknown_field(minus, name, start))
        self.position = match.end()
        if has_no_value:
            sentence = (
                f"{known.name}: has no value; it follows the colon without a space, as in"
                f" {known.example}. To find the word itself, put it in quotes."
            )
            return self._doubtful(start, QueryProblem(sentence))
        if sign in ("!=", "=="):
            minus, sign = ("" if minus else "-") if sign == "!=" else minus, "="
        return self._read_values(known, start, sign, negated=bool(minus))

    def _compared_field(self, match: re.Match[str]) -> QueryField | None:
        """Return the field of a comparison; None for text, such as x = 5. No space may stand around
        the sign of a field that takes any word: name = x is code."""
        known = self.language.field(match[2])
        if known is None or not (match[3] or match[5]):
            return known
        if known.takes_range:
            return known if self.text[match.end()] in "0123456789.-" else None
        return known if known.choices else None

    def _read_values(self, known: QueryField, start: int, sign: str, *, negated: bool) -> _Token:
        """Read the values of a term that begins at `start`; `sign` is its comparison, or ""."""
        terms = []
        values = self._field_values(known)
        if sign not in ("", "=", *known.parser.comparisons):
            self._complain(f"{known.name} cannot be compared by {sign}: write {known.example}.")
            values = []
        kept_sign = sign if known.takes_range or known.takes_part else ""
        for value in values:
            try:
                terms.append(_parsed_term(known, kept_sign + value, negated=negated))
            except BadValue as problem:
                self._complain_of_value(known, start, problem, negated=negated)
        return _Token(_Mark.TERM, start, self.position, terms)

    def _field_values(self, known: QueryField) -> list[str]:
        """Read the values after the colon, separated by commas where the field takes a list."""
        values: list[str] = []
        while not self._is_at_end_of_term():
            value = self._field_value(known, _BARE_OF_LIST if known.takes_list else _BARE)
            if value is None:
                return values
            if value.strip() or known.is_text:
                values.append(value)
            if known.takes_list and self.text[self.position : self.position + 1] == ",":
                self.position += 1
        if not values:
            self._complain(f"{known.name}: has no value; write {known.example}.")
        return values

    def _is_at_end_of_term(self) -> bool:
        here = self.text[self.position : self.position + 1]
        return not here or here.isspace() or here == ")"

    def _field_value(self, known: QueryField, bare: re.Pattern[str]) -> str | None:
        """Read the value that begins here; return None if the rest of the text is unreadable."""
        start = self.position
        if self.text[start] not in _QUOTES:
            self.position = self._end_of(bare)
            bare_value = self.text[start : self.position]
            if bare_value.count(")") > bare_value.count("("):
                self._complain(
                    f"{known.name}: the parenthesis at the end of “{bare_value[:40]}” was not"
                    " opened; put a value that has one in quotes."
                )
                return None
            return bare_value
        value = self._read_quoted()
        if value is None:
            self._complain(f"{known.name}: the quote is not closed.")
            self.position = len(self.text)
        elif not self._is_at_end_of_term() and _BARE_OF_LIST.match(self.text, self.position):
            self._complain(
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
        """Return where the match of `pattern` that begins here ends: inside parentheses before the
        one that closes them."""
        match = pattern.match(self.text, self.position)
        if not self.depth:
            return match.end() if match else self.position
        depth = 0
        for index, character in enumerate(match[0] if match else "", self.position):
            depth += (character == "(") - (character == ")")
            if depth < 0:
                return index
        return match.end() if match else self.position

    def _complain(self, sentence: str, suggestion: str = "", start: int = 0) -> None:
        self.problems.append(self._problem(sentence, suggestion, start))

    def _problem(self, sentence: str, suggestion: str, start: int) -> QueryProblem:
        """Return a problem; `suggestion` stands for the text between `start` and here."""
        meant = self.text[:start] + suggestion + self.text[self.position :] if suggestion else ""
        return QueryProblem(sentence, suggestion, meant)

    def _doubtful(self, start: int, problem: QueryProblem) -> _Token:
        """Return a token that is wrong unless it stands in parentheses around words."""
        if self.depth:
            return _Token(_Mark.WORD, start, self.position, problem=problem)
        self.problems.append(problem)
        return _Token(_Mark.TERM, start, self.position)

    def _unknown_field(self, minus: str, name: str, start: int) -> QueryProblem:
        piece = self.text[start : self.position]
        sentence = (
            f"There is no field “{name[:40]}”. To find the words themselves, put them in quotes:"
            f" {quoted(piece[:60], always=True)}."
        )
        likely = self.language.suggestion(name)
        suggestion = minus + likely + piece[len(minus + name) :] if likely else ""
        return self._problem(sentence, suggestion, start)

    def _complain_of_value(
        self, known: QueryField, start: int, problem: BadValue, *, negated: bool
    ) -> None:
        suggestion = ""
        if problem.meant and not any(mark in self.text[start : self.position] for mark in '",'):
            suggestion = f"{'-' if negated else ''}{problem.meant}"
        self._complain(f"{known.name}: {problem}", suggestion, start)


@dataclass(slots=True)
class _Alternative:
    """What stands between two OR, or all where there is none. `is_empty`: nothing does, not even
    what is wrong."""

    terms: list[Term] = field(default_factory=list)
    groups: list[AnyOf] = field(default_factory=list)
    words: list[_Token] = field(default_factory=list)
    is_empty: bool = True

    def query(self) -> Query:
        return Query(tuple(dict.fromkeys(self.terms)), "", tuple(dict.fromkeys(self.groups)))


@dataclass(slots=True)
class _Level:
    """What stands in one pair of parentheses, or outside of all; `negated`: it is excluded."""

    negated: bool = False
    alternatives: list[_Alternative] = field(default_factory=lambda: [_Alternative()])

    @property
    def holds_words_only_once(self) -> bool:
        """Return whether words in it are words of the whole query."""
        return len(self.alternatives) == 1 and not self.negated


class _QueryBuilder:
    """Puts the tokens of a text together; what does not fit is a problem."""

    def __init__(self, text: str, problems: list[QueryProblem]) -> None:
        self.text = text
        self.problems = problems

    def build(self, tokens: list[_Token]) -> Query:
        tokens = self._structure(tokens)
        levels = [_Level()]
        negated = False
        for token in tokens:
            if token.mark is _Mark.OPENING:
                levels.append(_Level(token.negated != negated))
            elif token.mark is _Mark.CLOSING:
                self._close(levels.pop(), levels[-1].alternatives[-1])
            elif token.mark is _Mark.OR:
                levels[-1].alternatives.append(_Alternative())
            else:
                self._add(token, levels[-1].alternatives[-1], negated=negated)
            if len(levels) > MAX_DEPTH + 1:
                self._complain(f"Parentheses can be nested {MAX_DEPTH} deep, no deeper.")
                return Query()
            negated = token.mark is _Mark.NOT and not negated
        [level] = levels
        return self._whole(level)

    def _complain(self, sentence: str, suggestion: str = "") -> None:
        self.problems.append(QueryProblem(sentence, suggestion, suggestion))

    # -- what is text, and what holds the query together -------------------------------------------

    def _structure(self, tokens: list[_Token]) -> list[_Token]:
        """Return the tokens, of which what is text after all is marked as words: parentheses around
        words alone, AND between words, NOT before a word. Each opening parenthesis left has its
        closing one."""
        self._match_parentheses(tokens)
        conditions = {_Mark.TERM, _Mark.OPENING}
        for place in reversed(range(len(tokens))):
            token, after = tokens[place], tokens[place + 1 : place + 2]
            is_before_condition = bool(after) and after[0].mark in conditions | {_Mark.NOT}
            if token.mark is _Mark.NOT and not is_before_condition:
                token.mark = _Mark.WORD
            if token.mark is _Mark.AND and not is_before_condition:
                before = tokens[place - 1].mark if place else None
                if before not in (_Mark.TERM, _Mark.CLOSING):
                    token.mark = _Mark.WORD
        return tokens

    def _match_parentheses(self, tokens: list[_Token]) -> None:
        opened: list[tuple[_Token, bool]] = []  # and whether a condition stands in them
        before: _Token | None = None
        for token in tokens:
            if token.mark is _Mark.OPENING:
                opened.append((token, False))
            elif token.mark is _Mark.CLOSING:
                opening, has_condition = opened.pop()
                if not has_condition:
                    opening.mark = token.mark = _Mark.WORD
            if opened and token.mark in (_Mark.TERM, _Mark.OR, _Mark.CLOSING):
                opened[-1] = (opened[-1][0], True)
            follows_group = before and before.mark is _Mark.CLOSING and before.end == token.start
            if follows_group and token.mark is _Mark.WORD and self.text[token.start] == ")":
                self._complain("There are more closing parentheses than opening ones.")
            before = token
        for opening, has_condition in opened:
            opening.mark = _Mark.AND if has_condition else _Mark.WORD  # which means nothing
            if has_condition:
                after = self.text[opening.end : opening.end + 30]
                self._complain(f"The parenthesis before “{after}” is not closed.")

    # -- the query itself --------------------------------------------------------------------------

    def _add(self, token: _Token, alternative: _Alternative, *, negated: bool) -> None:
        if token.mark is _Mark.TERM:
            alternative.is_empty = False
            alternative.terms += (
                replace(term, negated=term.negated != negated) for term in token.terms
            )
        elif token.mark is _Mark.WORD:
            alternative.is_empty = False
            alternative.words.append(token)

    def _close(self, level: _Level, outer: _Alternative) -> None:
        """Add what stands in parentheses to what stands around them."""
        outer.is_empty = False
        words = [token for part in level.alternatives for token in part.words]
        self.problems += (token.problem for token in words if token.problem)
        words = [token for token in words if not token.problem]
        if level.holds_words_only_once:
            outer.words += words
            [inner] = level.alternatives
            outer.terms += (term for term in inner.terms if term.field.is_text)
            inner.terms = [term for term in inner.terms if not term.field.is_text]
        elif words:
            self._complain_of_words(self._joined(words))
        if group := self._group(level):
            outer.groups.append(group)

    def _group(self, level: _Level) -> AnyOf | None:
        self._complain_of_empty(level)
        for part in level.alternatives:
            for term in part.terms:
                if term.field.is_text:
                    self._complain_of_words(term.text)
            part.terms = [term for term in part.terms if not term.field.is_text]
        queries = [part.query() for part in level.alternatives]
        queries = [query for query in dict.fromkeys(queries) if query.terms or query.groups]
        if len(queries) == 1 and not queries[0].terms and len(queries[0].groups) == 1:
            [inner] = queries[0].groups
            return replace(inner, negated=inner.negated != level.negated)
        return AnyOf(tuple(queries), level.negated) if queries else None

    def _whole(self, level: _Level) -> Query:
        first = level.alternatives[0]
        if len(level.alternatives) == 1:
            return replace(first.query(), words=self._joined(first.words))
        words = [token for part in level.alternatives for token in part.words]
        group = self._group(level)
        if words:
            together = f"{group.text} {self._joined(words)}" if group else ""
            has_conditions = all(part.terms or part.groups for part in level.alternatives)
            is_clear = has_conditions and not self.problems
            self._complain_of_words(self._joined(words), together if is_clear else "")
        return Query(groups=(group,) if group else ())

    def _complain_of_empty(self, level: _Level) -> None:
        if len(level.alternatives) > 1 and any(part.is_empty for part in level.alternatives):
            self._complain(
                "OR stands between two conditions, as in status:failed OR cost>1. To find the word"
                " itself, put it in quotes."
            )

    def _complain_of_words(self, words: str, suggestion: str = "") -> None:
        self._complain(
            f"“{words[:40]}” is text to search for, which can be no alternative and"
            " not stand in parentheses with a minus: put it outside of them. To find the word OR"
            " itself, put it in quotes.",
            suggestion,
        )

    def _joined(self, words: list[_Token]) -> str:
        """Return the text of words, which stand together where they did."""
        parts: list[str] = []
        end = -1
        for token in words:
            text = self.text[token.start : token.end]
            if token.start == end:
                parts[-1] += text
            else:
                parts.append(text)
            end = token.end
        if parts and parts[0] in ("AND", "NOT"):  # which a term may come to stand beside
            parts[0] = quoted(parts[0], always=True)
        return " ".join(parts)


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
