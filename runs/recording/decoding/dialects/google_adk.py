"""Google's Agent Development Kit: what it tells in `gcp.vertex.agent.*` beside the GenAI
conventions, and all that it told before it followed them.

Facts: the kit's own sources. A run is an `invocation`; an agent was `agent_run [NAME]` before
`invoke_agent NAME`. Requests and answers of a model are Gemini's own.
"""

import re
from typing import Any

from runs.recording.decoding.dialects.llm_api import model_request, model_response
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import readable
from runs.recording.records.span import Span
from runs.recording.records.usage import api_usage

NAME = "google-adk"
OWN = "gcp.vertex.agent."
REQUEST, RESPONSE = OWN + "llm_request", OWN + "llm_response"
SCOPE = "gcp.vertex.agent"
AGENT_RUN = re.compile(r"agent_run \[(.+)\]")
NOTHING = ("{}", "<not serializable>", "N/A")
MERGED = "execute_tool (merged)"  # the results of tools that ran side by side, once more


def applies(span: Span, spoken: set[str]) -> bool:
    return span.scope == SCOPE or "gcp" in spoken


def read(reading: SpanReading) -> None:
    span, told = reading.span, reading.attributes
    _read_call(reading)
    if span.name == MERGED and span.parent_span_id is not None:
        reading.fill("folded", True, "name")
    elif "gen_ai.tool.name" in told or OWN + "tool_call_args" in told:
        for field, name in (("inputs", "tool_call_args"), ("outputs", "tool_response")):
            if told.get(OWN + name) not in NOTHING:
                reading.fill_payload(field, OWN + name)
    if match := AGENT_RUN.fullmatch(span.name):
        reading.fill("kind", "agent", "name")
        reading.fill("title", match[1], "name")
        reading.fill_run("name", match[1], "name")
    elif told.get("gen_ai.operation.name") == "invoke_agent":
        reading.fill_run_from("name", "gen_ai.agent.name")
    if span.scope == SCOPE and span.name == "invocation" and span.parent_span_id is None:
        reading.fill("kind", "agent", "name")
        reading.settle_run("name")  # the agent's is better
    reading.fill_run_from("conversation", OWN + "session_id")


def _read_call(reading: SpanReading) -> None:
    told = reading.attributes
    request, response = readable(told.get(REQUEST)), readable(told.get(RESPONSE))
    if isinstance(request, dict) and request.get("contents"):
        config = request.get("config")
        config = config if isinstance(config, dict) else {}
        question = model_request({**config, "contents": request["contents"]})
        if question:
            if names := _tools(config.get("tools")):
                question["tools"] = names
            reading.fill("inputs", question, REQUEST)
            reading.use((REQUEST,))
    if isinstance(response, dict) and response:
        reading.fill("outputs", model_response({"candidates": [response]}), RESPONSE)
        reading.fill("usage", api_usage(response.get("usage_metadata")), RESPONSE)


def _tools(told: Any) -> list[str]:
    """Gemini's tools are sets of functions."""
    sets = [one.get("function_declarations") for one in told or () if isinstance(one, dict)]
    functions = [one for each in sets for one in each or () if isinstance(one, dict)]
    return [str(one["name"]) for one in functions if one.get("name")]
