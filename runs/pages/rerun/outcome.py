"""Follows reruns: whether the new run has started and ended, and which reruns a run has."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from runs.models import Rerun, Run

# How long to wait for the run of a rerun.
MAX_WAIT = timedelta(minutes=30)
MAX_LISTED = 20


def update_outcome(rerun: Rerun) -> bool:
    """Look whether the run has begun, and has ended; return True once there is no more to wait for.
    Pages do so too: the process that sent the request may have ended."""
    if rerun.state == Rerun.State.RUNNING:
        rerun.refresh_from_db(fields=["state", "error", "run", "source_id", "ended_at"])
    if rerun.run_id is None and rerun.source_id:
        runs = Run.objects.with_source_id(rerun.source_id).exclude(pk=rerun.original_id)
        if new_run := runs.first():
            rerun.set_run(new_run.pk, rerun.source_id)
    if rerun.state != Rerun.State.RUNNING:
        return True
    run = Run.objects.for_link().filter(pk=rerun.run_id).first() if rerun.run_id else None
    if run and not run.is_unfinished:
        rerun.end("")
    elif run and run.stalled:
        rerun.end("Nothing has been received from the run for a long time.")
    elif run is None and timezone.now() - rerun.created_at > MAX_WAIT:
        minutes = MAX_WAIT // timedelta(minutes=1)
        rerun.end(f"No run was recorded within {minutes} minutes.")
    return rerun.state != Rerun.State.RUNNING


@dataclass(frozen=True, slots=True)
class RerunHistory:
    """`origin`: the rerun that created a run; `attempts`: the reruns of that run, newest first;
    `more`: there are others."""

    origin: Rerun | None
    attempts: list[Rerun]
    more: bool


def rerun_history(run: Run) -> RerunHistory:
    """Return the reruns that a run takes part in. One query."""
    reruns = list(Rerun.objects.involving(run)[: MAX_LISTED + 2])
    origin = next((rerun for rerun in reruns if rerun.run_id == run.pk), None)
    attempts = [rerun for rerun in reruns if rerun.original_id == run.pk]
    return RerunHistory(origin, attempts[:MAX_LISTED], len(attempts) > MAX_LISTED)
