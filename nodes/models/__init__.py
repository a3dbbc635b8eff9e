"""What is stored of one step: its execution and its payloads."""

from nodes.models.execution import PREVIEW_LENGTH, NodeExecution, NodeExecutionQuerySet
from nodes.models.payload import Payload, PayloadQuerySet

__all__ = [
    "PREVIEW_LENGTH",
    "NodeExecution",
    "NodeExecutionQuerySet",
    "Payload",
    "PayloadQuerySet",
]
