"""Notes as a data set: a line of JSON for each run or step that has notes, with its input, its
output, and the expected output."""

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
from runs.pages.notes.notes import NoteEntry, note_json, producer_ids, steps_by_producer_id

RUNS_AT_ONCE = 100
MAX_NOTES = 1_000  # of one run, the newest


def data_set_lines(notes: NoteQuerySet) -> Iterator[bytes]:
    """Yield a line for each run or step that one of `notes` is on, run by run, with all notes on
    it.

    No more than one value is in memory at once. A step that has not arrived has no line.
    """
    for run_id in _noted_run_ids(notes):
        run = Run.objects.for_page().select_related("inputs", "outputs").filter(pk=run_id).first()
        if run:
            yield from _run_lines(run, notes)


def _noted_run_ids(notes: NoteQuerySet) -> Iterator[UUID]:
    """Yield the ids of the runs in order, read a hundred at a time. Served by
    `note_run_created`."""
    ids = notes.order_by("run_id").values_list("run_id", flat=True).distinct()
    after: UUID | None = None
    while page := list((ids.filter(run_id__gt=after) if after else ids)[:RUNS_AT_ONCE]):
        yield from page
        after = page[-1]


def _run_lines(run: Run, notes: NoteQuerySet) -> Iterator[bytes]:
    step_names = notes.filter(run=run).order_by().values_list("about_step", flat=True).distinct()
    wanted = set(step_names[:MAX_NOTES])
    noted_steps = steps_by_producer_id(run, wanted - {""}).values()
    steps = {name: step for step in noted_steps for name in producer_ids(step)}
    on_these = Note.objects.filter(run=run, about_step__in=wanted | steps.keys())
    by_step: dict[UUID | None, list[Note]] = {}
    for note in on_these.order_by("-created_at", "-id")[:MAX_NOTES]:
        step = steps.get(note.about_step)
        if step or not note.about_step:
            by_step.setdefault(step.id if step else None, []).append(note)
    for step_id in sorted(by_step, key=lambda step_id: str(step_id or "")):
        yield _data_set_line(run, step_id, by_step[step_id])


def _data_set_line(run: Run, step_id: UUID | None, notes: list[Note]) -> bytes:
    """Return the line of a run or a step; `notes` begin with the newest. b"" where the step was
    deleted meanwhile."""
    step = None
    if step_id:
        steps = NodeExecution.objects.in_run(run.pk).with_payloads()
        step = steps.filter(id=step_id).first()
        if step is None:
            return b""
    subject = step or run
    line: NoteDataSetLineJson = {
        "input": stored(subject.inputs),
        "output": stored(subject.outputs),
        "expected": _preferred(notes, _expected_output),
        "label": _preferred(notes, _label_of),
        "score": _preferred(notes, _score_of),
        "thumb": _preferred(notes, lambda note: NoteEntry(note, None).thumb),
        "tags": sorted({note.label for note in notes if note.name == "tag"}),
        "notes": [note_json(NoteEntry(note, step)) for note in reversed(notes)],
        "run": str(run.pk),
        "execution": str(step.id) if step else None,
        "app": run.app.slug,
        "version": version_ref(run.version),
        "started_at": iso_time(subject.started_at),
    }
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def _preferred(notes: list[Note], read: Callable[[Note], Any]) -> Any:
    """Return what `read` returns for the newest note that has it, a person's before a program's."""
    for is_person in (True, False):
        for note in notes:
            content = read(note) if (note.source == PERSON) is is_person else None
            if content not in (None, ""):
                return content
    return None


def _expected_output(note: Note) -> str:
    """Return the output that would have been right; Dify's annotations are answers that a person
    wrote."""
    return note.text if note.name in ("expected", "annotation") else ""


def _label_of(note: Note) -> str:
    return note.label if note.name not in ("tag", "thumbs") else ""


def _score_of(note: Note) -> float | None:
    return note.number if note.name != "thumbs" else None
