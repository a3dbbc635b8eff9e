"""What people and evaluators say about a run or a step."""

import uuid
from collections.abc import Collection
from typing import Self

from django.db import models
from django.utils import timezone

from runs.models.run import Run


class NoteQuerySet(models.QuerySet["Note"]):
    def of_run(self, run: Run) -> Self:
        """Notes on the run and its steps, in the order made."""
        return self.filter(run=run).order_by("created_at", "id")

    def waiting(self) -> Self:
        """Notes whose run has not arrived. Served by `note_about`."""
        return self.filter(run=None)

    def waiting_for(self, source_ids: Collection[str], scope: int) -> Self:
        """Notes that arrived before their run did. Served by `note_about`."""
        return self.filter(run=None, about__in=source_ids, scope=scope)


class Note(models.Model):
    """A thumb, a score, a label or a text on a run, or on one step of it. One that arrives before
    its run waits for it under the producer's id (`about`)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(
        Run, models.CASCADE, null=True, related_name="notes", db_index=False, db_constraint=False
    )
    scope = models.BigIntegerField(default=0, editable=False, help_text="As for RunSource.")
    about = models.CharField(max_length=128, blank=True, help_text="The producer's id of the run.")
    about_step = models.CharField(
        max_length=128, blank=True, help_text="The producer's id of the step; empty: the run."
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

    objects = NoteQuerySet.as_manager()

    class Meta:
        indexes = [
            # Notes of a run, in the order made.
            models.Index(fields=["run", "created_at"], name="note_run_created"),
            # Notes whose run has not arrived yet.
            models.Index(fields=["about"], name="note_about", condition=models.Q(run=None)),
        ]

    def __str__(self) -> str:
        return self.name
