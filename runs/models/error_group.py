"""Failures of one kind: runs of an app that the same step ended in the same way."""

import uuid

from django.conf import settings
from django.db import models

from runs.models.app import App


class ErrorGroupQuerySet(models.QuerySet["ErrorGroup"]):
    def readable_by(self, only_app: App | None) -> "ErrorGroupQuerySet":
        """All groups, or those of the one app that a bound key may read."""
        return self.filter(app=only_app) if only_app else self


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

    objects = ErrorGroupQuerySet.as_manager()

    def __str__(self) -> str:
        return self.message or self.error_type or self.title or str(self.id)
