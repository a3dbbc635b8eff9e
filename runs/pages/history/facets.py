"""Facets: counts of the commonest values of some fields, each a link that narrows the list to that
value or widens it again."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from nodes import formats
from nodes.kinds import kind_of
from runs.choices import RunStatus
from runs.json.facets import FacetsJson
from runs.models import App, ErrorGroup, Version
from runs.pages.history.facet_counts import (
    COUNTED_OF_STEPS,
    FacetCounts,
    FirstSearchPage,
    count_facets,
)
from runs.query.fields import FACETS, LANGUAGE
from runs.query.language import Term
from runs.query.run_filters import RunFilters

MAX_VALUES = 8  # of a facet, beside the active ones
MAX_LABELS = 50  # values stored as ids for which names are read


@dataclass(frozen=True, slots=True)
class FacetValue:
    """`label` is the value for people; `href` adds it to the filters or, where it is active,
    removes it."""

    term: Term
    label: str
    count: int
    chosen: bool
    href: str


@dataclass(frozen=True, slots=True)
class Facet:
    """`name` of a field, and the commonest of its values; `more`: how many are left out;
    `of_steps`: it was counted over `Facets.step_runs`."""

    name: str
    label: str
    values: list[FacetValue]
    more: int
    of_steps: bool

    @property
    def chosen(self) -> bool:
        return any(value.chosen for value in self.values)

    def narrows(self, runs: int) -> bool:
        """Return whether there is a choice: a value that all of the `runs` have narrows nothing."""
        if self.chosen or len(self.values) > 1:
            return True
        return bool(self.values) and self.values[0].count < runs


@dataclass(frozen=True, slots=True)
class Facets:
    """`runs`: how many were counted, `bounded`: there are more; `step_runs`: over how many the
    steps were counted."""

    facets: list[Facet]
    runs: int
    bounded: bool
    step_runs: int


def facets_of(filters: RunFilters, first_page: FirstSearchPage | None = None) -> Facets:
    """Count the facets of a list (see `count_facets`). Where the filters are wrong, what is
    understood of them is counted, without the words, which may match nothing. The number of queries
    is constant."""
    understood = filters.understood
    if understood is filters:
        counts = count_facets(filters, first_page)
    else:
        filters = understood
        counts = count_facets(filters.with_query(filters.query.without_words()))
    if counts.apps > 1:
        del counts.by_field["version"]  # numbers and labels are an app's own
    labels = _labels_by_field(counts)
    facets = [
        _facet(filters, name, counts.by_field[name], labels)
        for name in FACETS
        if name in counts.by_field
    ]
    narrowing = [facet for facet in facets if facet.narrows(counts.runs)]
    return Facets(narrowing, counts.runs, counts.bounded, counts.step_runs)


@dataclass(frozen=True, slots=True)
class LabelledValue:
    """A stored value: as the query has it, its label for people, and what else may be typed for
    it."""

    value: str
    label: str
    also_typed: frozenset[str] = frozenset()


def _labels_by_field(counts: FacetCounts) -> dict[str, dict[Any, LabelledValue]]:
    """Return names for the values that are stored as ids. Takes three queries."""

    def commonest(name: str) -> list[Any]:
        return [pk for pk, _ in counts.by_field.get(name, Counter()).most_common(MAX_LABELS)]

    apps = App.objects.in_bulk(commonest("app"))
    versions = Version.objects.defer("graph", "configuration").in_bulk(commonest("version"))
    groups = ErrorGroup.objects.in_bulk(commonest("errorgroup"))
    titles = {word: word for name in ("node", "failed_in") for word in counts.by_field[name]}
    titles |= counts.titles
    nodes = {pk: LabelledValue(pk, title or pk) for pk, title in titles.items()}
    return {
        "model": {
            name: LabelledValue(f"={name}", name, frozenset((name,)))
            for name in counts.by_field["model"]
        },
        "app": {pk: LabelledValue(app.slug, app.name) for pk, app in apps.items()},
        "version": {pk: _version_label(version) for pk, version in versions.items()},
        "errorgroup": {pk: LabelledValue(str(pk), str(group)) for pk, group in groups.items()},
        "status": {
            status.value: LabelledValue(status.value, str(status.label)) for status in RunStatus
        },
        "node": nodes,
        "failed_in": nodes,
        "kind": {key: LabelledValue(key, kind_of(key).label) for key in counts.by_field["kind"]},
    }


def _version_label(version: Version) -> LabelledValue:
    number = f"#{version.number}"
    label = f"{version.short} ({number})" if version.label else number
    return LabelledValue(number, label, frozenset((str(version.number), version.label)))


def _facet(
    filters: RunFilters,
    name: str,
    counted: Counter[Any],
    labels: dict[str, dict[Any, LabelledValue]],
) -> Facet:
    """Return the commonest values of the field `name`, after the active ones."""
    in_force = {term.value: term for term in filters.query.required(name)}
    known = labels.get(name)
    values: list[FacetValue] = []
    for stored, count in sorted(counted.items(), key=lambda item: (-item[1], str(item[0]))):
        labelled = LabelledValue(str(stored), str(stored)) if known is None else known.get(stored)
        if labelled is None or "\0" in labelled.value:
            continue
        spellings = [labelled.value, *labelled.also_typed]
        term = next((in_force.pop(word) for word in spellings if word in in_force), None)
        if term or len(values) < MAX_VALUES:
            chosen = term is not None
            term = term or LANGUAGE.term(name, labelled.value)
            values.append(_facet_value(filters, term, labelled.label, count, chosen=chosen))
    for term in in_force.values():
        label = known[term.value].label if known and term.value in known else term.value
        values.append(_facet_value(filters, term, label, 0, chosen=True))
    values.sort(key=lambda value: not value.chosen)
    more = max(len(counted) - len(values), 0)
    return Facet(name, FACETS[name].label, _distinguished(values), more, name in COUNTED_OF_STEPS)


def _distinguished(values: list[FacetValue]) -> list[FacetValue]:
    """Return the values with their ids behind labels that several of them have."""
    labels = Counter(value.label for value in values)
    return [
        replace(value, label=f"{value.label} ({formats.visible(value.term.value)})")
        if labels[value.label] > 1 and value.term.value != value.label
        else value
        for value in values
    ]


def _facet_value(
    filters: RunFilters, term: Term, label: str, count: int, *, chosen: bool
) -> FacetValue:
    return FacetValue(term, formats.visible(label), count, chosen, filters.toggled(term))


def facets_json(facets: Facets, list_url: str) -> FacetsJson:
    """Return the machine twin. `query` of a value is the query text for it alone; `url` is the list
    with it, or without it where it is active."""
    return {
        "runs": facets.runs,
        "bounded": facets.bounded,
        "runs_of_steps": facets.step_runs,
        "facets": [
            {
                "field": facet.name,
                "label": facet.label,
                "values": [
                    {
                        "value": value.term.value.removeprefix("="),
                        "label": value.label,
                        "runs": value.count,
                        "chosen": value.chosen,
                        "query": value.term.text,
                        "url": list_url + value.href,
                    }
                    for value in facet.values
                ],
                "more": facet.more,
            }
            for facet in facets.facets
        ],
    }
