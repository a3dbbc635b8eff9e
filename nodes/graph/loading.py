"""Loads the steps of runs from which graphs are made."""

from collections.abc import Iterable
from uuid import UUID

from nodes.graph.steps import GRAPH_COLUMNS, GraphStep, steps_by_run
from nodes.models import NodeExecution


def load_graph_steps(run_ids: Iterable[UUID]) -> dict[str, list[GraphStep]]:
    """Return {run id, with dashes: its steps in pre-order}, for runs that have any. One query."""
    executions = NodeExecution.objects.visible().filter(run_id__in=run_ids)
    return steps_by_run(executions.light_rows(*GRAPH_COLUMNS))
