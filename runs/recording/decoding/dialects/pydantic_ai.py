"""pydantic-ai: what it adds to the GenAI conventions.

Usage sums on agents (`gen_ai.aggregated_usage.*`) repeat the model calls below and are not read.
Its first generations named agents and tools by `agent_name`, `tool_arguments` and `tool_response`,
and put the tools of one turn below a span `running tools`.
"""

import re
from typing import Any

from runs.recording.decoding.dialects.chat_messages import chat_messages
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import readable
from runs.recording.records.span import Span
from runs.recording.records.usage import cost, whole

NAME = "pydantic-ai"

MESSAGES = ("pydantic_ai.all_messages", "all_messages_events")
RETRY = "pydantic_ai.tool.retry."
MAX_ATTEMPT = 1_000_000
RUNNING_TOOLS = re.compile(r"running (?:\d+ )?tools?")


def applies(span: Span, spoken: set[str]) -> bool:
    told = span.attributes
    return span.scope.startswith("pydantic") or "operation.cost" in told or MESSAGES[0] in told


def read(reading: SpanReading) -> None:
    told = reading.attributes
    _read_first_generation(reading)
    reading.fill("cost", cost(told.get("operation.cost")), "operation.cost")
    reading.fill_payload("outputs", "final_result")
    for name in MESSAGES:
        if name in told and reading.fields.get("kind") == "agent":
            reading.fill("inputs", _first_question(readable(told[name])), name)
    if reading.span.status == "error" and RETRY + "cause" in told:
        _read_retry(reading)


def _read_first_generation(reading: SpanReading) -> None:
    told = reading.attributes
    if "agent_name" in told and "gen_ai.operation.name" not in told:
        reading.fill("kind", "agent", "agent_name")
        reading.fill_from("title", "agent_name")
    elif "tools" in told and RUNNING_TOOLS.fullmatch(reading.span.name):
        reading.fill("folded", True, "name")
    reading.fill_payload("inputs", "tool_arguments")
    reading.fill_payload("outputs", "tool_response")


def _read_retry(reading: SpanReading) -> None:
    """The tool asked the model to call it again. After the last allowed attempt nobody does."""
    attempt = whole(reading.attributes.get(RETRY + "attempt"), MAX_ATTEMPT)
    most = whole(reading.attributes.get(RETRY + "max_retries"))
    reading.fill("attempt", attempt, RETRY + "attempt")
    if attempt is None or most is None or attempt <= most:
        reading.fill("status", "retry", RETRY + "cause")


def _first_question(told: Any) -> Any:
    """What the agent was asked: the content of the first user message."""
    for message in chat_messages(told) or ():
        if message["role"] == "user" and message["content"]:
            return message["content"]
    return None
