"""The parameters of a model call: temperature and the like."""

from typing import Any

from nodes.content.embedded_json import decoded_json
from nodes.content.payloads import load_value
from nodes.models import NodeExecution

# Where decoders and producers keep a call's parameters.
_PARAMETER_KEYS = (
    "parameters", "model_parameters", "invocation_parameters", "llm.invocation_parameters",
    "completion_params",
)  # fmt: skip
_REQUEST = "gen_ai.request."


def parameters_of(execution: NodeExecution) -> dict[str, Any]:
    """Return the parameters of a model call, from wherever its record has them; {} for none."""
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
