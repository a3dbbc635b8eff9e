"""Conditions over what stands beside a run: its steps, and what people say of it."""

from functools import reduce
from operator import and_
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from nodes.models import NodeExecution
from runs.models import Note
from runs.models.note import DOWN, UP
from runs.query.columns import any_met, any_of, within
from runs.query.language import Term

# Fields whose terms speak of one and the same step, or of one and the same note.
OF_STEP = ("node", "kind", "model")
OF_NOTE = ("note", "label", "score", "thumbs")


def of_step(name: str, terms: list[Term]) -> Q:
    words = [term.value for term in terms]
    if name != "node":
        return any_of(name, words)
    return any_of("node_id", words) | any_met(Q(title__iexact=word) for word in words)


def with_step(*facts: Q) -> Q:
    """Runs that have one visible step of which all this holds."""
    return Q(Exists(NodeExecution.objects.visible().filter(*facts, run_id=OuterRef("pk"))))


def of_note(name: str, terms: list[Term]) -> Q:
    if name == "score":
        return reduce(and_, (within("number", term) for term in terms))
    if name == "thumbs":
        return any_met(UP if term.value == "up" else DOWN for term in terms)
    words = [term.value for term in terms]
    return Q(name__in=words) if name == "note" else any_met(Q(label__iexact=word) for word in words)


def with_note(*facts: Q) -> Q:
    """Runs with one note, on themselves or on a step, of which all this holds."""
    return Q(pk__in=on_runs(Note.objects.filter(*facts)))


def on_runs(notes: QuerySet[Note]) -> QuerySet[Any, Any]:
    return notes.filter(run__isnull=False).values("run_id")
