"""The parts of a shared run, past the mask: all that its pages and twins are written from. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from nodes.content.parts import ContentPart
from nodes.kinds import Kind
from nodes.trace.waterfall import Bar

# Fields of a run that a link may hide, as its form names them.
FIELDS = {
    "inputs": "Inputs",
    "outputs": "Outputs",
    "messages": "Prompts and messages",
    "errors": "Errors",
    "attributes": "As received (attributes, events, logs)",
    "user": "User and ids",
    "models": "Model names",
    "costs": "Costs",
}


@dataclass(frozen=True, slots=True)
class SharedValue:
    """A value under its heading. Only one that is `shown` has any of it: `told` for machines (a
    masked value, or the stored one), `part` or `text` for the page."""

    name: str
    label: str
    state: Literal["none", "masked", "too-large", "shown"]
    told: Any = None
    part: ContentPart | None = None
    text: str = ""
    more: bool = False


@dataclass(frozen=True, slots=True)
class SharedStep:
    """A step as its row and its page show it; `values` and `received` on its page alone."""

    id: str
    index: int
    level: int
    title: str
    kind: Kind
    status: str
    status_label: str
    failed: bool
    iteration: list[int]
    attempt: int
    taken: str
    started_at: datetime | None
    duration_us: int | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    counted: bool
    cost: Decimal | None
    currency: str
    model: str
    provider: str
    error: str
    error_type: str
    bar: Bar | None = None
    values: list[SharedValue] = field(default_factory=list)
    received: str = ""


@dataclass(frozen=True, slots=True)
class SharedNote:
    name: str
    value: str
    text: str
    author: str
    thumb: str
