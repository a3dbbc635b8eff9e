"""The runs that the search index does not hold yet."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone

from runs.models.run import Run

CLAIM_LASTS = timedelta(minutes=2)  # then the runs of a claim that was not finished can be claimed
SOON = timedelta(minutes=1)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


class IndexingClaim(NamedTuple):
    """Runs that a process is about to index, and the mark by which `mark_done` recognizes them."""

    runs: list[UUID]
    mark: datetime


class SearchDueQuerySet(models.QuerySet["SearchDue"]):
    def positions_after(
        self, position: tuple[datetime, UUID] | None, since: datetime | None
    ) -> models.QuerySet["SearchDue", tuple[datetime, UUID]]:
        """Return (started_at, run_id) in the order of run lists, of the runs after `position` in it
        (None: from the first on) that started at `since` or later. Served by
        `search_due_started`."""
        waiting = self.filter(started_at__gte=since) if since else self
        if position:
            started_at, run_id = position
            earlier = models.Q(started_at__lt=started_at)
            waiting = waiting.filter(
                earlier | models.Q(started_at=started_at, run_id__lt=run_id),
                started_at__lte=started_at,
            )
        return waiting.order_by("-started_at", "-run_id").values_list("started_at", "run_id")

    def claim(self, most: int, *, early: bool = False) -> IndexingClaim:
        """Claim at most `most` runs to be indexed, those that wait longest first, so that no other
        process takes them. `early`: also runs that have just changed."""
        now = timezone.now()
        mark = now + CLAIM_LASTS
        ready = self.filter(ready_at__lte=now + SOON if early else now)
        with transaction.atomic():
            rows = ready.select_for_update(skip_locked=True).order_by("ready_at")[:most]
            ids = list(rows.values_list("run_id", flat=True))
            self.filter(pk__in=ids).update(ready_at=mark)
        return IndexingClaim(ids, mark)

    def mark_done(self, run_ids: Collection[UUID], mark: datetime) -> None:
        """Record that runs are in the index, but for those that changed since they were claimed.
        Rows that are locked by a change are skipped: they would stay anyway, and their writer may
        wait for us."""
        with transaction.atomic():
            unchanged = self.filter(pk__in=run_ids, ready_at=mark).select_for_update(
                skip_locked=True
            )
            self.filter(pk__in=list(unchanged.values_list("pk", flat=True))).delete()

    def never_index(self, run_ids: Collection[UUID]) -> None:
        """Record that the index cannot hold these runs: searches always read them."""
        self.filter(pk__in=run_ids).update(ready_at=NEVER)


class SearchDue(models.Model):
    """A run that is new or changed since its text was put into the search index. The one writer
    notes it in the transaction that changes the run; until it is done, searches read the run."""

    run = models.OneToOneField(
        Run, models.CASCADE, primary_key=True, related_name="+", db_constraint=False
    )
    started_at = models.DateTimeField()
    ready_at = models.DateTimeField(
        db_index=True, help_text="When the run can be indexed, if nothing more arrives until then."
    )

    objects = SearchDueQuerySet.as_manager()

    class Meta:
        indexes = [
            # The newest runs that a search must read.
            models.Index(fields=["-started_at", "-run"], name="search_due_started"),
        ]

    def __str__(self) -> str:
        return str(self.run_id)
