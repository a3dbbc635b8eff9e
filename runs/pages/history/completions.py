"""Completes what is typed into the search box: names of fields first, then values that the newest
runs have. What is suggested stands for the last word; the words before it stay."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from typing import Any

from django.db.models import Count

from nodes.models import NodeExecution
from runs.models import App, Run
from runs.models.run import RunQuerySet
from runs.query.fields import FACETS, FIELDS, LANGUAGE, FilterField
from runs.query.language import MAX_LENGTH, QueryField, quoted
from runs.query.run_filters import RunFilters

MAX_COMPLETIONS = 20
MAX_APPS = 500
# Values are those of so many of the newest runs, or of the steps of so many.
RUNS_WITH_VALUES, RUNS_WITH_STEPS = 1_000, 100
# A word without a field is taken for a value, too, from so many letters on.
MIN_VALUE_LENGTH = 2
_LAST_WORD = re.compile(r'(?:[^\s"(]|"(?:[^"\\]|\\.)*"?)+\Z')
_TERM = re.compile(r"(?P<head>-?(?P<name>[A-Za-z_-]+)(?:=|:=?)(?:.*,)?)(?P<value>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Completion:
    """`text` is the whole query with what is suggested. A browser offers it where what was typed
    stands in it or in its `label`, which says what it means, or how else it may be typed."""

    text: str
    label: str


def completions(filters: RunFilters) -> list[Completion]:
    """Return what the last word typed may be meant to become, the likeliest first. At most five
    queries over a bounded number of rows."""
    text = filters.data.get("q", "")[:MAX_LENGTH]
    match = _LAST_WORD.search(text)
    if match is None:
        return []
    before, word = text[: match.start()], match[0]
    values = _KnownValues(filters)
    if term := _TERM.fullmatch(word):
        known = LANGUAGE.field(term["name"])
        suggested = _values_for(before, term["head"], term["value"], known, values)
    else:
        minus, begun = ("-", word[1:]) if word.startswith("-") else ("", word)
        suggested = chain(
            _fields_for(before, minus, begun), _any_values_for(before, minus, begun, values)
        )
    others = (completion for completion in suggested if completion.text != text)
    return list(islice(others, MAX_COMPLETIONS))


def _fields_for(before: str, minus: str, begun: str) -> Iterator[Completion]:
    """Yield the fields whose names begin as typed, then those which other tools call so."""
    begun = begun.lower().replace("-", "_")
    named = [field for field in FIELDS if field.name.startswith(begun)]
    for field in named:
        yield Completion(f"{before}{minus}{field.name}:", field.help)
    for field in FIELDS:
        other = next((x for x in (*field.aliases, *field.synonyms) if x.startswith(begun)), "")
        if other and field not in named:
            label = f"{before}{minus}{other}: {field.help}"
            yield Completion(f"{before}{minus}{field.name}:", label)


def _values_for(
    before: str, head: str, typed: str, field: QueryField | None, values: "_KnownValues"
) -> Iterator[Completion]:
    """Yield the values of a field that begin as `typed`; `head` is what stands before it."""
    for value, title in values.of(field) if field else ():
        if _begins(typed, value, title):
            text = f"{before}{head}{quoted(value)}"
            label = f"{before}{head}{title or value}"
            yield Completion(text, label if label != text else "")


def _any_values_for(
    before: str, minus: str, begun: str, values: "_KnownValues"
) -> Iterator[Completion]:
    if len(begun.strip('"')) < MIN_VALUE_LENGTH:
        return
    for name in FACETS:
        for value, title in values.of(LANGUAGE.field(name)):
            if _begins(begun, value, title):
                label = f"{before}{minus}{title or value}"
                yield Completion(f"{before}{minus}{name}:{quoted(value)}", label)


def _begins(typed: str, *texts: str) -> bool:
    begun = typed.lstrip('"').casefold()
    return any(text.casefold().startswith(begun) for text in texts)


class _KnownValues:
    """Values of fields in the runs of a list, the commonest first, each with a title ("": it has
    none)."""

    def __init__(self, filters: RunFilters) -> None:
        self.filters = filters

    def of(self, field: QueryField | None) -> list[tuple[str, str]]:
        if field and field.choices:
            return [(choice, "") for choice in field.choices]
        source = field.values if isinstance(field, FilterField) else None
        if source is None or (source.rows == "apps" and self.filters.only_app):
            return []
        if source.rows == "apps":
            return self._apps
        counted = self._of_steps if source.rows == "steps" else self._of_runs
        return [(value, "") for value, _ in counted[source.column].most_common()]

    @cached_property
    def _apps(self) -> list[tuple[str, str]]:
        return list(App.objects.order_by("name").values_list("slug", "name")[:MAX_APPS])

    @property
    def _newest_runs(self) -> RunQuerySet:
        runs = Run.objects.listed().for_app(self.filters.listed_app)
        return runs.order_by("-started_at", "-id")

    @cached_property
    def _of_runs(self) -> dict[str, Counter[str]]:
        columns = _columns("runs")
        rows = self._newest_runs.values_list(*columns)[:RUNS_WITH_VALUES]
        return _counted(columns, ((row, 1) for row in rows))

    @cached_property
    def _of_steps(self) -> dict[str, Counter[str]]:
        columns = _columns("steps")
        ids = list(self._newest_runs.values_list("pk", flat=True)[:RUNS_WITH_STEPS])
        steps = NodeExecution.objects.visible().filter(run_id__in=ids).order_by()
        rows = steps.values_list(*columns).annotate(times=Count("pk"))
        return _counted(columns, ((row[:-1], row[-1]) for row in rows))


def _columns(rows: str) -> list[str]:
    return [field.values.column for field in FIELDS if field.values and field.values.rows == rows]


def _counted(
    columns: list[str], rows: Iterable[tuple[tuple[Any, ...], int]]
) -> dict[str, Counter[str]]:
    """Return how often each text occurs in each column of `rows`, each of which occurs so many
    times; of a list its items are counted."""
    counts: dict[str, Counter[str]] = {column: Counter() for column in columns}
    for row, times in rows:
        for column, value in zip(columns, row, strict=True):
            for text in filter(None, value if isinstance(value, list) else [value]):
                counts[column][text] += times
    return counts
