"""pydantic-ai: what it adds to the GenAI conventions.

Usage sums on agents (`gen_ai.aggregated_usage.*`) repeat the model calls below and are not read.
Its first generations named agents and tools by `agent_name`, `tool_arguments` and `tool_response`,
and put the tools of one turn below a span `running tools`.
"""

import re
from typing import Any

from nodes.content.message_parts import MessageText
from nodes.content.messages import read_message
from runs.recording.decoding.dialects.chat_messages import chat_messages
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import readable
from runs.recording.records.span import Span
from runs.recording.records.usage import cost, to_count

NAME = "pydantic-ai"

MESSAGES = ("pydantic_ai.all_messages", "all_messages_events")
RETRY = "pydantic_ai.tool.retry."
DEFERRAL = "pydantic_ai.tool.deferral.name"  # the call waits for approval, or for its result
MAX_ATTEMPT = 1_000_000
RUNNING_TOOLS = re.compile(r"running (?:\d+ )?tools?")


def applies(span: Span, prefixes: set[str]) -> bool:
    attributes = span.attributes
    return (
        span.scope.startswith("pydantic")
        or "operation.cost" in attributes
        or MESSAGES[0] in attributes
    )


def read(reading: SpanReading) -> None:
    attributes = reading.attributes
    _read_first_generation(reading)
    reading.fill("cost", cost(attributes.get("operation.cost")), "operation.cost")
    reading.fill_payload("outputs", "final_result")
    for name in MESSAGES:
        if name in attributes and reading.fields.get("kind") == "agent":
            reading.fill("inputs", _first_user_content(readable(attributes[name])), name)
    if DEFERRAL in attributes:
        reading.fill("status", "paused", DEFERRAL)
    if reading.span.status == "error" and RETRY + "cause" in attributes:
        _read_tool_retry(reading)


def _read_first_generation(reading: SpanReading) -> None:
    attributes = reading.attributes
    if "agent_name" in attributes and "gen_ai.operation.name" not in attributes:
        reading.fill("kind", "agent", "agent_name")
        reading.fill_from("title", "agent_name")
    elif "tools" in attributes and RUNNING_TOOLS.fullmatch(reading.span.name):
        reading.fill("folded", True, "name")
    reading.fill_payload("inputs", "tool_arguments")
    reading.fill_payload("outputs", "tool_response")


def _read_tool_retry(reading: SpanReading) -> None:
    """Read an attempt after which the tool asked the model to call it again. After the last allowed
    attempt there is no further call, so that the tool has failed."""
    attempt = to_count(reading.attributes.get(RETRY + "attempt"), MAX_ATTEMPT)
    limit = to_count(reading.attributes.get(RETRY + "max_retries"))
    reading.fill("attempt", attempt, RETRY + "attempt")
    if attempt is None or limit is None or attempt <= limit:
        reading.fill("status", "retry", RETRY + "cause")


def _first_user_content(messages: Any) -> Any:
    """Return the content of the first user message: the question to the agent."""
    for item in chat_messages(messages) or ():
        message = read_message(item)
        if message and message.role == "user" and message.parts:
            is_text = all(isinstance(part, MessageText) for part in message.parts)
            return message.text if is_text else item.get("parts", item.get("content"))
    return None
