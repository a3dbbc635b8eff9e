"""Links from one execution to the same node elsewhere: other executions in this run, the previous
and the next run of the app, and other attempts."""

from dataclasses import dataclass
from itertools import takewhile
from uuid import UUID

from django.db.models import Case, Subquery, When
from django.db.models.functions import Left

from nodes.choices import NodeStatus, status_label
from nodes.models import NodeExecution

NEAR = 10  # attempts that are shown on each side of this one
REACH = 200  # attempts that are counted on each side


@dataclass(frozen=True, slots=True)
class OtherRunExecution:
    """An execution of the same node in another run; `same_pass` when it is of the same pass."""

    run_id: UUID
    id: UUID
    same_pass: bool


@dataclass(frozen=True, slots=True)
class ExecutionAttempt:
    """One try, `number` from 1."""

    id: UUID
    number: int
    status: str
    status_label: str
    duration_us: int | None
    error: str
    is_this: bool


@dataclass(frozen=True, slots=True)
class SameNodeLinks:
    """`attempts`: those around this one; `attempt_count`: how many there were, as far as they are
    counted. None where there was a single attempt."""

    previous_run: OtherRunExecution | None
    next_run: OtherRunExecution | None
    attempts: list[ExecutionAttempt]
    attempt_count: int


def same_node_links(execution: NodeExecution) -> SameNodeLinks:
    """Return the links from `execution`. Two queries, for the neighbours; two more where there was
    more than one attempt."""
    before = _in_other_run(execution, later=False)
    after = _in_other_run(execution, later=True)
    attempts = _attempt_rows(execution)
    place = next((n for n, row in enumerate(attempts) if row[0] == execution.id), 0)
    near = [
        ExecutionAttempt(
            attempt_id,
            number,
            status,
            status_label(status),
            duration_us,
            error,
            attempt_id == execution.id,
        )
        for attempt_id, number, status, duration_us, error in attempts[
            max(0, place - NEAR) : place + NEAR + 1
        ]
    ]
    return SameNodeLinks(before, after, near, len(attempts))


def neighbours_in_run(execution: NodeExecution) -> tuple[UUID | None, UUID | None]:
    """Return the executions of the same node before and after `execution` in its run."""
    same = NodeExecution.objects.same_node(execution).values_list("id", flat=True)
    before = same.filter(index__lt=execution.index).last()
    return before, same.filter(index__gt=execution.index).first()


def _in_other_run(execution: NodeExecution, *, later: bool) -> OtherRunExecution | None:
    """Return an execution in the nearest run before or after: of the same pass where there is one.
    A step without a time, or without a node's id, has no neighbours."""
    if execution.started_at is None or not execution.node_id:
        return None
    others = NodeExecution.objects.of_node(execution.app_id, execution.node_id).exclude(
        run_id=execution.run_id
    )
    if later:
        others = others.filter(started_at__gte=execution.started_at).order_by("started_at", "id")
    else:
        others = others.filter(started_at__lt=execution.started_at)
    is_same = Case(When(iteration=execution.iteration, then=1), default=0)
    row = (
        NodeExecution.objects.visible()
        .filter(run_id=Subquery(others.values("run_id")[:1]), node_id=execution.node_id)
        .annotate(same_pass=is_same)
        .order_by("-same_pass", "-index", "id")
        .values_list("run_id", "id", "same_pass")
        .first()
    )
    return OtherRunExecution(row[0], row[1], bool(row[2])) if row else None


# Id, number, status, microseconds, and the beginning of the error.
_AttemptRow = tuple[UUID, int, str, int | None, str]


def _attempt_rows(execution: NodeExecution) -> list[_AttemptRow]:
    """Return the attempts in order, `execution` among them: each but the last was tried again."""
    if execution.attempt < 2 and execution.status != NodeStatus.RETRY:
        return []
    same = NodeExecution.objects.same_node(execution).filter(
        parent_id=execution.parent_id, iteration=execution.iteration
    )
    rows = same.annotate(error_head=Left("error", 200)).values_list(
        "id", "attempt", "status", "duration_us", "error_head"
    )
    before = rows.filter(index__lt=execution.index).reverse()[:REACH]
    attempts = list(takewhile(lambda row: row[2] == NodeStatus.RETRY, before))[::-1]
    for row in rows.filter(index__gte=execution.index)[: REACH + 1]:
        attempts.append(row)
        if row[2] != NodeStatus.RETRY:
            break
    return attempts
