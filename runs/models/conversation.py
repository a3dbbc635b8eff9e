"""Conversations: the runs of an app that follow one another with one user."""

import uuid
from decimal import Decimal
from typing import Self

from django.apps import apps
from django.db import models
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.urls import reverse

from runs.choices import RunStatus
from runs.models.app import App


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def of_app(self, app: App) -> Self:
        return self.filter(app=app)

    def readable_by(self, only_app: App | None) -> Self:
        """Return all conversations, or those of the one app that a bound key may read."""
        return self.filter(app=only_app) if only_app else self

    def narrowed(self, *, user: str = "", failed: bool = False, thumb: str = "") -> Self:
        """Return the conversations of users whose id has `user` in it, with a run that `failed`,
        with a `thumb` "up" or "down" on one of its runs or steps."""
        narrowed = self.filter(user__icontains=user) if user else self
        if failed:
            runs = apps.get_model("runs.Run").objects.filter(conversation=OuterRef("pk"))
            narrowed = narrowed.filter(Exists(runs.filter(status="failed")))
        if thumb:
            notes = apps.get_model("runs.Note").objects.with_thumb(thumb)
            narrowed = narrowed.filter(Exists(notes.filter(run__conversation=OuterRef("pk"))))
        return narrowed

    def for_list(self) -> Self:
        """Annotate what a list shows of each: `turns`, `failures`, `opening` (the first input),
        `last_answer` and `last_status`, `tokens`, and `cost` in `cost_currency`, None where there
        are several currencies. Served by `run_conversation_started`."""
        runs = apps.get_model("runs.Run").objects.filter(conversation=OuterRef("pk"))
        by_conversation = runs.order_by().values("conversation")
        failed = by_conversation.annotate(n=Count("pk", filter=Q(status="failed")))
        newest = runs.order_by("-started_at", "-id")
        priced = by_conversation.filter(cost__isnull=False).annotate(
            n=Sum("cost"), first=Min("cost_currency"), last=Max("cost_currency")
        )
        return self.select_related("app").annotate(
            turns=Coalesce(Subquery(by_conversation.annotate(n=Sum("turns")).values("n")), 0),
            failures=Coalesce(Subquery(failed.values("n")), 0),
            opening=Subquery(runs.order_by("started_at", "id").values("inputs_preview")[:1]),
            last_status=Subquery(newest.values("status")[:1]),
            last_answer=Subquery(newest.values("outputs_preview")[:1]),
            tokens=Coalesce(
                Subquery(by_conversation.annotate(n=Sum("total_tokens")).values("n")), 0
            ),
            cost=Subquery(priced.filter(first=F("last")).values("n")),
            cost_currency=Subquery(priced.values("first")),
        )


class Conversation(models.Model):
    """A conversation, session or thread of one app; each run of it is one turn or holds several.
    `id` is derived from app and the producer's id."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    app = models.ForeignKey(App, models.CASCADE, related_name="conversations", db_index=False)
    source_id = models.CharField(max_length=200)
    title = models.CharField(max_length=255, blank=True, help_text="The producer's name for it.")
    user = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField(null=True)
    last_run_at = models.DateTimeField(null=True)

    # From for_list().
    turns: int
    failures: int
    opening: str | None
    last_status: str | None
    last_answer: str | None
    tokens: int
    cost: Decimal | None
    cost_currency: str | None

    objects = ConversationQuerySet.as_manager()

    class Meta:
        indexes = [
            # Conversation log of an app, newest first.
            models.Index(fields=["app", "-last_run_at", "-id"], name="conversation_app_last"),
            # The runs of a conversation known by its producer's id.
            models.Index(fields=["source_id"], name="conversation_source"),
        ]

    def __str__(self) -> str:
        return self.source_id

    def get_absolute_url(self) -> str:
        return reverse("conversation", args=[self.pk])

    @property
    def last_status_label(self) -> str:
        """Return the label of the last turn's status; rows come from `for_list()`."""
        return RunStatus(self.last_status).label if self.last_status else "No turns"
