"""The turns of a conversation before a run, and the assigners that ran in them."""

from collections.abc import Iterable
from typing import Any

from django.db.models import F

from nodes.choices import NodeStatus
from nodes.models import NodeExecution
from runs.models import Run

# Turns before a run whose variables are looked at, and steps in them.
TURNS, MAX_STEPS = 50, 20_000
MAX_ASSIGNERS = 200


def turns_before(run: Run) -> tuple[list[Run], bool]:
    """The newest turns of Dify before this one, and whether there are older ones. One query."""
    if not run.conversation_id or not run.source_kind.startswith("dify"):
        return [], False
    before = Run.objects.filter(conversation=run.conversation_id, started_at__lt=run.started_at)
    told = before.order_by("-started_at", "-id").only("id", "started_at", "status", "steps")
    found: list[Run] = []
    steps = 0
    for turn in told[: TURNS + 1]:
        steps += turn.steps
        if len(found) == TURNS or (found and steps > MAX_STEPS):
            return found, True
        found.append(turn)
    return found, False


def assigners_of(runs: Iterable[Run]) -> tuple[list[tuple[Any, ...]], int]:
    """(id, run, process data, outputs, inputs) of those that wrote, the newest first, and how many
    more there are. Two queries."""
    rows = (
        NodeExecution.objects.filter(run__in=[run.pk for run in runs], kind="assigner")
        .filter(folded=False, status=NodeStatus.SUCCEEDED)
        .order_by(F("started_at").desc(nulls_last=True), "-index")
        .values_list("id", "run_id", "process_data_id", "outputs_id", "inputs_id")
    )
    found = list(rows[: MAX_ASSIGNERS + 1])
    more = rows.count() - MAX_ASSIGNERS if len(found) > MAX_ASSIGNERS else 0
    return found[:MAX_ASSIGNERS], more
