"""Runs: one execution of an app, and the producer's ids that lead to it."""

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, Self

from django.conf import settings
from django.db import models
from django.db.models import Count, F, IntegerField, Max, Min, Q, Sum, Window
from django.db.models.functions import Cast, RowNumber
from django.urls import reverse
from django.utils import timezone

from nodes.digests import digest_with_dashes
from nodes.ids import as_uuid
from nodes.models import PREVIEW_LENGTH, Payload
from runs.choices import (
    SHORT_LABELS,
    STALLED,
    STALLED_LABEL,
    UNFINISHED,
    AppMode,
    CostState,
    RunStatus,
)
from runs.models.app import App, Version
from runs.models.conversation import Conversation
from runs.models.error_group import ErrorGroup

NEWEST_LOOKED_AT = 10_000  # newest runs of an app among which the same input is looked for
# Deleted with a run even if another one takes its place: its steps and their links, which are then
# stored under new ids, and its entry in the queue of runs that the search index has to read.
DELETED_WITH_RUN = {"nodes.NodeExecution", "runs.SpanLink", "runs.SearchDue"}


def stalled_condition(now: datetime) -> Q:
    """Return the condition that `Run.stalled` is true at `now`."""
    return Q(status=RunStatus.RUNNING, last_seen_at__lt=now - _stalled_after())


def _stalled_after() -> timedelta:
    return timedelta(minutes=settings.WAYLOG_STALLED_MINUTES)


class RunFigures(NamedTuple):
    """What is summed up of a run."""

    status: str
    started_at: datetime
    duration_us: int | None
    total_tokens: int
    cost: Decimal | None
    cost_currency: str
    cost_state: str


