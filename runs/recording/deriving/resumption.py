"""Finds out which runs went on where others waited for a person. Pure.

An engine that resumes in another run names the task that it goes on with (`NodeRecord.task`): the
run that waited waits no longer, since the first later execution of that task.
"""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID


class TaskExecution(NamedTuple):
    """An execution of a task. Microseconds since the epoch."""

    run_id: UUID
    task: str
    started_us: int
    waited: bool


def resumptions(executions: Iterable[TaskExecution]) -> dict[UUID, UUID]:
    """Return run that waited → run that went on with its task."""
    resumed: dict[UUID, UUID] = {}
    waiting: dict[str, TaskExecution] = {}
    for execution in sorted(executions, key=lambda it: (it.started_us, it.run_id)):
        before = waiting.pop(execution.task, None)
        if before is not None and before.run_id != execution.run_id:
            resumed.setdefault(before.run_id, execution.run_id)
        if execution.waited:
            waiting[execution.task] = execution
    return resumed
