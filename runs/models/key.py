"""API keys: for sending to the receivers, for reading JSON."""

import hashlib
import secrets
from datetime import timedelta
from typing import Self

from django.db import models
from django.utils import timezone

from runs.models.app import App

PREFIX = "wl_"


def key_digest(secret: str) -> str:
    """Return the SHA-256 in hex. Keys are 32 random bytes, so no dictionary attack has to be slowed
    down."""
    return hashlib.sha256(secret.encode()).hexdigest()


class IngestKeyQuerySet(models.QuerySet["IngestKey"]):
    def active(self) -> Self:
        return self.filter(revoked_at=None)

    def for_list(self) -> Self:
        """Order by active keys first, then newest first."""
        return self.select_related("app").order_by(
            models.F("revoked_at").asc(nulls_first=True), "-created_at"
        )


class IngestKey(models.Model):
    """An API key: named, scoped, revocable, for all apps or bound to one. The secret is shown once;
    only its digest is stored."""

    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(
        max_length=12, editable=False, help_text="The first characters of the key."
    )
    can_ingest = models.BooleanField("can record", default=True)
    can_read = models.BooleanField("can read", default=False)
    app = models.ForeignKey(
        App,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="keys",
        help_text="Everything sent with the key goes to this app. Leave it empty for any app.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = IngestKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def create(cls, name: str, secret: str = "", **fields: object) -> tuple["IngestKey", str]:
        """Create a key; return it with its secret, which cannot be read again. Without `secret` one
        is generated."""
        secret = secret or PREFIX + secrets.token_urlsafe(32)
        hint = secret[:7] if len(secret) >= 16 else ""
        return cls.objects.create(name=name, digest=key_digest(secret), hint=hint, **fields), secret

    @classmethod
    def find(cls, secret: str) -> "IngestKey | None":
        """Return the active key with this secret. The look-up is by digest, so that it takes equal
        time for near misses."""
        return cls.objects.active().select_related("app").filter(digest=key_digest(secret)).first()

    def touch(self) -> None:
        """Store the time of use, at most once a minute: a busy key must not write on every
        request."""
        now = timezone.now()
        if self.last_used_at is None or now - self.last_used_at > timedelta(minutes=1):
            type(self).objects.filter(pk=self.pk).update(last_used_at=now)

    def revoke(self) -> None:
        type(self).objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=timezone.now())
