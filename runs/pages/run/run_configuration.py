"""The configuration of a run: the models that it called, their parameters, and its process."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from nodes.call_parameters import parameters_of
from nodes.content.payloads import load_value
from nodes.models import NodeExecution

MAX_MODELS = 20
MAX_CALLS = 20_000


@dataclass(slots=True)
class ModelUse:
    """A model that the run called, how often, and with which parameters the first time."""

    model: str
    provider: str
    first: UUID
    calls: int = 0
    tokens: int = 0
    parameters: dict[str, Any] = field(default_factory=dict)


def run_models(run_id: UUID) -> list[ModelUse]:
    """Return the models of a run's steps, the most used first; at most 20. Two queries."""
    used: dict[tuple[str, str], ModelUse] = {}
    rows = NodeExecution.objects.in_run(run_id).models_used()[:MAX_CALLS]
    for model, provider, execution_id, tokens, counted, kind in rows:
        if kind == "agent":
            continue  # repeats the model of the calls below it
        use = used.setdefault((model, provider), ModelUse(model, provider, execution_id))
        use.calls += 1
        use.tokens += (tokens or 0) if counted else 0
    most = sorted(used.values(), key=lambda use: -use.calls)[:MAX_MODELS]
    _fill_parameters(run_id, most)
    return most


def _fill_parameters(run_id: UUID, uses: list[ModelUse]) -> None:
    if not uses:
        return
    firsts = (
        NodeExecution.objects.in_run(run_id).with_payloads().in_bulk([use.first for use in uses])
    )
    for use in uses:
        if execution := firsts.get(use.first):
            use.parameters = parameters_of(execution)


def run_resource(run_id: UUID) -> dict[str, Any]:
    """Return the resource attributes of the process that sent a run's first step. One query."""
    execution = NodeExecution.objects.in_run(run_id).with_resource().first()
    value = load_value(execution.resource) if execution and execution.resource else None
    return value if isinstance(value, dict) else {}
