"""What a run worked with: the models it called, their parameters, the process it ran in."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from nodes.content.messages import decoded_json
from nodes.content.payloads import load_value
from nodes.models import NodeExecution

MAX_MODELS = 20
MAX_CALLS = 20_000
# Where decoders and producers keep a call's parameters.
_PARAMETER_KEYS = (
    "parameters", "model_parameters", "invocation_parameters", "llm.invocation_parameters",
    "completion_params",
)  # fmt: skip
_REQUEST = "gen_ai.request."


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
    _read_parameters(run_id, most)
    return most


def _read_parameters(run_id: UUID, uses: list[ModelUse]) -> None:
    if not uses:
        return
    firsts = (
        NodeExecution.objects.in_run(run_id).with_payloads().in_bulk([use.first for use in uses])
    )
    for use in uses:
        if execution := firsts.get(use.first):
            use.parameters = parameters_of(execution)


def parameters_of(execution: NodeExecution) -> dict[str, Any]:
    """Return temperature and the like of a model call, from wherever its record has them."""
    for payload in (execution.inputs, execution.process_data):
        value = load_value(payload) if payload else None
        if isinstance(value, dict) and (parameters := _parameters_in(value)):
            return parameters
    attributes = execution.received.get("attributes")
    if not isinstance(attributes, dict):
        return {}
    return _parameters_in(attributes) or {
        key.removeprefix(_REQUEST): value
        for key, value in attributes.items()
        if key.startswith(_REQUEST) and key != _REQUEST + "model"
    }


def _parameters_in(value: dict[str, Any]) -> dict[str, Any]:
    for key in _PARAMETER_KEYS:
        parameters = decoded_json(value.get(key))
        if isinstance(parameters, dict) and parameters:
            return parameters
    return {}


def run_resource(run_id: UUID) -> dict[str, Any]:
    """Return the resource attributes of the process that sent a run's first step. One query."""
    execution = NodeExecution.objects.in_run(run_id).with_resource().first()
    value = load_value(execution.resource) if execution and execution.resource else None
    return value if isinstance(value, dict) else {}
