"""The filters in force: what an address asks for, from its parameters to the runs."""

from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import cached_property
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict
from django.utils import timezone

from nodes.ids import as_uuid
from runs.models import App, ErrorGroup
from runs.models.run import RunQuerySet
from runs.paging import Order
from runs.query.address import NEWEST, PARTS, query_string, typed
from runs.query.conditions import meeting, moment
from runs.query.form_fields import NUL, without_nul
from runs.query.language import Query, Term, parse
from runs.search import Terms, parse_text
from runs.search.terms import MAX_WORDS, as_phrases

ORDERS = {
    NEWEST: Order("started_at"),
    "started_at": Order("started_at", descending=False),
    "-duration": Order("duration_us"),
    "-cost": Order("cost"),
    "-tokens": Order("total_tokens"),
}
ORDER_LABELS = {
    NEWEST: "Newest first",
    "started_at": "Oldest first",
    "-duration": "Slowest first",
    "-cost": "Most expensive first",
    "-tokens": "Most tokens first",
}
FEW_WORDS = 6  # up to so many, a search that finds nothing offers to leave one out


@dataclass(frozen=True, slots=True)
class Chip:
    """A condition in force; `href` is the list without it."""

    name: str
    value: str
    negated: bool
    href: str


def group_of(term: Term) -> UUID | None:
    """The kind of failure that a term names by its id, which tells people nothing."""
    return as_uuid(term.value) if term.field.name == "errorgroup" else None


