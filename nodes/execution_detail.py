"""Builds the panel of one execution: its values, what was received, and the same node elsewhere in
the run."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from nodes import formats
from nodes.choices import ERRORS, status_label
from nodes.content.json_tree import TreeMark, tree_marks
from nodes.content.logs import StepLogs, step_logs
from nodes.content.payloads import PayloadView, load_value, present_payload
from nodes.kinds import NodeKind
from nodes.models import NodeExecution, OwnPrice
from nodes.pricing import (
    OWN_PRICES,
    Price,
    PriceLine,
    TokenUsage,
    difference_between_tables,
    price_lines_of,
)
from nodes.trace.first_token import first_token_us

MAX_SAME_NODE = 20_000
# Of what was received; all of it is one link away.
MAX_EVENTS = 50
MAX_STACK = 20_000
MAX_NAME = 200
EVENT_MARKS = 24
NEAR = 6  # other executions linked on each side of this one

# Why the model stopped, and which prompt of a prompt library was asked.
FINISH_REASONS = (
    "gen_ai.response.finish_reasons", "llm.finish_reason", "llm.response.finish_reason",
    "ai.response.finishReason", "gen_ai.response.finish_reason",
)  # fmt: skip
PROMPT_NAMES = (
    "gen_ai.prompt.name", "langfuse.observation.prompt.name", "llm.prompt_template.name",
    "traceloop.prompt.key",
)  # fmt: skip
PROMPT_VERSIONS = (
    "gen_ai.prompt.version", "langfuse.observation.prompt.version", "llm.prompt_template.version",
    "traceloop.prompt.version",
)  # fmt: skip

# What inputs and outputs are called, by the kind's call or group.
_LABELS = {
    "model": ("Prompt", "Answer"),
    "tool": ("Arguments", "Result"),
    "http": ("Request", "Response"),
    "retrieval": ("Query", "Documents"),
}


# The scope of the spans that Dify's engine sends of its nodes, none of them inside a container.
DIFY_ENGINE_SCOPE = "core.app.workflow.layers.observability"


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
class ReceivedParts:
    """What the producer sent beside the values, as it came. `count` is how many attributes;
    `dropped` says how many things of which name the producer left out."""

    attributes: list[TreeMark]
    count: int
    events: list[dict[str, Any]]
    events_left_out: int
    links: list[TreeMark]
    scope: str
    dropped: list[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class PriceSource:
    """Where the `price` of a step is from, and how it is made up, as far as its table still says
    so; `other` is the price of the second table where it differs by more than 10 %."""

    price: Price
    lines: list[PriceLine]
    other: Price | None

    @property
    def is_own(self) -> bool:
        return self.price.table == OWN_PRICES


@dataclass(frozen=True, slots=True)
class ExecutionPanel:
    execution: NodeExecution
    kind: NodeKind
    status_label: str
    failed: bool
    sections: list[ValueSection]
    received: ReceivedParts | None
    logs: StepLogs
    resource: list[TreeMark]
    same_node: list[SameNodeExecution]
    same_node_count: int
    previous: SameNodeExecution | None
    next: SameNodeExecution | None
    steps_not_sent: bool
    price: PriceSource | None
    finish_reasons: str
    first_token_us: int | None
    prompt: str


def build_panel(execution: NodeExecution) -> ExecutionPanel:
    """Return the panel of an execution that was loaded with `with_payloads()`. One query more."""
    same_node, count = _same_node_executions(execution)
    place = next((n for n, other in enumerate(same_node) if other.is_this), 0)
    return ExecutionPanel(
        execution=execution,
        kind=execution.kind_info,
        status_label=status_label(execution.status),
        failed=execution.status in ERRORS,
        sections=_value_sections(execution),
        received=_received_parts(execution),
        logs=step_logs(execution),
        resource=tree_marks(load_value(execution.resource)) if execution.resource else [],
        same_node=same_node if count > 1 else [],
        same_node_count=count,
        previous=same_node[place - 1] if place else None,
        next=same_node[place + 1] if place + 1 < len(same_node) else None,
        steps_not_sent=_are_steps_not_sent(execution),
        price=price_source(execution),
        finish_reasons=", ".join(_texts_of(execution, FINISH_REASONS)),
        first_token_us=first_token_us(execution),
        prompt=" ".join(_texts_of(execution, PROMPT_NAMES) + _texts_of(execution, PROMPT_VERSIONS)),
    )


def _texts_of(execution: NodeExecution, names: tuple[str, ...]) -> list[str]:
    """Return the texts in the first of these attributes that was received."""
    attributes = execution.received.get("attributes")
    if isinstance(attributes, dict):
        for name in names:
            value = attributes.get(name)
            if isinstance(value, (list, tuple)) and value:
                return [_short_name(text) for text in value[:NEAR]]
            if value not in (None, "", []):
                return [_short_name(value).strip('"')]
    return []


def price_source(execution: NodeExecution) -> PriceSource | None:
    """Return where the price of a step is from; None where its producer reported the cost, and for
    steps that were priced before this was kept."""
    source = orjson.loads(execution.hints).get("price") if execution.hints else None
    if source is None or execution.cost is None or execution.cost_reported:
        return None
    usage = TokenUsage(
        execution.input_tokens,
        execution.output_tokens,
        execution.cached_tokens,
        execution.cache_write_tokens,
        execution.reasoning_tokens,
    )
    call = (execution.model, execution.provider, usage, execution.started_at)
    known = Price(execution.cost, currency=execution.cost_currency, **source)
    if known.table == OWN_PRICES:
        lines = price_lines_of(known, *call, OwnPrice.objects.rates())
        return PriceSource(known, lines, None)
    return PriceSource(
        known, price_lines_of(known, *call), difference_between_tables(*call, execution.cost)
    )


def _are_steps_not_sent(execution: NodeExecution) -> bool:
    """Return whether a container came from a producer that does not send the steps inside (Dify's
    own OpenTelemetry), and from no other."""
    if execution.kind not in ("iteration", "loop"):
        return False
    scope = str(execution.received.get("scope") or "")
    steps = NodeExecution.objects.filter(run_id=execution.run_id, parent_id=execution.id)
    return scope.startswith(DIFY_ENGINE_SCOPE) and not steps.exists()


def value_labels(kind: NodeKind) -> tuple[str, str]:
    """Return what inputs and outputs are called for this kind of node."""
    return _LABELS.get(kind.call) or _LABELS.get(kind.group) or ("Inputs", "Outputs")


def _value_sections(execution: NodeExecution) -> list[ValueSection]:
    """Return inputs, process data and outputs, under what they are called for this kind of node;
    of a model its answer comes first, as prompts are long."""
    inputs_label, outputs_label = value_labels(execution.kind_info)
    values = [("inputs", inputs_label, execution.inputs)]
    if execution.process_data:
        values.append(("process", "Process data", execution.process_data))
    outputs = ("outputs", outputs_label, execution.outputs)
    values.insert(0 if outputs_label == "Answer" and execution.outputs else len(values), outputs)
    return [
        ValueSection(name, label, present_payload(payload) if payload else None)
        for name, label, payload in values
    ]


def _same_node_executions(execution: NodeExecution) -> tuple[list[SameNodeExecution], int]:
    """Return `execution` and those of the same node in the same run around it, in order, and how
    many there are in all."""
    same_node = NodeExecution.objects.same_node(execution)
    rows = list(same_node.values_list("id", "iteration", "status", "attempt")[:MAX_SAME_NODE])
    place = next((n for n, row in enumerate(rows) if row[0] == execution.id), 0)
    first = max(0, place - NEAR)
    near = [
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
    return near, len(rows)


def _received_parts(execution: NodeExecution) -> ReceivedParts | None:
    received = execution.received
    if not received:
        return None
    attributes = received.get("attributes")
    events = received.get("events")
    events = events if isinstance(events, list) else []
    return ReceivedParts(
        attributes=tree_marks(attributes) if attributes else [],
        count=len(attributes) if isinstance(attributes, dict) else 0,
        events=[_event_parts(event) for event in events[:MAX_EVENTS] if isinstance(event, dict)],
        events_left_out=max(0, len(events) - MAX_EVENTS),
        links=tree_marks(received["links"]) if received.get("links") else [],
        scope=_short_name(received.get("scope")),
        dropped=[
            (count, name)
            for name in ("attributes", "events", "links")
            if (count := received.get(f"dropped_{name}_count"))
        ],
    )


def _stack_text(text: str) -> str:
    note = ""
    if len(text) > MAX_STACK:
        note = f"\n… (the first {MAX_STACK:,} of {len(text):,} characters)"
    return formats.visible(text[:MAX_STACK]) + note


def _short_name(name: Any) -> str:
    return formats.visible(str(name or "")[:MAX_NAME])


def _event_parts(event: dict[str, Any]) -> dict[str, Any]:
    """Return name, stack trace as text, and the other attributes of an event."""
    attributes = event.get("attributes")
    others = dict(attributes) if isinstance(attributes, dict) else {}
    stack = others.pop("exception.stacktrace", None)
    rest = {key: value for key, value in event.items() if key not in ("name", "attributes")}
    rest |= others
    return {
        "name": _short_name(event.get("name")) or "event",
        "stack": _stack_text(stack) if isinstance(stack, str) else "",
        "marks": tree_marks(rest, EVENT_MARKS) if rest else [],
    }
