"""Haystack's own tracer: `haystack.pipeline.run`, `haystack.component.run`, `haystack.agent.*`.

Facts: Haystack 2 and 3 with the OpenTelemetry tracer. The pipeline is the run, its components are
the nodes. Every component has its sockets and their senders; values are sent only where content
tracing is on. In 2.x an asynchronous pipeline had a name of its own, an agent's model and tools
were components, and `output_data` was always {}.
"""

import re
from typing import Any

from runs.recording.decoding.dialects.llm_api import model_request, model_response
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import list_or_empty, object_or_empty, objects_in, readable
from runs.recording.records.record import Usage
from runs.recording.records.span import Span
from runs.recording.records.usage import api_usage, to_count

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
# Keys of a chat message; before 2.12 they began with an underscore.
DOCUMENT_KEYS = ("id", "content", "score")


def applies(span: Span, prefixes: set[str]) -> bool:
    return "haystack" in prefixes or span.name.startswith("haystack.")


def read(reading: SpanReading) -> None:
    name = reading.span.name
    reader = READERS.get(name)
    if reader is not None:
        reader(reading)
    elif COMPONENT + "type" in reading.attributes:
        _read_haystack_component(reading)
    else:
        reading.fill_from("title", AGENT + "hook.name")
        reading.fill("title", name.removeprefix("haystack."), "name")
        reading.fill("kind", "task", "name")


def _read_pipeline_run(reading: SpanReading) -> None:
    name = object_or_empty(reading.parsed(PIPELINE + "metadata")).get("name")
    name = name if isinstance(name, str) else None
    reading.fields["is_run"] = True  # below a component (a pipeline in a pipeline) it is a step
    reading.fill("kind", "workflow", "name")
    reading.fill_run("name", name, PIPELINE + "metadata")
    reading.fill("title", name, PIPELINE + "metadata")
    reading.fill("title", "pipeline", "name")
    reading.fill_payload("inputs", PIPELINE + "input_data")
    if reading.attributes.get(PIPELINE + "output_data") != "{}":
        reading.fill_payload("outputs", PIPELINE + "output_data")


def _read_haystack_component(reading: SpanReading) -> None:
    class_name = str(reading.attributes.get(COMPONENT + "type", ""))
    kind = next((kind for kind, pattern in KINDS if pattern.search(class_name)), "task")
    reading.fill_from("node_id", COMPONENT + "name")
    reading.fill_from("title", COMPONENT + "name", COMPONENT + "type")
    reading.fill("kind", kind, COMPONENT + "type")
    output = reading.parsed(COMPONENT + "output")
    _read_sockets(reading, output)
    _read_component_values(reading, kind, COMPONENT, output)


def _read_sockets(reading: SpanReading, output: Any) -> None:
    """Read the senders to a component, and the branch taken: the only one of its several output
    sockets that has a value."""
    senders = _names_in_sockets(reading.attributes, "input_spec", "senders")
    reading.fill("ran_after", tuple(senders) or None, COMPONENT + "input_spec")
    sockets = reading.parsed(COMPONENT + "output_spec")
    if isinstance(sockets, dict) and isinstance(output, dict) and len(sockets) > 1:
        used = [socket for socket in sockets if socket in output]
        if len(used) == 1:
            reading.fill("taken", used[0], COMPONENT + "output")


def _names_in_sockets(attributes: dict[str, Any], spec: str, key: str) -> dict[str, None]:
    sockets = object_or_empty(readable(attributes.get(COMPONENT + spec)))
    names = [list_or_empty(socket.get(key)) for socket in objects_in([*sockets.values()])]
    return {str(name): None for socket_names in names for name in socket_names}


def _read_component_values(reading: SpanReading, kind: str, prefix: str, output: Any) -> None:
    if kind == "llm":
        _read_generator_call(reading, prefix, output)
    elif kind in ("retriever", "reranker"):
        documents = _haystack_documents(output)
        if documents is not None:
            reading.fill("outputs", documents, prefix + "output")
            reading.consume((prefix + "output",))
    if kind in ("llm", "embedding"):
        model, usage = _model_and_usage(output)
        reading.fill("model", model, prefix + "output")
        reading.fill("usage", usage, prefix + "output")
    reading.fill_payload("inputs", prefix + "input")
    reading.fill_payload("outputs", prefix + "output")


