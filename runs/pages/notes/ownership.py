"""Notes of people on a run or a step: who may write, change and delete them. Notes of producers are
written by `runs.recording.storing.notes` and stay as they were sent."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction

from runs.models import Note, Run
from runs.models.note import PERSON

# Names of which a person has one note on a run or step: another one replaces it.
SINGLE = frozenset({"thumbs", "pin", "expected"})
# Names of which the same note sent again deletes the note.
SWITCHES = frozenset({"thumbs", "pin"})
THUMBS = {"up": 1.0, "down": -1.0}


@dataclass(frozen=True, slots=True)
class NoteDraft:
    """A note that a person is about to make."""

    name: str
    number: float | None = None
    label: str = ""
    text: str = ""


def write_notes(run: Run, about_step: str, author: str, drafts: Iterable[NoteDraft]) -> None:
    """Write notes of the person `author` on the run, or on the step with the id `about_step`.

    The same note sent twice is one note, also at the same time: the run is locked meanwhile.
    """
    own = Note.objects.of_person(author).filter(run=run, about_step=about_step)
    with transaction.atomic():
        list(Run.objects.select_for_update().filter(pk=run.pk).values_list("pk"))
        for draft in drafts:
            same = own.with_content(draft.name, draft.number, draft.label, draft.text)
            known = list(same.values_list("pk", flat=True))
            if known and draft.name in SWITCHES:
                same.delete()
            elif not known:
                if draft.name in SINGLE:
                    own.named(draft.name).delete()
                Note.objects.create(
                    run=run,
                    about_step=about_step,
                    name=draft.name,
                    number=draft.number,
                    label=draft.label,
                    text=draft.text,
                    source=PERSON,
                    author=author,
                )


def may_change(note: Note, user: User) -> bool:
    """Return whether `user` may change `note`: people may change their own notes, staff those of
    all people, and no one a producer's."""
    return note.source == PERSON and (user.is_staff or note.author == user.get_username())
