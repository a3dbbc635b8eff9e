"""The time that a model took to its first token, where the producer reports it.

Facts: Dify writes `usage.time_to_first_token`, in seconds, into the outputs of a node that calls a
model; the AI SDK of Vercel sends `ai.response.msToFirstChunk`; OpenTelemetry's conventions name
`gen_ai.response.time_to_first_chunk`, in seconds; Langfuse sends the moment of the first token,
`langfuse.observation.completion_start_time`, in UTC where it has no offset; OpenLIT sends
`gen_ai.server.time_to_first_token`, in seconds. OpenInference adds an event when the first chunk
comes (`openinference/instrumentation/openai/_stream.py`), OpenLLMetry one for each chunk.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from nodes.clock import to_us
from nodes.content.payloads import load_value
from nodes.models import NodeExecution, Payload

# Attribute → its unit in microseconds.
FIRST_CHUNK = {
    "ai.response.msToFirstChunk": 1000,
    "gen_ai.response.time_to_first_chunk": 1_000_000,
    "gen_ai.server.time_to_first_token": 1_000_000,
}
FIRST_CHUNK_EVENTS = frozenset({
    "First Token Stream Event", "llm.content.completion.chunk", "gen_ai.content.completion.chunk",
})  # fmt: skip
LARGEST = 200_000  # bytes of a value that is looked into


def first_tokens(run_id: UUID, ids: Iterable[str]) -> dict[str, int]:
    """Return microseconds by execution (32 hex digits), for those whose producer reports them. One
    query; large values are not loaded."""
    executions = NodeExecution.objects.in_run(run_id).filter(
        Q(outputs=None) | Q(outputs__size__lte=LARGEST),
        id__in=[UUID(execution_id) for execution_id in ids],
    )
    reported = {step.id.hex: first_token_us(step) for step in executions.select_related("outputs")}
    return {step_id: us for step_id, us in reported.items() if us is not None}


def first_token_us(execution: NodeExecution) -> int | None:
    """Return microseconds from the start of a step, loaded with its payloads, to its first token;
    None where its producer does not report it."""
    attributes = execution.received.get("attributes")
    if isinstance(attributes, dict):
        for name, unit in FIRST_CHUNK.items():
            us = _positive_us(attributes.get(name), unit)
            if us is not None:
                return us
        moment = attributes.get("langfuse.observation.completion_start_time")
        if isinstance(moment, str) and (us := _us_after_start(execution, moment)) is not None:
            return us
    us = _first_chunk_event(execution)
    return _first_token_in_usage(execution.outputs) if us is None else us


def _first_chunk_event(execution: NodeExecution) -> int | None:
    events = execution.received.get("events")
    times = [
        event["time_us"]
        for event in (events if isinstance(events, list) else ())
        if event.get("name") in FIRST_CHUNK_EVENTS and event.get("time_us")
    ]
    started_us = to_us(execution.reported_started_at)
    if not times or started_us is None:
        return None
    return _positive_us(min(times) - started_us, 1)


def _us_after_start(execution: NodeExecution, moment: str) -> int | None:
    try:
        at = datetime.fromisoformat(moment.strip('"'))
    except ValueError:
        return None
    if (started_at := execution.reported_started_at) is None:
        return None
    waited = (at if at.tzinfo else at.replace(tzinfo=UTC)) - started_at
    return _positive_us(waited.total_seconds(), 1_000_000)


def _first_token_in_usage(payload: Payload | None) -> int | None:
    value = load_value(payload) if payload else None
    usage = value.get("usage") if isinstance(value, dict) else None
    seconds = usage.get("time_to_first_token") if isinstance(usage, dict) else None
    return _positive_us(seconds, 1_000_000)


def _positive_us(number: Any, unit: int) -> int | None:
    """Return a number of units of so many microseconds in microseconds; None for what is none."""
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 < number < 1e9:
        return None
    return round(number * unit)