def _read_generator_call(reading: SpanReading, prefix: str, output: Any) -> None:
    input = reading.parsed(prefix + "input")
    request = model_request(input)
    options = object_or_empty(object_or_empty(input).get("generation_kwargs"))
    if request and options:
        request["parameters"] = options
    reading.fill("inputs", request, prefix + "input")
    reading.fill("outputs", model_response(output), prefix + "output")


def _read_haystack_agent(reading: SpanReading) -> None:
    # Within a pipeline it repeats the component that it is.
    reading.fields.update(is_run=True, folded=reading.span.parent_span_id is not None)
    reading.fill("kind", "agent", "name")
    reading.fill("title", "agent", "name")
    reading.fill_payload("inputs", AGENT + "input")
    reading.fill_payload("outputs", AGENT + "output")


def _read_agent_step(reading: SpanReading) -> None:
    reading.fields["folded"] = True
    reading.fill("kind", "chain", "name")
    reading.fill("title", "step", "name")
    reading.fill("pass_index", to_count(reading.attributes.get(AGENT + "step")), AGENT + "step")


def _read_agent_call(reading: SpanReading) -> None:
    reading.fill("kind", "llm", "name")
    reading.fill("title", "llm", "name")
    output = reading.parsed(STEP_LLM + ".output")
    _read_component_values(reading, "llm", STEP_LLM + ".", output)


def _read_agent_tool_call(reading: SpanReading) -> None:
    reading.fill("kind", "tool", "name")
    reading.fill_from("title", TOOL)
    reading.fill("title", "tools", "name")  # before 3.0 one span for all calls of a step
    output = reading.parsed(STEP_TOOL + ".output")
    if isinstance(output, dict) and list(output) == ["error"] and TOOL in reading.attributes:
        # The agent passes the error to the model, and the span has no error.
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


def _haystack_documents(value: Any) -> dict[str, Any] | None:
    """Return {"documents": [{id, content, score, metadata}]}, or None where there are none.
    Haystack writes the metadata of a document among its own fields."""
    documents = object_or_empty(value).get("documents")
    if not isinstance(documents, list) or not all(isinstance(item, dict) for item in documents):
        return None
    return {**value, "documents": [_haystack_document(item) for item in documents]}


def _haystack_document(source: dict[str, Any]) -> dict[str, Any]:
    own_fields = {key: source[key] for key in source if key not in (*DOCUMENT_KEYS, "meta")}
    metadata = own_fields | object_or_empty(source.get("meta"))
    metadata = {key: value for key, value in metadata.items() if value is not None}
    document = {key: source[key] for key in DOCUMENT_KEYS if key in source}
    return {**document, "metadata": metadata} if metadata else document


def _model_and_usage(output: Any) -> tuple[str | None, Usage | None]:
    """Return model and usage from the metadata beside the replies or of the first reply. All
    replies of a call have the same."""
    output = object_or_empty(output)
    meta, replies = output.get("meta"), objects_in(output.get("replies"))
    reply_metadata = [reply.get("meta", reply.get("_meta")) for reply in replies]
    for metadata in objects_in([*(meta if isinstance(meta, list) else [meta]), *reply_metadata]):
        model, usage = metadata.get("model"), api_usage(metadata.get("usage"))
        if model or usage:
            return model if isinstance(model, str) else None, usage
    return None, None


READERS = {
    "haystack.pipeline.run": _read_pipeline_run,
    "haystack.async_pipeline.run": _read_pipeline_run,
    AGENT + "run": _read_haystack_agent,
    AGENT + "step": _read_agent_step,
    STEP_LLM: _read_agent_call,
    STEP_TOOL: _read_agent_tool_call,
    STRATEGY: _read_confirmation,
}
