"""Named queries over executions."""

import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models.functions import Cast, Left

from nodes.diff.pairing import PAIRING_FIELDS
from nodes.graph.steps import STEP_FIELDS

if TYPE_CHECKING:
    from nodes.models import NodeExecution


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
        """Light rows for `nodes.graph.steps.steps_by_run`: what the graph is inferred from."""
        rows = self.visible().filter(run_id__in=run_ids).with_hex_ids()
        return rows.values_list(*STEP_FIELDS)

    def pairing_rows(self, run_id: uuid.UUID) -> models.QuerySet[Any, tuple[Any, ...]]:
        """The fields of a `nodes.diff.pairing.ComparedStep`: what two runs are compared by."""
        text = models.CharField()
        rows = self.of_run(run_id).visible().with_hex_ids()
        return rows.annotate(
            hex_inputs=Cast("inputs_id", text),
            hex_process=Cast("process_data_id", text),
            hex_outputs=Cast("outputs_id", text),
            error_head=Left("error", 500),
            cost_as_text=Cast("cost", text),
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

    def in_pass(self, path: str) -> Self:
        """What ran in a pass, in passes inside of it too; "" is outside any: all."""
        inside = models.Q(iteration=path) | models.Q(iteration__startswith=f"{path}.")
        return self.filter(inside) if path else self

    def parents_told_before(
        self, index: int | None, parent_ids: Iterable[uuid.UUID]
    ) -> set[uuid.UUID]:
        """Of missing parents those whose first child stands at or before a place in the tree."""
        before = self.filter(parent_id__in=parent_ids, index__lte=index or 0)
        return {found for found in before.values_list("parent_id", flat=True) if found}

    def same_node(self, execution: "NodeExecution") -> Self:
        """All executions of one node in one run, in order: its passes and attempts."""
        return self.of_run(execution.run_id).visible().filter(node_id=execution.node_id)
