"""When a step ran whose producer knows the second alone, once another source knows the step around
it exactly. Pure.

Dify's event stream stamps attempts that were tried again, and entries of an agent's log, in whole
seconds, with exact lengths. The execution that they are part of has exact times by tracing or the
database: its attempts follow one another from its start, and its log begins with it.
"""

from collections.abc import Iterable, Sequence

from runs.recording.records.row import ExecutionRow, restore_times, set_times

SECOND = 1_000_000


def place_in_time(rows: Sequence[ExecutionRow]) -> None:
    """Set start and end of such steps; what was reported is kept in their hints."""
    for row in rows:
        restore_times(row)
    attempts: dict[str, list[ExecutionRow]] = {}
    log: dict[str, list[ExecutionRow]] = {}
    for row in rows:
        execution, is_attempt, _ = row.source_id.rpartition("/retry/")
        if is_attempt and _knows_second(row):
            attempts.setdefault(execution, []).append(row)
        elif "in_log" in row.hints and _knows_second(row):
            log.setdefault(row.hints["in_log"], []).append(row)
    if attempts or log:
        exact = {row.source_id: row for row in rows if _is_exact(row)}
        for execution in attempts.keys() & exact.keys():
            _place_attempts(exact[execution], sorted(attempts[execution], key=_attempt_number))
        for execution in log.keys() & exact.keys():
            _place_log(exact[execution], log[execution])


def _knows_second(row: ExecutionRow) -> bool:
    return row.started_us is not None and not _is_exact(row)


def _is_exact(row: ExecutionRow) -> bool:
    """Return whether the start comes from a source that knows more than the second."""
    return bool(row.hints.get("rank", {}).get("started_us", 0) > 0)


def _attempt_number(row: ExecutionRow) -> int:
    return int(row.hints.get("attempt") or 1)


def _place_attempts(execution: ExecutionRow, attempts: Iterable[ExecutionRow]) -> None:
    free_us = execution.started_us or 0
    for row in attempts:
        # It did not begin before the second that it is known to have begun in.
        started = max(free_us, (row.started_us or 0) // SECOND * SECOND)
        set_times(row, started, started + (row.duration_us or 0))
        free_us = started + (row.duration_us or 0)


def _place_log(execution: ExecutionRow, entries: Sequence[ExecutionRow]) -> None:
    first = min(row.started_us or 0 for row in entries)
    shift = (execution.started_us or 0) - first
    for row in entries:
        ended = None if row.ended_us is None else row.ended_us + shift
        set_times(row, (row.started_us or 0) + shift, ended)
