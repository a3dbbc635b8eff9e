"""The active filters of a list: reads them from an address and selects the runs."""

from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from functools import cached_property
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from nodes.ids import as_uuid
from runs.models import App, ErrorGroup
from runs.models.run import RunQuerySet
from runs.paging import PAGE_SIZE, Order
from runs.query.address import NEWEST, PAGE_PARAMETERS, query_string, text_from_parameters
from runs.query.conditions import timestamp_of, values_of
from runs.query.fields import LANGUAGE
from runs.query.form_fields import NUL, without_nul
from runs.query.language import Query, QueryProblem, Term
from runs.query.matching import matching_runs, searched_steps, step_texts
from runs.search import SearchResult, SearchTerms, find, parse_text
from runs.search.hits import MAX_HITS, MAX_HITS_OF_ONE_RUN
from runs.search.limits import SearchLimits
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
class FilterChip:
    """An active condition; `href` is the list without it."""

    name: str
    value: str
    negated: bool
    href: str


@dataclass(frozen=True, slots=True)
class FilterProblem:
    """A sentence about what is wrong with the filters; `href` leads to the list for what was
    probably meant, with `suggestion` in place of the wrong part ("": nobody knows)."""

    sentence: str
    suggestion: str
    href: str

    def __str__(self) -> str:
        return self.sentence


def app_terms(query: Query) -> list[Term]:
    """Return the terms that name an app, also those that exclude it or are alternatives."""
    return [term for term in query.every_term if term.field.name == "app"]


def error_group_id(term: Term) -> UUID | None:
    """Return the error group that a term names by its id, which people cannot read."""
    return as_uuid(term.value) if term.field.name == "errorgroup" else None


