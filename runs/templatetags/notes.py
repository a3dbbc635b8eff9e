"""Template filters over notes: how many there are, and which the reader may change."""

from typing import Any
from uuid import UUID

from django import template

from runs.models import Note, Run
from runs.pages.notes.notes import NoteCounts, NoteList
from runs.pages.notes.ownership import may_change

register = template.Library()


@register.filter
def counts_for(notes: NoteList, user: Any) -> NoteCounts:
    """Count the notes on the run itself, with the reader's own thumb."""
    return notes.counts(user.get_username())


@register.filter
def step_counts_for(notes: NoteList, user: Any) -> NoteCounts:
    """Count the notes of a step, with the reader's own thumb."""
    return notes.counts(user.get_username(), about_step=True)


@register.filter
def changeable_by(note: Note, user: Any) -> bool:
    return may_change(note, user)


@register.filter
def for_run(counts: dict[UUID, NoteCounts] | str, run: Run) -> NoteCounts:
    """Return the counts of `run` out of those of many runs; zeros where none have been read."""
    return counts.get(run.pk, NoteCounts()) if isinstance(counts, dict) else NoteCounts()
