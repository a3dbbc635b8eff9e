"""The turns of a conversation before a run, and the assigners that ran in them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import F

from nodes.choices import NodeStatus
from nodes.models import NodeExecution
from runs.models import Run

# Turns before a run whose variables are looked at, and steps in them.
TURNS, MAX_STEPS = 50, 20_000
MAX_ASSIGNERS = 200


def turns_before(run: Run) -> tuple[list[Run], bool]:
    """Return the newest turns of a Dify conversation before this run, and whether there are older
    ones. One query."""
    if not run.conversation_id or not run.source_kind.startswith("dify"):
        return [], False
    earlier = Run.objects.filter(conversation=run.conversation_id, started_at__lt=run.started_at)
    newest = earlier.order_by("-started_at", "-id").only("id", "started_at", "status", "steps")
    turns: list[Run] = []
    steps = 0
    for turn in newest[: TURNS + 1]:
        steps += turn.steps
        if len(turns) == TURNS or (turns and steps > MAX_STEPS):
            return turns, True
        turns.append(turn)
    return turns, False


@dataclass(slots=True)
class AssignerRow:
    """A variable assigner that wrote; the ids of its payloads and their digests by part."""

    step_id: UUID
    run_id: UUID
    payload_ids: dict[str, UUID | None]
    digests: dict[str, str] = field(default_factory=dict)


def assigners_of(runs: Iterable[Run]) -> tuple[list[AssignerRow], int]:
    """Return the variable assigners of `runs` that wrote, the newest first, and how many more there
    are. Two queries."""
    rows = (
        NodeExecution.objects.filter(run__in=[run.pk for run in runs], kind="assigner")
        .filter(folded=False, status=NodeStatus.SUCCEEDED)
        .order_by(F("started_at").desc(nulls_last=True), "-index")
        .values_list("id", "run_id", "process_data_id", "outputs_id", "inputs_id")
    )
    listed = list(rows[: MAX_ASSIGNERS + 1])
    more = rows.count() - MAX_ASSIGNERS if len(listed) > MAX_ASSIGNERS else 0
    return [
        AssignerRow(
            step_id,
            run_id,
            {"process_data": process_data_id, "outputs": outputs_id, "inputs": inputs_id},
        )
        for step_id, run_id, process_data_id, outputs_id, inputs_id in listed[:MAX_ASSIGNERS]
    ], more
