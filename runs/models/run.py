"""Runs: one execution of an app, and the producer's ids that lead to it."""

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from nodes.models import PREVIEW_LENGTH, Payload
from runs.choices import UNFINISHED, AppMode, CostState, RunStatus
from runs.models.app import App, Version
from runs.models.conversation import Conversation
from runs.models.error_group import ErrorGroup
from runs.models.run_query import RunQuerySet


class Run(models.Model):
    """One execution of an app. All columns but `last_seen_at` follow from the run's executions and
    are rewritten by `runs.recording.storing.store` whenever one of them arrives."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    app = models.ForeignKey(App, models.CASCADE, related_name="runs", db_index=False)
    version = models.ForeignKey(
        Version, models.CASCADE, related_name="runs", null=True, db_index=False
    )
    conversation = models.ForeignKey(
        Conversation, models.SET_NULL, related_name="runs", null=True, db_index=False
    )
    name = models.CharField(max_length=255, blank=True, help_text="The workflow's own name.")
    # A turn of a conversation or a one-shot; an app may have both (Dify's test runs of a chat app).
    mode = models.CharField(max_length=10, choices=AppMode.choices, default=AppMode.WORKFLOW)
    status = models.CharField(max_length=20, choices=RunStatus.choices)
    # Of the first sign of life; a run of which no time is known has the time of its arrival.
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    duration_us = models.BigIntegerField(null=True)
    last_seen_at = models.DateTimeField(
        default=timezone.now, help_text="When news of it last arrived."
    )
    user = models.CharField(max_length=200, blank=True)
    trigger = models.CharField(max_length=50, blank=True)
    environment = models.CharField(max_length=100, blank=True)
    tags = models.JSONField(default=list, blank=True)
    source_kind = models.CharField(max_length=40, blank=True, help_text="otlp, dify-otlp, …")

    inputs = models.ForeignKey(
        Payload, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    outputs = models.ForeignKey(
        Payload, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    inputs_preview = models.CharField(max_length=PREVIEW_LENGTH, blank=True)
    outputs_preview = models.CharField(max_length=PREVIEW_LENGTH, blank=True)

    error = models.TextField(blank=True)
    failed_execution = models.UUIDField(null=True)
    failed_node_id = models.CharField(max_length=255, blank=True)
    failed_title = models.CharField(max_length=255, blank=True)
    error_group = models.ForeignKey(
        ErrorGroup, models.SET_NULL, related_name="runs", null=True, db_index=False
    )

    input_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    cached_tokens = models.BigIntegerField(default=0)
    reasoning_tokens = models.BigIntegerField(default=0)
    total_tokens = models.BigIntegerField(default=0)
    cost = models.DecimalField(max_digits=20, decimal_places=10, null=True)
    cost_currency = models.CharField(max_length=3, blank=True)
    cost_state = models.CharField(max_length=10, choices=CostState.choices, default=CostState.FREE)
    model_calls = models.PositiveIntegerField(default=0)
    tool_calls = models.PositiveIntegerField(default=0)
    http_calls = models.PositiveIntegerField(default=0)
    steps = models.PositiveIntegerField(default=0)
    iterations = models.PositiveIntegerField(default=0)
    retries = models.PositiveIntegerField(default=0)
    exceptions = models.PositiveIntegerField(default=0)

    reported_tokens = models.BigIntegerField(null=True)
    reported_cost = models.DecimalField(max_digits=20, decimal_places=10, null=True)
    reported_duration_us = models.BigIntegerField(null=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        indexes = [
            # Run history of all apps, newest first, by keyset.
            models.Index(fields=["-started_at", "-id"], name="run_started"),
            # Run history of one app; previous and next run of a run.
            models.Index(fields=["app", "-started_at", "-id"], name="run_app_started"),
            # History filtered by status: the failures of all apps, or of one, among many successes.
            models.Index(fields=["status", "-started_at", "-id"], name="run_status_started"),
            models.Index(
                fields=["app", "status", "-started_at", "-id"], name="run_app_status_started"
            ),
            # Runs of one version: its history, its first and last, those its graph follows from.
            models.Index(fields=["version", "-started_at", "-id"], name="run_version_started"),
            # What one user saw.
            models.Index(fields=["user", "-started_at", "-id"], name="run_user_started"),
            # History slowest first, dearest first, most tokens first.
            models.Index(fields=["-duration_us", "-id"], name="run_duration"),
            models.Index(fields=["-cost", "-id"], name="run_cost"),
            models.Index(fields=["-total_tokens", "-id"], name="run_tokens"),
            # Failures of one kind: how many, the first, the last, in which versions.
            models.Index(
                fields=["error_group", "-started_at", "-id"],
                name="run_error_group_started",
                condition=models.Q(error_group__isnull=False),
            ),
            # Turns of a conversation.
            models.Index(fields=["conversation", "started_at"], name="run_conversation_started"),
        ]

    def __str__(self) -> str:
        return str(self.id)

    def get_absolute_url(self) -> str:
        return reverse("run", args=[self.pk])

    @property
    def told_sources(self) -> list["RunSource"]:
        """The producer's ids that lead here, without the ids that the run itself once had."""
        told = (source for source in self.sources.all() if source.kind != "former")
        return sorted(told, key=lambda source: (source.kind, source.source_id))

    @property
    def is_unfinished(self) -> bool:
        return self.status in UNFINISHED

    @property
    def stalled(self) -> bool:
        """Running, but without a sign of life for long."""
        patience = timedelta(minutes=settings.WAYLOG_STALLED_MINUTES)
        return self.status == RunStatus.RUNNING and timezone.now() - self.last_seen_at > patience


class RunSource(models.Model):
    """From a producer's id to its run. An id learned late may join two runs into one, so several
    rows may lead to the same run. `scope` is 0, or the app of the key that sent it: what a bound
    key sends can never touch another app's run."""

    source_id = models.CharField(max_length=128)
    scope = models.BigIntegerField(default=0)
    kind = models.CharField(max_length=20)
    run = models.ForeignKey(Run, models.CASCADE, related_name="sources")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source_id", "scope", "kind"], name="source_id_scope_kind"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.source_id}"
