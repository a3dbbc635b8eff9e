"""How often each value of a field stands in the runs of a list: over the newest matching runs only,
so that a list of a million costs what one of ten thousand does."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import TextField
from django.db.models.functions import Cast
from django.http import QueryDict

from nodes.clock import hex_id
from nodes.ids import as_uuid
from runs.models import Note, Run
from runs.pages.history.step_counts import by_id_or_title, newest_few, runs_by, steps_of
from runs.paging import PAGE_SIZE
from runs.query.language import Query
from runs.query.related_conditions import OF_STEP
from runs.query.run_filters import RunFilters
from runs.search import find

MAX_RUNS = 10_000
# Of those that a search finds.
MAX_FOUND = 500
# People's tags that are counted: the newest, of all runs.
MAX_TAGS = 10_000
# For so many fields in force their values are counted as if the field were not: a further value of
# it is asked for beside those that are.
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
# What comes before the columns that are asked for.
FIRST = ("id_text", "steps", "failed_node_id", "failed_title")


@dataclass(frozen=True, slots=True)
class Shown:
    """What the first page of a search has found: ids of runs, and the cursor behind them, "" where
    there are no further ones. Counting begins with it, so that nothing is searched twice."""

    run_ids: list[UUID]
    next: str

    def query(self) -> str:
        """As parameters, to be read by `shown_from`."""
        return urlencode({"seen": ".".join(one.hex for one in self.run_ids), "after": self.next})


def shown_from(data: QueryDict) -> Shown | None:
    """None if the address does not tell; what is no id in it is ignored."""
    if "seen" not in data:
        return None
    ids = map(as_uuid, data.get("seen", "").split(".")[:PAGE_SIZE])
    return Shown([found for found in ids if found], data.get("after", ""))


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


def counts_of(filters: RunFilters, shown: Shown | None = None) -> Counts:
    """Valid filters; `shown`: what is found of their words already. Three queries, one or two more
    for each field in force up to REOPENED, and one for each status asked for but the first."""
    names = [name for name in COLUMNS if not (name == "app" and filters.only_app)]
    columns = [COLUMNS[name] for name in names]
    if filters.terms:
        rows, bounded = _found(filters, columns, shown)
    else:
        rows, bounded = _rows(filters, filters.query, columns)
    counts = Counts(len(rows), bounded, titles={row[2]: row[3] for row in rows})
    for place, name in enumerate(names):
        counts.by_field[name] = _counted(name, rows, place, _words(filters, name))
    counts.apps = len(counts.by_field.get("app", (None,)))
    few = newest_few(rows)
    steps = steps_of(few, filters.query)
    for name in OF_STEP:
        counts.by_field[name] = runs_by(name, steps, _words(filters, name))
    counts.titles |= {step.node_id: step.title for step in steps}
    counts.step_runs = len(few)
    if not filters.terms:
        in_force = [name for name in (*names, *OF_STEP) if filters.query.of(name)[0]]
        for name in in_force[:REOPENED]:
            counts.by_field[name] = _reopened(counts, filters, name)
    return counts


def _rows(filters: RunFilters, query: Query, columns: list[str]) -> tuple[list[Any], bool]:
    """The newest matching runs, and whether there are more."""
    found: list[Any] = []
    parts = filters.apply(Run.objects.annotate(**TEXTS), query)
    for part in parts:
        newest = part.order_by("-started_at", "-id")
        found += newest.values_list(*FIRST, *columns, "started_at_text")[: MAX_RUNS + 1]
    if len(parts) > 1:
        found.sort(key=lambda row: row[-1], reverse=True)
    return found[:MAX_RUNS], len(found) > MAX_RUNS


def _found(filters: RunFilters, columns: list[str], shown: Shown | None) -> tuple[list[Any], bool]:
    """The newest runs that a search finds at once: those that are shown, and those that follow."""
    runs = filters.narrowed(Run.objects.for_link())
    ids, after, more = (shown.run_ids, shown.next, False) if shown else ([], "", False)
    if shown is None or after:
        found = find(
            runs, filters.terms, after, MAX_FOUND, since=filters.since, until=filters.until
        )
        ids, more = [*ids, *(run.pk for run in found.rows)], not found.finished
    rows = filters.narrowed(Run.objects.annotate(**TEXTS)).filter(pk__in=ids)
    return list(rows.order_by("-started_at", "-id").values_list(*FIRST, *columns)), more


def _words(filters: RunFilters, name: str) -> list[str]:
    """The values of a field that are in force."""
    return [term.value for term in filters.query.of(name)[0]]


def _counted(name: str, rows: list[Any], place: int, asked: list[str]) -> Counter[Any]:
    """Of each value of a field how many of the runs have it; it stands at `place` among the columns
    that were read."""
    if name == "failed_in":
        return by_id_or_title(((row[0], row[2], row[3]) for row in rows), asked)
    place += len(FIRST)
    counted = Counter(value for row in rows if (value := row[place]) not in (None, ""))
    if name == "errorgroup":
        return Counter({UUID(text): count for text, count in counted.items()})
    if name == "tag":
        return _tags(counted) + _tags_of_people({row[0]: row[place] for row in rows})
    return counted


def _tags(counted: Counter[Any]) -> Counter[Any]:
    """Of lists of tags, as text."""
    tags: Counter[Any] = Counter()
    for text, count in counted.items():
        for tag in {str(tag) for tag in json.loads(text) or ()} - {""}:
            tags[tag] += count
    return tags


def _tags_of_people(told: dict[str, str]) -> Counter[Any]:
    """Of these runs (id → the producer's tags, as text) how many have each tag that people gave
    them and the producer did not. One query, served by `note_name_created`."""
    tags_of = {hex_id(id_): tags for id_, tags in told.items()}
    notes = Note.objects.named("tag").on_runs().order_by("-created_at", "-id")
    given = set(notes.values_list("run_id", "label")[:MAX_TAGS])
    found = ((label, tags_of.get(run_id.hex)) for run_id, label in given)
    return Counter(
        label for label, tags in found if tags is not None and label not in (json.loads(tags) or ())
    )


def _reopened(counts: Counts, filters: RunFilters, name: str) -> Counter[Any]:
    """The values of a field that is in force, as if it were not: what else could be chosen."""
    query, asked = filters.query.without(*filters.query.of(name)[0]), _words(filters, name)
    if name not in OF_STEP:
        rows, _ = _rows(filters, query, [COLUMNS[name]])
        counts.titles |= {row[2]: row[3] for row in rows}
        return _counted(name, rows, 0, asked)
    steps = steps_of(newest_few(_rows(filters, query, [])[0]), query)
    counts.titles |= {step.node_id: step.title for step in steps}
    return runs_by(name, steps, asked)
