"""Haystack's own tracer: `haystack.pipeline.run`, `haystack.component.run`, `haystack.agent.*`.

Facts: Haystack 2 and 3 with the OpenTelemetry tracer. The pipeline is the run, its components are
the nodes; sockets and who sends to them are told with every component, values only where content
tracing is on. Until 2.x ended an asynchronous pipeline had a name of its own, an agent's model and
tools were components, and `output_data` was always {}.
"""

import re
from typing import Any

from runs.recording.decoding.dialects.haystack_values import documents, in_normal_parts, usage_of
from runs.recording.decoding.dialects.llm_api import model_request, model_response
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import readable
from runs.recording.records.span import Span
from runs.recording.records.usage import whole

NAME = "haystack"

PIPELINE = "haystack.pipeline."
COMPONENT = "haystack.component."
AGENT = "haystack.agent."
TOOL = "haystack.tool.name"
STEP_LLM, STEP_TOOL = AGENT + "step.llm", AGENT + "step.tool"
STRATEGY = AGENT + "hook.human_in_the_loop.strategy"
# By the end of the class's name, which integrations and own components follow as well.
KINDS = (
    ("llm", re.compile(r"Generator$|^LLM$")),
    ("embedding", re.compile(r"Embedder$")),
    ("retriever", re.compile(r"Retriever$")),
    ("reranker", re.compile(r"Ranker$")),
    ("branch", re.compile(r"Router$")),
    ("joiner", re.compile(r"Joiner$")),
    ("prompt", re.compile(r"PromptBuilder$")),
    ("agent", re.compile(r"Agent$")),
    ("tool", re.compile(r"ToolInvoker$|WebSearch$|Fetcher$|Connector$")),
    ("document-extractor", re.compile(r"Converter$|ToDocument$|Extractor$")),
    ("evaluator", re.compile(r"Evaluator$")),
)


def applies(span: Span, spoken: set[str]) -> bool:
    return "haystack" in spoken or span.name.startswith("haystack.")


def read(reading: SpanReading) -> None:
    name = reading.span.name
    reader = READERS.get(name)
    if reader is not None:
        reader(reading)
    elif COMPONENT + "type" in reading.attributes:
        _read_component(reading)
    else:
        reading.fill_from("title", AGENT + "hook.name")
        reading.fill("title", name.removeprefix("haystack."), "name")
        reading.fill("kind", "task", "name")


def _read_pipeline(reading: SpanReading) -> None:
    metadata = readable(reading.attributes.get(PIPELINE + "metadata"))
    name = metadata.get("name") if isinstance(metadata, dict) else None
    name = name if isinstance(name, str) else None
    reading.fields["is_run"] = True  # below a component (a pipeline in a pipeline) it is a step
    reading.fill("kind", "workflow", "name")
    reading.fill_run("name", name, PIPELINE + "metadata")
    reading.fill("title", name, PIPELINE + "metadata")
    reading.fill("title", "pipeline", "name")
    reading.fill_payload("inputs", PIPELINE + "input_data")
    if reading.attributes.get(PIPELINE + "output_data") != "{}":
        reading.fill_payload("outputs", PIPELINE + "output_data")


def _read_component(reading: SpanReading) -> None:
    told = reading.attributes
    class_name = str(told.get(COMPONENT + "type", ""))
    kind = next((kind for kind, pattern in KINDS if pattern.search(class_name)), "task")
    reading.fill_from("node_id", COMPONENT + "name")
    reading.fill_from("title", COMPONENT + "name", COMPONENT + "type")
    reading.fill("kind", kind, COMPONENT + "type")
    output = readable(told.get(COMPONENT + "output"))
    _read_flow(reading, output)
    _read_values(reading, kind, COMPONENT, output)


def _read_flow(reading: SpanReading, output: Any) -> None:
    """Who sends to the sockets of a component, and the one of several ways that it took."""
    senders = _names(reading.attributes, "input_spec", "senders")
    reading.fill("ran_after", tuple(senders) or None, COMPONENT + "input_spec")
    sockets = readable(reading.attributes.get(COMPONENT + "output_spec"))
    if isinstance(sockets, dict) and isinstance(output, dict) and len(sockets) > 1:
        used = [socket for socket in sockets if socket in output]
        if len(used) == 1:
            reading.fill("taken", used[0], COMPONENT + "output")


