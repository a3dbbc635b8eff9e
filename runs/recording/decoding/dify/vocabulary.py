"""Dify's own words, which its telemetry, event stream and database share. Pure."""

from decimal import Decimal, InvalidOperation
from typing import Any

from runs.recording.records.record import Cost, Usage
from runs.recording.records.span import LAST_US
from runs.recording.records.usage import cost, to_count, usage

RUN_STATUSES = frozenset(
    {"running", "paused", "succeeded", "partial-succeeded", "failed", "stopped"}
)
NODE_STATUSES = frozenset(
    {"running", "paused", "succeeded", "failed", "exception", "retry", "stopped"}
)

# What is told of a step that ended so is its error.
ENDED_BADLY = frozenset({"failed", "exception", "retry", "stopped"})
# Ratings of an answer, as numbers.
THUMBS = {"like": 1.0, "dislike": -1.0}


def text(value: Any) -> str | None:
    """The value as text; None where it says nothing."""
    return str(value) if value is not None and value != "" else None


def mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def duration_us(seconds: Any) -> int | None:
    """Seconds as Dify writes them, a float, in whole microseconds. None for nothing."""
    told = _decimal(seconds)
    return int(told * 1_000_000) if told is not None and 0 < told < 10**10 else None


def moment_us(seconds: Any) -> int | None:
    """A moment in seconds since the epoch, in microseconds."""
    told = _decimal(seconds)
    us = int(told * 1_000_000) if told is not None and 0 < told < 10**12 else 0
    return us if 0 < us <= LAST_US else None


def _decimal(value: Any) -> Decimal | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        told = Decimal(str(value))
    except InvalidOperation:
        return None
    return told if told.is_finite() else None


def usage_of(told: Any) -> tuple[Usage | None, Cost | None]:
    """Tokens and cost of Dify's `usage`, or of the execution metadata that has the sums only."""
    counts = mapping(told)
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    return (
        usage(*(to_count(counts.get(name)) for name in names)),
        cost(counts.get("total_price"), counts.get("currency")),
    )


def step_status(run_status: str) -> str:
    """A step has no "partial-succeeded"; what stands for the run itself did end well."""
    return "succeeded" if run_status == "partial-succeeded" else run_status


def taken(kind: str, outputs: Any) -> str | None:
    """The branch that an if-else or a classifier chose: the handle of the edge."""
    key = {"if-else": "selected_case_id", "question-classifier": "class_id"}.get(kind)
    return text(mapping(outputs).get(key)) if key else None
