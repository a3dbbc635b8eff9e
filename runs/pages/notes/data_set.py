"""What was noted as a data set: a line of JSON for each run or step that has notes, with what went
in, what came out, and what should have."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import orjson

from nodes.models import NodeExecution
from runs.json.app import version_ref
from runs.json.note import NoteDataSetLineJson
from runs.json.values import iso_time, stored
from runs.models import Note, Run
from runs.models.note import PERSON, NoteQuerySet
from runs.pages.notes.notes import NoteView, note_json, producer_ids, steps_by_producer_id

RUNS_AT_ONCE = 100
# Of one run; the newest.
MAX_NOTES = 1_000


def data_set_lines(notes: NoteQuerySet) -> Iterator[bytes]:
    """A line for each run or step that one of `notes` is on, run by run, with all notes on it.
    Written piece by piece: no more than one value is in memory. A step that has not arrived has no
    line."""
    for run_id in _runs_of(notes):
        run = Run.objects.for_page().select_related("inputs", "outputs").filter(pk=run_id).first()
        if run:
            yield from _of_run(run, notes)


def _runs_of(notes: NoteQuerySet) -> Iterator[UUID]:
    """In order of their ids, a hundred at a time. Served by `note_run_created`."""
    ids = notes.order_by("run_id").values_list("run_id", flat=True).distinct()
    after: UUID | None = None
    while found := list((ids.filter(run_id__gt=after) if after else ids)[:RUNS_AT_ONCE]):
        yield from found
        after = found[-1]


def _of_run(run: Run, notes: NoteQuerySet) -> Iterator[bytes]:
    asked = notes.filter(run=run).order_by().values_list("about_step", flat=True).distinct()
    wanted = set(asked[:MAX_NOTES])
    found = steps_by_producer_id(run, wanted - {""}).values()
    steps = {name: step for step in found for name in producer_ids(step)}
    of_run = Note.objects.filter(run=run, about_step__in=wanted | steps.keys())
    by_step: dict[UUID | None, list[Note]] = {}
    for note in of_run.order_by("-created_at", "-id")[:MAX_NOTES]:
        step = steps.get(note.about_step)
        if step or not note.about_step:
            by_step.setdefault(step.id if step else None, []).append(note)
    for step_id in sorted(by_step, key=lambda step_id: str(step_id or "")):
        yield _line(run, step_id, by_step[step_id])


def _line(run: Run, step_id: UUID | None, notes: list[Note]) -> bytes:
    """`notes`: newest first. b"": the step has gone meanwhile."""
    step = None
    if step_id:
        steps = NodeExecution.objects.in_run(run.pk).with_payloads()
        step = steps.filter(id=step_id).first()
        if step is None:
            return b""
    of = step or run
    line: NoteDataSetLineJson = {
        "input": stored(of.inputs),
        "output": stored(of.outputs),
        "expected": _first(notes, _expected),
        "label": _first(notes, _label),
        "score": _first(notes, _score),
        "thumb": _first(notes, lambda note: NoteView(note, None).thumb),
        "tags": sorted({note.label for note in notes if note.name == "tag"}),
        "notes": [note_json(NoteView(note, step)) for note in reversed(notes)],
        "run": str(run.pk),
        "execution": str(step.id) if step else None,
        "app": run.app.slug,
        "version": version_ref(run.version),
        "started_at": iso_time(of.started_at),
    }
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def _first(notes: list[Note], read: Callable[[Note], Any]) -> Any:
    """Of several the newest counts, a person's before a program's."""
    for is_person in (True, False):
        for note in notes:
            told = read(note) if (note.source == PERSON) is is_person else None
            if told not in (None, ""):
                return told
    return None


def _expected(note: Note) -> str:
    """The output that would have been right; Dify's annotations are answers that a person wrote."""
    return note.text if note.name in ("expected", "annotation") else ""


def _label(note: Note) -> str:
    return note.label if note.name not in ("tag", "thumbs") else ""


def _score(note: Note) -> float | None:
    return note.number if note.name != "thumbs" else None