def _names(told: dict[str, Any], spec: str, key: str) -> dict[str, None]:
    sockets = readable(told.get(COMPONENT + spec))
    found: dict[str, None] = {}
    for socket in sockets.values() if isinstance(sockets, dict) else ():
        names = socket.get(key) if isinstance(socket, dict) else None
        for name in names if isinstance(names, list) else ():
            found[str(name)] = None
    return found


def _read_values(reading: SpanReading, kind: str, prefix: str, output: Any) -> None:
    if kind == "llm":
        _read_call(reading, prefix, output)
    elif kind in ("retriever", "reranker"):
        found = documents(output)
        if found is not None:
            reading.fill("outputs", found, prefix + "output")
            reading.use((prefix + "output",))
    if kind in ("llm", "embedding"):
        model, usage = usage_of(output)
        reading.fill("model", model, prefix + "output")
        reading.fill("usage", usage, prefix + "output")
    reading.fill_payload("inputs", prefix + "input")
    reading.fill_payload("outputs", prefix + "output")


def _read_call(reading: SpanReading, prefix: str, output: Any) -> None:
    question = in_normal_parts(readable(reading.attributes.get(prefix + "input")))
    request = model_request(question)
    options = question.get("generation_kwargs") if isinstance(question, dict) else None
    if request and isinstance(options, dict) and options:
        request["parameters"] = options
    reading.fill("inputs", request, prefix + "input")
    reading.fill("outputs", model_response(in_normal_parts(output)), prefix + "output")


def _read_agent(reading: SpanReading) -> None:
    # Within a pipeline it repeats the component that it is.
    reading.fields.update(is_run=True, folded=reading.span.parent_span_id is not None)
    reading.fill("kind", "agent", "name")
    reading.fill("title", "agent", "name")
    reading.fill_payload("inputs", AGENT + "input")
    reading.fill_payload("outputs", AGENT + "output")


def _read_pass(reading: SpanReading) -> None:
    reading.fields["folded"] = True
    reading.fill("kind", "chain", "name")
    reading.fill("title", "step", "name")
    reading.fill("pass_index", whole(reading.attributes.get(AGENT + "step")), AGENT + "step")


def _read_agent_call(reading: SpanReading) -> None:
    reading.fill("kind", "llm", "name")
    reading.fill("title", "llm", "name")
    output = readable(reading.attributes.get(STEP_LLM + ".output"))
    _read_values(reading, "llm", STEP_LLM + ".", output)


def _read_tool(reading: SpanReading) -> None:
    reading.fill("kind", "tool", "name")
    reading.fill_from("title", TOOL)
    reading.fill("title", "tools", "name")  # before 3.0 one span for all calls of a step
    output = readable(reading.attributes.get(STEP_TOOL + ".output"))
    if isinstance(output, dict) and list(output) == ["error"] and TOOL in reading.attributes:
        # The agent hands the error to the model, and the span ends well.
        reading.fill("status", "failed", STEP_TOOL + ".output")
        reading.fill("error", str(output["error"]), STEP_TOOL + ".output")
    reading.fill_payload("inputs", STEP_TOOL + ".input")
    reading.fill_payload("outputs", STEP_TOOL + ".output")


def _read_confirmation(reading: SpanReading) -> None:
    reading.fill("kind", "human-input", "name")
    reading.fill_from("title", TOOL)
    reading.fill_from("taken", STRATEGY + ".decision")
    reading.fill_payload("inputs", STRATEGY + ".input")
    reading.fill_payload("outputs", STRATEGY + ".output")


READERS = {
    "haystack.pipeline.run": _read_pipeline,
    "haystack.async_pipeline.run": _read_pipeline,
    AGENT + "run": _read_agent,
    AGENT + "step": _read_pass,
    STEP_LLM: _read_agent_call,
    STEP_TOOL: _read_tool,
    STRATEGY: _read_confirmation,
}
