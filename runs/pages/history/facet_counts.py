"""Counts how often each value of a field occurs in the runs of a list, over the newest matching
runs only, so that a list of a million runs costs as much as one of ten thousand.

Steps are counted as the search would match them, so that a click on a value leads to as many runs.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import TextField
from django.db.models.functions import Cast
from django.http import QueryDict

from nodes.clock import hex_id
from nodes.ids import as_uuid
from nodes.models import NodeExecution
from runs.models import Note, Run
from runs.paging import PAGE_SIZE
from runs.query.conditions import StepCondition, values_of
from runs.query.fields import FACETS, FIELDS
from runs.query.language import Query
from runs.query.matching import related_conditions
from runs.query.run_filters import RunFilters

MAX_RUNS = 10_000
# Of the runs that match words.
MAX_SEARCHED_RUNS = 500
# Models and nodes are counted over the newest runs that have so many steps together.
MAX_STEPS = 10_000
# People's tags that are counted: the newest, of all runs.
MAX_TAGS = 10_000
# For so many active fields their values are counted as if the field were not: a further value of
# it can be chosen beside those that are.
MAX_REOPENED_FIELDS = 3
# Ids, lists and times are read as text: thousands of objects would take longer than all the rest.
READ_AS_TEXT = ("id", "error_group_id", "tags", "started_at")
TEXTS = {f"{column}_text": Cast(column, TextField()) for column in READ_AS_TEXT}
# By field: the column of a run whose values are counted, or the field of its steps.
COUNTED_COLUMNS = {
    name: f"{facet.column}_text" if facet.column in READ_AS_TEXT else facet.column
    for name, facet in FACETS.items()
    if facet.column
}
COUNTED_OF_STEPS = [
    field.name for field in FIELDS if field.facet and isinstance(field.condition, StepCondition)
]
# What is read before the columns that are counted.
LEADING_COLUMNS = ("id_text", "steps", "failed_node_id", "failed_title")


@dataclass(frozen=True, slots=True)
class FirstSearchPage:
    """What the first page of a search shows: ids of runs, and the cursor behind them, "" where
    there are no further ones. Counting begins with them, so that nothing is searched twice."""

    run_ids: list[UUID]
    next: str

    def query(self) -> str:
        """Return it as parameters, to be read by `first_search_page_from`."""
        seen = ".".join(run_id.hex for run_id in self.run_ids)
        return urlencode({"seen": seen, "after": self.next})


def first_search_page_from(data: QueryDict) -> FirstSearchPage | None:
    """Return None if the address has no such parameter; what is no id in it is ignored."""
    if "seen" not in data:
        return None
    ids = map(as_uuid, data.get("seen", "").split(".")[:PAGE_SIZE])
    return FirstSearchPage([run_id for run_id in ids if run_id], data.get("after", ""))


@dataclass(slots=True)
class FacetCounts:
    """`by_field`: for each stored value, how many runs have it; `titles` of nodes by their id.
    `runs` of so many `apps` were counted, `bounded`: there are more; steps over the newest
    `step_runs`."""

    runs: int
    bounded: bool
    apps: int = 1
    step_runs: int = 0
    by_field: dict[str, Counter[Any]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)


def count_facets(filters: RunFilters, first_page: FirstSearchPage | None = None) -> FacetCounts:
    """Count for valid filters; `first_page`: what their words are known to match. Takes three
    queries, one or two more for each active field up to MAX_REOPENED_FIELDS, and one for each
    status asked for but the first."""
    names = [name for name in COUNTED_COLUMNS if not (name == "app" and filters.only_app)]
    columns = [COUNTED_COLUMNS[name] for name in names]
    if filters.search_terms:
        rows, bounded = _searched_rows(filters, columns, first_page)
    else:
        rows, bounded = _newest_rows(filters, filters.query, columns)
    counts = FacetCounts(len(rows), bounded, titles={row[2]: row[3] for row in rows})
    for index, name in enumerate(names):
        counts.by_field[name] = _count_column(name, rows, index, _values_in_force(filters, name))
    counts.apps = len(counts.by_field.get("app", (None,)))
    run_ids = newest_with_few_steps(rows)
    steps = counted_steps(run_ids, filters.query)
    for name in COUNTED_OF_STEPS:
        counts.by_field[name] = _count_steps(name, steps, _values_in_force(filters, name))
    counts.titles |= {step.node_id: step.title for step in steps}
    counts.step_runs = len(run_ids)
    if not filters.search_terms:
        in_force = [name for name in (*names, *COUNTED_OF_STEPS) if filters.query.required(name)]
        for name in in_force[:MAX_REOPENED_FIELDS]:
            # What the list shows of a chosen value may reach further back.
            counts.by_field[name] |= _count_reopened(counts, filters, name)
    return counts


def _newest_rows(filters: RunFilters, query: Query, columns: list[str]) -> tuple[list[Any], bool]:
    """Read the newest runs that match `query`; return them, and whether there are more."""
    rows: list[Any] = []
    parts = filters.filtered_parts(Run.objects.annotate(**TEXTS), query)
    for part in parts:
        newest = part.order_by("-started_at", "-id")
        rows += newest.values_list(*LEADING_COLUMNS, *columns, "started_at_text")[: MAX_RUNS + 1]
    if len(parts) > 1:
        rows.sort(key=lambda row: row[-1], reverse=True)
    return rows[:MAX_RUNS], len(rows) > MAX_RUNS


def _searched_rows(
    filters: RunFilters, columns: list[str], first_page: FirstSearchPage | None
) -> tuple[list[Any], bool]:
    """Read the newest runs that a search finds at once: those of its first page, and those that
    follow."""
    ids = first_page.run_ids if first_page else []
    after = first_page.next if first_page else ""
    more = False
    if first_page is None or after:
        result = filters.find(Run.objects.for_link(), after, MAX_SEARCHED_RUNS)
        ids, more = [*ids, *(run.pk for run in result.rows)], not result.finished
    rows = filters.filtered(Run.objects.annotate(**TEXTS)).filter(pk__in=ids)
    return list(rows.order_by("-started_at", "-id").values_list(*LEADING_COLUMNS, *columns)), more


def _values_in_force(filters: RunFilters, name: str) -> list[str]:
    return values_of(filters.query.required(name))


def _count_column(name: str, rows: list[Any], index: int, in_force: list[str]) -> Counter[Any]:
    """Count the runs of each value of a field; `index`: where it stands among the columns that
    were read."""
    if name == "failed_in":
        return count_by_id_or_title(((row[0], row[2], row[3]) for row in rows), in_force)
    index += len(LEADING_COLUMNS)
    counted = Counter(value for row in rows if (value := row[index]) not in (None, ""))
    if name == "errorgroup":
        return Counter({UUID(text): count for text, count in counted.items()})
    if name == "tag":
        return _count_producer_tags(counted) + _count_people_tags(
            {row[0]: row[index] for row in rows}
        )
    return counted


def _count_producer_tags(counted: Counter[Any]) -> Counter[Any]:
    """Count the tags in JSON lists of them, which are `counted` as texts."""
    tags: Counter[Any] = Counter()
    for text, count in counted.items():
        for tag in {str(tag) for tag in json.loads(text) or ()} - {""}:
            tags[tag] += count
    return tags


def _count_people_tags(producer_tags: dict[str, str]) -> Counter[Any]:
    """Count the runs that people gave a tag which the producer did not. `producer_tags`: of each
    run's id, a JSON list. One query, served by `note_name_created`."""
    tags_by_run = {hex_id(run_id): tags for run_id, tags in producer_tags.items()}
    notes = Note.objects.named("tag").with_run().order_by("-created_at", "-id")
    newest = set(notes.values_list("run_id", "label")[:MAX_TAGS])
    labels = ((label, tags_by_run.get(run_id.hex)) for run_id, label in newest)
    return Counter(
        label
        for label, tags in labels
        if tags is not None and label not in (json.loads(tags) or ())
    )