class RunQuerySet(models.QuerySet["Run"]):
    """Named queries over runs. Scopes take the value of a filter; an empty value leaves the runs as
    they are. What the fields of a search mean is in `runs.query.conditions`."""

    def for_list(self) -> Self:
        """Return what a list shows, newest first: no payloads, no texts beyond the previews. Apps
        and versions are read by queries of their own: given a join, SQLite, once it has statistics,
        would begin with the few apps and sort all their runs."""
        versions = Version.objects.defer("graph", "configuration")
        names = ("app", models.Prefetch("version", versions))
        return self.prefetch_related(*names).order_by("-started_at", "-id")

    def for_page(self) -> Self:
        """Load what the page of a run shows, in one query."""
        run = self.select_related("app", "version", "conversation")
        return run.defer("version__graph", "version__configuration")

    def for_strip(self) -> Self:
        """Load what a square of the status strip shows, newest first."""
        return self.order_by("-started_at", "-id").only(
            "app_id", "status", "started_at", "duration_us", "last_seen_at", "failed_title"
        )

    def for_link(self) -> Self:
        """Load enough for a link to a run: no payloads, no previews."""
        return self.only("id", "app_id", "status", "started_at", "last_seen_at")

    def with_sources(self) -> Self:
        """Prefetch the conversation and the producer's ids, which the JSON of a run has."""
        return self.prefetch_related("conversation", "sources")

    # -- scopes over the run itself ---------------------------------------------------------------

    def for_app(self, app: App | None) -> Self:
        return self.filter(app=app) if app else self

    def of_each_status(self, statuses: Iterable[str]) -> list[Self]:
        """Return one queryset for each status, for `page_of` to merge: an index holds the runs of
        one status in order, but not those of several. Served by `run_status_started` and
        `run_app_status_started`."""
        return [self.filter(status=status) for status in statuses] or [self]

    def listed(self) -> Self:
        """Leave out runs of a transport alone, which no list shows unless they are asked for."""
        return self.filter(only_transport=False)

    def left_out(self) -> Self:
        """Return the runs that `listed` leaves out. Served by `run_transport_app_started`."""
        return self.filter(only_transport=True)

    def ran_as(self, version: Version) -> Self:
        """Return the runs of one version. Served by `run_version_started`."""
        return self.filter(version=version)

    def turns_of(self, conversation: Conversation) -> Self:
        """Return the turns of one conversation. Served by `run_conversation_started`."""
        return self.filter(conversation=conversation)

    def started_between(self, since: datetime | None, until: datetime | None) -> Self:
        """Return the runs that started at or after `since` and before `until`."""
        runs = self.filter(started_at__gte=since) if since else self
        return runs.filter(started_at__lt=until) if until else runs

    def with_source_id(self, source_id: str) -> Self:
        """Return the runs that a producer's id, or a run's own id, leads to: one, unless the id is
        known in two scopes. An id of 32 hex digits is matched with and without dashes. The ids of
        the runs are read first: as a subquery PostgreSQL would try them on every run."""
        own_id = as_uuid(source_id)
        spellings = {source_id, own_id.hex, str(own_id)} if own_id else {source_id}
        sources = RunSource.objects.filter(source_id__in=spellings)
        ids = [*sources.values_list("run_id", flat=True), *([own_id] if own_id else [])]
        return self.filter(pk__in=ids)

    def with_any_source_id(self, source_ids: Collection[str]) -> Self:
        """Return the runs that any of the producers' ids leads to, as far as the ids came by keys
        that are bound to no app."""
        sources = RunSource.objects.filter(scope=0)
        return self.filter(pk__in=sources.filter(source_id__in=source_ids).values("run_id"))

    def with_former_id(self, run_id: uuid.UUID) -> Self:
        """Return the run into which the run of this id was merged."""
        return self.filter(sources__kind="former", sources__source_id=run_id.hex)

    def by_id(self, run_id: uuid.UUID) -> "Run | None":
        """Return the run of this id, or the one into which it was merged."""
        return self.filter(pk=run_id).first() or self.with_former_id(run_id).first()

    def beside(self, run: "Run") -> Self:
        """Return the runs of the same app that are listed with it."""
        return self.filter(app_id=run.app_id, only_transport=run.only_transport)

    def previous(self, run: "Run") -> "Run | None":
        """Return the run of the same app before this one. Served by `run_app_started`."""
        started = run.started_at
        earlier = Q(started_at__lt=started) | Q(started_at=started, id__lt=run.id)
        # The second condition on started_at bounds the scan; see `paging.Order.stretches`.
        runs = self.beside(run).filter(earlier, started_at__lte=started)
        return runs.order_by("-started_at", "-id").first()

    def following(self, run: "Run") -> "Run | None":
        """Return the run of the same app after this one. Served by `run_app_started`."""
        started = run.started_at
        later = Q(started_at__gt=started) | Q(started_at=started, id__gt=run.id)
        runs = self.beside(run).filter(later, started_at__gte=started)
        return runs.order_by("started_at", "id").first()

    def successes_before(self, run: "Run") -> models.QuerySet["Run", Any]:
        """Return (id, inputs_preview, version_id) of the runs of the same app that succeeded before
        `run`, the latest first. Served by `run_app_status_started`."""
        runs = self.filter(app_id=run.app_id, status=RunStatus.SUCCEEDED).exclude(pk=run.pk)
        earlier = runs.filter(started_at__lte=run.started_at).order_by("-started_at", "-id")
        return earlier.values_list("id", "inputs_preview", "version_id")

    def successes_after(self, run: "Run") -> models.QuerySet["Run", Any]:
        """Return the same of the runs that succeeded after `run`, the earliest first."""
        runs = self.filter(app_id=run.app_id, status=RunStatus.SUCCEEDED)
        later = runs.filter(started_at__gt=run.started_at).order_by("started_at", "id")
        return later.values_list("id", "inputs_preview", "version_id")

    def with_equal_inputs(self, inputs_id: uuid.UUID) -> Self:
        """Return the runs whose inputs equal that payload: their ids then end alike (see
        `nodes.digests`). No index serves this."""
        return self.filter(inputs__id__endswith=digest_with_dashes(inputs_id))

    def with_same_inputs_preview(self, run: "Run") -> Self:
        """Return the other runs, among the newest of the same app, whose inputs begin with the same
        text. Served by `run_app_started`."""
        newest = type(run)._default_manager.filter(app_id=run.app_id).order_by("-started_at", "-id")
        newest_ids = newest.values("pk")[:NEWEST_LOOKED_AT]
        alike = self.filter(inputs_preview=run.inputs_preview, pk__in=newest_ids)
        return alike.exclude(pk=run.pk) if run.inputs_preview else self.none()

    # -- what refers to runs ----------------------------------------------------------------------

    def remove(self, heir: uuid.UUID | None = None) -> int:
        """Delete these runs and all rows that refer to them, and return how many runs there were.
        Where `heir` is the id of a run, the rows go to that run instead, except those of
        `DELETED_WITH_RUN`. One statement for each table; no row is loaded. Payloads stay, and so
        does what the search index holds of the runs (see `search.indexing.forget`)."""
        for reference in self.model._meta.get_fields(include_hidden=True):
            if not isinstance(reference, models.ManyToOneRel):
                continue
            model, name = reference.related_model, reference.field.name
            rows = model._base_manager.filter(**{f"{name}__in": self})
            if heir and model._meta.label not in DELETED_WITH_RUN:
                rows.update(**{name: heir})
            elif reference.on_delete is models.SET_NULL:
                rows.update(**{name: None})
            else:
                rows._raw_delete(rows.db)
        return self._raw_delete(self.db)

    # -- figures ----------------------------------------------------------------------------------

    def figures_by_app(self, today: datetime) -> models.QuerySet["Run", dict[str, Any]]:
        """Return for each app and currency the runs and failures since `today`, and the tokens and
        cost of all runs."""
        started_today = Q(started_at__gte=today)
        return (
            self.order_by()
            .values("app_id", "cost_currency")
            .annotate(
                runs_today=Count("pk", filter=started_today),
                failures_today=Count("pk", filter=started_today & Q(status=RunStatus.FAILED)),
                all_tokens=Sum("total_tokens"),
                all_cost=Sum("cost"),
            )
        )

    def slowest_twentieth(self) -> models.QuerySet["Run", Any]:
        """Return (app_id, duration_us) of the run at the 95th percentile of each app, by nearest
        rank."""
        return (
            self.filter(duration_us__isnull=False)
            .order_by()
            .annotate(
                rank=Window(RowNumber(), partition_by="app_id", order_by=["duration_us", "id"]),
                ranked=Window(Count("pk"), partition_by="app_id"),
            )
            .filter(rank=Cast((F("ranked") * 95 + 99) / 100, IntegerField()))
            .values_list("app_id", "duration_us")
        )

    def figures_by_version(self) -> models.QuerySet["Run", dict[str, Any]]:
        """Return for each version how many runs and failures it has, and when the first and the
        last of them started."""
        return (
            self.order_by()
            .values("version_id")
            .annotate(
                runs=Count("pk"),
                failures=Count("pk", filter=Q(status=RunStatus.FAILED)),
                first=Min("started_at"),
                last=Max("started_at"),
            )
        )

    def figures_rows(self) -> models.QuerySet["Run", Any]:
        """Return the values of `RunFigures` of each run, newest first."""
        return self.order_by("-started_at", "-id").values_list(*RunFigures._fields)

    # -- the graph --------------------------------------------------------------------------------

    def newest_of_version(
        self, app: App, version: Version | None
    ) -> models.QuerySet["Run", tuple[uuid.UUID, int]]:
        """Return (id, steps) of a version's runs, newest first. Served by
        `run_version_started`."""
        runs = self.filter(app=app, version=version).order_by("-started_at", "-id")
        return runs.values_list("id", "steps")


