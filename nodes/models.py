"""What is kept of one step: its execution and its payloads."""

import uuid
from collections.abc import Iterable
from datetime import date
from typing import Any, Self

import orjson
from django.db import models
from django.db.models.functions import Cast, Left

from nodes.choices import NodeStatus
from nodes.kinds import Kind, kind_of
from nodes.packing import unpack, unpack_json
from nodes.pairing import PAIRING_FIELDS
from nodes.steps import STEP_FIELDS

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
    `body` is packed (see `nodes.packing`) when `compressed`. Only `runs.recording.store` writes.
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


class NodeExecutionQuerySet(models.QuerySet["NodeExecution"]):
    def of_run(self, run_id: uuid.UUID) -> Self:
        """Executions of one run in the order of the tree (pre-order)."""
        return self.filter(run_id=run_id).order_by("index", "id")

    def visible(self) -> Self:
        """Without plumbing: folded wrappers and the run's own span."""
        return self.filter(folded=False)

    def of_node(self, app_id: int, node_id: str) -> Self:
        """All executions of one node of an app, newest first. Served by `exec_app_node_started`."""
        return self.visible().filter(app_id=app_id, node_id=node_id).order_by("-started_at", "-id")

    def with_payloads(self) -> Self:
        return self.select_related("inputs", "outputs", "process_data", "resource")

    def with_hex_ids(self) -> Self:
        """With ids as text (`hex_id`, `hex_parent`, `hex_run`), with dashes or without: the
        database's way. Thousands of UUID objects would take longer than all the rest."""
        text = models.CharField()
        return self.annotate(
            hex_id=Cast("id", text),
            hex_parent=Cast("parent_id", text),
            hex_run=Cast("run_id", text),
        )

    def for_row(self) -> Self:
        """What a row of the tree shows: no hints, no payloads, and of an error its beginning."""
        return self.only(
            "id", "run_id", "title", "node_id", "kind", "status", "model", "taken", "attempt",
            "folded", "counted", "input_tokens", "output_tokens", "total_tokens", "cost",
            "cost_currency", "duration_us", "self_us", "error_type",
        ).annotate(error_head=Left("error", 200))  # fmt: skip

    def step_rows(self, run_ids: Iterable[uuid.UUID]) -> models.QuerySet[Any, tuple[Any, ...]]:
        """Light rows for `nodes.steps.steps_by_run`: what the graph is inferred from."""
        rows = self.visible().filter(run_id__in=run_ids).with_hex_ids()
        return rows.values_list(*STEP_FIELDS)

    def pairing_rows(self, run_id: uuid.UUID) -> models.QuerySet[Any, tuple[Any, ...]]:
        """Light rows for `nodes.pairing.read_step`: what two runs are compared by."""
        text = models.CharField()
        rows = self.of_run(run_id).visible().with_hex_ids()
        return rows.annotate(
            hex_inputs=Cast("inputs_id", text),
            hex_process=Cast("process_data_id", text),
            hex_outputs=Cast("outputs_id", text),
            error_head=Left("error", 500),
        ).values_list(*PAIRING_FIELDS)

    def outer_rows(self, run_ids: Iterable[uuid.UUID]) -> models.QuerySet[Any, tuple[Any, ...]]:
        """(run, node_id, title, kind, status, taken, id) of the outermost steps, run by run."""
        rows = self.visible().filter(run_id__in=run_ids, depth=0).order_by("run_id", "index", "id")
        return rows.values_list("run_id", "node_id", "title", "kind", "status", "taken", "id")

    def for_history(self) -> Self:
        """What a node's history shows of each execution, with its run's version."""
        return self.select_related("run__version").only(
            "id", "title", "kind", "status", "started_at", "duration_us", "model", "provider",
            "input_tokens", "output_tokens", "total_tokens", "iteration", "attempt", "folded",
            "run__id", "run__status", "run__version__number", "run__version__label",
        )  # fmt: skip

    def models_used(self) -> "models.QuerySet[NodeExecution, tuple[Any, ...]]":
        """(model, provider, id, total tokens, counted, kind) of every step that names a model."""
        return (
            self.visible()
            .exclude(model="")
            .values_list("model", "provider", "id", "total_tokens", "counted", "kind")
        )

    def models_by_node(self, run_ids: Iterable[uuid.UUID]) -> "models.QuerySet[Any, Any]":
        """(node_id, title, model), each once, of the steps of some runs that name a model."""
        steps = self.visible().filter(run_id__in=run_ids).exclude(model="").exclude(kind="agent")
        told = steps.order_by("node_id", "title", "model")
        return told.values_list("node_id", "title", "model").distinct()

    def with_resource(self) -> Self:
        return self.exclude(resource=None).select_related("resource")

    def after_index(self, index: int | None) -> Self:
        """The rest of a run's tree after a place in its pre-order; None: all of it."""
        return self if index is None else self.filter(index__gt=index)

    def parents_told_before(
        self, index: int | None, parent_ids: Iterable[uuid.UUID]
    ) -> set[uuid.UUID]:
        """Of missing parents those whose first child stands at or before a place in the tree."""
        before = self.filter(parent_id__in=parent_ids, index__lte=index or 0)
        return {found for found in before.values_list("parent_id", flat=True) if found}

    def same_node(self, execution: "NodeExecution") -> Self:
        """All executions of one node in one run, in order: its passes and attempts."""
        return self.of_run(execution.run_id).visible().filter(node_id=execution.node_id)


class NodeExecution(models.Model):
    """One execution of a node: in one run, in one iteration, in one attempt.

    `id` is derived from the run and the producer's id, so that sending again lands on the same
    row. Unique by (run, id): that pair is also the index on `run` and the conflict target, so that
    the table can be spread by run. Columns under "as told" keep what the producer said; those under
    "derived" follow from the whole run and are rewritten by `runs.recording.arranging.arrange`.
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
        return [int(part) for part in self.iteration.split(".")] if self.iteration else []
