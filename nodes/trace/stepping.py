"""From one execution to the same node elsewhere: the visit before and after in this run, the run
before and after of the app, and the attempts of one visit."""

from dataclasses import dataclass
from itertools import takewhile
from uuid import UUID

from django.db.models import Case, Subquery, When
from django.db.models.functions import Left
from django.urls import reverse

from nodes.choices import NodeStatus
from nodes.execution_detail import status_label
from nodes.models import NodeExecution

NEAR = 10  # attempts that are shown on each side of this one
REACH = 200  # attempts that are counted on each side


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """An execution of the same node in another run; `same_pass` when it is of the same pass."""

    run_id: UUID
    id: UUID
    same_pass: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a visit, `number` from 1."""

    id: UUID
    number: int
    status: str
    status_label: str
    duration_us: int | None
    error: str
    is_this: bool
    url: str


@dataclass(frozen=True, slots=True)
class Stepping:
    """`attempts`: those of this visit around this one; `attempt_count`: how many there were, as far
    as they are counted. None where there was but one."""

    previous_run: Elsewhere | None
    next_run: Elsewhere | None
    attempts: list[Attempt]
    attempt_count: int


def stepping_of(execution: NodeExecution) -> Stepping:
    """Two queries, for the neighbours; two more where there was more than one attempt."""
    before, after = _elsewhere(execution, later=False), _elsewhere(execution, later=True)
    visit = _visit(execution)
    place = next((n for n, row in enumerate(visit) if row[0] == execution.id), 0)
    shown = visit[max(0, place - NEAR) : place + NEAR + 1]
    return Stepping(before, after, [_attempt(execution, row) for row in shown], len(visit))


def beside(execution: NodeExecution) -> tuple[UUID | None, UUID | None]:
    """The executions of the same node before and after this one in its run."""
    same = NodeExecution.objects.same_node(execution).values_list("id", flat=True)
    before = same.filter(index__lt=execution.index).last()
    return before, same.filter(index__gt=execution.index).first()


def _elsewhere(execution: NodeExecution, *, later: bool) -> Elsewhere | None:
    """In the nearest run before or after: the same pass where there is one. A step without a time,
    or without a node's id, has no neighbours."""
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
    found = (
        NodeExecution.objects.visible()
        .filter(run_id=Subquery(others.values("run_id")[:1]), node_id=execution.node_id)
        .annotate(same_pass=is_same)
        .order_by("-same_pass", "-index", "id")
        .values_list("run_id", "id", "same_pass")
        .first()
    )
    return Elsewhere(found[0], found[1], bool(found[2])) if found else None


# Id, number, status, microseconds, and the beginning of the error.
_Row = tuple[UUID, int, str, int | None, str]


def _attempt(execution: NodeExecution, row: _Row) -> Attempt:
    found, number, status, lasted, error = row
    url = reverse("run-execution", args=[execution.run_id, found])
    is_this = found == execution.id
    return Attempt(found, number, status, status_label(status), lasted, error, is_this, url)


def _visit(execution: NodeExecution) -> list[_Row]:
    """The attempts of this visit in order: each but the last was tried again."""
    if execution.attempt < 2 and execution.status != NodeStatus.RETRY:
        return []
    same = NodeExecution.objects.same_node(execution).filter(
        parent_id=execution.parent_id, iteration=execution.iteration
    )
    rows = same.annotate(error_head=Left("error", 200)).values_list(
        "id", "attempt", "status", "duration_us", "error_head"
    )
    before = rows.filter(index__lt=execution.index).reverse()[:REACH]
    visit = list(takewhile(lambda row: row[2] == NodeStatus.RETRY, before))[::-1]
    for row in rows.filter(index__gte=execution.index)[: REACH + 1]:
        visit.append(row)
        if row[2] != NodeStatus.RETRY:
            break
    return visit
