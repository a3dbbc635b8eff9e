"""Filters of the run history that somebody keeps under a name."""

from django.conf import settings
from django.db import models

from runs.models.app import App


class SavedView(models.Model):
    """A named query string of the run history, of one app or of all. It is its owner's; `shared`
    ones are everybody's to open and the owner's to change."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_views")
    app = models.ForeignKey(
        App, models.CASCADE, null=True, blank=True, related_name="saved_views",
        help_text="The app whose history it filters; empty: the history of all apps.",
    )  # fmt: skip
    name = models.CharField(max_length=100)
    query = models.TextField(blank=True, help_text="The query string, such as status=failed.")
    shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="saved_view_owner_name"),
        ]

    def __str__(self) -> str:
        return self.name
