"""Share links: each shows one run to everybody who has it."""

import secrets
import uuid
from collections.abc import Collection
from datetime import timedelta
from typing import Self

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone

from runs.models.key import key_digest
from runs.models.run import Run


class ShareLinkQuerySet(models.QuerySet["ShareLink"]):
    def for_run(self, run: Run) -> Self:
        """Return the links to a run, with who made them, newest first."""
        return self.filter(run=run).select_related("created_by")

    def open(self) -> Self:
        """Return those that still show their run."""
        return self.filter(revoked_at=None, expires_at__gt=timezone.now())


class ShareLink(models.Model):
    """A link to one run, read-only, that ends at `expires_at` or when it is revoked. The secret in
    its address is shown once; only its SHA-256 digest is stored. `masked` lists what is
    not shown, as `runs.redaction.masks.mask_of` reads it."""

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

    objects = ShareLinkQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"link to {self.run_id}"

    @classmethod
    def create(
        cls,
        run: Run,
        lifetime: timedelta,
        masked: Collection[str],
        user: User,
    ) -> tuple["ShareLink", str]:
        """Create a link; return it with the secret of its address, which cannot be read again."""
        secret = secrets.token_urlsafe(32)
        link = cls.objects.create(
            run=run,
            digest=key_digest(secret),
            masked=list(masked),
            created_by=user,
            expires_at=timezone.now() + lifetime,
        )
        return link, secret

    @classmethod
    def find(cls, secret: str) -> "ShareLink | None":
        """Return the link with this secret, as long as it is open. The look-up is by digest: equal
        time for near misses."""
        return cls.objects.open().filter(digest=key_digest(secret)).first()

    @property
    def is_open(self) -> bool:
        return self.revoked_at is None and self.expires_at > timezone.now()

    def touch(self) -> None:
        """Store the time of opening, at most once a minute."""
        now = timezone.now()
        if self.last_opened_at is None or now - self.last_opened_at > timedelta(minutes=1):
            type(self).objects.filter(pk=self.pk).update(last_opened_at=now)

    def revoke(self) -> None:
        type(self).objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=timezone.now())
