"""The time that a model took to its first token, where the producer reports it.

Facts: Dify writes `usage.time_to_first_token`, in seconds, into the outputs of a node that calls a
model; the AI SDK of Vercel sends `ai.response.msToFirstChunk`.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from nodes.content.payloads import load_value
from nodes.models import NodeExecution, Payload

LARGEST = 200_000  # bytes of a value that is looked into


def first_tokens(run_id: UUID, ids: Iterable[str]) -> dict[str, int]:
    """Return microseconds by execution (32 hex digits), for those whose producer reports them. One
    query; large values are not loaded."""
    executions = NodeExecution.objects.in_run(run_id).filter(
        id__in=[UUID(execution_id) for execution_id in ids], outputs__size__lte=LARGEST
    )
    reported = {step.id.hex: _first_token_us(step) for step in executions.select_related("outputs")}
    return {step_id: us for step_id, us in reported.items() if us is not None}


def _first_token_us(execution: NodeExecution) -> int | None:
    attributes = execution.received.get("attributes")
    if isinstance(attributes, dict):
        us = _positive_us(attributes.get("ai.response.msToFirstChunk"), 1000)
        if us is not None:
            return us
    return _first_token_in_usage(execution.outputs)


def _first_token_in_usage(payload: Payload | None) -> int | None:
    value = load_value(payload) if payload else None
    usage = value.get("usage") if isinstance(value, dict) else None
    seconds = usage.get("time_to_first_token") if isinstance(usage, dict) else None
    return _positive_us(seconds, 1_000_000)


def _positive_us(number: Any, unit: int) -> int | None:
    """Return a number of units of so many microseconds in microseconds; None for what is none."""
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 < number < 1e9:
        return None
    return int(number * unit)
