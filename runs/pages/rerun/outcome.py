"""What came of the runs that were asked for."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from runs.models import Rerun, Run

# So long a run that was asked for is waited for.
PATIENCE = timedelta(minutes=30)
SHOWN = 20


def settle(rerun: Rerun) -> bool:
    """Look whether the run has come, and has ended; True once there is no more to wait for. Also
    when nobody else does: whoever sent the request may have ended with its process."""
    if rerun.state == Rerun.State.RUNNING:
        rerun.refresh_from_db(fields=["state", "error", "run", "source_id", "ended_at"])
    if rerun.run_id is None and rerun.source_id:
        found = Run.objects.with_source_id(rerun.source_id).exclude(pk=rerun.original_id).first()
        if found:
            rerun.begun(found.pk, rerun.source_id)
    if rerun.state != Rerun.State.RUNNING:
        return True
    run = Run.objects.for_link().filter(pk=rerun.run_id).first() if rerun.run_id else None
    if run and not run.is_unfinished:
        rerun.end("")
    elif run and run.stalled:
        rerun.end("The run has sent nothing for long.")
    elif run is None and timezone.now() - rerun.created_at > PATIENCE:
        minutes = PATIENCE // timedelta(minutes=1)
        rerun.end(f"No run has come of it within {minutes} minutes.")
    return rerun.state != Rerun.State.RUNNING


@dataclass(frozen=True, slots=True)
class Again:
    """`origin`: the attempt that this run came of; `attempts`: those that began from it, newest
    first; `more`: there are others."""

    origin: Rerun | None
    attempts: list[Rerun]
    more: bool


def again_of(run: Run) -> Again:
    """One query."""
    found = list(Rerun.objects.about(run)[: SHOWN + 2])
    origin = next((one for one in found if one.run_id == run.pk), None)
    attempts = [one for one in found if one.original_id == run.pk]
    return Again(origin, attempts[:SHOWN], len(attempts) > SHOWN)
