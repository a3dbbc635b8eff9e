"""Why a run failed: the step whose failure ended it, and the steps above that one."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

from django.urls import reverse

from nodes import formats
from nodes.choices import NodeStatus
from nodes.clock import iteration_text
from nodes.models import NodeExecution
from runs.choices import RunStatus
from runs.models import Run

MAX_LEVELS = 50
MAX_ERROR = 20_000  # characters of the message that are read
MAX_HANDLED = 3

# A step and the steps above it, the highest first: one query, a look-up by primary key for each
# level.
_STEPS_DOWN_TO = """
WITH RECURSIVE above (id, parent_id, level) AS (
    SELECT id, parent_id, 0 FROM nodes_nodeexecution WHERE run_id = %s AND id = %s
    UNION ALL
    SELECT step.id, step.parent_id, above.level + 1
    FROM above JOIN nodes_nodeexecution step ON step.id = above.parent_id
    WHERE step.run_id = %s AND above.level < %s
)
SELECT step.id, step.run_id, step.parent_id, step.orphan, step.title, step.node_id, step.kind,
    step.status, step.iteration, step.attempt, step.model, step.error_type,
    substr(step.error, 1, %s) AS error_head
FROM above JOIN nodes_nodeexecution step ON step.id = above.id
ORDER BY above.level DESC
"""


@dataclass(frozen=True, slots=True)
class CauseStep:
    """A step between the top of a run and the failing step. `where`: "iteration 12" of a loop, "#4"
    and "attempt 3" of a step that ran more than once; "" of a step that ran once."""

    execution: NodeExecution
    where: str

    @property
    def title(self) -> str:
        return self.execution.title

    @property
    def url(self) -> str:
        return reverse("run-execution", args=[self.execution.run_id, self.execution.id])

    def __str__(self) -> str:
        return ", ".join(filter(None, [self.title, self.where]))


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a run failed. `chain`: the steps from the top of the run down to the failing step; empty
    where no step is known to have failed. `error`: the message of that step, else of the run, at
    most `MAX_ERROR` characters."""

    run: Run
    chain: list[CauseStep]
    error_type: str
    error: str

    @property
    def failed(self) -> CauseStep | None:
        return self.chain[-1] if self.chain else None

    @property
    def above(self) -> list[CauseStep]:
        return self.chain[:-1]

    @property
    def parent_missing(self) -> bool:
        """Return whether the step above the first one of the chain has not been received."""
        return bool(self.chain) and self.chain[0].execution.orphan

    def __str__(self) -> str:
        """Contract review › Clauses, iteration 12 › Classify clause: RateLimitError"""
        path = " › ".join([self.run.name or self.run.app.name, *map(str, self.chain)])
        reason = self.error_type or self.error.partition("\n")[0][:200]
        return f"{path}: {reason}" if reason else path


def cause_of(run: Run) -> Cause | None:
    """Return why a run failed; None for a run that did not fail. One query."""
    if run.status != RunStatus.FAILED:
        return None
    steps = steps_down_to(run.id, run.failed_execution) if run.failed_execution else []
    failed = steps[-1] if steps else None
    error = getattr(failed, "error_head", "") or run.error[:MAX_ERROR]
    return Cause(run, _cause_steps(steps), failed.error_type if failed else "", error)


def steps_down_to(run_id: UUID, execution_id: UUID) -> list[NodeExecution]:
    """Return the steps above an execution and the execution itself, the highest first, each with
    `error_head`: the first `MAX_ERROR` characters of its message."""
    parameters = [run_id.hex, execution_id.hex, run_id.hex, MAX_LEVELS, MAX_ERROR]
    return list(NodeExecution.objects.raw(_STEPS_DOWN_TO, parameters))


def _cause_steps(steps: list[NodeExecution]) -> list[CauseStep]:
    """Return the steps, each with where it ran. A step's iteration path begins with its parent's:
    of what it adds, the first number is the iteration of a parent that is a loop, and the rest is
    the step's own."""
    where: list[list[str]] = [[] for _ in steps]
    for index, (above, step) in enumerate(pairwise([None, *steps])):
        if step is None:
            continue
        own = step.iteration_path[len(above.iteration_path) if above else 0 :]
        if own and above and above.kind_info.group == "loop":
            where[index - 1].append(f"iteration {own.pop(0) + 1}")
        if own:
            where[index].append(formats.iteration_label(iteration_text(own)))
        if step.attempt > 1:
            where[index].append(f"attempt {step.attempt}")
    return [CauseStep(step, ", ".join(parts)) for step, parts in zip(steps, where, strict=True)]


def handled_failures(run: Run) -> Iterator[CauseStep]:
    """Yield the first failures of a run that an error strategy handled, so that the run went on.
    One query; none for a run that has no such step."""
    if run.exceptions:
        steps = NodeExecution.objects.in_run(run.id).visible().filter(status=NodeStatus.EXCEPTION)
        for step in steps.for_row()[:MAX_HANDLED]:
            yield CauseStep(step, "")