class RunFilters:
    """The query string of `/runs/`, `/apps/<slug>/`, `/runs.json` …, and what it means. Anything it
    does not understand is a sentence in `sentences`."""

    def __init__(
        self, data: QueryDict, *, app: App | None = None, readable_by: App | None = None
    ) -> None:
        """`app`: the list is that app's own. `readable_by`: the one app that a bound key may
        read."""
        self.data, unreadable = without_nul(data)
        self.only_app = app
        self.readable_by = readable_by
        self.now = timezone.now()
        text, wrong = typed(self.data.lists())
        self.query, problems = parse(text)
        self._problems = [NUL] * unreadable + wrong + problems
        # What the search box holds: as it was typed, where it was not understood.
        self.text = text if problems else self.query.text
        self.order = self.data.get("order") or NEWEST

    # -- what is wrong ----------------------------------------------------------------------------

    @cached_property
    def sentences(self) -> list[str]:
        """What is wrong, for a page or a machine."""
        said = list(self._problems)
        if self.order not in ORDERS:
            said.append(f"Order: there is no order “{self.order[:40]}”.")
        elif self.order != NEWEST and self.terms:
            said.append(
                "What words find is listed newest first: leave the words away, or the order."
            )
        if self.query.words and not self.terms:
            said.append(f"There is nothing to be found in “{self.query.words[:40]}”.")
        if len(self.terms.words) >= MAX_WORDS:
            said.append(f"Fewer than {MAX_WORDS} words can be looked for at once.")
        if self.since and self.until and self.since >= self.until:
            said.append("since is not before until, so that no time is left.")
        return said + self._wrong_apps()

    def is_valid(self) -> bool:
        return not self.sentences

    @cached_property
    def understood(self) -> "RunFilters":
        """The filters without what is wrong in them; all runs if the rest makes no sense either."""
        if self.is_valid():
            return self
        wrong = [term for sort in self.query.of("app") for term in sort
                 if self.only_app or term.value not in self._apps]  # fmt: skip
        query = self.query.without(*wrong)
        left = map(self.asking, (query, Query(query.terms), Query()))
        return next(filter(RunFilters.is_valid, left))

    def asking(self, query: Query) -> "RunFilters":
        """The same list with another query, newest first."""
        told = QueryDict(query_string(query)[1:])
        return RunFilters(told, app=self.only_app, readable_by=self.readable_by)

    @property
    def since(self) -> datetime | None:
        """The one moment from which on runs are asked for."""
        return self._moment("since")

    @property
    def until(self) -> datetime | None:
        """The one moment before which runs are asked for."""
        return self._moment("until")

    def _moment(self, name: str) -> datetime | None:
        asked = self.query.of(name)[0]
        return moment(asked[0], self.now) if len(asked) == 1 else None

    def _wrong_apps(self) -> list[str]:
        asked, taken = self.query.of("app")
        if self.only_app and (asked or taken):
            return [
                f"This is the history of one app: “{(asked + taken)[0].text}” has no place here."
            ]
        missing = [t.value for t in asked + taken if t.value not in self._apps]
        if not missing:
            return []
        slugs = list(
            App.objects.readable_by(self.readable_by).values_list("slug", flat=True)[:1000]
        )
        said = []
        for name in missing:
            near = get_close_matches(name, slugs, n=1) or [s for s in slugs if name in s][:1]
            asks = f" Did you mean “{near[0]}”?" if near else ""
            said.append(f"App: there is no app “{name[:80]}”.{asks}")
        return said

    @cached_property
    def _apps(self) -> dict[str, App]:
        """The apps that the query names, by slug."""
        names = [term.value for sort in self.query.of("app") for term in sort]
        if not names:
            return {}
        found = App.objects.readable_by(self.readable_by).filter(slug__in=names)
        return {app.slug: app for app in found}

    # -- what they let through --------------------------------------------------------------------

    def _asked_apps(self, query: Query) -> list[App]:
        """The apps whose runs are asked for; none: all. A bound key reads its own app only."""
        if bound := self.only_app or self.readable_by:
            return [bound]
        return [self._apps[term.value] for term in query.of("app")[0]]

    @cached_property
    def terms(self) -> Terms:
        """The words to be found, false for none."""
        return parse_text(self.query.words)

    def apply(self, runs: RunQuerySet, query: Query | None = None) -> list[RunQuerySet]:
        """The runs that the filters but the words let through, not yet in order, in parts for
        `page_of`. `query` stands for another, of the same apps or more."""
        query = self.query if query is None else query
        runs = meeting(runs, query, self._asked_apps(query), self.now)
        return runs.of_each_status([term.value for term in query.of("status")[0]])

    def narrowed(self, runs: RunQuerySet) -> RunQuerySet:
        """The same in one part, for whoever puts them in order by other means."""
        statuses = [term.value for term in self.query.of("status")[0]]
        runs = meeting(runs, self.query, self._asked_apps(self.query), self.now)
        return runs.filter(status__in=statuses) if statuses else runs

    @property
    def ordering(self) -> Order:
        return ORDERS[self.order]

    # -- what a page says of them -----------------------------------------------------------------

    @property
    def in_use(self) -> bool:
        return bool(self.query.terms or self.query.words)

    @property
    def orders(self) -> list[tuple[str, str, bool]]:
        """(value, label, chosen) of each order."""
        return [(order, label, order == self.order) for order, label in ORDER_LABELS.items()]

    @property
    def chips(self) -> list[Chip]:
        groups = ErrorGroup.objects.in_bulk(
            [pk for term in self.query.terms if (pk := group_of(term))]
        )
        chips = []
        for term in self.query.terms:
            pk = group_of(term)
            value = str(groups[pk]) if pk in groups else term.value
            href = self.href(self.query.without(term))
            chips.append(Chip(term.field.name, value, term.negated, href))
        if self.query.words:
            without = self.href(Query(self.query.terms))
            chips.append(Chip("text", self.query.words, negated=False, href=without))
        return chips

    def href(self, query: Query) -> str:
        """This list with another query."""
        return query_string(query, self.order)

    @property
    def as_it_stands(self) -> str:
        """The address of a search for what was typed, even if it looks like a query."""
        return query_string(Query(words=as_phrases(self.text)))

    @property
    def one_less(self) -> list[tuple[str, str]]:
        """Of a few words: each, and the address of the search for the others."""
        words, aside = self.terms.words, [f"-{as_phrases(word)}" for word in self.terms.without]
        if not 1 < len(words) <= FEW_WORDS:
            return []
        left = {word: [as_phrases(one) for one in words if one != word] for word in words}
        return [
            (word, self.href(Query(self.query.terms, " ".join(others + aside))))
            for word, others in left.items()
        ]

    @property
    def facets_href(self) -> str:
        """The same list with its facets."""
        told = self.as_told()
        return f"?{told}&facets=1" if told else "?facets=1"

    def toggled(self, term: Term) -> str:
        """This list with `term`, or without it where it is in force."""
        query = self.query
        return self.href(query.without(term) if query.has(term) else query.plus(term))

    def as_told(self, after: str = "") -> str:
        """The query string as it came, without what is empty; `after` at its end."""
        told = [
            (name, value)
            for name, values in self.data.lists()
            for value in values
            if value and name not in PARTS and (name, value) != ("order", NEWEST)
        ]
        return urlencode([*told, ("after", after)] if after else told)
