"""Reads the notes of people and evaluators on runs and steps, for pages and JSON."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from uuid import UUID

import orjson
from django.db.models import Q
from django.urls import reverse

from nodes.content.previews import single_line
from nodes.models import NodeExecution
from runs.json.note import NoteJson
from runs.json.values import iso_time
from runs.models import Note, Run
from runs.models.note import PERSON, TEXT_HEAD_LENGTH
from runs.recording.deriving.tree import execution_id

MAX_NOTES = 200
MAX_IN_HEADER = 5
MAX_LINE = 140  # characters of a text that stands on one line
# Notes of people that the buttons above a list of notes show already.
ON_BUTTONS = frozenset({"thumbs", "pin"})


@dataclass(frozen=True, slots=True)
class NoteEntry:
    """A note for a page. `thumb` is "up", "down" or ""; `value` its score or label in words; `head`
    the beginning of a text too long for a line, "" for any other text. `step` is the step that it
    is about; None for the run, or a step that has not arrived."""

    note: Note
    step: NodeExecution | None

    @property
    def thumb(self) -> str:
        return _thumb_word(self.note.number) if self.note.name == "thumbs" else ""

    @property
    def value(self) -> str:
        number = None if self.note.number is None else f"{self.note.number:.6g}"
        if self.thumb:
            return self.note.label or self.thumb
        return " ".join(part for part in (number, self.note.label) if part)

    @property
    def text(self) -> str:
        """Return the text of the note; only its beginning where the note was read for a page."""
        return self.note.head[:TEXT_HEAD_LENGTH] if hasattr(self.note, "head") else self.note.text

    @property
    def cut(self) -> bool:
        """Return whether the note has more text than `text`."""
        return hasattr(self.note, "head") and len(self.note.head) > TEXT_HEAD_LENGTH

    @property
    def head(self) -> str:
        text = self.text
        return single_line(text, MAX_LINE) if len(text) > MAX_LINE or "\n" in text.strip() else ""

    @property
    def step_url(self) -> str:
        return reverse("run-execution", args=[self.note.run_id, self.step.id]) if self.step else ""

    @property
    def is_by_person(self) -> bool:
        return self.note.source == PERSON


@dataclass(frozen=True, slots=True)
class NoteCounts:
    """How many notes a run or a step has: thumbs, a pin, and `others`; `mine` is the reader's own
    thumb, "up", "down" or ""."""

    count: int = 0
    up: int = 0
    down: int = 0
    pinned: bool = False
    mine: str = ""
    others: int = 0


@dataclass(frozen=True, slots=True)
class NoteList:
    """The notes of a run or a step in the order made. `entries` are those to show, `more` says
    whether there are others; `read` are those that were read to count them."""

    entries: list[NoteEntry]
    more: bool
    read: list[Note] = field(default_factory=list)

    def counts(self, user_name: str, about_step: bool = False) -> NoteCounts:
        """Count the notes on the run itself; with `about_step` all notes, which are those of one
        step. `user_name` is the reader."""
        counted = [note for note in self.read if about_step or not note.about_step]
        thumbs = list(filter(None, (NoteEntry(note, None).thumb for note in counted)))
        own = [note for note in counted if note.source == PERSON and note.author == user_name]
        mine = next((note.number or 0 for note in own if note.name == "thumbs"), 0)
        return NoteCounts(
            count=len(counted),
            up=thumbs.count("up"),
            down=thumbs.count("down"),
            pinned=any(note.name == "pin" for note in counted),
            mine=_thumb_word(mine),
        )


def _thumb_word(number: float | None) -> str:
    return "up" if number and number > 0 else "down" if number else ""


def notes_on_run(run: Run, limit: int = MAX_NOTES) -> NoteList:
    """Return the notes on a run and its steps with whole texts. Takes three queries at most."""
    return _with_steps(run, list(Note.objects.on_run(run)[: limit + 1]), limit)


def notes_on_page(run: Run) -> NoteList:
    """Return the same notes with the beginnings of long texts."""
    return _with_steps(run, list(Note.objects.on_run(run).for_page()[: MAX_NOTES + 1]), MAX_NOTES)


def _with_steps(run: Run, notes: list[Note], limit: int) -> NoteList:
    steps = steps_by_producer_id(run, {note.about_step for note in notes if note.about_step})
    entries = [NoteEntry(note, steps.get(note.about_step)) for note in notes[:limit]]
    return NoteList(entries, len(notes) > limit, notes)


def notes_in_header(run: Run) -> NoteList:
    """Return the first few notes, without their steps and without those that the buttons in the
    header show. Takes one query."""
    notes = list(Note.objects.on_run(run).for_page(MAX_LINE)[: MAX_NOTES + 1])
    entries = [
        NoteEntry(note, None)
        for note in notes
        if note.about_step or note.source != PERSON or note.name not in ON_BUTTONS
    ]
    return NoteList(entries[:MAX_IN_HEADER], len(entries) > MAX_IN_HEADER, notes)


def notes_of_step(run: Run, execution: NodeExecution) -> NoteList:
    """Return the notes on a step. Takes one query."""
    on_step = Note.objects.on_run(run).filter(about_step__in=producer_ids(execution))
    notes = list(on_step.for_page()[: MAX_NOTES + 1])
    entries = [NoteEntry(note, None) for note in notes[:MAX_NOTES]]
    return NoteList(entries, len(notes) > MAX_NOTES, notes)


def producer_ids(step: NodeExecution) -> list[str]:
    """Return the ids by which producers know a step: its own, and those of its spans."""
    hints = orjson.loads(step.hints) if step.hints else {}
    return [step.source_id, *hints.get("span_ids", ())]


def note_counts(run_ids: Iterable[UUID], user_name: str = "") -> dict[UUID, NoteCounts]:
    """Count the notes of each run that has any, those on its steps among them. Takes one query."""
    return {
        row["run_id"]: NoteCounts(
            count=row["count"],
            up=row["up"],
            down=row["down"],
            pinned=row["pins"] > 0,
            mine=_thumb_word(row["mine"]),
            others=row["count"] - row["up"] - row["down"] - row["pins"],
        )
        for row in Note.objects.counts_by_run(run_ids, user_name)
    }


def notes_json(run: Run) -> list[NoteJson]:
    """Return the notes of a run as JSON."""
    return [note_json(entry) for entry in notes_on_run(run).entries]


def note_json(entry: NoteEntry) -> NoteJson:
    note = entry.note
    return {
        "id": str(note.pk),
        "name": note.name,
        "number": note.number,
        "label": note.label or None,
        "text": entry.text or None,
        "source": note.source,
        "author": note.author or None,
        "step": str(entry.step.id) if entry.step else None,
        "created_at": iso_time(note.created_at),
    }


def steps_by_producer_id(run: Run, ids: Iterable[str]) -> dict[str, NodeExecution]:
    """Return the steps of a run by `ids`: their own ids, or ids of their spans."""
    ids = set(ids)
    if not ids:
        return {}
    steps = NodeExecution.objects.in_run(run.id).only("id", "run_id", "source_id", "title", "hints")
    by_id = {step.source_id: step for step in steps.filter(source_id__in=ids)}
    if ids - by_id.keys():
        for step in steps.filter(hints__contains='"span_ids"'):
            spans = orjson.loads(step.hints).get("span_ids", ())
            by_id.update({span_id: step for span_id in spans if span_id in ids})
    return by_id


def steps_of_notes(notes: Sequence[Note]) -> dict[tuple[UUID, str], NodeExecution]:
    """Return the steps that notes of several runs are about, by (run, id in the note). Steps are
    looked up by their derived ids; those that a note names by a span, in one more query."""
    ids = {
        UUID(execution_id(note.run_id, note.about_step)): (note.run_id, note.about_step)
        for note in notes
        if note.run_id and note.about_step
    }
    steps = NodeExecution.objects.only("id", "run_id", "source_id", "title", "hints")
    by_name = {ids[step_id]: step for step_id, step in steps.in_bulk(list(ids)).items()}
    if missing := set(ids.values()) - by_name.keys():
        by_span = [Q(run_id=run_id, hints__contains=f'"{name}"') for run_id, name in missing]
        for step in steps.filter(reduce(or_, by_span)):
            by_name |= {(step.run_id, name): step for name in producer_ids(step)}
    return by_name
