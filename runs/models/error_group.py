"""Error groups: runs of an app that the same step ended in the same way."""

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
        """Return all groups, or those of the one app that a bound key may read."""
        return self.filter(app=only_app) if only_app else self

    def with_history(self) -> Self:
        """Load the app, and annotate when the first and the last run of each group started (NULL:
        no run is left) and the version of the first. Served by `run_error_group_started`."""
        runs = apps.get_model("runs.Run").objects.filter(error_group=OuterRef("pk"))
        first = runs.order_by("started_at", "id")
        return self.select_related("app").annotate(
            first_at=Subquery(first.values("started_at")[:1]),
            first_version_id=Subquery(first.values("version_id")[:1]),
            first_version_number=Subquery(first.values("version__number")[:1]),
            last_at=Subquery(runs.order_by("-started_at", "-id").values("started_at")[:1]),
        )


class ErrorGroup(models.Model):
    """What failed runs of an app have in common: the node that failed, the exception's type and the
    normalized message, which leaves out what differs from run to run (ids, numbers, addresses,
    quotes). `id` is derived from the app and these, so that recording needs no look-up. How often,
    when and in which versions the error happened follows from the runs. `resolved_at` is when
    somebody marked the group as resolved; a run that started later reopens it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    app = models.ForeignKey(App, models.CASCADE, related_name="error_groups")
    node_id = models.CharField(max_length=255, blank=True)
    title = models.CharField(max_length=255, blank=True, help_text="The name of the failed step.")
    error_type = models.CharField(max_length=200, blank=True)
    message = models.TextField(
        blank=True, help_text="The message with the parts that vary between runs masked."
    )
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
        """Return its runs, newest first. Served by `run_error_group_started`."""
        all_runs: Any = apps.get_model("runs.Run").objects
        runs: RunQuerySet = all_runs.filter(error_group=self).order_by("-started_at", "-id")
        return runs

    def state(self, last_at: datetime | None) -> str:
        """Return "open", "resolved", or "reopened" where the group's last run, which started at
        `last_at`, came after it was resolved."""
        if self.resolved_at is None:
            return "open"
        return "reopened" if last_at and last_at > self.resolved_at else "resolved"
