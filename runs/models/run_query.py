"""Named queries over runs: what a filter of the run history means."""

import json
import uuid
from collections.abc import Collection, Iterable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.db import models
from django.db.models import Count, Exists, F, IntegerField, Max, Min, OuterRef, Q, Sum, Window
from django.db.models.functions import Cast, RowNumber

from nodes.models import NodeExecution
from runs.choices import RunStatus

if TYPE_CHECKING:
    from runs.models.app import App, Version
    from runs.models.conversation import Conversation
    from runs.models.run import Run


def as_uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _led_to_by(source_id: str) -> list[uuid.UUID]:
    """Ids of the runs that a producer's id or a run's own leads to; one that is 32 hex digits is
    found with and without dashes. Read at once: as a part of a larger question PostgreSQL would
    try them on every run."""
    found = as_uuid(source_id)
    spellings = {source_id, found.hex, str(found)} if found else {source_id}
    sources = apps.get_model("runs.RunSource").objects.filter(source_id__in=spellings)
    return [*sources.values_list("run_id", flat=True), *([found] if found else [])]


class RunQuerySet(models.QuerySet["Run"]):
    """Scopes take the value of a filter; an empty value leaves the runs as they are."""

    def for_list(self) -> Self:
        """What a list shows, newest first: no payloads, no texts beyond the previews. Apps and
        versions are read by themselves: from a join SQLite, once it has statistics, would rather
        begin with the few apps and sort all their runs."""
        versions = apps.get_model("runs.Version").objects.defer("graph", "configuration")
        names = ("app", models.Prefetch("version", versions))
        return self.prefetch_related(*names).order_by("-started_at", "-id")

    def for_page(self) -> Self:
        """What the page of one run shows, in one query."""
        run = self.select_related("app", "version", "conversation")
        return run.defer("version__graph", "version__configuration")

    def for_strip(self) -> Self:
        """What a square of the status strip tells, newest first."""
        return self.order_by("-started_at", "-id").only(
            "app_id", "status", "started_at", "duration_us", "last_seen_at", "failed_title"
        )

    def with_sources(self) -> Self:
        """With conversation and the producer's ids, as the JSON twin tells them."""
        return self.prefetch_related("conversation", "sources")

    # -- scopes over the run itself ---------------------------------------------------------------

    def for_app(self, app: "App | None") -> Self:
        return self.filter(app=app) if app else self

    def of_each_status(self, statuses: Iterable[str]) -> list[Self]:
        """The runs of each status by themselves, for `page_of` to merge: only so has an index them
        in order. Served by `run_status_started` and `run_app_status_started`."""
        return [self.filter(status=status) for status in statuses] or [self]

    def of_version(self, name: str, app: "App | None") -> Self:
        """`name` is the version's number or its label. Served by `run_version_started`, in order
        where it is one version: so its id is looked up first."""
        if not name:
            return self
        versions = apps.get_model("runs.Version").objects.named(name, app)
        ids = list(versions.values_list("pk", flat=True))
        return self.filter(version=ids[0]) if len(ids) == 1 else self.filter(version__in=ids)

    def ran_as(self, version: "Version") -> Self:
        """Served by `run_version_started`."""
        return self.filter(version=version)

    def in_conversation(self, name: str) -> Self:
        """`name` is the conversation's id or the producer's id of it. Served by
        `run_conversation_started`."""
        if not name:
            return self
        by_name = Q(source_id=name)
        if found := as_uuid(name):
            by_name |= Q(pk=found)
        conversations = apps.get_model("runs.Conversation").objects.filter(by_name)
        return self.filter(conversation__in=conversations)

    def turns_of(self, conversation: "Conversation") -> Self:
        """Served by `run_conversation_started`."""
        return self.filter(conversation=conversation)

    def by_user(self, user: str) -> Self:
        """Served by `run_user_started`."""
        return self.filter(user=user) if user else self

    def from_source(self, kind: str) -> Self:
        return self.filter(source_kind=kind) if kind else self

    def tagged(self, tag: str) -> Self:
        """Runs with exactly this tag. Tags are a JSON list; databases keep it escaped or not."""
        if not tag:
            return self
        told = Q(tags_text__contains=json.dumps(tag)) | Q(
            tags_text__contains=json.dumps(tag, ensure_ascii=False)
        )
        return self.alias(tags_text=Cast("tags", models.TextField())).filter(told)

    def failing_with(self, text: str) -> Self:
        return self.filter(error__icontains=text) if text else self

    def started_between(self, since: datetime | None, until: datetime | None) -> Self:
        """From `since` on and before `until`."""
        runs = self.filter(started_at__gte=since) if since else self
        return runs.filter(started_at__lt=until) if until else runs

    def lasting(self, at_least: int | None, at_most: int | None) -> Self:
        """Durations in microseconds, both ends included."""
        runs = self if at_least is None else self.filter(duration_us__gte=at_least)
        return runs if at_most is None else runs.filter(duration_us__lte=at_most)

    def using_at_least(self, tokens: int | None, cost: Decimal | None) -> Self:
        runs = self if tokens is None else self.filter(total_tokens__gte=tokens)
        return runs if cost is None else runs.filter(cost__gte=cost)

    def mentioning(self, text: str) -> Self:
        """Runs whose name, input, output or error has `text`, or whose own or producer's id
        it is."""
        if not text:
            return self
        told = Q(pk__in=_led_to_by(text))
        for field in ("inputs_preview", "outputs_preview", "error", "failed_title", "name"):
            told |= Q(**{f"{field}__icontains": text})
        return self.filter(told)

    def of_source(self, source_id: str) -> Self:
        """The runs that one of the producer's ids leads to: one, unless two scopes know the id."""
        return self.filter(pk__in=_led_to_by(source_id))

    def known_by(self, source_ids: Collection[str]) -> Self:
        """The runs that any of the producers' ids lead to."""
        sources = apps.get_model("runs.RunSource").objects.filter(scope=0)
        return self.filter(pk__in=sources.filter(source_id__in=source_ids).values("run_id"))

    def formerly(self, run_id: uuid.UUID) -> Self:
        """The run that took in the one which had this id."""
        return self.filter(sources__kind="former", sources__source_id=run_id.hex)

    def previous(self, run: "Run") -> "Run | None":
        """The run of the same app before this one. Served by `run_app_started`."""
        place = run.started_at
        earlier = Q(started_at__lt=place) | Q(started_at=place, id__lt=run.id)
        runs = self.filter(earlier, app_id=run.app_id, started_at__lte=place)  # see Order.stretches
        return runs.order_by("-started_at", "-id").first()

    def following(self, run: "Run") -> "Run | None":
        """The run of the same app after this one. Served by `run_app_started`."""
        place = run.started_at
        later = Q(started_at__gt=place) | Q(started_at=place, id__gt=run.id)
        runs = self.filter(later, app_id=run.app_id, started_at__gte=place)
        return runs.order_by("started_at", "id").first()

    def for_link(self) -> Self:
        """Enough for a link to a run: no payloads, no previews."""
        return self.only("id", "app_id", "status", "started_at", "last_seen_at")

    # -- scopes over its steps --------------------------------------------------------------------

    def with_step(self, **facts: str) -> Self:
        """Runs that have one visible step of which all told facts (kind, model, node_id) hold."""
        facts = {name: value for name, value in facts.items() if value}
        if not facts:
            return self
        steps = NodeExecution.objects.visible().filter(run_id=OuterRef("pk"), **facts)
        return self.filter(Exists(steps))

    # -- figures ----------------------------------------------------------------------------------

    def figures_by_app(self, today: datetime) -> models.QuerySet["Run", dict[str, Any]]:
        """Per app and currency: runs and failures since `today`, tokens and cost of all."""
        of_today = Q(started_at__gte=today)
        return (
            self.order_by()
            .values("app_id", "cost_currency")
            .annotate(
                runs_today=Count("pk", filter=of_today),
                failures_today=Count("pk", filter=of_today & Q(status=RunStatus.FAILED)),
                all_tokens=Sum("total_tokens"),
                all_cost=Sum("cost"),
            )
        )

    def slowest_twentieth(self) -> models.QuerySet["Run", Any]:
        """(app_id, duration_us) of the run at each app's 95th percentile (nearest rank)."""
        return (
            self.filter(duration_us__isnull=False)
            .order_by()
            .annotate(
                place=Window(RowNumber(), partition_by="app_id", order_by=["duration_us", "id"]),
                among=Window(Count("pk"), partition_by="app_id"),
            )
            .filter(place=Cast((F("among") * 95 + 99) / 100, IntegerField()))
            .values_list("app_id", "duration_us")
        )

    def figures_by_version(self) -> models.QuerySet["Run", dict[str, Any]]:
        """Per version: how many runs and failures, the first and the last."""
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

    # -- the graph --------------------------------------------------------------------------------

    def newest_of_version(
        self, app: "App", version: "Version | None"
    ) -> models.QuerySet["Run", tuple[uuid.UUID, int]]:
        """(id, steps) of a version's runs, newest first. Served by
        `run_version_started`."""
        runs = self.filter(app=app, version=version).order_by("-started_at", "-id")
        return runs.values_list("id", "steps")
