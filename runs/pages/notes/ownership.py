"""What people say of a run or a step: written, changed, taken back. Notes of producers are written
by `runs.recording.storing.notes` and stay as they were told."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction

from runs.models import Note, Run
from runs.models.note import PERSON

# Of these a person says one for a run or step: saying it anew replaces it.
SINGLE = frozenset({"thumbs", "pin", "expected"})
# Of these, saying the same again takes it back.
SWITCHES = frozenset({"thumbs", "pin"})
THUMBS = {"up": 1.0, "down": -1.0}


@dataclass(frozen=True, slots=True)
class NoteDraft:
    """One note as somebody makes it."""

    name: str
    number: float | None = None
    label: str = ""
    text: str = ""


def write_notes(run: Run, about_step: str, author: str, sayings: Iterable[NoteDraft]) -> None:
    """Write notes of a person on the run, or on the step that is known by `about_step`. The same
    words sent twice are one note, also at once: the run is locked meanwhile."""
    own = Note.objects.of_person(author).filter(run=run, about_step=about_step)
    with transaction.atomic():
        list(Run.objects.select_for_update().filter(pk=run.pk).values_list("pk"))
        for saying in sayings:
            same = own.saying(saying.name, saying.number, saying.label, saying.text)
            known = list(same.values_list("pk", flat=True))
            if known and saying.name in SWITCHES:
                same.delete()
            elif not known:
                if saying.name in SINGLE:
                    own.named(saying.name).delete()
                Note.objects.create(
                    run=run,
                    about_step=about_step,
                    name=saying.name,
                    number=saying.number,
                    label=saying.label,
                    text=saying.text,
                    source=PERSON,
                    author=author,
                )


def may_change(note: Note, user: User) -> bool:
    """People change their own notes, staff those of all people; nobody changes a producer's."""
    return note.source == PERSON and (user.is_staff or note.author == user.get_username())
