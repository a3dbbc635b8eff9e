"""What people and evaluators said about a run, as its pages and twins show it."""

from dataclasses import dataclass
from typing import Any

import orjson
from django.urls import reverse

from nodes.models import NodeExecution
from nodes.previews import tidy
from nodes.twins import moment
from runs.models import Note, Run

SHOWN = 200
IN_HEADER = 5
SHORT = 140
UP = frozenset({"like", "up", "thumbs_up", "thumbs-up", "positive"})
DOWN = frozenset({"dislike", "down", "thumbs_down", "thumbs-down", "negative"})


@dataclass(frozen=True, slots=True)
class Shown:
    """A note for a page. `thumb` is up, down or ""; `value` its score or label in words; `head` the
    beginning of a text too long for a line, "" of any other. `step` is the step that it is about,
    None: the run, or one that has not arrived."""

    note: Note
    step: NodeExecution | None

    @property
    def thumb(self) -> str:
        note = self.note
        label = note.label.lower()
        if label in UP | DOWN:
            return "up" if label in UP else "down"
        if note.name == "thumbs" and note.number:
            return "up" if note.number > 0 else "down"
        return ""

    @property
    def value(self) -> str:
        number = None if self.note.number is None else f"{self.note.number:.10g}"
        if self.thumb:
            return self.note.label or self.thumb
        return " ".join(part for part in (number, self.note.label) if part)

    @property
    def head(self) -> str:
        text = self.note.text
        return tidy(text, SHORT) if len(text) > SHORT or "\n" in text.strip() else ""

    @property
    def step_url(self) -> str:
        return reverse("run-execution", args=[self.note.run_id, self.step.id]) if self.step else ""


@dataclass(frozen=True, slots=True)
class Notes:
    """Of a run or a step, in the order made; `more`: there are others that are not shown."""

    shown: list[Shown]
    more: bool


def notes_of_run(run: Run, limit: int = SHOWN) -> Notes:
    """With the steps that they are about. Three queries at most."""
    notes = list(Note.objects.of_run(run)[: limit + 1])
    steps = _steps(run, {note.about_step for note in notes if note.about_step})
    shown = [Shown(note, steps.get(note.about_step)) for note in notes[:limit]]
    return Notes(shown, len(notes) > limit)


def notes_in_header(run: Run) -> Notes:
    """The first few, without their steps. One query."""
    notes = list(Note.objects.of_run(run)[: IN_HEADER + 1])
    return Notes([Shown(note, None) for note in notes[:IN_HEADER]], len(notes) > IN_HEADER)


def notes_of_step(run: Run, execution: NodeExecution) -> Notes:
    """One query. Steps are known by their id, and by those of their spans."""
    hints = orjson.loads(execution.hints) if execution.hints else {}
    ids = [execution.source_id, *hints.get("span_ids", ())]
    notes = list(Note.objects.of_run(run).filter(about_step__in=ids)[: SHOWN + 1])
    return Notes([Shown(note, None) for note in notes[:SHOWN]], len(notes) > SHOWN)


def notes_json(run: Run) -> list[dict[str, Any]]:
    """The machine twin: `step` is an execution's id."""
    return [
        {
            "name": shown.note.name,
            "number": shown.note.number,
            "label": shown.note.label or None,
            "text": shown.note.text or None,
            "source": shown.note.source,
            "author": shown.note.author or None,
            "step": str(shown.step.id) if shown.step else None,
            "created_at": moment(shown.note.created_at),
        }
        for shown in notes_of_run(run).shown
    ]


def _steps(run: Run, ids: set[str]) -> dict[str, NodeExecution]:
    """Steps by these ids of theirs: by which they are known, or one of their spans'."""
    if not ids:
        return {}
    steps = NodeExecution.objects.of_run(run.id).only("id", "run_id", "source_id", "title", "hints")
    found = {step.source_id: step for step in steps.filter(source_id__in=ids)}
    if ids - found.keys():
        for step in steps.filter(hints__contains='"span_ids"'):
            spans = orjson.loads(step.hints).get("span_ids", ())
            found.update({one: step for one in spans if one in ids})
    return found
