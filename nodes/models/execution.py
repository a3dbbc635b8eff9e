"""Executions: one row for each time that a node ran."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Self

import orjson
from django.db import models
from django.db.models import Case, F, Value, When
from django.db.models.functions import Cast, Left

from nodes.choices import NodeStatus
from nodes.clock import iteration_path
from nodes.clock_offset import ClockOffset
from nodes.compression import unpack_json
from nodes.kinds import NodeKind, kind_of
from nodes.light_step import LIGHT_COLUMNS
from nodes.models.payload import Payload

PREVIEW_LENGTH = 200
# Hints that rows and panels show: whose clock is wrong, which turn it is, whether it came after the
# answer.
SHOWN_HINTS = ("clock", "turn", "after_answer")
# What the database computes for light rows. Ids as text, with dashes or without as the database
# writes them: thousands of UUID objects would take longer than all the rest.
_COMPUTED_COLUMNS = {
    "hex_id": Cast("id", models.CharField()),
    "hex_parent": Cast("parent_id", models.CharField()),
    "hex_run": Cast("run_id", models.CharField()),
    "hex_inputs": Cast("inputs_id", models.CharField()),
    "hex_outputs": Cast("outputs_id", models.CharField()),
    "hex_process": Cast("process_data_id", models.CharField()),
    "cost_as_text": Cast("cost", models.CharField()),
    "error_head": Left("error", 500),
    # The hints of steps of which rows show some, else "".
    "shown_hints": Case(
        *(When(hints__contains=f'"{name}":', then=F("hints")) for name in SHOWN_HINTS),
        default=Value(""),
        output_field=models.TextField(),
    ),
    # Of the hints only those that name the nodes which may send to a step (Haystack), else "".
    "senders": Case(
        When(hints__contains='"ran_after"', then=F("hints")),
        default=Value(""),
        output_field=models.TextField(),
    ),
}


class NodeExecutionQuerySet(models.QuerySet["NodeExecution"]):
    def in_run(self, run_id: uuid.UUID) -> Self:
        """Return the executions of one run in the order of the tree (pre-order)."""
        return self.filter(run_id=run_id).order_by("index", "id")

    def visible(self) -> Self:
        """Leave out wrapper spans and the run's own span."""
        return self.filter(folded=False)

    def of_node(self, app_id: int, node_id: str) -> Self:
        """Return all executions of one node of an app, newest first. Served by
        `exec_app_node_started`."""
        return self.visible().filter(app_id=app_id, node_id=node_id).order_by("-started_at", "-id")

    def with_payloads(self) -> Self:
        return self.select_related("inputs", "outputs", "process_data", "resource")

    def light_rows(self, *columns: str) -> "models.QuerySet[NodeExecution, tuple[Any, ...]]":
        """Return tuples: the fields of a `nodes.light_step.LightStep`, then `columns`, which are
        columns of the table or of _COMPUTED_COLUMNS. Ids come with dashes or without, as the
        database writes them, and None where there is none."""
        columns = (*LIGHT_COLUMNS, *columns)
        return self.computed(*columns).values_list(*columns)

    def computed(self, *columns: str) -> Self:
        """Annotate those of `columns` that the database computes."""
        return self.annotate(
            **{name: _COMPUTED_COLUMNS[name] for name in columns if name in _COMPUTED_COLUMNS}
        )

    def for_row(self) -> Self:
        """Load what a row of the tree shows: no payloads, of the hints SHOWN_HINTS, and
        of an error its beginning."""
        return self.only(
            "id", "run_id", "title", "node_id", "kind", "status", "model", "taken", "attempt",
            "folded", "counted", "input_tokens", "output_tokens", "total_tokens", "cost",
            "cost_currency", "duration_us", "self_us", "error_type", "inputs_preview",
            "outputs_preview",
        ).annotate(
            error_head=Left("error", 200), shown_hints=_COMPUTED_COLUMNS["shown_hints"]
        )  # fmt: skip

    def outer_rows(
        self, run_ids: Iterable[uuid.UUID]
    ) -> "models.QuerySet[NodeExecution, tuple[Any, ...]]":
        """Return (run, node_id, title, kind, status, taken, id) of the outermost steps, run by
        run."""
        rows = self.visible().filter(run_id__in=run_ids, depth=0).order_by("run_id", "index", "id")
        return rows.values_list("run_id", "node_id", "title", "kind", "status", "taken", "id")

    def turns_in(self, run_ids: Iterable[uuid.UUID]) -> Self:
        """Return the steps that are turns of a conversation, of runs that hold several."""
        steps = self.visible().filter(run_id__in=run_ids, depth=0, hints__contains='"turn":')
        return steps.order_by("run_id", "index")

    def for_history(self) -> Self:
        """Load what a node's history shows of each execution, with its run's version."""
        return self.select_related("run__version").only(
            "id", "title", "kind", "status", "started_at", "duration_us", "model", "provider",
            "input_tokens", "output_tokens", "total_tokens", "iteration", "attempt", "folded",
            "outputs_id", "run__id", "run__status", "run__version__number", "run__version__label",
        )  # fmt: skip

    def models_used(self) -> "models.QuerySet[NodeExecution, tuple[Any, ...]]":
        """Return (model, provider, id, total tokens, counted, kind) of every step that names a
        model."""
        return (
            self.visible()
            .exclude(model="")
            .values_list("model", "provider", "id", "total_tokens", "counted", "kind")
        )

    def models_by_node(
        self, run_ids: Iterable[uuid.UUID]
    ) -> "models.QuerySet[NodeExecution, tuple[Any, ...]]":
        """Return (node_id, title, model), each once, of the steps of some runs that name a
        model."""
        steps = self.visible().filter(run_id__in=run_ids).exclude(model="").exclude(kind="agent")
        ordered = steps.order_by("node_id", "title", "model")
        return ordered.values_list("node_id", "title", "model").distinct()

    def with_resource(self) -> Self:
        """Leave out steps without a resource, and load it for the others."""
        return self.exclude(resource=None).select_related("resource")

    def after_index(self, index: int | None) -> Self:
        """Return the rest of a run's tree after a place in its pre-order; None: all of it."""
        return self if index is None else self.filter(index__gt=index)

    def in_pass(self, path: str) -> Self:
        """Return the steps of the iteration with the path `path`, and of iterations inside it; all
        for ""."""
        inside = models.Q(iteration=path) | models.Q(iteration__startswith=f"{path}.")
        return self.filter(inside) if path else self

    def parents_listed_before(
        self, index: int | None, parent_ids: Iterable[uuid.UUID]
    ) -> set[uuid.UUID]:
        """Return those of the missing parents `parent_ids` whose first child stands at or before
        the place `index` in the tree."""
        before = self.filter(parent_id__in=parent_ids, index__lte=index or 0)
        return {parent for parent in before.values_list("parent_id", flat=True) if parent}

    def same_node(self, execution: "NodeExecution") -> Self:
        """Return all executions of the node of `execution` in its run, in order: its iterations
        and attempts."""
        return self.in_run(execution.run_id).visible().filter(node_id=execution.node_id)


