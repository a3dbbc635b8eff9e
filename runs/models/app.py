"""Apps and the versions of them that were seen to run."""

from collections.abc import Collection
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, Self

from django.apps import apps
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.urls import reverse
from django.utils.functional import cached_property

from nodes import formats
from nodes.ids import as_uuid
from nodes.numbers import whole_number
from runs.choices import AppMode, Upstream

STRIP_LENGTH = 20


class AppQuerySet(models.QuerySet["App"]):
    def by_activity(self) -> Self:
        """Order the most recently active first, with `last_run_at` and `strip_from`, the time at
        which the 20th newest run started (NULL where there are fewer runs). Costs two look-ups per
        app in `run_app_started`."""
        runs = (
            apps.get_model("runs.Run")
            .objects.filter(app=OuterRef("pk"), only_transport=False)
            .order_by("-started_at", "-id")
            .values("started_at")
        )
        return self.annotate(
            last_run_at=Subquery(runs[:1]),
            strip_from=Subquery(runs[STRIP_LENGTH - 1 : STRIP_LENGTH]),
        ).order_by(F("last_run_at").desc(nulls_last=True), "name")

    def in_use(self) -> Self:
        """Leave out the apps that recording created by mistake: they are named as the first spans
        of a run named the app, before its root named another one. They cannot be deleted, because
        steps still refer to their values."""
        return self.filter(
            models.Exists(apps.get_model("runs.Run").objects.filter(app=OuterRef("pk")))
            | models.Exists(Version.objects.filter(app=OuterRef("pk")))
            | models.Exists(apps.get_model("runs.IngestKey").objects.filter(app=OuterRef("pk")))
            | ~Q(upstream_url="")
            | Q(is_sample=True)
        )

    def with_versions(self) -> Self:
        """Prefetch the numbers and labels of the versions, not their graphs."""
        return self.prefetch_related(
            models.Prefetch("versions", queryset=Version.objects.defer("graph", "configuration"))
        )

    def known_as(self, name: str) -> Self:
        """Return the apps with this name or slug; the one with the name comes first where both
        exist."""
        return self.filter(Q(name=name) | Q(slug=name)).order_by(
            models.Case(models.When(name=name, then=0), default=1), "pk"
        )

    def called(self, names: Collection[str]) -> Self:
        """Return the apps with these slugs, or names in any case."""
        by_name = (Q(name__iexact=name) for name in names)
        return self.filter(reduce(or_, by_name, Q(slug__in=names)))

    def readable_by(self, only_app: "App | None") -> Self:
        """Return all apps, or only the one that a bound key may read."""
        return self.filter(pk=only_app.pk) if only_app else self


class App(models.Model):
    """One workflow, chatflow or agent that somebody runs. `name` is the producer's (OpenInference
    project, else service name); `slug` stands in URLs."""

    name = models.CharField(max_length=200, unique=True)
    slug = models.SlugField(max_length=80, unique=True, allow_unicode=True)
    mode = models.CharField(max_length=10, choices=AppMode.choices, default=AppMode.WORKFLOW)
    is_sample = models.BooleanField(default=False)
    upstream_url = models.URLField(
        blank=True,
        help_text="The app's Dify API, such as https://dify.example.com/v1: the recording proxy"
        " forwards to it. Leave it empty to forward nothing.",
    )
    upstream_kind = models.CharField(
        max_length=10,
        choices=Upstream.choices,
        default=Upstream.DIFY,
        help_text="The kind of API at this address.",
    )
    # As a password: written in admin, never shown; sent to the upstream and nowhere else.
    upstream_key = models.CharField(
        max_length=500, blank=True, help_text="The key that the upstream requires."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    # From by_activity().
    last_run_at: datetime | None
    strip_from: datetime | None

    objects = AppQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("app", args=[self.slug])

    @cached_property
    def has_conversations(self) -> bool:
        return self.mode == AppMode.CHATFLOW or self.conversations.exists()


class VersionQuerySet(models.QuerySet["Version"]):
    def named(self, name: str, app: "App | None") -> Self:
        """Return the versions with this number (7 or #7) or label, of one app or of all."""
        by_name = Q(label=name)
        if (number := whole_number(name.removeprefix("#"), 9)) is not None:
            by_name |= Q(number=number)
        return self.filter(by_name, app=app) if app else self.filter(by_name)

    def for_list(self) -> Self:
        """Annotate `first_run_at` and `last_run_at`, and load no graphs. The order is newest
        first."""
        runs = (
            apps.get_model("runs.Run").objects.filter(version=OuterRef("pk")).values("started_at")
        )
        return self.defer("graph", "configuration").annotate(
            first_run_at=Subquery(runs.order_by("started_at")[:1]),
            last_run_at=Subquery(runs.order_by("-started_at")[:1]),
        )


class Version(models.Model):
    """One published or observed shape of an app. `label` is the producer's word for it ("" when it
    tells none); `graph` is what somebody sent ({"nodes": […], "edges": […]}), NULL where it has to
    be inferred from runs. `configuration` is what else was sent of the app's shape (features, names
    of variables, notes), without secrets. `digest` tells equal content: a definition that is sent
    again is the same version."""

    app = models.ForeignKey(App, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    label = models.CharField(max_length=200, blank=True)
    graph = models.JSONField(null=True, blank=True)
    configuration = models.JSONField(null=True, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    source_id = models.CharField(
        max_length=128, blank=True, help_text="The producer's id of the version."
    )
    comment = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    # From for_list().
    first_run_at: datetime | None
    figures: dict[str, Any] | None  # from the page of versions
    last_run_at: datetime | None

    objects = VersionQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["app", "number"], name="version_app_number"),
            models.UniqueConstraint(fields=["app", "label"], name="version_app_label"),
        ]

    def __str__(self) -> str:
        return self.label or f"version {self.number}"

    def get_absolute_url(self) -> str:
        return reverse("app-version", args=[self.app.slug, self.number])

    @property
    def short(self) -> str:
        """Return the label for narrow places: a timestamp (Dify's) as date and time alone, instead
        of a UUID (Dify's streams name no label) the number."""
        if as_uuid(self.label):
            return f"version {self.number}"
        return formats.timestamp_label(str(self))