class RunFilters:
    """The query string of `/runs/`, `/apps/<slug>/`, `/runs.json` …, and what it means. Anything it
    does not understand is a sentence in `sentences`."""

    def __init__(
        self, data: QueryDict, *, app: App | None = None, readable_by: App | None = None
    ) -> None:
        """Parse the parameters of an address. `app` is set where the list is that app's own;
        `readable_by` is the one app that a bound key may read."""
        self.data, unreadable = without_nul(data)
        self.only_app = app
        self.readable_by = readable_by
        self.now = timezone.now()
        text, unknown = text_from_parameters(LANGUAGE, self.data.lists())
        self._typed, self._parsed = text, LANGUAGE.parse(text)
        self._problems = [QueryProblem(sentence) for sentence in [NUL] * unreadable + unknown]
        self.order = self.data.get("order") or NEWEST

    @cached_property
    def query(self) -> Query:
        """Return the query, in which apps are named by their slugs."""
        query, _ = self._parsed
        slug_terms = {
            term: [
                replace(term, value=app.slug, parsed=app.slug)
                for app in self._apps_by_name.get(term.value, ())
            ]
            for term in app_terms(query)
        }
        return query.with_terms({term: terms for term, terms in slug_terms.items() if terms})

    @property
    def text(self) -> str:
        """Return what the search box holds: the text as it was typed where it was not
        understood."""
        _, problems = self._parsed
        return self._typed if problems else self.query.text

    # -- what is wrong ----------------------------------------------------------------------------

    @cached_property
    def sentences(self) -> list[str]:
        """Return what is wrong with the filters, one sentence each, for a machine."""
        return [str(problem) for problem in self._all_problems]

    @property
    def problems(self) -> list[FilterProblem]:
        """Return what is wrong with the filters, for a page."""
        return [
            FilterProblem(
                problem.sentence,
                problem.suggestion,
                "?" + urlencode({"q": problem.meant}) if problem.meant else "",
            )
            for problem in self._all_problems
        ]

    @cached_property
    def _all_problems(self) -> list[QueryProblem]:
        problems = [*self._problems, *self._parsed[1]]
        sentences = []
        if self.order not in ORDERS:
            sentences.append(f"Order: there is no order “{self.order[:40]}”.")
        elif self.order != NEWEST and self.search_terms:
            sentences.append(
                "Search results are listed newest first. Remove the words, or the order."
            )
        if self.query.words and not self.search_terms:
            problems.append(
                QueryProblem(
                    f"“{self.query.words[:40]}” has no letters or digits to search for.",
                    "returned:empty",
                    self.query.without_words().text + " returned:empty",
                )
            )
        if len(self.search_terms.words) >= MAX_WORDS:
            sentences.append(f"Fewer than {MAX_WORDS} words can be searched for at once.")
        if self.since and self.until and self.since >= self.until:
            sentences.append("since is not before until, so no run can match.")
        return problems + list(map(QueryProblem, sentences)) + self._app_problems()

    def is_valid(self) -> bool:
        return not self._all_problems

    @cached_property
    def understood(self) -> "RunFilters":
        """Return the filters without what is wrong in them; those of all runs where the rest makes
        no sense either."""
        if self.is_valid():
            return self
        unknown_apps = [
            term
            for term in app_terms(self.query)
            if self.only_app or term.value not in self._apps_by_name
        ]
        query = self.query.without(*unknown_apps)
        candidates = map(self.with_query, (query, query.without_words(), Query()))
        return next(filter(RunFilters.is_valid, candidates))

    def with_query(self, query: Query) -> "RunFilters":
        """Return the filters of the same list with another query, newest first."""
        data = QueryDict(query_string(query)[1:])
        return RunFilters(data, app=self.only_app, readable_by=self.readable_by)

    @property
    def since(self) -> datetime | None:
        """Return the earliest start that the filters allow."""
        return self._single_timestamp("since")

    @property
    def until(self) -> datetime | None:
        """Return the time before which a run must have started."""
        return self._single_timestamp("until")

    def _single_timestamp(self, name: str) -> datetime | None:
        terms = self.query.required(name)
        return timestamp_of(terms[0], self.now) if len(terms) == 1 else None

    def _app_problems(self) -> list[QueryProblem]:
        terms = app_terms(self.query)
        if self.only_app and terms:
            sentence = f"This is the history of one app: “{terms[0].text}” cannot be used here."
            return [QueryProblem(sentence)]
        missing = [term for term in terms if term.value not in self._apps_by_name]
        if not missing:
            return []
        readable = App.objects.readable_by(self.readable_by).values_list("slug", "name")
        slugs = {name: slug for slug, title in readable[:1000] for name in (slug, title)}
        return [self._missing_app_problem(term, slugs) for term in missing]

    def _missing_app_problem(self, term: Term, slugs: dict[str, str]) -> QueryProblem:
        """Return the problem of a term whose app nobody knows; `slugs`: by names and slugs."""
        name = term.value
        near = get_close_matches(name, slugs, n=1) or [known for known in slugs if name in known]
        sentence = f"App: there is no app “{name[:80]}”."
        if not near:
            return QueryProblem(sentence)
        slug = slugs[near[0]]
        meant = replace(term, value=slug, parsed=slug)
        return QueryProblem(sentence, meant.text, self.query.with_terms({term: [meant]}).text)

    @cached_property
    def _apps_by_name(self) -> dict[str, list[App]]:
        """Return the apps that the query names, by slug and by what was typed. One query, none
        where no app is named."""
        names = {term.value for term in app_terms(self._parsed[0])}
        if not names or self.only_app:
            return {}
        apps = list(App.objects.readable_by(self.readable_by).called(names))
        by_name = {app.slug: [app] for app in apps}
        for name in names - by_name.keys():
            named = [app for app in apps if app.name.casefold() == name.casefold()]
            by_name |= {name: named} if named else {}
        return by_name

    # -- the runs that match ----------------------------------------------------------------------

    def _listed_apps(self, query: Query) -> list[App]:
        """Return the apps whose runs are listed; none: all. A bound key reads its own app only."""
        if bound := self.only_app or self.readable_by:
            return [bound]
        slugs = values_of(query.required("app"))
        return [app for slug in slugs for app in self._apps_by_name.get(slug, ())]

    @property
    def listed_app(self) -> App | None:
        """Return the app whose runs are listed, None for those of several apps."""
        apps = self._listed_apps(self.query)
        return apps[0] if len(apps) == 1 else None

    @cached_property
    def search_terms(self) -> SearchTerms:
        """Return the words to search for, and the texts of steps; they are falsy where there are
        none."""
        return replace(parse_text(self.query.words), step_texts=step_texts(self.query))

    def find(
        self,
        runs: RunQuerySet,
        after: str = "",
        size: int = PAGE_SIZE,
        *,
        since: datetime | None = None,
        limits: SearchLimits | None = None,
    ) -> SearchResult:
        """Search among the runs that match all other filters (see `runs.search.find`); `since`: the
        time before which none of `runs` started, by default that of the filters."""
        of_one_run = bool(self.query.required("id"))
        result = find(
            self.filtered(runs),
            self.search_terms,
            after,
            size,
            since=since or self.since,
            until=self.until,
            limits=limits,
            steps=searched_steps(self.query),
            most_hits=MAX_HITS_OF_ONE_RUN if of_one_run else MAX_HITS,
        )
        for run in result.rows if not of_one_run else ():
            term = LANGUAGE.term("id", run.pk.hex)
            run.hits_href = reverse("runs") + query_string(self.query.plus(term))  # type: ignore[attr-defined]
        return result

    def filtered_parts(self, runs: RunQuerySet, query: Query | None = None) -> list[RunQuerySet]:
        """Return the runs that match all filters but the words, not yet in order, in parts that
        `page_of` merges: a part for each status that is asked for. `query` stands in for the
        filters' own query; it may only ask for the same apps, or for more of them."""
        query = self.query if query is None else query
        runs = matching_runs(runs, query, self._listed_apps(query), self.now)
        return runs.of_each_status(values_of(query.required("status")))

    def filtered(self, runs: RunQuerySet) -> RunQuerySet:
        """Return the same runs as one queryset, for callers that bring an order of their own."""
        statuses = values_of(self.query.required("status"))
        runs = matching_runs(runs, self.query, self._listed_apps(self.query), self.now)
        return runs.filter(status__in=statuses) if statuses else runs

    @property
    def ordering(self) -> Order:
        return ORDERS[self.order]

    # -- what a page shows of the filters ---------------------------------------------------------

    @property
    def in_use(self) -> bool:
        return self.query != Query()

    @property
    def orders(self) -> list[tuple[str, str, bool]]:
        """Return (value, label, chosen) of each order."""
        return [(order, label, order == self.order) for order, label in ORDER_LABELS.items()]

    @property
    def chips(self) -> list[FilterChip]:
        groups = ErrorGroup.objects.in_bulk(
            [pk for term in self.query.terms if (pk := error_group_id(term))]
        )
        chips = []
        for term in self.query.terms:
            pk = error_group_id(term)
            value = str(groups[pk]) if pk in groups else term.value
            href = self.href(self.query.without(term))
            chips.append(FilterChip(term.field.name, value, term.negated, href))
        for group in self.query.groups:
            href = self.href(self.query.without(group))
            alternatives = replace(group, negated=False).text
            chips.append(FilterChip("any of", alternatives, group.negated, href))
        if self.query.words:
            without = self.href(self.query.without_words())
            chips.append(FilterChip("text", self.query.words, negated=False, href=without))
        return chips

    def href(self, query: Query) -> str:
        """Return the address of this list with another query."""
        return query_string(query, self.order)

    @property
    def literal_search_href(self) -> str:
        """Return the address of a search for the text as it was typed, even if it looks like a
        query."""
        return query_string(Query(words=as_phrases(self.text)))

    @property
    def searches_without_a_word(self) -> list[tuple[str, str]]:
        """Return (word, address of the search for the other words) of each word; [] for a single
        word or for more than FEW_WORDS."""
        words = self.search_terms.words
        excluded = [f"-{as_phrases(word)}" for word in self.search_terms.without]
        if not 1 < len(words) <= FEW_WORDS:
            return []
        others_by_word = {
            word: [as_phrases(other) for other in words if other != word] for word in words
        }
        return [
            (word, self.href(replace(self.query, words=" ".join(others + excluded))))
            for word, others in others_by_word.items()
        ]

    @property
    def facets_href(self) -> str:
        """Return the address of the same list with its facets."""
        parameters = self.as_query_string()
        return f"?{parameters}&facets=1" if parameters else "?facets=1"

    @property
    def figures_href(self) -> str:
        """Return the address of the same list with its figures."""
        parameters = self.as_query_string()
        return f"?{parameters}&figures=1" if parameters else "?figures=1"

    def toggled(self, term: Term) -> str:
        """Return the address of this list with `term`, or without it where it is active."""
        query = self.query
        return self.href(query.without(term) if query.has(term) else query.plus(term))

    def as_query_string(self, after: str = "") -> str:
        """Return the query string as it came, without empty values; `after` at its end."""
        parameters = [
            (name, value)
            for name, values in self.data.lists()
            for value in values
            if value and name not in PAGE_PARAMETERS and (name, value) != ("order", NEWEST)
        ]
        return urlencode([*parameters, ("after", after)] if after else parameters)
