"""What Waylog reads, compared with the published registry of GenAI attributes.

`gen_ai_registry.json` is the registry's list, with its version and date. To update it, replace the
lists; each attribute that is new is then read, or listed here with the reason why not.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from runs.recording.decoding.dialects.gen_ai import KINDS
from runs.recording.records.record import NodeRecord
from tests.runs.recording.captured import read_record

REGISTRY = json.loads((Path(__file__).parent / "gen_ai_registry.json").read_text())
AS_RECEIVED = "Shown among what was received; no field of a step means the same."
NOT_READ = {
    "gen_ai.agent.description": AS_RECEIVED,
    "gen_ai.agent.id": "The name is what people know an agent by.",
    "gen_ai.agent.version": "The version of one of several agents is not that of the app.",
    "gen_ai.conversation.compacted": AS_RECEIVED,
    "gen_ai.embeddings.dimension.count": AS_RECEIVED,
    "gen_ai.memory.record.count": "The records themselves are shown, where they are sent.",
    "gen_ai.output.type": AS_RECEIVED,
    "gen_ai.prompt.variable": AS_RECEIVED,
    "gen_ai.request.encoding_formats": AS_RECEIVED,
    "gen_ai.request.previous_response.id": "It may be of any run, or of none that was recorded.",
    "gen_ai.request.stream": AS_RECEIVED,
    "gen_ai.request.stream_cursor": AS_RECEIVED,
    "gen_ai.response.status": "How a response fared that is fetched later, not this step.",
    "gen_ai.token.type": "Of metrics only.",
    "gen_ai.tool.call.id": "It joins messages; of a tool's step it says no more.",
    "gen_ai.tool.description": AS_RECEIVED,
    "gen_ai.tool.type": AS_RECEIVED,
    "gen_ai.openai.request.response_format": AS_RECEIVED,
    "gen_ai.openai.request.seed": AS_RECEIVED,
    "gen_ai.openai.request.service_tier": AS_RECEIVED,
    "gen_ai.openai.response.service_tier": AS_RECEIVED,
    "gen_ai.openai.response.system_fingerprint": AS_RECEIVED,
}
# Read from what was received when the page of a step is made.
READ_BY_PAGES = {
    "gen_ai.prompt.name", "gen_ai.prompt.version", "gen_ai.response.finish_reasons",
    "gen_ai.response.time_to_first_chunk",
}  # fmt: skip
READ_AS_NOTES = {name for name in REGISTRY["attributes"] if name.startswith("gen_ai.evaluation.")}
MESSAGES = '[{"role": "user", "parts": [{"type": "text", "content": "Hello"}]}]'
VALUES: dict[str, Any] = {
    "gen_ai.input.messages": MESSAGES,
    "gen_ai.output.messages": MESSAGES,
    "gen_ai.system_instructions": '[{"type": "text", "content": "Be short."}]',
    "gen_ai.tool.definitions": '[{"type": "function", "name": "look_up"}]',
    "gen_ai.retrieval.documents": '[{"id": "d1"}]',
    "gen_ai.memory.records": '[{"content": "likes tea"}]',
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.prompt": "Hello",
    "gen_ai.completion": "Hello",
}
OPERATIONS = (
    ("gen_ai.tool.name", "execute_tool"), ("gen_ai.tool.call", "execute_tool"),
    ("gen_ai.agent", "invoke_agent"), ("gen_ai.workflow", "invoke_workflow"),
    ("gen_ai.retrieval", "retrieval"), ("gen_ai.data_source", "retrieval"),
    ("gen_ai.memory", "search_memory"),
)  # fmt: skip
PROMPT = {"gen_ai.input.messages": MESSAGES}
TOKENS = {"gen_ai.usage.input_tokens": 70, "gen_ai.usage.output_tokens": 70}


@pytest.mark.parametrize("name", [*REGISTRY["attributes"], *REGISTRY["earlier"]])
def test_each_attribute_is_read_or_has_a_reason(name: str) -> None:
    if name in READ_BY_PAGES | READ_AS_NOTES:
        return
    operation = next((value for start, value in OPERATIONS if name.startswith(start)), "chat")
    without = {"gen_ai.operation.name": operation}
    if name.startswith(("gen_ai.request.", "gen_ai.tool.definitions", "gen_ai.system_inst")):
        without |= PROMPT  # which they are shown with
    if "cache" in name or "reasoning.out" in name:
        without |= TOKENS  # of which they are a part
    value = VALUES.get(name, 7 if "tokens" in name or name.endswith(("_k", "_p")) else "seven")
    is_read = _fields(without | {name: value}) != _fields(without)
    assert is_read != (name in NOT_READ)


@pytest.mark.parametrize("operation", REGISTRY["operations"])
def test_each_operation_has_a_kind(operation: str) -> None:
    assert KINDS[operation]


def _fields(attributes: dict[str, Any]) -> list[Any]:
    record = read_record(attributes, name="step", parent_span_id="c" * 16)
    names = (name for name in NodeRecord.__slots__ if name not in ("received", "read_from"))
    return [getattr(record, name) for name in names]
