"""Links between spans: a step names another one, mostly of another trace, that belongs to it."""

import uuid
from collections.abc import Collection
from typing import Self

from django.db import models

from runs.models.run import Run


class SpanLinkQuerySet(models.QuerySet["SpanLink"]):
    def from_run(self, run: Run) -> Self:
        """Return the links that steps of a run name. Served by `span_link_from_to`."""
        return self.filter(run=run).order_by("id")

    def to_traces(self, traces: Collection[str], scopes: Collection[int]) -> Self:
        """Return the links to steps of these traces, as far as they came by keys that may touch the
        run. Served by `span_link_target`."""
        return self.filter(trace__in=traces, scope__in=scopes).order_by("id")


class SpanLink(models.Model):
    """A link from the step `execution` of `run` to a span of another trace, as OpenTelemetry has
    them, or to a whole run (`span` is empty), `trace` being one of its producer's ids. What it
    leads to need not have been received. It follows from the step, and is written with it. `scope`
    is that of `RunSource`."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="span_links", db_index=False)
    execution = models.UUIDField()
    trace = models.CharField(max_length=128)
    span = models.CharField(max_length=16, blank=True)
    scope = models.BigIntegerField(default=0)

    objects = SpanLinkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "execution", "trace", "span"], name="span_link_from_to"
            ),
        ]
        indexes = [models.Index(fields=["trace", "scope"], name="span_link_target")]

    def __str__(self) -> str:
        return f"{uuid.UUID(str(self.execution))} → {self.trace}:{self.span}"
