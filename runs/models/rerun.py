"""Runs that were asked for from this console."""

import uuid

from django.conf import settings
from django.db import models

from runs.models.run import Run


class Rerun(models.Model):
    """One request to run an app again, from a run of it. `sent` is the body that the app's upstream
    was sent; `run` is what came of it, as soon as it is known, and `source_id` the producer's id of
    it. An attempt that the upstream refused has an `error` and no run."""

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
        max_length=255, blank=True, help_text="The one node that was run; empty: the whole app."
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    error = models.TextField(blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.original_id} again"
