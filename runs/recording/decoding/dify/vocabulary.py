"""Dify's vocabulary, which its telemetry, event stream and database share: statuses, ratings, and
how it writes times, usage and branches. Pure."""

from decimal import Decimal, InvalidOperation
from typing import Any

from runs.recording.records.json_text import object_or_empty
from runs.recording.records.record import Cost, Usage
from runs.recording.records.span import LAST_US
from runs.recording.records.usage import cost, to_count, usage

RUN_STATUSES = frozenset(
    {"running", "paused", "succeeded", "partial-succeeded", "failed", "stopped"}
)
NODE_STATUSES = frozenset(
    {"running", "paused", "succeeded", "failed", "exception", "retry", "stopped"}
)

# The message of a step that ended so is its error.
ENDED_BADLY = frozenset({"failed", "exception", "retry", "stopped"})
# Ratings of an answer, as numbers.
THUMBS = {"like": 1.0, "dislike": -1.0}


def text_or_none(value: Any) -> str | None:
    """Return the value as text; None where it is empty or missing."""
    return str(value) if value is not None and value != "" else None


def duration_us(seconds: Any) -> int | None:
    """Return seconds as Dify writes them, a float, in whole microseconds. None for nothing."""
    exact = _finite_decimal(seconds)
    return int(exact * 1_000_000) if exact is not None and 0 < exact < 10**10 else None


def timestamp_us(seconds: Any) -> int | None:
    """Return a timestamp in seconds since the epoch as microseconds."""
    exact = _finite_decimal(seconds)
    us = int(exact * 1_000_000) if exact is not None and 0 < exact < 10**12 else 0
    return us if 0 < us <= LAST_US else None


def _finite_decimal(value: Any) -> Decimal | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        return None
    return exact if exact.is_finite() else None


def usage_of(value: Any) -> tuple[Usage | None, Cost | None]:
    """Return tokens and cost of Dify's `usage`, or of the execution metadata that has the sums
    only."""
    counts = object_or_empty(value)
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    return (
        usage(*(to_count(counts.get(name)) for name in names)),
        cost(counts.get("total_price"), counts.get("currency")),
    )


def step_status(run_status: str) -> str:
    """Return the status of the step that stands for a run: a step has no "partial-succeeded", and
    it did end well."""
    return "succeeded" if run_status == "partial-succeeded" else run_status
