"""The link between two values of a run: its two ends, how the value was changed on the way, and the
evidence for it. Pure."""

from dataclasses import dataclass
from typing import Any

from nodes.lineage.steps import LineageStep
from nodes.lineage.values import MISSING, ValuePath

# LineageLink.change → in words
CHANGES = {
    "same": "unchanged",
    "inserted": "as part of a longer text",
    "cut out": "taken from a longer text",
    "trimmed": "without surrounding white space",
    "parsed": "parsed from JSON text",
    "as text": "serialized as JSON text",
    "": "used in it",
}


@dataclass(frozen=True, slots=True)
class ValueSource:
    """What a value came from. `form`: "step" (`step`, with `part`, inputs or outputs, and `path`),
    "input" of the run (`path`), "system", "environment" or "conversation" variable (`name`),
    "nothing": a step that has not run (`name`), or "answer": the run's output, where a value went
    (`path`)."""

    form: str
    step: LineageStep | None = None
    part: str = ""
    path: ValuePath = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class LineageLink:
    """`path`: where the value stands in what it came into (`part` of the step: its inputs or
    outputs), None where only the setting (`why`) is known; `name` is the variable that it became.
    `change`: a key of CHANGES. `certain`: the producer says so; else it was inferred from equal
    values."""

    path: ValuePath | None
    source: ValueSource
    change: str = "same"
    certain: bool = False
    why: str = "equal values"
    value: Any = MISSING
    part: str = "inputs"
    name: str = ""
