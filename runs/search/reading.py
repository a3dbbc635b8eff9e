"""The texts of runs, read from the database in bounded portions.

Ids are texts as the database gives them: a page of hits reads thousands, and as many UUID objects
would take longer than all the rest.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Case, CharField, When
from django.db.models.functions import Cast

from nodes.clock import iteration_path
from nodes.compression import unpack, unpack_head
from nodes.models import NodeExecution, Payload
from runs.models import Run
from runs.search.hits import SearchedText
from runs.search.texts import text_of_value

STEPS_TOGETHER = 1_000  # of several runs, that are read together
RUNS_TOGETHER = 20
MAX_STEPS = 50_000  # of a run; what follows is not searched
SMALL_VALUE = 50_000  # bytes of a value; larger ones are read one by one
MAX_BYTES = 32_000_000  # of values of a run; what follows is not searched
MIN_ID_LENGTH = 8  # characters; a shorter id is a number like any other


class SearchedRun(NamedTuple):
    """A run's own row as a search reads it."""

    id: UUID
    started_at: datetime
    steps: int
    name: str
    error: str
    inputs: str | None
    outputs: str | None


class SearchedStep(NamedTuple):
    """An execution as a search reads it."""

    run_id: str
    id: str
    depth: int
    title: str
    node_id: str
    source_id: str
    iteration: str
    error_type: str
    error: str
    inputs: str | None
    process_data: str | None
    outputs: str | None

    @property
    def values(self) -> Iterator[tuple[str, str]]:
        """Yield (name, id of the value) for each value that the step has."""
        ids = (
            ("inputs", self.inputs),
            ("process_data", self.process_data),
            ("outputs", self.outputs),
        )
        return ((name, value_id) for name, value_id in ids if value_id)

    @property
    def failure(self) -> str:
        return f"{self.error_type}: {self.error}" if self.error_type else self.error

    def searched_text(
        self, name: str, text: str, holders: Sequence[tuple["SearchedStep", str]] = ()
    ) -> SearchedText:
        iteration = list(iteration_path(self.iteration))
        return SearchedText(self.id, name, self.title, iteration, text, holders)


def searched_runs(run_ids: Iterable[UUID]) -> dict[UUID, SearchedRun]:
    """Return the rows by id; runs that are gone are left out."""
    rows = Run.objects.filter(pk__in=list(run_ids)).order_by()
    columns = (
        "id",
        "started_at",
        "steps",
        "name",
        "error",
        *_ids_as_text("inputs_id", "outputs_id"),
    )
    return {row[0]: SearchedRun(*row) for row in rows.values_list(*columns)}


def _ids_as_text(*names: str) -> list[Any]:
    return [Cast(name, CharField()) for name in names]


def read_texts(
    runs: Iterable[SearchedRun],
) -> Iterator[tuple[SearchedRun, Iterator[SearchedText]]]:
    """Yield each run with all its texts, in the order of its tree. Runs of few steps are read
    together in three queries; the texts of one must be taken before those of the next."""
    group: list[SearchedRun] = []
    steps = 0
    for run in runs:
        if group and (steps + run.steps > STEPS_TOGETHER or len(group) == RUNS_TOGETHER):
            yield from _read_group(group)
            group, steps = [], 0
        group.append(run)
        steps += run.steps
    if group:
        yield from _read_group(group)


def _read_group(
    runs: Sequence[SearchedRun],
) -> Iterator[tuple[SearchedRun, Iterator[SearchedText]]]:
    steps: dict[UUID, list[SearchedStep]] = {run.id: [] for run in runs}
    rows = NodeExecution.objects.visible().filter(run_id__in=steps).order_by("run_id", "index")
    columns = (*_ids_as_text("run_id", "id"), "depth", "title", "node_id", "source_id", "iteration",
               "error_type", "error",
               *_ids_as_text("inputs_id", "process_data_id", "outputs_id"))  # fmt: skip
    each = map(SearchedStep._make, rows.values_list(*columns)[:MAX_STEPS])
    for run_id, run_steps in groupby(each, attrgetter("run_id")):
        steps[UUID(run_id)] += run_steps
    run_texts = {run.id: _RunTexts(run, steps[run.id]) for run in runs}
    values = StoredTexts([value_id for texts in run_texts.values() for value_id in texts.owners])
    for run in runs:
        yield run, run_texts[run.id].each(values)


