"""The only code that writes notes which producers send: scores, feedback, evaluations.

A note may come before its run: it waits under the producer's id until `settle` gives it the run.
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
UPDATED = (
    "run_id",
    "about",
    "about_step",
    "name",
    "number",
    "label",
    "text",
    "author",
    "created_at",
)


def save(records: Sequence[NoteRecord], scope: int = 0) -> int:
    """Write notes, the same note once however often it is sent; of two versions the later counts.
    Returns how many were new or had changed. `scope` as for runs (see `RunSource`)."""
    by_id: dict[UUID, Note] = {}
    timeless: set[UUID] = set()
    for record in records:
        note = _note_from_record(record, scope)
        if record.created_us is None:
            timeless.add(note.pk)
        known = by_id.get(note.pk)
        if known is None or _version_order(known) <= _version_order(note):
            by_id[note.pk] = note
    stored = Note.objects.in_bulk(list(by_id))
    fresh = [
        note
        for note in by_id.values()
        if (known := stored.get(note.pk)) is None
        or (
            _version_order(known) < _version_order(note)
            and not (note.pk in timeless and _says_the_same(known, note))
        )
    ]
    runs = _run_ids({note.about for note in fresh}, scope)
    for note in fresh:
        note.run_id = runs.get(note.about)
    _set_producer_step_ids(fresh)
    Note.objects.bulk_create(
        fresh, update_conflicts=True, unique_fields=["id"], update_fields=UPDATED, batch_size=500
    )
    return len(fresh)


def settle(source_ids: Collection[str], scope: int = 0) -> None:
    """Give notes that waited for one of these ids their run. Call when the ids are stored."""
    waiting = list(Note.objects.waiting_for(source_ids, scope))
    if not waiting:
        return
    runs = _run_ids({note.about for note in waiting}, scope)
    for note in waiting:
        note.run_id = runs.get(note.about)
    Note.objects.bulk_update(waiting, ["run"], batch_size=500)


def note_id(record: NoteRecord, scope: int) -> UUID:
    """Return the id that the same note always has."""
    return uuid5(NOTES, f"{scope}:{record.source}:{record.source_id}")


def _note_from_record(record: NoteRecord, scope: int) -> Note:
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


def _version_order(note: Note) -> tuple[object, ...]:
    """Return a key: later beats earlier; of two at once the greater text, so that the order of
    arrival cannot matter."""
    return (note.created_at, note.name, note.number or 0.0, note.label, note.text)


def _says_the_same(known: Note, note: Note) -> bool:
    """Return whether both say the same of the same run, whenever."""
    content = (known.about, known.author, *_version_order(known)[1:])
    return known.run_id is not None and content == (
        note.about,
        note.author,
        *_version_order(note)[1:],
    )


def _run_ids(source_ids: Collection[str], scope: int) -> dict[str, UUID]:
    """Return source id → run id: by the producers' ids; by the run's own, or one that it had, where
    no producer has it."""
    uuids = {text: uuid for text in source_ids if (uuid := as_uuid(text))}
    ids_and_hex = {*source_ids, *(uuid.hex for uuid in uuids.values())}
    sources = RunSource.objects.filter(scope=scope, source_id__in=ids_and_hex)
    runs = dict(sources.values_list("source_id", "run_id"))
    stored = Run.objects.filter(pk__in=[uuid for text, uuid in uuids.items() if text not in runs])
    run_ids = set((stored.filter(app_id=scope) if scope else stored).values_list("pk", flat=True))
    for text, uuid in uuids.items():
        if run_id := runs.get(uuid.hex) or (uuid if uuid in run_ids else None):
            runs.setdefault(text, run_id)
    return runs


def _set_producer_step_ids(notes: Iterable[Note]) -> None:
    """Replace the ids of steps in notes by the producer's ids, where a note names its step by
    Waylog's id: only the producer's id stays when two runs turn out to be one."""
    step_ids = {note: uuid for note in notes if note.run_id and (uuid := as_uuid(note.about_step))}
    if not step_ids:
        return
    steps = NodeExecution.objects.filter(
        run_id__in={note.run_id for note in step_ids}, id__in=set(step_ids.values())
    )
    names = dict(steps.values_list("id", "source_id"))
    for note, step_id in step_ids.items():
        note.about_step = names.get(step_id, note.about_step)
