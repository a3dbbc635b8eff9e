"""Notes from people and evaluators on a run or a step."""

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Self

from django.db import models
from django.db.models import Count, Exists, Max, OuterRef, Q
from django.db.models.functions import Left
from django.utils import timezone

from runs.models.app import App
from runs.models.run import Run

PERSON = "person"
UP, DOWN = Q(name="thumbs", number__gt=0), Q(name="thumbs", number__lt=0)
# Beginning of a text that lists read, in characters.
TEXT_HEAD_LENGTH = 2_000


class NoteQuerySet(models.QuerySet["Note"]):
    """Each scope takes the value of a filter; an empty value filters nothing."""

    def on_run(self, run: Run) -> Self:
        """Return the notes on the run and its steps, in the order in which they were made."""
        return self.filter(run=run).order_by("created_at", "id")

    def waiting(self) -> Self:
        """Return the notes whose run has not arrived. Served by `note_about`."""
        return self.filter(run=None)

    def waiting_for(self, source_ids: Collection[str], scope: int) -> Self:
        """Return the notes that arrived before their run did. Served by `note_about`."""
        return self.filter(run=None, about__in=source_ids, scope=scope)

    def for_page(self, length: int = TEXT_HEAD_LENGTH) -> Self:
        """Read only the beginning of the text, as `head`: at most `length` + 1 characters."""
        return self.defer("text").annotate(head=Left("text", length + 1))

    def for_list(self) -> Self:
        """Read as `for_page`, with what a row shows of the run. Ordered by `note_created`."""
        names = ("run__app", "run__app__slug", "run__app__name", "run__status", "run__started_at",
                 "run__inputs_preview", "run__name", "run__last_seen_at")  # fmt: skip
        own = ("scope", "about", "about_step", "name", "number", "label", "source", "author",
               "created_at", "run_id")  # fmt: skip
        return self.select_related("run__app").only(*own, *names).annotate(
            head=Left("text", TEXT_HEAD_LENGTH + 1)
        )  # fmt: skip

    def with_run(self) -> Self:
        """Leave out notes whose run has not arrived."""
        return self.filter(run__isnull=False)

    def for_app(self, app: App | None) -> Self:
        """Return the notes on runs of `app`. Uses a subquery for each note: with a join the
        database may begin with all runs of the app."""
        return (
            self.filter(Exists(Run.objects.filter(pk=OuterRef("run_id"), app=app))) if app else self
        )

    def named(self, name: str) -> Self:
        """Return the notes with this name. Served by `note_name_created`."""
        return self.filter(name=name) if name else self

    def labelled(self, label: str) -> Self:
        return self.filter(label=label) if label else self

    def from_source(self, source: str, author: str) -> Self:
        """Return the notes of this source and author. Served by `note_source_created`."""
        notes = self.filter(source=source) if source else self
        return notes.filter(author=author) if author else notes

    def with_thumb(self, thumb: str) -> Self:
        """Return the thumbs that point "up" or "down". Served by `note_name_created`."""
        return self.filter(UP if thumb == "up" else DOWN) if thumb else self

    def since(self, time: datetime | None) -> Self:
        return self.filter(created_at__gte=time) if time else self

    def of_person(self, user_name: str) -> Self:
        return self.filter(source=PERSON, author=user_name)

    def with_content(self, name: str, number: float | None, label: str, text: str) -> Self:
        """Return the notes with exactly this content."""
        value = {"number": number} if number is not None else {"number__isnull": True}
        return self.filter(name=name, label=label, text=text, **value)

    def counts_by_run(
        self, run_ids: Iterable[uuid.UUID], user_name: str = ""
    ) -> models.QuerySet["Note", dict[str, Any]]:
        """Count for each run the notes, thumbs and pins on it and its steps; `mine` is the number
        of the thumb that the person gave the run. Served by `note_run_created`."""
        mine = Q(name="thumbs", source=PERSON, author=user_name, about_step="")
        return (
            self.filter(run_id__in=list(run_ids))
            .order_by()
            .values("run_id")
            .annotate(
                count=Count("pk"),
                up=Count("pk", filter=UP),
                down=Count("pk", filter=DOWN),
                pins=Count("pk", filter=Q(name="pin")),
                mine=Max("number", filter=mine),
            )
        )


class Note(models.Model):
    """A thumb, a score, a label or a text on a run, or on one step of it. A note that arrives
    before its run waits for it under the producer's id (`about`)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(
        Run, models.CASCADE, null=True, related_name="notes", db_index=False, db_constraint=False
    )
    scope = models.BigIntegerField(
        default=0, editable=False, help_text="The kind of the id, as in RunSource."
    )
    about = models.CharField(max_length=128, blank=True, help_text="The producer's id of the run.")
    about_step = models.CharField(
        max_length=128,
        blank=True,
        help_text="The producer's id of the step; empty for a note on the run.",
    )
    name = models.CharField(max_length=100, help_text="thumbs, correctness, comment …")
    number = models.FloatField(null=True, blank=True, help_text="A score.")
    label = models.CharField(max_length=200, blank=True)
    text = models.TextField(blank=True)
    source = models.CharField(
        max_length=20, help_text="person, api, langfuse, evaluation, dify-feedback, dify-annotation"
    )
    # The producer's id of the note: sending it again changes the same row. Its primary key is
    # derived from it.
    source_id = models.CharField(max_length=128, blank=True)
    author = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    head: str  # from for_page() and for_list()

    objects = NoteQuerySet.as_manager()

    class Meta:
        indexes = [
            # Notes of a run, in the order made.
            models.Index(fields=["run", "created_at"], name="note_run_created"),
            # All notes, newest first, by keyset; those of one name, or of one source.
            models.Index(fields=["-created_at", "-id"], name="note_created"),
            models.Index(fields=["name", "-created_at", "-id"], name="note_name_created"),
            models.Index(fields=["source", "-created_at", "-id"], name="note_source_created"),
            # Notes whose run has not arrived yet.
            models.Index(fields=["about"], name="note_about", condition=models.Q(run=None)),
        ]

    def __str__(self) -> str:
        return self.name
