"""Runs that are nothing but a model call which another run has as well.

Anthropic's SDK reports each of its calls itself. Where an instrumentation around it makes no span
the current one (OpenInference's for LangChain), that report is a trace of its own beside the run
whose call it is. It is left out of lists, as other lone calls over a network are.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import orjson
from django.db.models import Q

from nodes.models import NodeExecution
from runs.models import Run
from runs.recording.deriving.wrappers import model_family

# So many runs are looked at around a call, and beside a run; none that began so long before.
RUNS_LOOKED_AT = 50
LONGEST = timedelta(hours=6)
SDK_CALL = '"sdk_call":'


class ReportedCall(NamedTuple):
    """A model call of a run; `response_id` is the provider's, "" where it is not known."""

    run_id: UUID
    model: str
    started_at: datetime
    ended_at: datetime | None
    response_id: str
    by_sdk: bool

    def repeats(self, other: "ReportedCall") -> bool:
        """Return whether a report of the SDK is about the same call: the ids of the answers are
        equal or, where one is not known, it lies within the other call in time."""
        if other.by_sdk or model_family(self.model) != model_family(other.model):
            return False
        if self.response_id and other.response_id:
            return self.response_id == other.response_id
        ended = self.ended_at is None or other.ended_at is None or self.ended_at <= other.ended_at
        return other.started_at <= self.started_at and ended


def settle(alone: Collection[UUID], others: Iterable[UUID]) -> None:
    """Set `only_transport` of the runs `alone`, which are one call as Anthropic's SDK reports it,
    and of such runs beside `others`, which have calls of its models."""
    ids = {*alone, *(run_id for other in others for run_id in _sdk_runs_beside(other))}
    for call in _model_calls(ids):
        is_repeated = any(call.repeats(other) for other in _model_calls(_runs_around(call)))
        Run.objects.filter(pk=call.run_id).update(only_transport=is_repeated)


def _sdk_runs_beside(run_id: UUID) -> list[UUID]:
    run = Run.objects.filter(pk=run_id).only("app_id", "started_at", "ended_at").first()
    if run is None:
        return []
    calls = Run.objects.filter(app_id=run.app_id, steps=1, model_calls=1, inputs=None, outputs=None)
    beside = calls.started_between(run.started_at, run.ended_at).order_by("-started_at")
    ids = list(beside.values_list("pk", flat=True)[:RUNS_LOOKED_AT])
    steps = NodeExecution.objects.filter(run_id__in=ids, hints__contains=SDK_CALL)
    return list(steps.values_list("run_id", flat=True)) if ids else []


def _runs_around(call: ReportedCall) -> list[UUID]:
    app_id = Run.objects.values_list("app_id", flat=True).get(pk=call.run_id)
    began = Run.objects.filter(app_id=app_id, started_at__lte=call.started_at, model_calls__gt=0)
    around = began.filter(started_at__gte=call.started_at - LONGEST).exclude(pk=call.run_id)
    if call.ended_at is not None:
        around = around.filter(Q(ended_at=None) | Q(ended_at__gte=call.started_at))
    return list(around.order_by("-started_at").values_list("pk", flat=True)[:RUNS_LOOKED_AT])


def _model_calls(run_ids: Collection[UUID]) -> list[ReportedCall]:
    if not run_ids:
        return []
    steps = NodeExecution.objects.filter(
        run_id__in=run_ids, kind="llm", folded=False, started_at__isnull=False
    )
    columns = steps.values_list("run_id", "model", "started_at", "ended_at", "hints")
    return [
        ReportedCall(
            run_id, model, started_at, ended_at,
            (orjson.loads(hints).get("response_id") or "") if '"response_id"' in hints else "",
            SDK_CALL in hints,
        )
        for run_id, model, started_at, ended_at, hints in columns
        if started_at is not None
    ]  # fmt: skip
