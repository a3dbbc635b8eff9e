"""What people and evaluators said about a run, as its pages and twins show it."""

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

SHOWN = 200
IN_HEADER = 5
SHORT = 140
# What the buttons above a list of notes show already, of notes that people made.
ON_BUTTONS = frozenset({"thumbs", "pin"})


@dataclass(frozen=True, slots=True)
class NoteView:
    """A note for a page. `thumb` is up, down or ""; `value` its score or label in words; `head` the
    beginning of a text too long for a line, "" of any other. `step` is the step that it is about,
    None: the run, or one that has not arrived."""

    note: Note
    step: NodeExecution | None

    @property
    def thumb(self) -> str:
        return _thumb(self.note.number) if self.note.name == "thumbs" else ""

    @property
    def value(self) -> str:
        number = None if self.note.number is None else f"{self.note.number:.6g}"
        if self.thumb:
            return self.note.label or self.thumb
        return " ".join(part for part in (number, self.note.label) if part)

    @property
    def text(self) -> str:
        """Of a note that was read for a page its beginning."""
        return self.note.head[:TEXT_HEAD_LENGTH] if hasattr(self.note, "head") else self.note.text

    @property
    def cut(self) -> bool:
        """Whether there is more of the text than is shown."""
        return hasattr(self.note, "head") and len(self.note.head) > TEXT_HEAD_LENGTH

    @property
    def head(self) -> str:
        text = self.text
        return single_line(text, SHORT) if len(text) > SHORT or "\n" in text.strip() else ""

    @property
    def step_url(self) -> str:
        return reverse("run-execution", args=[self.note.run_id, self.step.id]) if self.step else ""

    @property
    def is_of_person(self) -> bool:
        return self.note.source == PERSON


@dataclass(frozen=True, slots=True)
class NoteCounts:
    """Of a run or step how many notes, thumbs and pins, and `others` than those; `mine`: the
    reader's own thumb, up, down or ""."""

    count: int = 0
    up: int = 0
    down: int = 0
    pinned: bool = False
    mine: str = ""
    others: int = 0


@dataclass(frozen=True, slots=True)
class NoteList:
    """Of a run or a step, in the order made; `more`: there are others that are not shown. `told`
    are those that were read."""

    shown: list[NoteView]
    more: bool
    told: list[Note] = field(default_factory=list)

    def marks(self, user_name: str, about_step: bool = False) -> NoteCounts:
        """Of what was told of the run as such; with `about_step` of all, as the notes of one step
        are."""
        told = [note for note in self.told if about_step or not note.about_step]
        thumbs = [shown.thumb for shown in (NoteView(note, None) for note in told) if shown.thumb]
        own = [note for note in told if note.source == PERSON and note.author == user_name]
        mine = next((note.number or 0 for note in own if note.name == "thumbs"), 0)
        return NoteCounts(
            count=len(told),
            up=thumbs.count("up"),
            down=thumbs.count("down"),
            pinned=any(note.name == "pin" for note in told),
            mine=_thumb(mine),
        )


def _thumb(number: float | None) -> str:
    return "up" if number and number > 0 else "down" if number else ""


def notes_of_run(run: Run, limit: int = SHOWN) -> NoteList:
    """With the steps that they are about, texts whole. Three queries at most."""
    return _withsteps_called(run, list(Note.objects.of_run(run)[: limit + 1]), limit)


def notes_on_page(run: Run) -> NoteList:
    """As `notes_of_run`, of long texts the beginning."""
    return _withsteps_called(run, list(Note.objects.of_run(run).for_page()[: SHOWN + 1]), SHOWN)


def _withsteps_called(run: Run, notes: list[Note], limit: int) -> NoteList:
    steps = steps_by_producer_id(run, {note.about_step for note in notes if note.about_step})
    shown = [NoteView(note, steps.get(note.about_step)) for note in notes[:limit]]
    return NoteList(shown, len(notes) > limit, notes)


def notes_in_header(run: Run) -> NoteList:
    """The first few, without their steps and without what its buttons show. One query."""
    told = list(Note.objects.of_run(run).for_page(SHORT)[: SHOWN + 1])
    shown = [
        NoteView(note, None)
        for note in told
        if note.about_step or note.source != PERSON or note.name not in ON_BUTTONS
    ]
    return NoteList(shown[:IN_HEADER], len(shown) > IN_HEADER, told)


def notes_of_step(run: Run, execution: NodeExecution) -> NoteList:
    """One query."""
    of_step = Note.objects.of_run(run).filter(about_step__in=producer_ids(execution))
    notes = list(of_step.for_page()[: SHOWN + 1])
    return NoteList([NoteView(note, None) for note in notes[:SHOWN]], len(notes) > SHOWN, notes)


def producer_ids(step: NodeExecution) -> list[str]:
    """Steps are known by their id, and by those of their spans."""
    hints = orjson.loads(step.hints) if step.hints else {}
    return [step.source_id, *hints.get("span_ids", ())]


def note_counts(run_ids: Iterable[UUID], user_name: str = "") -> dict[UUID, NoteCounts]:
    """Of the runs that have notes, those on their steps among them. One query."""
    return {
        row["run_id"]: NoteCounts(
            count=row["count"],
            up=row["up"],
            down=row["down"],
            pinned=row["pins"] > 0,
            mine=_thumb(row["mine"]),
            others=row["count"] - row["up"] - row["down"] - row["pins"],
        )
        for row in Note.objects.marks(run_ids, user_name)
    }


def notes_json(run: Run) -> list[NoteJson]:
    """The machine twin: `step` is an execution's id."""
    return [note_json(shown) for shown in notes_of_run(run).shown]


def note_json(shown: NoteView) -> NoteJson:
    note = shown.note
    return {
        "id": str(note.pk),
        "name": note.name,
        "number": note.number,
        "label": note.label or None,
        "text": shown.text or None,
        "source": note.source,
        "author": note.author or None,
        "step": str(shown.step.id) if shown.step else None,
        "created_at": iso_time(note.created_at),
    }


def steps_by_producer_id(run: Run, ids: Iterable[str]) -> dict[str, NodeExecution]:
    """Steps by these ids of theirs: by which they are known, or one of their spans'."""
    ids = set(ids)
    if not ids:
        return {}
    steps = NodeExecution.objects.in_run(run.id).only("id", "run_id", "source_id", "title", "hints")
    found = {step.source_id: step for step in steps.filter(source_id__in=ids)}
    if ids - found.keys():
        for step in steps.filter(hints__contains='"span_ids"'):
            spans = orjson.loads(step.hints).get("span_ids", ())
            found.update({one: step for one in spans if one in ids})
    return found


def steps_of_notes(notes: Sequence[Note]) -> dict[tuple[UUID, str], NodeExecution]:
    """The steps that notes of several runs are about, by run and what the note calls them: looked
    up by their derived ids; those that are called by one of their spans', in one more query."""
    ids = {
        UUID(execution_id(note.run_id, note.about_step)): (note.run_id, note.about_step)
        for note in notes
        if note.run_id and note.about_step
    }
    steps = NodeExecution.objects.only("id", "run_id", "source_id", "title", "hints")
    found = {ids[step_id]: step for step_id, step in steps.in_bulk(list(ids)).items()}
    if missing := set(ids.values()) - found.keys():
        called = [Q(run_id=run_id, hints__contains=f'"{name}"') for run_id, name in missing]
        for step in steps.filter(reduce(or_, called)):
            found |= {(step.run_id, name): step for name in producer_ids(step)}
    return found
