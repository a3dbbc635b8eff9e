"""Which runs went on where others waited for a person."""

from itertools import permutations
from uuid import UUID

from runs.recording.deriving.resumption import TaskExecution, resumptions

FIRST, SECOND, THIRD = (UUID(int=number) for number in (1, 2, 3))


def test_a_task_that_waited_goes_on_in_the_next_run_that_executes_it():
    executions = [
        TaskExecution(FIRST, "approve:1", 10, True),
        TaskExecution(SECOND, "approve:1", 20, True),
        TaskExecution(THIRD, "approve:1", 30, False),
        TaskExecution(THIRD, "pay:2", 31, False),
    ]
    for order in permutations(executions):
        assert resumptions(order) == {FIRST: SECOND, SECOND: THIRD}


def test_another_task_or_the_same_run_resumes_nothing():
    waited = TaskExecution(FIRST, "approve:1", 10, True)
    assert resumptions([waited, TaskExecution(SECOND, "approve:2", 20, False)]) == {}
    assert resumptions([waited, TaskExecution(FIRST, "approve:1", 20, False)]) == {}
    assert resumptions([waited, TaskExecution(SECOND, "approve:1", 5, False)]) == {}