class _RunTexts:
    """The texts of one run. `owners` and `failures` say which step is named for a value or error
    that several steps have: the one furthest down, because those above it repeat what their steps
    have. `holders` are all steps that have a value, each with the name under which it does."""

    def __init__(self, run: SearchedRun, steps: Sequence[SearchedStep]) -> None:
        self.run, self.steps = run, steps
        self.owners: dict[str, tuple[str, str] | None] = {}
        self.holders: dict[str, list[tuple[SearchedStep, str]]] = {}
        self.failures: dict[str, str] = {}
        for step in sorted(steps, key=lambda step: -step.depth):
            for name, value_id in step.values:
                self.owners.setdefault(value_id, (step.id, name))
                self.holders.setdefault(value_id, []).append((step, name))
            if step.failure:
                self.failures.setdefault(step.failure, step.id)
        # In the order in which they are read.
        in_order = {
            value_id: self.owners[value_id]
            for step in steps
            for name, value_id in step.values
            if self.owners[value_id] == (step.id, name)
        }
        own_values = (value_id for value_id in (run.inputs, run.outputs) if value_id)
        self.owners = in_order | {
            value_id: None for value_id in own_values if value_id not in in_order
        }

    def each(self, values: "StoredTexts") -> Iterator[SearchedText]:
        left, names = MAX_BYTES, set[str]()
        for step in self.steps:
            for name, text in (("title", step.title), ("node_id", step.node_id)):
                if text and text.casefold() not in names:
                    names.add(text.casefold())
                    yield step.searched_text(name, text_of_value(text, is_json=False))
            if len(step.source_id) >= MIN_ID_LENGTH:
                yield step.searched_text("source_id", step.source_id)
            for name, value_id in step.values:
                if self.owners[value_id] == (step.id, name) and left > 0:
                    text = values[value_id]
                    left -= len(text)
                    yield step.searched_text(name, text, self.holders[value_id])
            if self.failures.get(step.failure) == step.id:
                yield step.searched_text("error", text_of_value(step.failure, is_json=False))
        yield from self._run_texts(values, names)

    def _run_texts(self, values: "StoredTexts", names: set[str]) -> Iterator[SearchedText]:
        """Yield the texts of the run that no step has; `names`: those of its steps."""
        run = self.run
        for name, text, known in (
            ("title", run.name, run.name.casefold() in names),
            ("error", run.error, any(run.error in failure for failure in self.failures)),
        ):
            if text and not known:
                yield SearchedText(None, name, run.name, [], text_of_value(text, is_json=False))
        for name, value_id in (("inputs", run.inputs), ("outputs", run.outputs)):
            if value_id and self.owners[value_id] is None:
                yield SearchedText(None, name, run.name, [], values[value_id])


class StoredTexts:
    """The texts of stored values, which are read in the order of `ids`, a portion of them at a
    time."""

    def __init__(self, ids: Sequence[str]) -> None:
        self.ids = ids
        self._index_by_id = {value_id: index for index, value_id in enumerate(ids)}
        self._portion: dict[str, str | None] = {}

    def __getitem__(self, value_id: str) -> str:
        """Return "" for a value that is gone."""
        if value_id not in self._portion:
            start = self._index_by_id[value_id]
            self._portion = _small_texts(self.ids[start : start + STEPS_TOGETHER])
        text = self._portion[value_id]
        return _large_text(value_id) if text is None else text


def _small_texts(ids: Sequence[str]) -> dict[str, str | None]:
    """Return the texts by id, None for large ones."""
    small_body = Case(When(size__lte=SMALL_VALUE, then="body"), default=None)
    rows = Payload.objects.filter(pk__in=ids)
    texts: dict[str, str | None] = dict.fromkeys(ids, "")
    for value_id, encoding, compressed, body in rows.values_list(
        *_ids_as_text("id"), "encoding", "compressed", small_body
    ):
        stored = None if body is None else bytes(body)
        if stored is None:
            texts[value_id] = None
        else:
            raw = unpack(stored) if compressed else stored
            texts[value_id] = text_of_value(raw.decode("utf-8", "replace"), encoding == "json")
    return texts


def _large_text(value_id: str) -> str:
    for payload in Payload.objects.filter(pk=value_id):
        body = bytes(payload.body)
        raw = unpack_head(body, MAX_BYTES) if payload.compressed else body[:MAX_BYTES]
        return text_of_value(raw.decode("utf-8", "replace"), payload.encoding == "json")
    return ""
