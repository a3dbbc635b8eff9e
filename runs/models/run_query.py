"""Named queries over runs. What the fields of a search mean is in `runs.query.conditions`."""

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.db import models
from django.db.models import Count, F, IntegerField, Max, Min, Q, Sum, Window
from django.db.models.functions import Cast, RowNumber

from nodes.digests import digest_with_dashes
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


LATELY = 10_000  # newest runs of an app among which the same input is looked for
# Deleted with a run even if another one takes its place: its steps, which are then stored under new
# ids, and its place among the runs that the search index has to read.
OWN = {"nodes.NodeExecution", "runs.SearchDue"}


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

    def ran_as(self, version: "Version") -> Self:
        """Served by `run_version_started`."""
        return self.filter(version=version)

    def turns_of(self, conversation: "Conversation") -> Self:
        """Served by `run_conversation_started`."""
        return self.filter(conversation=conversation)

    def started_between(self, since: datetime | None, until: datetime | None) -> Self:
        """From `since` on and before `until`."""
        runs = self.filter(started_at__gte=since) if since else self
        return runs.filter(started_at__lt=until) if until else runs

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

    def by_id(self, run_id: uuid.UUID) -> "Run | None":
        """The run of this id, or the one that it turned out to be a part of."""
        return self.filter(pk=run_id).first() or self.formerly(run_id).first()

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

    def successes_before(self, run: "Run") -> models.QuerySet["Run", Any]:
        """(id, inputs_preview, version) of what succeeded of the same app, nearest first. Served by
        `run_app_status_started`."""
        runs = self.filter(app_id=run.app_id, status=RunStatus.SUCCEEDED).exclude(pk=run.pk)
        earlier = runs.filter(started_at__lte=run.started_at).order_by("-started_at", "-id")
        return earlier.values_list("id", "inputs_preview", "version_id")

    def successes_after(self, run: "Run") -> models.QuerySet["Run", Any]:
        """As `successes_before`, of those that followed."""
        runs = self.filter(app_id=run.app_id, status=RunStatus.SUCCEEDED)
        later = runs.filter(started_at__gt=run.started_at).order_by("started_at", "id")
        return later.values_list("id", "inputs_preview", "version_id")

    def given(self, inputs_id: uuid.UUID) -> Self:
        """Runs whose input is equal to that one: the ends of the ids are (see `nodes.digests`).
        No index serves this."""
        return self.filter(inputs__id__endswith=digest_with_dashes(inputs_id))

    def given_the_same(self, run: "Run") -> Self:
        """Runs of the same app whose inputs begin with the same words, among its newest. Served by
        `run_app_started`."""
        newest = type(run)._default_manager.filter(app_id=run.app_id).order_by("-started_at", "-id")
        alike = self.filter(inputs_preview=run.inputs_preview, pk__in=newest.values("pk")[:LATELY])
        return alike.exclude(pk=run.pk) if run.inputs_preview else self.none()

    def for_link(self) -> Self:
        """Enough for a link to a run: no payloads, no previews."""
        return self.only("id", "app_id", "status", "started_at", "last_seen_at")

    # -- what refers to runs ----------------------------------------------------------------------

    def remove(self, heir: uuid.UUID | None = None) -> int:
        """Delete these runs with all that refers to them; what is not its `OWN` goes to the run
        `heir`, if there is one. One statement for each table, and no row is loaded. Returns how
        many runs there were. Their payloads stay, and so does what the search index holds of them
        (see `search.indexing.forget`)."""
        for reference in self.model._meta.get_fields(include_hidden=True):
            if not isinstance(reference, models.ManyToOneRel):
                continue
            model, name = reference.related_model, reference.field.name
            rows = model._base_manager.filter(**{f"{name}__in": self})
            if heir and model._meta.label not in OWN:
                rows.update(**{name: heir})
            elif reference.on_delete is models.SET_NULL:
                rows.update(**{name: None})
            else:
                rows._raw_delete(rows.db)
        return self._raw_delete(self.db)

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

    def figures_rows(self) -> models.QuerySet["Run", Any]:
        """(status, started_at, duration_us, total_tokens, cost, cost_currency), newest first."""
        return self.order_by("-started_at", "-id").values_list(
            "status", "started_at", "duration_us", "total_tokens", "cost", "cost_currency"
        )

    # -- the graph --------------------------------------------------------------------------------

    def newest_of_version(
        self, app: "App", version: "Version | None"
    ) -> models.QuerySet["Run", tuple[uuid.UUID, int]]:
        """(id, steps) of a version's runs, newest first. Served by
        `run_version_started`."""
        runs = self.filter(app=app, version=version).order_by("-started_at", "-id")
        return runs.values_list("id", "steps")
