"""How often each value of a field stands in the runs of a list: over the newest matching runs only,
so that a list of a million costs what one of ten thousand does."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import TextField
from django.db.models.functions import Cast

from nodes.models import NodeExecution
from runs.filters.language import Query
from runs.filters.run_filters import RunFilters
from runs.models import Note, Run
from runs.search import find

MOST_RUNS = 10_000
# Of those that a search finds.
MOST_FOUND = 500
# Models and nodes are counted over the newest runs that have so many steps together.
MOST_STEPS = 10_000
# People's tags that are counted: the newest, of all runs.
MOST_TAGS = 10_000
# For so many fields in force their other values are counted, too, as if the field were not.
REOPENED = 3
# Ids, lists and times are read as text: thousands of objects would take longer than all the rest.
AS_TEXT = ("id", "error_group_id", "tags", "started_at")
TEXTS = {f"{name}_text": Cast(name, TextField()) for name in AS_TEXT}
# What a run's own row tells, by column.
COLUMNS = {
    "status": "status",
    "app": "app_id",
    "version": "version_id",
    "failed_in": "failed_node_id",
    "errorgroup": "error_group_id_text",
    "user": "user",
    "source": "source_kind",
    "trigger": "trigger",
    "environment": "environment",
    "tag": "tags_text",
}
STEP_COLUMNS = {"model": "model", "node": "node_id", "kind": "kind"}


@dataclass(slots=True)
class Counts:
    """`by_field`: of each stored value, how many runs have it; `titles` of nodes by their id.
    `runs` of so many `apps` were counted, `bounded`: there are more; steps over the newest
    `step_runs`."""

    runs: int
    bounded: bool
    apps: int = 1
    step_runs: int = 0
    by_field: dict[str, Counter[Any]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)


def counts_of(filters: RunFilters) -> Counts:
    """Valid filters. Three queries, one more for each field in force up to REOPENED (two for tags),
    and one for each status asked for but the first."""
    names = [name for name in COLUMNS if not (name == "app" and filters.only_app)]
    told = ["id_text", "steps", "failed_node_id", "failed_title"]
    rows, bounded = _rows(filters, filters.query, [*told, *(COLUMNS[name] for name in names)])
    counts = Counts(len(rows), bounded, titles={row[2]: row[3] for row in rows})
    for place, name in enumerate(names, len(told)):
        counts.by_field[name] = _counted(name, (row[place] for row in rows))
        if name == "tag":
            counts.by_field[name] += _tags_of_people({row[0]: row[place] for row in rows})
    counts.apps = len(counts.by_field.get("app", (None,)))
    _count_steps(counts, _few_steps(rows))
    if not filters.terms:
        for name in [name for name in names if filters.query.of(name)[0]][:REOPENED]:
            counts.by_field[name] = _reopened(filters, name)
    return counts


def _rows(filters: RunFilters, query: Query, columns: list[str]) -> tuple[list[Any], bool]:
    """The newest matching runs, and whether there are more."""
    if filters.terms:
        return _found(filters, columns)
    found: list[Any] = []
    parts = filters.apply(Run.objects.annotate(**TEXTS), query)
    for part in parts:
        newest = part.order_by("-started_at", "-id").values_list(*columns, "started_at_text")
        found += newest[: MOST_RUNS + 1]
    if len(parts) > 1:
        found.sort(key=lambda row: row[-1], reverse=True)
    return found[:MOST_RUNS], len(found) > MOST_RUNS


def _found(filters: RunFilters, columns: list[str]) -> tuple[list[Any], bool]:
    """The newest runs that a search finds at once."""
    runs = filters.narrowed(Run.objects.for_link())
    since, until = filters.since, filters.until
    found = find(runs, filters.terms, size=MOST_FOUND, since=since, until=until)
    rows = Run.objects.filter(pk__in=[run.pk for run in found.rows]).order_by("-started_at")
    return list(rows.annotate(**TEXTS).values_list(*columns)), not found.finished


def _counted(name: str, values: Iterable[Any]) -> Counter[Any]:
    counted = Counter(value for value in values if value not in (None, ""))
    if name == "errorgroup":
        return Counter({UUID(text): count for text, count in counted.items()})
    if name != "tag":
        return counted
    tags: Counter[Any] = Counter()
    for text, count in counted.items():
        for tag in {str(tag) for tag in json.loads(text) or ()} - {""}:
            tags[tag] += count
    return tags


def _tags_of_people(told: dict[str, str]) -> Counter[Any]:
    """Of these runs (id → the producer's tags, as text) how many have each tag that people gave
    them and the producer did not. One query, served by `note_name_created`."""
    tags_of = {id_.replace("-", ""): tags for id_, tags in told.items()}
    notes = Note.objects.named("tag").on_runs().order_by("-created_at", "-id")
    given = set(notes.values_list("run_id", "label")[:MOST_TAGS])
    found = ((label, tags_of.get(run_id.hex)) for run_id, label in given)
    return Counter(
        label for label, tags in found if tags is not None and label not in (json.loads(tags) or ())
    )


def _few_steps(rows: list[Any]) -> list[UUID]:
    """The newest runs that have no more than MOST_STEPS steps together, at least one."""
    total = 0
    for place, (_, steps, *_) in enumerate(rows):
        total += steps
        if total > MOST_STEPS and place:
            return [UUID(row[0]) for row in rows[:place]]
    return [UUID(row[0]) for row in rows]


def _count_steps(counts: Counts, run_ids: list[UUID]) -> None:
    """Of each model, node and kind, how many of these runs have it."""
    steps = NodeExecution.objects.visible().filter(run_id__in=run_ids).order_by()
    told = list(steps.values_list("run_id", *STEP_COLUMNS.values(), "title").distinct())
    for place, name in enumerate(STEP_COLUMNS, 1):
        pairs = {(row[0], row[place]) for row in told}
        counts.by_field[name] = Counter(value for _, value in pairs if value)
    counts.titles |= {row[2]: row[4] for row in told}
    counts.step_runs = len(run_ids)


def _reopened(filters: RunFilters, name: str) -> Counter[Any]:
    """The values of a field that is in force, as if it were not: what else could be chosen."""
    query = filters.query.without(*filters.query.of(name)[0])
    rows, _ = _rows(filters, query, ["id_text", COLUMNS[name]])
    counted = _counted(name, (row[1] for row in rows))
    return counted + _tags_of_people({row[0]: row[1] for row in rows}) if name == "tag" else counted
