"""Links that show one run to whoever has them."""

import uuid

from django.conf import settings
from django.db import models

from runs.models.run import Run


class ShareLink(models.Model):
    """A link to one run, read-only, that ends at `expires_at` or when it is revoked. The secret in
    its address is shown once; only its SHA-256 digest is stored. `masked` names the fields that
    are not shown (see `runs.sharing`)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(Run, models.CASCADE, related_name="share_links")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    masked = models.JSONField(default=list, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_opened_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"link to {self.run_id}"
