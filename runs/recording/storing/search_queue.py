"""The queue of runs that the search index has to read again.

A run is enqueued in the same transaction as its change, so that none is forgotten; reading it there
would cost as much as recording it.
"""

from collections.abc import Iterable
from datetime import timedelta

from django.utils import timezone

from nodes.clock import to_us
from runs.models import SearchDue
from runs.recording.storing import bulk

QUIET = timedelta(seconds=3)  # A run is read when this long no news of it has arrived.


def enqueue_removed(run_ids: Iterable[str]) -> None:
    """Enqueue runs that others have absorbed: what the index holds of them has to go."""
    now = bulk.time_text(to_us(timezone.now()))
    enqueue((run_id, now) for run_id in run_ids)


def enqueue(runs: Iterable[tuple[str, str]]) -> None:
    """Enqueue runs, each given as its id and its start in the form that `bulk` writes."""
    ready = bulk.time_text(to_us(timezone.now() + QUIET))
    rows = sorted((run_id, started, ready) for run_id, started in runs)
    columns = ["run_id", "started_at", "ready_at"]
    bulk.insert(SearchDue, columns, rows, conflict=["run_id"], update=columns[1:])
