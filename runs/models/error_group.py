"""Failures of one kind: runs of an app that the same step ended in the same way."""

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import OuterRef, Subquery
from django.urls import reverse

from runs.models.app import App

if TYPE_CHECKING:
    from runs.models.run import RunQuerySet


class ErrorGroupQuerySet(models.QuerySet["ErrorGroup"]):
    def readable_by(self, only_app: App | None) -> Self:
        """All groups, or those of the one app that a bound key may read."""
        return self.filter(app=only_app) if only_app else self

    def with_history(self) -> Self:
        """With app, when the first and the last of its runs started (NULL: it has none left) and
        the first one's version. Look-ups in `run_error_group_started`."""
        runs = apps.get_model("runs.Run").objects.filter(error_group=OuterRef("pk"))
        first = runs.order_by("started_at", "id")
        return self.select_related("app").annotate(
            first_at=Subquery(first.values("started_at")[:1]),
            first_version_id=Subquery(first.values("version_id")[:1]),
            first_version_number=Subquery(first.values("version__number")[:1]),
            last_at=Subquery(runs.order_by("-started_at", "-id").values("started_at")[:1]),
        )


class ErrorGroup(models.Model):
    """What failed runs of an app have in common: the node that failed, the exception's type and its
    message without what differs from run to run (ids, numbers, addresses, quotes). `id` is derived
    from app and these, so that recording needs no look-up. How often, when and in which versions it
    happened follows from its runs. `resolved_at`: somebody said that it is mended; a run that
    started later reopens it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    app = models.ForeignKey(App, models.CASCADE, related_name="error_groups")
    node_id = models.CharField(max_length=255, blank=True)
    title = models.CharField(max_length=255, blank=True, help_text="The failed step's name.")
    error_type = models.CharField(max_length=200, blank=True)
    message = models.TextField(blank=True, help_text="Masked: what all its runs say alike.")
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )

    # From with_history().
    first_at: datetime | None
    first_version_id: int | None
    first_version_number: int | None
    last_at: datetime | None

    objects = ErrorGroupQuerySet.as_manager()

    def __str__(self) -> str:
        return self.message or self.error_type or self.title or str(self.id)

    def get_absolute_url(self) -> str:
        return reverse("error-group", args=[self.pk])

    @property
    def newest_runs(self) -> "RunQuerySet":
        """Its runs, newest first. Served by `run_error_group_started`."""
        runs: Any = apps.get_model("runs.Run").objects
        found: RunQuerySet = runs.filter(error_group=self).order_by("-started_at", "-id")
        return found

    def state(self, last_at: datetime | None) -> str:
        """Of a group whose last run started then: open, resolved, or reopened by that run."""
        if self.resolved_at is None:
            return "open"
        return "reopened" if last_at and last_at > self.resolved_at else "resolved"
