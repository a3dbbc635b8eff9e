"""One execution for its side panel: values, what was received, its other passes and attempts."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.urls import reverse

from nodes import formats
from nodes.choices import ERRORS, NodeStatus
from nodes.json_tree import Mark, marks
from nodes.kinds import Kind
from nodes.models import NodeExecution, Payload
from nodes.payloads import PayloadView, load, show

MAX_VISITS = 400
NEAR = 6  # other visits linked on each side of this one

# What inputs and outputs are called, by the kind's call or group.
_LABELS = {
    "model": ("Prompt", "Answer"),
    "tool": ("Arguments", "Result"),
    "http": ("Request", "Response"),
    "retrieval": ("Query", "Documents"),
}


@dataclass(frozen=True, slots=True)
class Section:
    """A value under its heading; `view` is None where nothing was recorded."""

    name: str
    label: str
    view: PayloadView | None


@dataclass(frozen=True, slots=True)
class Visit:
    """Another execution of the same node in the same run."""

    id: UUID
    label: str
    status: str
    status_label: str
    url: str
    is_this: bool


@dataclass(frozen=True, slots=True)
class Received:
    """What the producer sent beside the values: as it came, for those who must know."""

    attributes: list[Mark]
    count: int
    events: list[dict[str, Any]]
    links: list[Mark]
    scope: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class Panel:
    execution: NodeExecution
    kind: Kind
    status_label: str
    failed: bool
    sections: list[Section]
    received: Received | None
    resource: list[Mark]
    visits: list[Visit]
    visit_count: int
    previous: Visit | None
    next: Visit | None


def build_panel(execution: NodeExecution) -> Panel:
    """The panel of an execution that was loaded with `with_payloads()`. One query more."""
    visits = _visits(execution)
    place = next((n for n, visit in enumerate(visits) if visit.is_this), 0)
    return Panel(
        execution=execution,
        kind=execution.kind_info,
        status_label=status_label(execution.status),
        failed=execution.status in ERRORS,
        sections=sections(execution),
        received=_received(execution.received),
        resource=marks(load(execution.resource)) if execution.resource else [],
        visits=visits[max(0, place - NEAR) : place + NEAR + 1] if len(visits) > 1 else [],
        visit_count=len(visits),
        previous=visits[place - 1] if place else None,
        next=visits[place + 1] if place + 1 < len(visits) else None,
    )


def status_label(status: str) -> str:
    return NodeStatus(status).label if status in NodeStatus.values else status


def sections(execution: NodeExecution) -> list[Section]:
    """Inputs, process data, outputs, named as what they are to this kind of node."""
    kind = execution.kind_info
    names = _LABELS.get(kind.call) or _LABELS.get(kind.group) or ("Inputs", "Outputs")
    values = [("inputs", names[0], execution.inputs)]
    if execution.process_data:
        values.append(("process", "Process data", execution.process_data))
    values.append(("outputs", names[1], execution.outputs))
    return [Section(name, label, show(value) if value else None) for name, label, value in values]


def _visits(execution: NodeExecution) -> list[Visit]:
    """All executions of this node in this run, this one among them, in order."""
    base = reverse("run-tracing", args=[execution.run_id])
    rows = NodeExecution.objects.same_node(execution).values_list(
        "id", "iteration", "status", "attempt"
    )
    return [
        Visit(
            row_id,
            (formats.iteration(path) or f"#{number}")
            + (f" attempt {attempt}" if attempt > 1 else ""),
            status,
            status_label(status),
            f"{base}{row_id}/",
            row_id == execution.id,
        )
        for number, (row_id, path, status, attempt) in enumerate(rows[:MAX_VISITS], 1)
    ]


def _received(payload: Payload | None) -> Received | None:
    told = load(payload) if payload else None
    if payload is None or not isinstance(told, dict):
        return None
    attributes = told.get("attributes")
    events = told.get("events")
    return Received(
        attributes=marks(attributes) if attributes else [],
        count=len(attributes) if isinstance(attributes, dict) else 0,
        events=[_event(event) for event in events if isinstance(event, dict)][:50]
        if isinstance(events, list)
        else [],
        links=marks(told["links"]) if told.get("links") else [],
        scope=str(told.get("scope") or ""),
        payload=payload,
    )


def _event(event: dict[str, Any]) -> dict[str, Any]:
    """Name, time, stack trace as text, and the other attributes."""
    attributes = event.get("attributes")
    rest = dict(attributes) if isinstance(attributes, dict) else {}
    stack = rest.pop("exception.stacktrace", None)
    told = {
        **{key: value for key, value in event.items() if key not in ("name", "attributes")},
        **rest,
    }
    return {
        "name": str(event.get("name") or "event"),
        "stack": formats.visible(stack) if isinstance(stack, str) else "",
        "marks": marks(told) if told else [],
    }
