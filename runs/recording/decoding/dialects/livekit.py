"""LiveKit Agents: `lk.*`, beside the GenAI attributes and events of its model calls.

Facts: one trace is one session of a voice agent: turns of the user and of the agent, in which
`llm_node` and `tts_node` hold the requests to models, and each request its attempts. From 2026-06
names of attributes with content have `pii` in them (`lk.pii.user_input`, before `lk.user_input`).
"""

from runs.recording.decoding.dialects.chat_messages import as_text
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.span import Span
from runs.recording.records.usage import to_count

NAME = "livekit"

KINDS = {
    "job_entrypoint": "workflow",
    "agent_session": "agent",
    "agent_turn": "agent",
    "user_turn": "human-input",
    "user_speaking": "human-input",
    "agent_speaking": "answer",
    "llm_node": "chain",
    "llm_request": "llm",
    "realtime_metrics": "llm",
    "function_tool": "tool",
    "tts_node": "chain",
    "tts_request": "speech",
    "judge_evaluation": "evaluator",
    "llm_request_run": "task",
    "tts_request_run": "task",
    "amd": "task",
    "on_enter": "task",
    "on_exit": "task",
}
# What the session does between turns.
WRAPPERS = frozenset(
    {
        "eou_detection", "start_agent_activity", "resume_agent_activity", "pause_agent_activity",
        "drain_agent_activity", "llm_fallback_adapter", "tts_fallback_adapter",
        "tts_stream_adapter",
    }
)  # fmt: skip
# Single attempts, which are wrappers where they succeeded.
ATTEMPTS = frozenset({"llm_request_run", "tts_request_run"})
TOOL = "function_tool."


def applies(span: Span, prefixes: set[str]) -> bool:
    return "lk" in prefixes or span.scope.startswith("livekit")


def read(reading: SpanReading) -> None:
    span, attributes = reading.span, reading.attributes
    reading.fill("kind", KINDS.get(span.name), "name")
    if span.parent_span_id is not None and _is_livekit_wrapper(span):
        reading.fill("folded", True, "name")
    attempt = to_count(attributes.get("lk.retry_count"), 1000)
    reading.fill("attempt", None if attempt is None else attempt + 1, "lk.retry_count")
    if reading.fields.get("kind") == "tool":
        _read_function_tool(reading)
    _read_turn_values(reading)
    reading.fill_run_from("name", "lk.agent_name")
    reading.fill_run_from("conversation", "lk.pii.room_name", "lk.room_name")
    reading.fill_run_from("user", "lk.pii.participant_identity", "lk.participant_identity")


def _is_livekit_wrapper(span: Span) -> bool:
    return span.name in WRAPPERS or (span.name in ATTEMPTS and span.status != "error")


def _read_turn_values(reading: SpanReading) -> None:
    for field, keys in (
        ("inputs", ("user_input", "chat_ctx", "input_text")),
        ("outputs", ("user_transcript", "response.text", "response.function_calls")),
        ("process_data", ("instructions",)),
    ):
        for key in keys:
            for name in (f"lk.pii.{key}", f"lk.{key}"):
                if reading.attributes.get(name) != "[]":
                    reading.fill_payload(field, name)


def _read_function_tool(reading: SpanReading) -> None:
    reading.fill_from("title", "lk.function_tool.name")
    for field, key in (("inputs", "arguments"), ("outputs", "output")):
        for name in (f"lk.pii.{TOOL}{key}", f"lk.{TOOL}{key}"):
            reading.fill_payload(field, name)
    if reading.attributes.get("lk.function_tool.is_error") is True:
        reading.fill("status", "failed", "lk.function_tool.is_error")
        output = reading.fields.get("outputs")
        reading.fill("error", as_text(output), "lk.function_tool.output")
