"""How long a model took to its first token, where somebody told it.

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
    """Microseconds by execution (32 hex digits) for those that tell. One query; large values are
    not loaded."""
    rows = NodeExecution.objects.in_run(run_id).filter(
        id__in=[UUID(one) for one in ids], outputs__size__lte=LARGEST
    )
    found = {row.id.hex: _told(row) for row in rows.select_related("outputs")}
    return {step_id: lasted for step_id, lasted in found.items() if lasted is not None}


def _told(execution: NodeExecution) -> int | None:
    attributes = execution.received.get("attributes")
    if isinstance(attributes, dict):
        lasted = _microseconds(attributes.get("ai.response.msToFirstChunk"), 1000)
        if lasted is not None:
            return lasted
    return _in_usage(execution.outputs)


def _in_usage(payload: Payload | None) -> int | None:
    value = load_value(payload) if payload else None
    usage = value.get("usage") if isinstance(value, dict) else None
    told = usage.get("time_to_first_token") if isinstance(usage, dict) else None
    return _microseconds(told, 1_000_000)


def _microseconds(told: Any, unit: int) -> int | None:
    if isinstance(told, bool) or not isinstance(told, (int, float)) or not 0 < told < 1e9:
        return None
    return int(told * unit)
