"""One execution for its side panel: values, what was received, its other passes and attempts."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from nodes import formats
from nodes.choices import ERRORS, NodeStatus
from nodes.content.json_tree import TreeMark, tree_marks
from nodes.content.logs import StepLogs, step_logs
from nodes.content.payloads import PayloadView, load_value, present_payload
from nodes.kinds import Kind
from nodes.models import NodeExecution

MAX_SAME_NODE = 20_000
# Of what was received; all of it is one link away.
MAX_EVENTS = 50
MAX_STACK = 20_000
MAX_NAME = 200
EVENT_MARKS = 24
NEAR = 6  # other executions linked on each side of this one

_STATUSES = {status.value: str(status.label) for status in NodeStatus}
# What inputs and outputs are called, by the kind's call or group.
_LABELS = {
    "model": ("Prompt", "Answer"),
    "tool": ("Arguments", "Result"),
    "http": ("Request", "Response"),
    "retrieval": ("Query", "Documents"),
}


@dataclass(frozen=True, slots=True)
class ValueSection:
    """A value under its heading; `view` is None where nothing was recorded."""

    name: str
    label: str
    view: PayloadView | None


@dataclass(frozen=True, slots=True)
class SameNodeExecution:
    """Another execution of the same node in the same run."""

    id: UUID
    label: str
    status: str
    status_label: str
    is_this: bool


@dataclass(frozen=True, slots=True)
class Received:
    """What the producer sent beside the values: as it came, for those who must know."""

    attributes: list[TreeMark]
    count: int
    events: list[dict[str, Any]]
    events_left_out: int
    links: list[TreeMark]
    scope: str


@dataclass(frozen=True, slots=True)
class ExecutionPanel:
    execution: NodeExecution
    kind: Kind
    status_label: str
    failed: bool
    sections: list[ValueSection]
    received: Received | None
    logs: StepLogs
    resource: list[TreeMark]
    same_node: list[SameNodeExecution]
    same_node_count: int
    previous: SameNodeExecution | None
    next: SameNodeExecution | None


def build_panel(execution: NodeExecution) -> ExecutionPanel:
    """The panel of an execution that was loaded with `with_payloads()`. One query more."""
    same_node, count = _same_node(execution)
    place = next((n for n, other in enumerate(same_node) if other.is_this), 0)
    return ExecutionPanel(
        execution=execution,
        kind=execution.kind_info,
        status_label=status_label(execution.status),
        failed=execution.status in ERRORS,
        sections=sections(execution),
        received=_received(execution),
        logs=step_logs(execution),
        resource=tree_marks(load_value(execution.resource)) if execution.resource else [],
        same_node=same_node if count > 1 else [],
        same_node_count=count,
        previous=same_node[place - 1] if place else None,
        next=same_node[place + 1] if place + 1 < len(same_node) else None,
    )


def status_label(status: str) -> str:
    return _STATUSES.get(status, status)


def value_labels(kind: Kind) -> tuple[str, str]:
    """What inputs and outputs are to this kind of node."""
    return _LABELS.get(kind.call) or _LABELS.get(kind.group) or ("Inputs", "Outputs")


def sections(execution: NodeExecution) -> list[ValueSection]:
    """Inputs, process data, outputs, named as what they are to this kind of node."""
    kind = execution.kind_info
    names = value_labels(kind)
    values = [("inputs", names[0], execution.inputs)]
    if execution.process_data:
        values.append(("process", "Process data", execution.process_data))
    values.append(("outputs", names[1], execution.outputs))
    return [
        ValueSection(name, label, present_payload(value) if value else None)
        for name, label, value in values
    ]


def _same_node(execution: NodeExecution) -> tuple[list[SameNodeExecution], int]:
    """This execution and those of the same node in the same run around it, in order; how many
    there are in all."""
    found = NodeExecution.objects.same_node(execution).values_list(
        "id", "iteration", "status", "attempt"
    )
    rows = list(found[:MAX_SAME_NODE])
    place = next((n for n, row in enumerate(rows) if row[0] == execution.id), 0)
    first = max(0, place - NEAR)
    same_node = [
        SameNodeExecution(
            row_id,
            (formats.iteration_label(path) or f"#{number}")
            + (f" attempt {attempt}" if attempt > 1 else ""),
            status,
            status_label(status),
            row_id == execution.id,
        )
        for number, (row_id, path, status, attempt) in enumerate(
            rows[first : place + NEAR + 1], first + 1
        )
    ]
    return same_node, len(rows)


def _received(execution: NodeExecution) -> Received | None:
    told = execution.received
    if not told:
        return None
    attributes = told.get("attributes")
    events = told.get("events")
    return Received(
        attributes=tree_marks(attributes) if attributes else [],
        count=len(attributes) if isinstance(attributes, dict) else 0,
        events=[_event(event) for event in events[:MAX_EVENTS] if isinstance(event, dict)]
        if isinstance(events, list)
        else [],
        events_left_out=max(0, len(events) - MAX_EVENTS) if isinstance(events, list) else 0,
        links=tree_marks(told["links"]) if told.get("links") else [],
        scope=_name(told.get("scope")),
    )


def _stack(text: str) -> str:
    cut = (
        f"\n… (the first {MAX_STACK:,} of {len(text):,} characters)"
        if len(text) > MAX_STACK
        else ""
    )
    return formats.visible(text[:MAX_STACK]) + cut


def _name(told: Any) -> str:
    return formats.visible(str(told or "")[:MAX_NAME])


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
        "name": _name(event.get("name")) or "event",
        "stack": _stack(stack) if isinstance(stack, str) else "",
        "marks": tree_marks(told, EVENT_MARKS) if told else [],
    }
