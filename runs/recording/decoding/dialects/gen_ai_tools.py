"""A tool's call in the GenAI conventions: arguments and result from attributes or from events, and
the tools by which one agent gives control to another."""

from typing import Any

from runs.recording.decoding.dialects.gen_ai_messages import DETAILS_EVENT, content_blocks
from runs.recording.decoding.dialects.llm_api import api_messages
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import readable

# Tools by which frameworks give control to another agent; the argument names the target.
HANDOFF_TOOLS = frozenset({"transfer_to_agent"})
HANDOFF_PREFIX = "transfer_to_"
TARGETS = ("agent_name", "agent", "target")


def read_tool(reading: SpanReading) -> None:
    told = reading.attributes
    reading.fill_payload("inputs", "gen_ai.tool.call.arguments")
    reading.fill_payload("outputs", "gen_ai.tool.call.result")
    for index, event in enumerate(reading.span.events):
        before = len(reading.fields)
        _read_event(reading, event.name, event.attributes)
        if len(reading.fields) > before:
            reading.consumed_events.add(index)
    tool = str(told.get("gen_ai.tool.name", ""))
    if tool in HANDOFF_TOOLS or tool.startswith(HANDOFF_PREFIX):
        reading.fill("kind", "handoff", "gen_ai.tool.name")
        reading.fill("taken", _target(tool, reading.fields.get("inputs")), "gen_ai.tool.name")


def _read_event(reading: SpanReading, name: str, told: dict[str, Any]) -> None:
    """Strands Agents tells what went in and out of a tool as it tells messages of a model."""
    if name == "gen_ai.tool.message":
        reading.fill("inputs", readable(told.get("content")), name)
    elif name == "gen_ai.choice":
        reading.fill("outputs", _result(readable(told.get("message"))), name)
    elif name == DETAILS_EVENT:
        for call in _messages(told, "gen_ai.input.messages"):
            for one in call.get("tool_calls", ()):
                reading.fill("inputs", one["arguments"], name)
        for message in _messages(told, "gen_ai.output.messages"):
            reading.fill("outputs", _result(readable(message["content"])), name)


def _messages(told: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return api_messages(readable(told.get(name)), "tool") or []


def _result(value: Any) -> Any:
    """The text of a result that is one text."""
    found = content_blocks(value)
    if found and len(found) == 1 and set(found[0]) == {"text"}:
        return readable(found[0]["text"])
    return value


def _target(tool: str, arguments: Any) -> str | None:
    if isinstance(arguments, dict):
        for name in TARGETS:
            if isinstance(arguments.get(name), str):
                return str(arguments[name])
    return None if tool in HANDOFF_TOOLS else tool.removeprefix(HANDOFF_PREFIX)
