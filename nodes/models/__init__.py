"""The models of one step: executions and payloads."""

from nodes.models.execution import PREVIEW_LENGTH, NodeExecution, NodeExecutionQuerySet
from nodes.models.payload import Payload, PayloadQuerySet

__all__ = [
    "PREVIEW_LENGTH",
    "NodeExecution",
    "NodeExecutionQuerySet",
    "Payload",
    "PayloadQuerySet",
]
