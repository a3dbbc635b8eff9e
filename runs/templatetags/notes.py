"""Template filters over notes: what the reader said, and may change."""

from typing import Any
from uuid import UUID

from django import template

from runs.models import Note, Run
from runs.pages.notes.notes import NoteCounts, NoteList
from runs.pages.notes.ownership import may_change

register = template.Library()


@register.filter
def marks_for(notes: NoteList, user: Any) -> NoteCounts:
    """Thumbs and pin of the run itself, with the reader's own."""
    return notes.marks(user.get_username())


@register.filter
def step_marks_for(notes: NoteList, user: Any) -> NoteCounts:
    """The same of a step, whose notes these are."""
    return notes.marks(user.get_username(), about_step=True)


@register.filter
def changeable_by(note: Note, user: Any) -> bool:
    return may_change(note, user)


@register.filter
def of_run(marks: dict[UUID, NoteCounts] | str, run: Run) -> NoteCounts:
    """A run's own of those of many; none have been read: nothing is marked."""
    return marks.get(run.pk, NoteCounts()) if isinstance(marks, dict) else NoteCounts()