class NodeExecution(models.Model):
    """One execution of a node: in one run, in one iteration, in one attempt.

    `id` is derived from the run and the producer's id, so that sending again lands on the same
    row. Unique by (run, id): that pair is also the index on `run` and the conflict target, so that
    the table can be spread by run. Columns under "as reported" keep what the producer sent; those
    under "derived" follow from the whole run and are rewritten by `runs.recording.deriving.derive`.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    run = models.ForeignKey("runs.Run", models.CASCADE, related_name="executions", db_index=False)
    app = models.ForeignKey(
        "runs.App", models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )

    # -- as reported --
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
        default=False, help_text="The cost was reported by the producer, not computed here."
    )
    error = models.TextField(blank=True)
    error_type = models.CharField(max_length=200, blank=True)
    attempt = models.PositiveIntegerField(default=1)
    taken = models.CharField(
        max_length=255, blank=True, help_text="The branch that a branching step chose."
    )
    # Hints for the tree and facts about the run, as reported: small JSON (see
    # `runs.recording.records`).
    hints = models.TextField(blank=True)
    prompt_digest = models.BigIntegerField(
        null=True, help_text="A digest of the system prompt of a model call."
    )
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
    node_id = models.CharField(max_length=255, help_text="The key of the node in the graph.")
    status = models.CharField(max_length=20, choices=NodeStatus.choices)
    folded = models.BooleanField(
        default=False, help_text="A wrapper span, shown only with all spans."
    )
    counted = models.BooleanField(
        default=False, help_text="The run's totals include the tokens and cost of this step."
    )
    parent_id = models.UUIDField(
        null=True, help_text="The parent in the tree, which may not have arrived yet."
    )
    orphan = models.BooleanField(default=False, help_text="The parent has not been received.")
    depth = models.PositiveIntegerField(default=0)
    index = models.PositiveIntegerField(default=0, help_text="The index in pre-order, from 0.")
    iteration = models.CharField(
        max_length=100, blank=True, help_text="Iteration numbers from 0, outermost first: 3 or 3.0"
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
    def kind_info(self) -> NodeKind:
        return kind_of(self.kind)

    @property
    def received(self) -> dict[str, Any]:
        """Return what the producer sent beside the values: {"attributes", "events", "links",
        "scope", "read_from"}, of which only those that are not empty."""
        return unpack_json(bytes(self.received_body)) if self.received_body else {}

    @property
    def called_app(self) -> str:
        """Return the name of the app whose workflow the step used as a tool; "" for none."""
        hints = orjson.loads(self.hints) if '"called_app"' in self.hints else {}
        return str(hints.get("called_app", ""))

    @property
    def span_ids(self) -> list[str]:
        """Return the ids by which its producer may name it."""
        hints = orjson.loads(self.hints) if '"span_ids"' in self.hints else {}
        return [self.source_id, *hints.get("span_ids", ())]

    @property
    def clock(self) -> ClockOffset | None:
        """Return how far the clock of its service is wrong; None where it is not."""
        clock = self._shown_hints().get("clock")
        return ClockOffset(*clock) if clock else None

    @property
    def turn(self) -> int | None:
        """Return which turn of a conversation it is, from 1, in a run that holds several."""
        return self._shown_hints().get("turn")

    @property
    def is_after_answer(self) -> bool:
        """Return whether it began once the answer of its run was given."""
        return bool(self._shown_hints().get("after_answer"))

    def _shown_hints(self) -> dict[str, Any]:
        hints: str = self.__dict__.get("shown_hints", self.__dict__.get("hints", ""))
        return orjson.loads(hints) if any(f'"{name}":' in hints for name in SHOWN_HINTS) else {}

    @property
    def reported_started_at(self) -> datetime | None:
        """Return when the step began by the clock of its own service."""
        if self.started_at is None or (clock := self.clock) is None:
            return self.started_at
        return self.started_at - timedelta(microseconds=clock.moved_us)

    @property
    def iteration_path(self) -> list[int]:
        """Return [3, 0] for iteration 3 of the outer container and iteration 0 of the inner one; []
        outside any."""
        return list(iteration_path(self.iteration))