def _count_reopened(counts: FacetCounts, filters: RunFilters, name: str) -> Counter[Any]:
    """Count the values of an active field as if it were not active: what else could be chosen."""
    query = filters.query.without(*filters.query.required(name))
    in_force = _values_in_force(filters, name)
    if name not in COUNTED_OF_STEPS:
        rows, _ = _newest_rows(filters, query, [COUNTED_COLUMNS[name]])
        counts.titles |= {row[2]: row[3] for row in rows}
        return _count_column(name, rows, 0, in_force)
    steps = counted_steps(newest_with_few_steps(_newest_rows(filters, query, [])[0]), query)
    counts.titles |= {step.node_id: step.title for step in steps}
    return _count_steps(name, steps, in_force)


# -- steps ----------------------------------------------------------------------------------------


class CountedStep(NamedTuple):
    """What is counted of a step."""

    run_id: UUID
    node_id: str
    title: str
    kind: str
    model: str


def newest_with_few_steps(runs: Sequence[Sequence[Any]]) -> list[str]:
    """Return ids of the newest runs that have no more than MAX_STEPS steps together, at least one
    id. `runs`: newest first, rows that begin with (id, number of steps)."""
    total = 0
    for place, (_, steps, *_) in enumerate(runs):
        total += steps
        if total > MAX_STEPS and place:
            return [row[0] for row in runs[:place]]
    return [row[0] for row in runs]


def counted_steps(run_ids: Iterable[str], query: Query) -> list[CountedStep]:
    """Return the steps of these runs that meet all that `query` requires of one step, equal ones
    once."""
    steps = NodeExecution.objects.visible().filter(run_id__in=run_ids).order_by()
    steps = steps.filter(*related_conditions(query, StepCondition))
    return [CountedStep(*row) for row in steps.values_list(*CountedStep._fields).distinct()]


def _count_steps(
    name: str, steps: Iterable[CountedStep], in_force: Collection[str]
) -> Counter[Any]:
    """Count the runs of each node, kind or model, and of the nodes that are filtered by."""
    if name == "node":
        named = ((step.run_id, step.node_id, step.title) for step in steps)
        return count_by_id_or_title(named, in_force)
    index = CountedStep._fields.index(name)
    pairs = {(step.run_id, str(step[index])) for step in steps}
    counted = Counter(value for _, value in pairs if value)
    if name == "model":  # parts of names
        for part in in_force:
            if not part.startswith("="):
                runs = {run for run, model in pairs if part.casefold() in model.casefold()}
                counted[part] = len(runs)
    return counted


def count_by_id_or_title(
    nodes: Iterable[tuple[Any, str, str]], in_force: Collection[str]
) -> Counter[Any]:
    """Count the runs that have each node and each word that is filtered by. `nodes`: (run, node id,
    title).

    A run has a word if one of its nodes has it as id, or as title in any case. A node that is asked
    for by its title is not counted by its id again."""
    distinct = set(nodes)
    titles = {word.lower() for word in in_force}
    ids = {
        node_id
        for _, node_id, title in distinct
        if node_id and (node_id in in_force or title.lower() not in titles)
    }
    words_by_title: dict[str, list[str]] = {}
    for word in ids.union(in_force):
        words_by_title.setdefault(word.lower(), []).append(word)
    pairs = {(run, node_id) for run, node_id, _ in distinct if node_id in ids}
    pairs |= {
        (run, word) for run, _, title in distinct for word in words_by_title.get(title.lower(), ())
    }
    return Counter(word for _, word in pairs)
