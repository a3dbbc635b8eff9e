"""The lines of a run file beside the steps: versions, titles of conversations, notes."""

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
    """Return the id of the app with this name, created where there is none."""
    [app_id] = related_rows.app_ids([name], {name} if sample else None).values()
    return app_id


def restore_version(line: VersionLine) -> None:
    """Create the version as the line describes it; fill what a stored version lacks."""
    app = app_named(line.app, line.sample)
    values = {
        "graph": line.graph if isinstance(line.graph, dict) else None,
        "configuration": line.configuration if isinstance(line.configuration, dict) else None,
        "digest": clean(line.digest, 64),
        "source_id": clean(line.source_id, 128),
        "comment": clean(line.comment),
    }
    with transaction.atomic():
        bulk.lock(bulk.Stage.VERSIONS, [str(app)])
        versions = Version.objects.filter(app_id=app)
        known = versions.filter(label=clean(line.label, 200)).first()
        if known is None:
            number = line.number or 0
            if not 0 < number < 2**31 or versions.filter(number=number).exists():
                number = (versions.aggregate(newest=Max("number"))["newest"] or 0) + 1
            known = versions.create(
                app_id=app, number=number, label=clean(line.label, 200), **values
            )
            if line.created_us is not None:
                created_at = from_us(line.created_us)
                versions.filter(pk=known.pk).update(created_at=created_at)
            return
        lacking = [name for name in FILLED if not getattr(known, name) and values[name]]
        for name in lacking:
            setattr(known, name, values[name])
        if lacking:
            known.save(update_fields=lacking)


def restore_title(run_id: UUID, title: str) -> None:
    """Name the run's conversation, unless it has a name."""
    conversation = Run.objects.filter(id=run_id).values("conversation_id")
    Conversation.objects.filter(id__in=conversation, title="").update(title=clean(title, 255))


def restore_notes(records: Sequence[NoteRecord], scope: int) -> None:
    """Write notes on runs that are stored. A note that is stored under its own id (a person's)
    stays as it is."""
    own = {note.source_id: UUID(note.source_id) for note in records if _is_uuid(note.source_id)}
    stored = {id_.hex for id_ in Note.objects.in_bulk(list(own.values()))}
    notes.save([note for note in records if note.source_id not in stored], scope)


def _is_uuid(text: str) -> bool:
    try:
        return UUID(text).hex == text
    except ValueError:
        return False
