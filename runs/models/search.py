"""Which runs the search index does not hold yet."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone

from runs.models.run import Run

CLAIM = timedelta(minutes=2)  # after which work that nobody finished is taken up again
SOON = timedelta(minutes=1)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


class Claim(NamedTuple):
    """Runs that somebody is about to index, and the mark by which `done` knows them."""

    runs: list[UUID]
    mark: datetime


class SearchDueQuerySet(models.QuerySet["SearchDue"]):
    def places_after(
        self, place: tuple[datetime, UUID] | None, since: datetime | None
    ) -> models.QuerySet["SearchDue", tuple[datetime, UUID]]:
        """(started_at, run_id) in the order of run lists: of the runs after a place in it (None:
        from the first on) that started at `since` or later. Served by `search_due_started`."""
        due = self.filter(started_at__gte=since) if since else self
        if place:
            before = models.Q(started_at__lt=place[0])
            due = due.filter(
                before | models.Q(started_at=place[0], run_id__lt=place[1]),
                started_at__lte=place[0],
            )
        return due.order_by("-started_at", "-run_id").values_list("started_at", "run_id")

    def claim(self, most: int, *, early: bool = False) -> Claim:
        """Take so many runs to be indexed, those that wait longest first, away from other
        processes. `early`: also runs that have just changed."""
        now = timezone.now()
        mark = now + CLAIM
        ready = self.filter(ready_at__lte=now + SOON if early else now)
        with transaction.atomic():
            rows = ready.select_for_update(skip_locked=True).order_by("ready_at")[:most]
            ids = list(rows.values_list("run_id", flat=True))
            self.filter(pk__in=ids).update(ready_at=mark)
        return Claim(ids, mark)

    def done(self, run_ids: Collection[UUID], mark: datetime) -> None:
        """They are in the index, but for those that changed since they were claimed. What somebody
        is just changing is not waited for: it would stay anyway, and the writer may wait for us."""
        with transaction.atomic():
            same = self.filter(pk__in=run_ids, ready_at=mark).select_for_update(skip_locked=True)
            self.filter(pk__in=list(same.values_list("pk", flat=True))).delete()

    def stays(self, run_ids: Collection[UUID]) -> None:
        """The index cannot hold them: searches read them always."""
        self.filter(pk__in=run_ids).update(ready_at=NEVER)


class SearchDue(models.Model):
    """A run that is new or changed since its text was put into the search index. The one writer
    notes it in the transaction that changes the run; until it is done, searches read the run."""

    run = models.OneToOneField(
        Run, models.CASCADE, primary_key=True, related_name="+", db_constraint=False
    )
    started_at = models.DateTimeField()
    ready_at = models.DateTimeField(
        db_index=True, help_text="When it will have been quiet for long enough to be indexed."
    )

    objects = SearchDueQuerySet.as_manager()

    class Meta:
        indexes = [
            # The newest runs that a search must read.
            models.Index(fields=["-started_at", "-run"], name="search_due_started"),
        ]

    def __str__(self) -> str:
        return str(self.run_id)
