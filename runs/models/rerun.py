"""Reruns: requests to run an app again, made from this console."""

import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Case, Q, When
from django.utils import timezone

from runs.models.app import App
from runs.models.run import Run


class RerunQuerySet(models.QuerySet["Rerun"]):
    def involving(self, run: Run) -> Self:
        """Return the rerun that created this run, then the reruns of this run, newest first;
        without their bodies."""
        origin_first = Case(When(run=run, then=0), default=1)
        reruns = self.filter(Q(original=run) | Q(run=run)).defer("sent")
        return reruns.order_by(origin_first, "-created_at")

    def for_page(self) -> Self:
        """Load both runs and their app, without its secrets."""
        reruns = self.select_related("original__app", "run__app", "requested_by")
        return reruns.defer("original__app__upstream_key", "run__app__upstream_key")

    def readable_by(self, only_app: App | None) -> Self:
        """Return all of them, or those of the one app that a bound key may read."""
        return self.filter(original__app=only_app) if only_app else self


class Rerun(models.Model):
    """One request to run an app again, from a run of it. `sent` is the body that the app's upstream
    was sent; `run` is the new run, once it is known, and `source_id` the producer's id of it. A
    rerun that the upstream refused has an `error` and no run."""

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    original = models.ForeignKey(Run, models.CASCADE, related_name="reruns")
    run = models.ForeignKey(Run, models.SET_NULL, null=True, blank=True, related_name="rerun_of")
    source_id = models.CharField(max_length=128, blank=True)
    sent = models.JSONField(default=dict)
    node_id = models.CharField(
        max_length=255, blank=True, help_text="The node that was run; empty for the whole app."
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    error = models.TextField(blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = RerunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.original_id} again"

    def set_run(self, run_id: uuid.UUID, source_id: str) -> None:
        """Store the new run."""
        self.run_id, self.source_id = run_id, source_id[:128]
        self._update_columns("run_id", "source_id")

    def expect_run(self, source_id: str) -> None:
        """Store the producer's id under which the new run will arrive."""
        self.source_id = source_id
        self._update_columns("source_id")

    def warn(self, sentence: str) -> None:
        """Store a warning for the page, though nothing failed."""
        self.error = sentence
        self._update_columns("error")

    def end(self, error: str) -> None:
        """End the rerun; with an `error`, as failed. Only the first call counts."""
        if self.state != self.State.RUNNING:
            return
        self.state = self.State.FAILED if error else self.State.DONE
        self.error, self.ended_at = error or self.error, timezone.now()
        self._update_columns("state", "error", "ended_at", state=self.State.RUNNING)

    def _update_columns(self, *fields: str, **conditions: str) -> None:
        """Write these fields, if the stored row meets the `conditions`. Not `save`: the rerun may
        have been deleted with its original, which is no error of the run that is being recorded."""
        values = {name: getattr(self, name) for name in fields}
        type(self).objects.filter(pk=self.pk, **conditions).update(**values)
