"""Joining rows: what arrived with what is stored, and one stored run with another, once they turn
out to be the same."""

from collections.abc import Iterable
from uuid import UUID

from runs.models import Run
from runs.recording.deriving.tree import execution_id
from runs.recording.records.row import ExecutionRow, merge_row
from runs.recording.storing import row_io, search_queue
from runs.recording.storing.identity import RunGroup


def take_in(
    rows: dict[str, ExecutionRow], arrived: Iterable[ExecutionRow], changed: set[str]
) -> int:
    """Take what arrived into the rows of its run; how many told something new."""
    news = 0
    for row in arrived:
        ours = rows.setdefault(row.source_id, row)
        if ours is not row:
            if not merge_row(ours, row):
                continue
            changed.add(ours.id)
        news += 1
    return news


def complete(
    groups: Iterable[RunGroup],
    stored: dict[UUID, list[ExecutionRow]],
    arrived: dict[UUID, list[ExecutionRow]],
) -> None:
    """What was received is needed of those stored rows alone that are told again, or that move."""
    moving = {run_id for group in groups if group.absorbed
              for run_id in (group.run_id, *group.absorbed)}  # fmt: skip
    again: list[ExecutionRow] = []
    for run_id, rows in stored.items():
        told = {row.source_id for row in arrived.get(run_id, ())}
        again += (row for row in rows if run_id in moving or row.source_id in told)
    row_io.load_received(stored, again)


def absorb(
    group: RunGroup, stored: dict[UUID, list[ExecutionRow]], changed: set[str]
) -> dict[str, ExecutionRow]:
    """Source id → row of the group's run, with the rows of absorbed runs under their new ids. Notes
    in `changed` which rows learned something by it."""
    rows = {row.source_id: row for row in stored.get(group.run_id, [])}
    for former in sorted(group.absorbed):
        for row in stored.get(former, []):
            row.id, row.stored = execution_id(group.run_id, row.source_id), None
            ours = rows.get(row.source_id)
            if ours is not None and merge_row(ours, row):
                changed.add(ours.id)
            elif ours is None:
                rows[row.source_id] = row
    return rows


def remove_absorbed(groups: Iterable[RunGroup]) -> None:
    """Lead what refers to absorbed runs to the run that took them in, and drop what is left."""
    for group in groups:
        if not group.absorbed:
            continue
        Run.objects.filter(id__in=group.absorbed).remove(heir=group.run_id)
        search_queue.enqueue_removed(former.hex for former in group.absorbed)
