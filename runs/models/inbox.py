"""What arrived and could not be taken."""

from django.db import models

from runs.models.key import IngestKey


class RefusedRecord(models.Model):
    """One record that a door refused while it took the rest, with its reason and as it came."""

    received_at = models.DateTimeField(auto_now_add=True, db_index=True)
    door = models.CharField(max_length=100)
    key = models.ForeignKey(IngestKey, models.SET_NULL, null=True, related_name="+")
    user_agent = models.CharField(max_length=200, blank=True)
    reason = models.TextField()
    raw = models.TextField(blank=True)

    class Meta:
        ordering = ["-received_at", "-id"]

    def __str__(self) -> str:
        return self.reason
