"""LiteLLM, by its own OpenTelemetry callback: the spans between its request and the provider's.
Everything else follows the conventions of OpenLLMetry.

Facts: LiteLLM's own sources. Below `litellm_request` the request is repeated in the form of the
provider's API, in `llm.<provider>.*`.
"""

import ast
from typing import Any

from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.span import Span
from runs.recording.records.usage import api_usage

NAME = "litellm"
CALL = "gen_ai.completion.0.function_call."
MOST = 10_000  # characters of a Python object
USERS = ("metadata.user_api_key_end_user_id", "metadata.user_api_key_user_id")


def applies(span: Span, prefixes: set[str]) -> bool:
    return span.scope == "litellm"


def read(reading: SpanReading) -> None:
    attributes, span = reading.attributes, reading.span
    has_provider_request = any(name.startswith("llm.") for name in attributes)
    is_repetition = has_provider_request and "gen_ai.request.model" not in attributes
    if is_repetition and span.parent_span_id is not None and span.status != "error":
        reading.fill("folded", True, "name")
    if span.name == "litellm_request":
        reading.fill_from("title", "gen_ai.request.model")
    usage_object = _python_object(attributes.get("metadata.usage_object"))
    reading.fill("usage", api_usage(usage_object), "metadata.usage_object")
    _read_requested_tool(reading)
    reading.fill_run_from("user", "llm.user", *USERS)


def _python_object(value: Any) -> Any:
    """Return the value of a text that Python wrote with `str`; None where it is none."""
    if not isinstance(value, str) or len(value) > MOST:
        return None
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _read_requested_tool(reading: SpanReading) -> None:
    """Read the tool call that the model asked for, which is not among the output messages."""
    attributes = reading.attributes
    name = attributes.get(CALL + "name")
    if not isinstance(name, str):
        return
    call = {"name": name, "arguments": attributes.get(CALL + "arguments")}
    content = attributes.get("gen_ai.completion.0.content") or ""
    message = {"role": "assistant", "content": content, "function_call": call}
    reading.fill("outputs", {"messages": [message]}, CALL + "name")
