"""The models of one step: executions, payloads, and prices of model calls."""

from nodes.models.execution import PREVIEW_LENGTH, NodeExecution, NodeExecutionQuerySet
from nodes.models.own_price import OwnPrice, OwnPriceQuerySet
from nodes.models.payload import Payload, PayloadQuerySet

__all__ = [
    "PREVIEW_LENGTH",
    "NodeExecution",
    "NodeExecutionQuerySet",
    "OwnPrice",
    "OwnPriceQuerySet",
    "Payload",
    "PayloadQuerySet",
]
