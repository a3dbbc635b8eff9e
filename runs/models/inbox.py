"""The inbox: requests that arrived at the receivers, and the records that were refused."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Left
from django.utils import timezone

from runs.models.app import App
from runs.models.key import IngestKey

HEAD_LENGTH = 2_000  # characters of a refused record that lists read


class ReceivedRequestQuerySet(models.QuerySet["ReceivedRequest"]):
    def for_list(self) -> Self:
        return self.select_related("key").order_by("-received_at", "-id")

    def of_app(self, app: App | None) -> Self:
        """Return those sent with keys of `app`; None: all."""
        return self.filter(key__app=app) if app else self

    def failed(self) -> Self:
        """Return requests that were answered with an error."""
        return self.filter(status__gte=400)


class ReceivedRequest(models.Model):
    """One request to a receiver, accepted or rejected. The newest WAYLOG_INBOX_REQUESTS are
    kept."""

    received_at = models.DateTimeField(default=timezone.now, db_index=True)
    door = models.CharField(max_length=200, help_text="The path of the request.")
    key = models.ForeignKey(IngestKey, models.SET_NULL, null=True, related_name="+")
    user_agent = models.CharField(max_length=200, blank=True)
    content_type = models.CharField(max_length=100, blank=True)
    status = models.PositiveSmallIntegerField(help_text="The HTTP status of the answer.")
    size = models.PositiveBigIntegerField(
        default=0, help_text="The size of the uncompressed body in bytes."
    )
    duration_us = models.PositiveBigIntegerField(default=0)
    records = models.PositiveIntegerField(
        default=0, help_text="The number of spans, events or logs in the request."
    )
    refused = models.PositiveIntegerField(default=0)
    duplicates = models.PositiveIntegerField(
        default=0, help_text="Records that added nothing to a step already stored."
    )
    late = models.PositiveIntegerField(
        default=0, help_text="Records for a run that was already stored or had ended."
    )
    orphans = models.PositiveIntegerField(
        default=0, help_text="Steps whose parent has not been received."
    )
    run_count = models.PositiveIntegerField(default=0)
    run_ids = models.JSONField(
        default=list,
        blank=True,
        help_text="The ids of the first runs with records from this request.",
    )
    remarks = models.JSONField(
        default=dict, blank=True, help_text="A sentence about spans, and how many it is about."
    )
    error = models.TextField(blank=True, help_text="The error sentence in the answer.")

    objects = ReceivedRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at", "-id"]

    def __str__(self) -> str:
        return f"{self.door} {self.status}"

    @property
    def outcome(self) -> str:
        """Return the run status whose colour and shape show how the request went."""
        if self.status >= 400:
            return "failed"
        return "partial-succeeded" if self.refused else "succeeded"


class RefusedRecordQuerySet(models.QuerySet["RefusedRecord"]):
    def for_list(self) -> Self:
        """Order by newest first, without bodies; read only the beginning of `raw`, as `head`."""
        rows = self.select_related("key").defer("body", "raw").order_by("-received_at", "-id")
        return rows.annotate(head=Left("raw", HEAD_LENGTH), can_replay=Q(body__isnull=False))

    def of_app(self, app: App | None) -> Self:
        """Return those sent with keys of `app`; None: all."""
        return self.filter(key__app=app) if app else self

    def open(self) -> Self:
        """Return records that have not been replayed with success."""
        return self.filter(replayed_at=None)

    def replayable(self) -> Self:
        """Return open records that are kept as a whole request."""
        return self.open().exclude(body=None)


class RefusedRecord(models.Model):
    """A record that a receiver refused while it accepted the rest of the request: the reason, and
    the record as it was received. `body` is a whole request that holds this record alone
    (compressed, see `nodes.compression`), so that it can be replayed after a fix; NULL where no
    such request can be made."""

    received_at = models.DateTimeField(auto_now_add=True, db_index=True)
    request = models.ForeignKey(
        ReceivedRequest, models.SET_NULL, null=True, related_name="refused_records"
    )
    door = models.CharField(max_length=200)
    key = models.ForeignKey(IngestKey, models.SET_NULL, null=True, related_name="+")
    user_agent = models.CharField(max_length=200, blank=True)
    reason = models.TextField()
    raw = models.TextField(blank=True)
    content_type = models.CharField(max_length=100, blank=True)
    body = models.BinaryField(null=True)
    replayed_at = models.DateTimeField(null=True, blank=True)
    head: str  # see `for_list`

    objects = RefusedRecordQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at", "-id"]

    def __str__(self) -> str:
        return self.reason
