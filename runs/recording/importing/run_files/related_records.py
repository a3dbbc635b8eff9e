"""What a run file tells beside the steps: versions, titles of conversations, notes."""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from nodes.clock import from_us
from runs.models import Conversation, Note, Run, Version
from runs.recording.importing.run_files.lines import VersionLine
from runs.recording.records.payload_values import clean
from runs.recording.records.record import NoteRecord
from runs.recording.storing import bulk, notes, related_rows

FILLED = ("graph", "configuration", "digest", "source_id", "comment")


def app_named(name: str, sample: bool = False) -> int:
    """The app named so; made where there is none."""
    [found] = related_rows.app_ids([name], {name} if sample else None).values()
    return found


def restore_version(told: VersionLine) -> None:
    """Make the version as it is told; of one that is there fill what it lacks."""
    app = app_named(told.app, told.sample)
    values = {
        "graph": told.graph if isinstance(told.graph, dict) else None,
        "configuration": told.configuration if isinstance(told.configuration, dict) else None,
        "digest": clean(told.digest, 64),
        "source_id": clean(told.source_id, 128),
        "comment": clean(told.comment),
    }
    with transaction.atomic():
        bulk.lock(bulk.Stage.VERSIONS, [str(app)])
        versions = Version.objects.filter(app_id=app)
        known = versions.filter(label=clean(told.label, 200)).first()
        if known is None:
            number = told.number or 0
            if not 0 < number < 2**31 or versions.filter(number=number).exists():
                number = (versions.aggregate(newest=Max("number"))["newest"] or 0) + 1
            known = versions.create(
                app_id=app, number=number, label=clean(told.label, 200), **values
            )
            if told.created_us is not None:
                made = from_us(told.created_us)
                versions.filter(pk=known.pk).update(created_at=made)
            return
        lacking = [name for name in FILLED if not getattr(known, name) and values[name]]
        for name in lacking:
            setattr(known, name, values[name])
        if lacking:
            known.save(update_fields=lacking)


def restore_title(run_id: UUID, title: str) -> None:
    """Name the run's conversation, unless it has a name."""
    talk = Run.objects.filter(id=run_id).values("conversation_id")
    Conversation.objects.filter(id__in=talk, title="").update(title=clean(title, 255))


def restore_notes(told: Sequence[NoteRecord], scope: int) -> None:
    """Write notes on runs that are stored. One that is known by its own id (a person's) and is here
    stays as it is."""
    own = {note.source_id: UUID(note.source_id) for note in told if _is_uuid(note.source_id)}
    here = {id_.hex for id_ in Note.objects.in_bulk(list(own.values()))}
    notes.save([note for note in told if note.source_id not in here], scope)


def _is_uuid(text: str) -> bool:
    try:
        return UUID(text).hex == text
    except ValueError:
        return False
