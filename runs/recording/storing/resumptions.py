"""Runs that waited for a person until another run of their conversation went on."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from uuid import UUID

import orjson
from django.db.models import F
from django.db.models.functions import Coalesce

from nodes.choices import NodeStatus
from nodes.clock import to_us
from nodes.models import NodeExecution
from runs.choices import RunStatus
from runs.models import Run
from runs.recording.deriving.resumption import TaskExecution, resumptions

# So many runs of a conversation are looked at, beginning with the first that waits.
TURNS_LOOKED_AT = 200


def settle(conversation_ids: Collection[UUID]) -> None:
    """End the runs of these conversations that wait no longer: each succeeded when it paused."""
    runs = Run.objects.filter(conversation_id__in=conversation_ids)
    waiting = runs.filter(status=RunStatus.PAUSED).values_list("conversation_id", "started_at")
    since: dict[UUID, datetime] = {}
    for conversation_id, started_at in waiting:
        since[conversation_id] = min(started_at, since.get(conversation_id, started_at))
    for conversation_id, first in since.items():
        resumed = _resumptions_in(conversation_id, first)
        Run.objects.filter(pk__in=resumed, status=RunStatus.PAUSED).update(
            status=RunStatus.SUCCEEDED, ended_at=Coalesce("ended_at", F("last_seen_at"))
        )


def resumption_links(run: Run) -> tuple[UUID | None, UUID | None]:
    """Return the run that this one resumed, and the run that resumed this one."""
    if run.conversation_id is None:
        return None, None
    turns = Run.objects.filter(conversation_id=run.conversation_id)
    earlier = turns.filter(started_at__lte=run.started_at).order_by("-started_at")
    first = earlier.values_list("started_at", flat=True)[: TURNS_LOOKED_AT // 2]
    resumed = _resumptions_in(run.conversation_id, min(first, default=run.started_at))
    resumes = next((before for before, after in resumed.items() if after == run.pk), None)
    return resumes, resumed.get(run.pk)


def _resumptions_in(conversation_id: UUID, since: datetime) -> dict[UUID, UUID]:
    turns = Run.objects.filter(conversation_id=conversation_id, started_at__gte=since)
    ids = list(turns.order_by("started_at", "id").values_list("pk", flat=True)[:TURNS_LOOKED_AT])
    waited = NodeExecution.objects.filter(run_id__in=ids, status=NodeStatus.PAUSED)
    nodes = set(waited.values_list("told_node_id", flat=True)) - {""}
    if not nodes:
        return {}
    executions = NodeExecution.objects.filter(run_id__in=ids, told_node_id__in=nodes)
    columns = ("run_id", "hints", "started_at", "status")
    return resumptions(_task_executions(executions.values_list(*columns)))


def _task_executions(
    rows: Iterable[tuple[UUID, str, datetime | None, str]],
) -> Iterator[TaskExecution]:
    for run_id, hints, started_at, status in rows:
        task = orjson.loads(hints).get("task") if hints else None
        if task and started_at is not None:
            yield TaskExecution(run_id, task, to_us(started_at), status == NodeStatus.PAUSED)
