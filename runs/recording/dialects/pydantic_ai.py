"""pydantic-ai and Logfire: what they add to the GenAI conventions.

Usage sums on agents (`gen_ai.aggregated_usage.*`) repeat the model calls below and are not read.
"""

from typing import Any

from runs.recording.dialects.messages import normal_messages
from runs.recording.dialects.reading import Reading
from runs.recording.dialects.usage import cost, whole
from runs.recording.jsontext import readable
from runs.recording.spans import Span

NAME = "pydantic-ai"

MESSAGES = ("pydantic_ai.all_messages", "all_messages_events")
RETRY = "pydantic_ai.tool.retry."
NO_SPAN = "0" * 16
MAX_ATTEMPT = 1_000_000


def applies(span: Span, spoken: set[str]) -> bool:
    told = span.attributes
    return (
        span.scope.startswith("pydantic")
        or "operation.cost" in told
        or "logfire.span_type" in told
        or MESSAGES[0] in told
    )


def read(reading: Reading) -> None:
    told = reading.attributes
    if told.get("logfire.span_type") == "pending_span":
        _read_pending(reading)
    reading.fill("cost", cost(told.get("operation.cost")), "operation.cost")
    reading.fill_payload("outputs", "final_result")
    for name in MESSAGES:
        if name in told and reading.fields.get("kind") == "agent":
            reading.fill("inputs", _first_question(readable(told[name])), name)
    if reading.span.status == "error" and RETRY + "cause" in told:
        _read_retry(reading)


def _read_pending(reading: Reading) -> None:
    """Logfire tells that a span has begun by a span of its own, a child of the one announced."""
    span = reading.span
    if span.parent_span_id is None:
        return
    parent = reading.attributes.get("logfire.pending_parent_id")
    reading.fields["source_id"] = span.parent_span_id
    known = isinstance(parent, str) and parent not in ("", NO_SPAN)
    reading.fields["parent_source_id"] = parent if known else None
    reading.fields["ended_us"] = None
    reading.fields["status"] = "running"


def _read_retry(reading: Reading) -> None:
    """The tool asked the model to call it again. After the last allowed attempt nobody does."""
    attempt = whole(reading.attributes.get(RETRY + "attempt"), MAX_ATTEMPT)
    most = whole(reading.attributes.get(RETRY + "max_retries"))
    reading.fill("attempt", attempt, RETRY + "attempt")
    if attempt is None or most is None or attempt <= most:
        reading.fill("status", "retry", RETRY + "cause")


def _first_question(told: Any) -> Any:
    """What the agent was asked: the content of the first user message."""
    for message in normal_messages(told) or ():
        if message["role"] == "user" and message["content"]:
            return message["content"]
    return None