class Run(models.Model):
    """One execution of an app. All columns but `last_seen_at` follow from the run's executions and
    are rewritten by `runs.recording.storing.store` whenever one of them arrives."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    app = models.ForeignKey(App, models.CASCADE, related_name="runs", db_index=False)
    version = models.ForeignKey(
        Version, models.CASCADE, related_name="runs", null=True, db_index=False
    )
    conversation = models.ForeignKey(
        Conversation, models.SET_NULL, related_name="runs", null=True, db_index=False
    )
    name = models.CharField(max_length=255, blank=True, help_text="The workflow's own name.")
    # A turn of a conversation or a one-shot; an app may have both (Dify's test runs of a chat app).
    mode = models.CharField(max_length=10, choices=AppMode.choices, default=AppMode.WORKFLOW)
    status = models.CharField(max_length=20, choices=RunStatus.choices)
    # When it was first heard of; a run of which no time is known has the time of its arrival.
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    duration_us = models.BigIntegerField(null=True)
    last_seen_at = models.DateTimeField(
        default=timezone.now, help_text="When something about the run last arrived."
    )
    user = models.CharField(max_length=200, blank=True)
    trigger = models.CharField(max_length=50, blank=True)
    environment = models.CharField(max_length=100, blank=True)
    tags = models.JSONField(default=list, blank=True)
    source_kind = models.CharField(max_length=40, blank=True, help_text="otlp, dify-otlp, …")

    inputs = models.ForeignKey(
        Payload, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    outputs = models.ForeignKey(
        Payload, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    inputs_preview = models.CharField(max_length=PREVIEW_LENGTH, blank=True)
    outputs_preview = models.CharField(max_length=PREVIEW_LENGTH, blank=True)

    error = models.TextField(blank=True)
    failed_execution = models.UUIDField(null=True)
    failed_node_id = models.CharField(max_length=255, blank=True)
    failed_title = models.CharField(max_length=255, blank=True)
    error_group = models.ForeignKey(
        ErrorGroup, models.SET_NULL, related_name="runs", null=True, db_index=False
    )

    input_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    cached_tokens = models.BigIntegerField(default=0)
    reasoning_tokens = models.BigIntegerField(default=0)
    total_tokens = models.BigIntegerField(default=0)
    cost = models.DecimalField(max_digits=20, decimal_places=10, null=True)
    cost_currency = models.CharField(max_length=3, blank=True)
    cost_state = models.CharField(max_length=10, choices=CostState.choices, default=CostState.FREE)
    model_calls = models.PositiveIntegerField(default=0)
    tool_calls = models.PositiveIntegerField(default=0)
    http_calls = models.PositiveIntegerField(default=0)
    steps = models.PositiveIntegerField(default=0)
    iterations = models.PositiveIntegerField(default=0)
    turns = models.PositiveIntegerField(
        default=1, help_text="Of a conversation; a trace may hold several."
    )
    retries = models.PositiveIntegerField(default=0)
    exceptions = models.PositiveIntegerField(default=0)

    reported_tokens = models.BigIntegerField(null=True)
    reported_cost = models.DecimalField(max_digits=20, decimal_places=10, null=True)
    reported_duration_us = models.BigIntegerField(null=True)

    only_transport = models.BooleanField(
        default=False, help_text="Nothing but calls over a network: a health check, a lone query."
    )

    objects = RunQuerySet.as_manager()

    class Meta:
        indexes = [
            # Whether there are runs that lists leave out, and those of one app.
            models.Index(
                fields=["app", "-started_at", "-id"],
                name="run_transport_app_started",
                condition=models.Q(only_transport=True),
            ),
            # Run history of all apps, newest first, by keyset.
            models.Index(fields=["-started_at", "-id"], name="run_started"),
            # Run history of one app; previous and next run of a run.
            models.Index(fields=["app", "-started_at", "-id"], name="run_app_started"),
            # History filtered by status: the failures of all apps, or of one, among many successes.
            models.Index(fields=["status", "-started_at", "-id"], name="run_status_started"),
            models.Index(
                fields=["app", "status", "-started_at", "-id"], name="run_app_status_started"
            ),
            # Runs of one version: its history, its first and last, those its graph follows from.
            models.Index(fields=["version", "-started_at", "-id"], name="run_version_started"),
            # What one user saw.
            models.Index(fields=["user", "-started_at", "-id"], name="run_user_started"),
            # History slowest first, dearest first, most tokens first.
            models.Index(fields=["-duration_us", "-id"], name="run_duration"),
            models.Index(fields=["-cost", "-id"], name="run_cost"),
            models.Index(fields=["-total_tokens", "-id"], name="run_tokens"),
            # Failures of one kind: how many, the first, the last, in which versions.
            models.Index(
                fields=["error_group", "-started_at", "-id"],
                name="run_error_group_started",
                condition=models.Q(error_group__isnull=False),
            ),
            # Turns of a conversation.
            models.Index(fields=["conversation", "started_at"], name="run_conversation_started"),
        ]

    def __str__(self) -> str:
        return str(self.id)

    def get_absolute_url(self) -> str:
        return reverse("run", args=[self.pk])

    @property
    def turn_url(self) -> str:
        """Return where this run stands in its conversation; "" without one."""
        if self.conversation_id is None:
            return ""
        page = reverse("conversation", args=[self.conversation_id])
        return f"{page}?turn={self.pk}#turn-{self.pk}"

    @property
    def producer_ids(self) -> list["RunSource"]:
        """Return the producer's ids that lead here, by kind and id; without the ids that the run
        itself had before another run was merged with it."""
        sources = (source for source in self.sources.all() if source.kind != "former")
        return sorted(sources, key=lambda source: (source.kind, source.source_id))

    @property
    def is_unfinished(self) -> bool:
        return self.status in UNFINISHED

    @property
    def stalled(self) -> bool:
        """Return whether the run is reported as running, but nothing about it has arrived for long;
        see `stalled_condition` for the same in a query."""
        if self.status != RunStatus.RUNNING:
            return False
        return timezone.now() - self.last_seen_at > _stalled_after()

    @property
    def live(self) -> bool:
        """Return whether more is expected of the run: it has not ended, nor is it stalled."""
        return self.is_unfinished and not self.stalled

    @property
    def shown_status(self) -> str:
        """Return the status that people see: "stalled", or the value of `status`."""
        return STALLED if self.stalled else self.status

    @property
    def shown_status_label(self) -> str:
        """Return the label of `shown_status`."""
        return STALLED_LABEL if self.stalled else self.get_status_display()

    @property
    def short_status_label(self) -> str:
        """Return the label of `shown_status` for narrow places."""
        return SHORT_LABELS.get(self.shown_status) or self.shown_status_label

    @property
    def shown_status_reason(self) -> str:
        """Return why people see another status than `status`; "" where they see the same."""
        return (
            "Reported as running, but nothing has arrived for a long time" if self.stalled else ""
        )


class RunSource(models.Model):
    """A producer's id and the run that it leads to. An id that is learned late may merge two runs
    into one, so several rows may lead to the same run. `scope` is 0, or the primary key of the app
    to which the key that sent the id is bound: what a bound key sends can never touch another app's
    run."""

    source_id = models.CharField(max_length=128)
    scope = models.BigIntegerField(default=0)
    kind = models.CharField(max_length=20)
    run = models.ForeignKey(Run, models.CASCADE, related_name="sources")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source_id", "scope", "kind"], name="source_id_scope_kind"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.source_id}"
