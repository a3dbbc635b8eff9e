"""What is kept of one step: its execution and its payloads."""

import uuid
from datetime import date
from typing import Any, Self

import orjson
from django.db import models

from nodes.choices import NodeStatus
from nodes.clock import iteration_path
from nodes.compression import unpack, unpack_json
from nodes.execution_query import NodeExecutionQuerySet
from nodes.kinds import Kind, kind_of

PREVIEW_LENGTH = 200


class PayloadQuerySet(models.QuerySet["Payload"]):
    def of_day(self, day: date) -> Self:
        """Of one day. Ids begin with it, so the primary key serves this."""
        first = f"{(day - date(1970, 1, 1)).days:04x}"
        return self.filter(id__range=[uuid.UUID(first.ljust(32, end)) for end in "0f"])


class Payload(models.Model):
    """A value of any size: inputs, outputs, process data, resources.

    Content-addressed: `id` is derived from day, app, trace, encoding and content, so equal values
    of a run are stored once, what was recorded together lies together, and whole days can go.
    `body` is packed (see `nodes.compression`) when `compressed`. Only
    `runs.recording.storing.store` writes.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    app = models.ForeignKey(
        "runs.App", models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    day = models.DateField()
    encoding = models.CharField(max_length=4, choices=[("json", "JSON"), ("text", "Text")])
    compressed = models.BooleanField(default=False)
    size = models.PositiveBigIntegerField(help_text="Bytes, uncompressed.")
    cut_of = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="Bytes before the producer cut the value; empty: whole."
    )
    body = models.BinaryField()

    objects = PayloadQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.get_encoding_display()}, {self.size} bytes"

    @property
    def raw(self) -> bytes:
        """The stored bytes, uncompressed: canonical JSON or UTF-8 text."""
        body = bytes(self.body)
        return unpack(body) if self.compressed else body

    @property
    def text(self) -> str:
        return self.raw.decode("utf-8", "replace")

    @property
    def value(self) -> Any:
        """The value as Python data: JSON decoded, or text."""
        return orjson.loads(self.raw) if self.encoding == "json" else self.text


class NodeExecution(models.Model):
    """One execution of a node: in one run, in one iteration, in one attempt.

    `id` is derived from the run and the producer's id, so that sending again lands on the same
    row. Unique by (run, id): that pair is also the index on `run` and the conflict target, so that
    the table can be spread by run. Columns under "as told" keep what the producer said; those under
    "derived" follow from the whole run and are rewritten by `runs.recording.deriving.derive`.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    run = models.ForeignKey("runs.Run", models.CASCADE, related_name="executions", db_index=False)
    app = models.ForeignKey(
        "runs.App", models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )

    # -- as told --
    source_id = models.CharField(max_length=128)
    parent_source_id = models.CharField(max_length=128, blank=True)
    service = models.CharField(max_length=200)
    title = models.CharField(max_length=255)
    kind = models.CharField(max_length=40)
    told_node_id = models.CharField(max_length=255, blank=True)
    told_status = models.CharField(max_length=20, blank=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    duration_us = models.BigIntegerField(null=True)
    model = models.CharField(max_length=200, blank=True)
    provider = models.CharField(max_length=100, blank=True)
    input_tokens = models.BigIntegerField(null=True)
    output_tokens = models.BigIntegerField(null=True)
    cached_tokens = models.BigIntegerField(null=True)
    cache_write_tokens = models.BigIntegerField(null=True)
    reasoning_tokens = models.BigIntegerField(null=True)
    total_tokens = models.BigIntegerField(null=True)
    cost = models.DecimalField(max_digits=20, decimal_places=10, null=True)
    cost_currency = models.CharField(max_length=3, blank=True)
    cost_reported = models.BooleanField(
        default=False, help_text="Told by the producer, not priced here."
    )
    error = models.TextField(blank=True)
    error_type = models.CharField(max_length=200, blank=True)
    attempt = models.PositiveIntegerField(default=1)
    taken = models.CharField(max_length=255, blank=True, help_text="Branch steps: the way chosen.")
    # Hints for the tree and facts about the run, as told: small JSON (see recording.records).
    hints = models.TextField(blank=True)
    inputs_preview = models.CharField(max_length=PREVIEW_LENGTH, blank=True)
    outputs_preview = models.CharField(max_length=PREVIEW_LENGTH, blank=True)
    inputs = models.ForeignKey(
        Payload, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    outputs = models.ForeignKey(
        Payload, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    process_data = models.ForeignKey(
        Payload, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    resource = models.ForeignKey(
        Payload, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    # See `received`; packed. No two steps share it, so it is no payload. Lists do not load it.
    received_body = models.BinaryField(null=True)

    # -- derived --
    node_id = models.CharField(max_length=255, help_text="Key of the node in the graph.")
    status = models.CharField(max_length=20, choices=NodeStatus.choices)
    folded = models.BooleanField(default=False, help_text="Plumbing: shown with all spans only.")
    counted = models.BooleanField(
        default=False, help_text="Its tokens and cost are in the run's totals."
    )
    parent_id = models.UUIDField(
        null=True, help_text="Row above in the tree; may not have arrived yet."
    )
    orphan = models.BooleanField(default=False, help_text="Its parent has not been received.")
    depth = models.PositiveIntegerField(default=0)
    index = models.PositiveIntegerField(default=0, help_text="Place in pre-order, from 0.")
    iteration = models.CharField(
        max_length=100, blank=True, help_text="Pass numbers from 0: 3 or 3.0"
    )
    self_us = models.BigIntegerField(null=True)

    objects = NodeExecutionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "id"], name="exec_run_id"),
        ]
        indexes = [
            # Last run and history of one node of an app.
            models.Index(fields=["app", "node_id", "-started_at"], name="exec_app_node_started"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def kind_info(self) -> Kind:
        return kind_of(self.kind)

    @property
    def received(self) -> dict[str, Any]:
        """What the producer sent beside the values: {"attributes", "events", "links", "scope",
        "read_from"}, of which only those that say something."""
        return unpack_json(bytes(self.received_body)) if self.received_body else {}

    @property
    def iteration_path(self) -> list[int]:
        """[3, 0]: pass 3 of the outer container, pass 0 of the inner; [] outside any."""
        return list(iteration_path(self.iteration))
