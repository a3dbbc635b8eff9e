"""What the runs of a list have in common, counted: each value a link that narrows the list to it or
takes it away again."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from nodes import formats
from nodes.kinds import kind_of
from runs.choices import RunStatus
from runs.models import App, ErrorGroup, Version
from runs.pages.history.facet_counts import Counts, Shown, counts_of
from runs.query.language import Query, Term, term
from runs.query.run_filters import RunFilters

SHOWN = 8
FACETS = {
    "status": "Status",
    "app": "App",
    "version": "Version",
    "failed_in": "Failed in",
    "errorgroup": "Kind of failure",
    "model": "Model",
    "node": "Node",
    "kind": "Kind of node",
    "user": "User",
    "source": "Source",
    "trigger": "Trigger",
    "environment": "Environment",
    "tag": "Tag",
}


@dataclass(frozen=True, slots=True)
class Value:
    """`value` as the query has it, `label` for people; `href` puts it in force or, where it is, out
    of it."""

    term: Term
    label: str
    count: int
    chosen: bool
    href: str


@dataclass(frozen=True, slots=True)
class Facet:
    name: str
    label: str
    values: list[Value]
    more: int

    @property
    def chosen(self) -> bool:
        return any(value.chosen for value in self.values)

    def narrows(self, runs: int) -> bool:
        """Whether there is a choice; what all of the `runs` have in common is none."""
        if self.chosen or len(self.values) > 1:
            return True
        return bool(self.values) and self.values[0].count < runs


@dataclass(frozen=True, slots=True)
class Facets:
    """`runs`: how many were counted, `bounded`: there are more; `of_steps`: over how many the
    steps were counted."""

    facets: list[Facet]
    runs: int
    bounded: bool
    of_steps: int


def facets_of(filters: RunFilters, shown: Shown | None = None) -> Facets:
    """See `counts_of`. Where the filters are wrong, what is understood of them is counted, without
    the words, which may find nothing. A constant number of queries."""
    understood = filters.understood
    if understood is filters:
        counts = counts_of(filters, shown)
    else:
        filters, counts = understood, counts_of(understood.asking(Query(understood.query.terms)))
    if counts.apps > 1:
        del counts.by_field["version"]  # numbers and labels are an app's own
    labels = _labels(counts)
    facets = [
        _facet(filters, name, counts.by_field[name], labels)
        for name in FACETS
        if name in counts.by_field
    ]
    told = [facet for facet in facets if facet.narrows(counts.runs)]
    return Facets(told, counts.runs, counts.bounded, counts.step_runs)


@dataclass(frozen=True, slots=True)
class Named:
    """Of a stored value: as the query has it, for people, and what else may be typed for it."""

    value: str
    label: str
    also: frozenset[str] = frozenset()


def _labels(counts: Counts) -> dict[str, dict[Any, Named]]:
    """Of what is stored as an id. Three queries."""

    def commonest(name: str) -> list[Any]:
        return [pk for pk, _ in counts.by_field.get(name, Counter()).most_common(50)]

    apps = App.objects.in_bulk(commonest("app"))
    versions = Version.objects.defer("graph", "configuration").in_bulk(commonest("version"))
    groups = ErrorGroup.objects.in_bulk(commonest("errorgroup"))
    typed = {word: word for name in ("node", "failed_in") for word in counts.by_field[name]}
    nodes = {pk: Named(pk, title or pk) for pk, title in (typed | counts.titles).items()}
    return {
        "app": {pk: Named(app.slug, app.name) for pk, app in apps.items()},
        "version": {pk: _numbered(one) for pk, one in versions.items()},
        "errorgroup": {pk: Named(str(pk), str(group)) for pk, group in groups.items()},
        "status": {status.value: Named(status.value, str(status.label)) for status in RunStatus},
        "node": nodes,
        "failed_in": nodes,
        "kind": {key: Named(key, kind_of(key).label) for key in counts.by_field["kind"]},
    }


def _numbered(version: Version) -> Named:
    number = f"#{version.number}"
    label = f"{version.short} ({number})" if version.label else number
    return Named(number, label, frozenset((str(version.number), version.label)))


def _facet(
    filters: RunFilters, name: str, counted: Counter[Any], labels: dict[str, dict[Any, Named]]
) -> Facet:
    """The commonest values, those in force before all."""
    in_force = {one.value: one for one in filters.query.of(name)[0]}
    known = labels.get(name)
    values: list[Value] = []
    for stored, count in sorted(counted.items(), key=lambda one: (-one[1], str(one[0]))):
        named = Named(str(stored), str(stored)) if known is None else known.get(stored)
        if named is None or "\0" in named.value:
            continue
        words = [named.value, *named.also]
        one = next((in_force.pop(word) for word in words if word in in_force), None)
        if one or len(values) < SHOWN:
            values.append(
                _value(filters, one or term(name, named.value), named.label, count, bool(one))
            )
    for one in in_force.values():
        label = known[one.value].label if known and one.value in known else one.value
        values.append(_value(filters, one, label, 0, True))
    values.sort(key=lambda value: not value.chosen)
    return Facet(name, FACETS[name], values, max(len(counted) - len(values), 0))


def _value(filters: RunFilters, one: Term, label: str, count: int, chosen: bool) -> Value:
    return Value(one, formats.visible(label), count, chosen, filters.toggled(one))


def facets_json(facets: Facets, list_url: str) -> dict[str, Any]:
    """The machine twin. `query` of a value is the text that asks for it alone; `url` the list with
    it in force, or without it where it is."""
    return {
        "runs": facets.runs,
        "bounded": facets.bounded,
        "runs_of_steps": facets.of_steps,
        "facets": [
            {
                "field": facet.name,
                "label": facet.label,
                "values": [
                    {
                        "value": value.term.value,
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
