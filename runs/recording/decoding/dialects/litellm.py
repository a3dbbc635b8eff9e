"""LiteLLM, by its own OpenTelemetry callback: the spans between its request and the provider's.
Everything else follows the conventions of OpenLLMetry.

Facts: LiteLLM's own sources. Below `litellm_request` the request is repeated in the form of the
provider's API, in `llm.<provider>.*`.
"""

from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.span import Span

NAME = "litellm"
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
    reading.fill_run_from("user", "llm.user", *USERS)
