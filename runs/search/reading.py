"""What runs say, read from the database in bounded portions.

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
from runs.search.hits import Piece
from runs.search.texts import text_of

TOGETHER = 1_000  # steps of several runs that are read together
RUNS = 20  # that are read together
MAX_STEPS = 50_000  # of a run; what follows is not searched
SMALL = 50_000  # bytes of a value; larger ones are read one by one
MAX_BYTES = 32_000_000  # of values of a run; what follows is not searched
SHORTEST_ID = 8  # characters; a shorter one is a number like any other


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
        told = (("inputs", self.inputs), ("process_data", self.process_data),
                ("outputs", self.outputs))  # fmt: skip
        return ((name, id_) for name, id_ in told if id_)

    @property
    def failure(self) -> str:
        return f"{self.error_type}: {self.error}" if self.error_type else self.error

    def piece(self, name: str, text: str) -> Piece:
        passes = list(iteration_path(self.iteration))
        return Piece(self.id, name, self.title, passes, text)


def searched_runs(run_ids: Iterable[UUID]) -> dict[UUID, SearchedRun]:
    """By id; runs that are gone are left out."""
    rows = Run.objects.filter(pk__in=list(run_ids)).order_by()
    columns = ("id", "started_at", "steps", "name", "error", *_as_text("inputs_id", "outputs_id"))
    return {row[0]: SearchedRun(*row) for row in rows.values_list(*columns)}


def _as_text(*names: str) -> list[Any]:
    return [Cast(name, CharField()) for name in names]


def read(runs: Iterable[SearchedRun]) -> Iterator[tuple[SearchedRun, Iterator[Piece]]]:
    """Each run with all that it says, in the order of its tree. Runs of few steps are read together
    in three queries; the pieces of one must be taken before those of the next."""
    group: list[SearchedRun] = []
    steps = 0
    for run in runs:
        if group and (steps + run.steps > TOGETHER or len(group) == RUNS):
            yield from _together(group)
            group, steps = [], 0
        group.append(run)
        steps += run.steps
    if group:
        yield from _together(group)


def _together(runs: Sequence[SearchedRun]) -> Iterator[tuple[SearchedRun, Iterator[Piece]]]:
    steps: dict[UUID, list[SearchedStep]] = {run.id: [] for run in runs}
    rows = NodeExecution.objects.visible().filter(run_id__in=steps).order_by("run_id", "index")
    columns = (*_as_text("run_id", "id"), "depth", "title", "node_id", "source_id", "iteration",
               "error_type", "error",
               *_as_text("inputs_id", "process_data_id", "outputs_id"))  # fmt: skip
    each = map(SearchedStep._make, rows.values_list(*columns)[:MAX_STEPS])
    for run_id, of_run in groupby(each, attrgetter("run_id")):
        steps[UUID(run_id)] += of_run
    told = {run.id: _Told(run, steps[run.id]) for run in runs}
    values = Values([id_ for one in told.values() for id_ in one.owners])
    for run in runs:
        yield run, told[run.id].pieces(values)


class _Told:
    """Of one run: which step is named for each value and error that several have. It is the one
    furthest down: those above it repeat what their steps say."""

    def __init__(self, run: SearchedRun, steps: Sequence[SearchedStep]) -> None:
        self.run, self.steps = run, steps
        self.owners: dict[str, tuple[str, str] | None] = {}
        self.failures: dict[str, str] = {}
        for step in sorted(steps, key=lambda step: -step.depth):
            for name, id_ in step.values:
                self.owners.setdefault(id_, (step.id, name))
            if step.failure:
                self.failures.setdefault(step.failure, step.id)
        # In the order in which they are asked for.
        order = {id_: self.owners[id_] for step in steps for name, id_ in step.values
                 if self.owners[id_] == (step.id, name)}  # fmt: skip
        self.owners = order | {id_: None for id_ in (run.inputs, run.outputs)
                               if id_ and id_ not in order}  # fmt: skip

    def pieces(self, values: "Values") -> Iterator[Piece]:
        left, names = MAX_BYTES, set[str]()
        for step in self.steps:
            for name, text in (("title", step.title), ("node_id", step.node_id)):
                if text and text.casefold() not in names:
                    names.add(text.casefold())
                    yield step.piece(name, text_of(text, is_json=False))
            if len(step.source_id) >= SHORTEST_ID:
                yield step.piece("source_id", step.source_id)
            for name, id_ in step.values:
                if self.owners[id_] == (step.id, name) and left > 0:
                    text = values[id_]
                    left -= len(text)
                    yield step.piece(name, text)
            if self.failures.get(step.failure) == step.id:
                yield step.piece("error", text_of(step.failure, is_json=False))
        yield from self._of_run(values, names)

    def _of_run(self, values: "Values", names: set[str]) -> Iterator[Piece]:
        """What no step says."""
        run = self.run
        for name, text, known in (
            ("title", run.name, run.name.casefold() in names),
            ("error", run.error, any(run.error in failure for failure in self.failures)),
        ):
            if text and not known:
                yield Piece(None, name, run.name, [], text_of(text, is_json=False))
        for name, id_ in (("inputs", run.inputs), ("outputs", run.outputs)):
            if id_ and self.owners[id_] is None:
                yield Piece(None, name, run.name, [], values[id_])


class Values:
    """The texts of stored values, which are asked for in the order of `ids`, a portion of them at a
    time."""

    def __init__(self, ids: Sequence[str]) -> None:
        self.ids = ids
        self.place = {id_: place for place, id_ in enumerate(ids)}
        self._read: dict[str, str | None] = {}

    def __getitem__(self, id_: str) -> str:
        """Nothing for a value that is gone."""
        if id_ not in self._read:
            start = self.place[id_]
            self._read = _texts(self.ids[start : start + TOGETHER])
        text = self._read[id_]
        return _large(id_) if text is None else text


def _texts(ids: Sequence[str]) -> dict[str, str | None]:
    """None for large ones."""
    near = Case(When(size__lte=SMALL, then="body"), default=None)
    rows = Payload.objects.filter(pk__in=ids)
    found: dict[str, str | None] = dict.fromkeys(ids, "")
    for id_, encoding, compressed, body in rows.values_list(
        *_as_text("id"), "encoding", "compressed", near
    ):
        stored = None if body is None else bytes(body)
        if stored is None:
            found[id_] = None
        else:
            raw = unpack(stored) if compressed else stored
            found[id_] = text_of(raw.decode("utf-8", "replace"), encoding == "json")
    return found


def _large(id_: str) -> str:
    for payload in Payload.objects.filter(pk=id_):
        body = bytes(payload.body)
        raw = unpack_head(body, MAX_BYTES) if payload.compressed else body[:MAX_BYTES]
        return text_of(raw.decode("utf-8", "replace"), payload.encoding == "json")
    return ""
