"""Google's Agent Development Kit: what it sends in `gcp.vertex.agent.*` beside the GenAI
conventions, and everything that it sent before it followed them.

Facts: the kit's own sources. A run is an `invocation`; an agent was `agent_run [NAME]` before
`invoke_agent NAME`. Requests to a model and its responses are in the form of Gemini's API.
"""

import re
from typing import Any

from runs.recording.decoding.dialects.llm_api import model_request, model_response
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import object_or_empty, objects_in
from runs.recording.records.span import Span
from runs.recording.records.usage import api_usage

NAME = "google-adk"
PREFIX = "gcp.vertex.agent."
REQUEST, RESPONSE = PREFIX + "llm_request", PREFIX + "llm_response"
SCOPE = "gcp.vertex.agent"
AGENT_RUN = re.compile(r"agent_run \[(.+)\]")
EMPTY_VALUES = ("{}", "<not serializable>", "N/A")
MERGED_TOOL_RESULTS = "execute_tool (merged)"  # repeats the results of tools that ran side by side


def applies(span: Span, prefixes: set[str]) -> bool:
    return span.scope == SCOPE or "gcp" in prefixes


def read(reading: SpanReading) -> None:
    span, attributes = reading.span, reading.attributes
    _read_gemini_call(reading)
    if span.name == MERGED_TOOL_RESULTS and span.parent_span_id is not None:
        reading.fill("folded", True, "name")
    elif "gen_ai.tool.name" in attributes or PREFIX + "tool_call_args" in attributes:
        for field, name in (("inputs", "tool_call_args"), ("outputs", "tool_response")):
            if attributes.get(PREFIX + name) not in EMPTY_VALUES:
                reading.fill_payload(field, PREFIX + name)
    if match := AGENT_RUN.fullmatch(span.name):
        reading.fill("kind", "agent", "name")
        reading.fill("title", match[1], "name")
        reading.fill_run("name", match[1], "name")
    elif attributes.get("gen_ai.operation.name") == "invoke_agent":
        reading.fill_run_from("name", "gen_ai.agent.name")
    if span.scope == SCOPE and span.name == "invocation" and span.parent_span_id is None:
        reading.fill("kind", "agent", "name")
        reading.settle_run("name")  # the agent's is better
    reading.fill_run_from("conversation", PREFIX + "session_id")


def _read_gemini_call(reading: SpanReading) -> None:
    request, response = reading.parsed(REQUEST), reading.parsed(RESPONSE)
    if isinstance(request, dict) and request.get("contents"):
        config = object_or_empty(request.get("config"))
        inputs = model_request({**config, "contents": request["contents"]})
        if inputs:
            if names := _gemini_tool_names(config.get("tools")):
                inputs["tools"] = names
            reading.fill("inputs", inputs, REQUEST)
            reading.consume((REQUEST,))
    if isinstance(response, dict) and response:
        reading.fill("outputs", model_response({"candidates": [response]}), RESPONSE)
        reading.fill("usage", api_usage(response.get("usage_metadata")), RESPONSE)


def _gemini_tool_names(tools: Any) -> list[str]:
    """Return the names of the functions in Gemini's tools, each of which is a set of functions."""
    sets = [objects_in(tool.get("function_declarations")) for tool in objects_in(tools)]
    return [str(item["name"]) for functions in sets for item in functions if item.get("name")]
