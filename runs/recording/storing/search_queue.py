"""Noting which runs the search index has to read again. In the same transaction as the change, so
that none is forgotten; the reading itself would cost as much as the recording."""

from collections.abc import Iterable
from datetime import timedelta

from django.utils import timezone

from nodes.clock import to_us
from runs.models import SearchDue
from runs.recording.storing import bulk

QUIET = timedelta(seconds=3)  # without news of it, after which a run is read


def enqueue_removed(run_ids: Iterable[str]) -> None:
    """Runs that others have taken in: what the index holds of them has to go."""
    now = bulk.time_text(to_us(timezone.now()))
    enqueue((run_id, str(now)) for run_id in run_ids)


def enqueue(runs: Iterable[tuple[str, str]]) -> None:
    """`runs`: id and start of each, as `bulk` writes them."""
    ready = bulk.time_text(to_us(timezone.now() + QUIET))
    rows = sorted((run_id, started, ready) for run_id, started in runs)
    columns = ["run_id", "started_at", "ready_at"]
    bulk.insert(SearchDue, columns, rows, conflict=["run_id"], update=columns[1:])
