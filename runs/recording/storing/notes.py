"""The only code that writes notes which producers send: scores, feedback, evaluations.

A note may come before its run: it waits under the producer's id until `settle` is told of the run.
"""

from collections.abc import Collection, Iterable, Sequence
from math import isfinite
from uuid import UUID, uuid5

from django.utils import timezone

from nodes.clock import from_us
from nodes.ids import as_uuid
from nodes.models import NodeExecution
from runs.models import Note, Run, RunSource
from runs.recording.records.payload_values import clean
from runs.recording.records.record import NoteRecord

NOTES = UUID("5a0c6a3e-9f0b-5c39-8f6e-2f7d1c0b4e55")
TOLD = ("run_id", "about", "about_step", "name", "number", "label", "text", "author", "created_at")


def save(records: Sequence[NoteRecord], scope: int = 0) -> int:
    """Write notes, the same note once however often it is told: of two tellings the later counts.
    Returns how many are on a run that is known. `scope` as for runs (see `RunSource`)."""
    told: dict[UUID, Note] = {}
    timeless: set[UUID] = set()
    for record in records:
        note = _note(record, scope)
        if record.created_us is None:
            timeless.add(note.pk)
        known = told.get(note.pk)
        if known is None or _order(known) <= _order(note):
            told[note.pk] = note
    stored = Note.objects.in_bulk(list(told))
    fresh = [
        note
        for note in told.values()
        if (known := stored.get(note.pk)) is None
        or (_order(known) < _order(note) and not (note.pk in timeless and _same(known, note)))
    ]
    runs = _runs_of({note.about for note in fresh}, scope)
    for note in fresh:
        note.run_id = runs.get(note.about)
    _name_steps(fresh)
    Note.objects.bulk_create(
        fresh, update_conflicts=True, unique_fields=["id"], update_fields=TOLD, batch_size=500
    )
    return sum(note.run_id is not None for note in fresh)


def settle(source_ids: Collection[str], scope: int = 0) -> None:
    """Give notes that waited for one of these ids their run. Call when the ids are stored."""
    waiting = list(Note.objects.waiting_for(source_ids, scope))
    if not waiting:
        return
    runs = _runs_of({note.about for note in waiting}, scope)
    for note in waiting:
        note.run_id = runs.get(note.about)
    Note.objects.bulk_update(waiting, ["run"], batch_size=500)


def note_id(record: NoteRecord, scope: int) -> UUID:
    return uuid5(NOTES, f"{scope}:{record.source}:{record.source_id}")


def _note(record: NoteRecord, scope: int) -> Note:
    at = from_us(record.created_us)
    number = record.number if record.number is not None and isfinite(record.number) else None
    return Note(
        id=note_id(record, scope),
        scope=scope,
        about=clean(record.about, 128),
        about_step=clean(record.about_step, 128),
        name=clean(record.name, 100) or "note",
        number=number,
        label=clean(record.label, 200),
        text=clean(record.text),
        source=record.source,
        source_id=clean(record.source_id, 128),
        author=clean(record.author, 200),
        created_at=at or timezone.now(),
    )


def _order(note: Note) -> tuple[object, ...]:
    """Later beats earlier; of two at once the greater words, so that the order cannot matter."""
    return (note.created_at, note.name, note.number or 0.0, note.label, note.text)


def _same(known: Note, note: Note) -> bool:
    """Whether both say the same of the same run, whenever."""
    told = (known.about, known.author, *_order(known)[1:])
    return known.run_id is not None and told == (note.about, note.author, *_order(note)[1:])


def _runs_of(source_ids: Collection[str], scope: int) -> dict[str, UUID]:
    """By the producer's ids; by the run's own, or one that it had, where no producer has it."""
    own = {text: found for text in source_ids if (found := as_uuid(text))}
    asked = {*source_ids, *(found.hex for found in own.values())}
    sources = RunSource.objects.filter(scope=scope, source_id__in=asked)
    runs = dict(sources.values_list("source_id", "run_id"))
    here = Run.objects.filter(pk__in=[found for text, found in own.items() if text not in runs])
    ids = set((here.filter(app_id=scope) if scope else here).values_list("pk", flat=True))
    for text, found in own.items():
        if run_id := runs.get(found.hex) or (found if found in ids else None):
            runs.setdefault(text, run_id)
    return runs


def _name_steps(notes: Iterable[Note]) -> None:
    """Where a note names its step by an execution's id, that is ours: the producer's in its place,
    which stays when runs turn out to be one."""
    asked = {note: found for note in notes if note.run_id and (found := as_uuid(note.about_step))}
    if not asked:
        return
    steps = NodeExecution.objects.filter(
        run_id__in={note.run_id for note in asked}, id__in=set(asked.values())
    )
    names = dict(steps.values_list("id", "source_id"))
    for note, found in asked.items():
        note.about_step = names.get(found, note.about_step)
