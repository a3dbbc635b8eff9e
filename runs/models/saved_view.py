"""Filters of the run history that a user saved under a name."""

from typing import Self

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q
from django.urls import reverse

from runs.models.app import App


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def open_to(self, user: User | None) -> Self:
        """Return the views that `user` may open: their own and shared ones; for None, which stands
        for a key, the shared ones."""
        shared = Q(shared=True)
        return self.filter(Q(owner=user) | shared if user else shared)

    def owned_by(self, user: User) -> Self:
        return self.filter(owner=user)

    def of_list(self, app: App | None) -> Self:
        """Return the views of one app's history, or for None of the history of all apps."""
        return self.filter(app=app)

    def readable_by(self, only_app: App | None) -> Self:
        """Return all views, or those of `only_app`, the one app that a bound key may read."""
        return self.filter(app=only_app) if only_app else self

    def for_list(self) -> Self:
        """Sort by name, and load owner and app."""
        return self.select_related("owner", "app").order_by("name", "id")


class SavedView(models.Model):
    """A named query string of the run history, of one app or of all. Everyone may open a `shared`
    view; only its owner may change it."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_views")
    app = models.ForeignKey(
        App, models.CASCADE, null=True, blank=True, related_name="saved_views",
        help_text="The app whose history is filtered; empty for all apps.",
    )  # fmt: skip
    name = models.CharField(max_length=100)
    query = models.TextField(blank=True, help_text="The query string, such as status=failed.")
    shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="saved_view_owner_name"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        path = self.app.get_absolute_url() if self.app else reverse("runs")
        return f"{path}?{self.query}" if self.query else path
