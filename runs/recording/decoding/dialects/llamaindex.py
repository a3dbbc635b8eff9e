"""LlamaIndex: workflows and their steps, by both of its tracers.

Facts: spans are named `Class.method`. A workflow's run is `Class.run`, its steps `Class.step`,
which take an event and return one. Inputs and outputs are events as Python writes them, such as
`Refund(q='…')`, whose class is the branch taken. OpenInference keeps them in `input.value` and
`output.value`, LlamaIndex's own tracer (`llamaindex.*`) in attributes and in span events. A method
with an underscore does the work of the public method of that name. A span event is named by its
class; its fields are its attributes, inner fields joined by dots, lists of objects as JSON text. A
message is {role, blocks: [{block_type, text | …}], additional_kwargs}.
"""

import re
from ast import literal_eval
from typing import Any

import orjson

from runs.recording.decoding.dialects.chat_messages import ChatMessage, as_text
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import object_or_empty, objects_in, readable
from runs.recording.records.span import Span, SpanEvent
from runs.recording.records.usage import first_count, usage

NAME = "llamaindex"

SCOPES = ("openinference.instrumentation.llama_index", "llamaindex.opentelemetry")
METHOD = re.compile(r"([A-Za-z_]\w*)\.(\w+)")
EVENT_TEXT = re.compile(r"[A-Z_]\w*\(.*\)", re.DOTALL)
STOP_EVENT = "StopEvent"
STOP_EVENT_WITH_RESULT = STOP_EVENT + "(result="
MAX_LITERAL = 100_000
END = "__end__"
CANCELLED = frozenset({"span.cancelled", "SpanCancelledEvent"})
RUN_ID = "llamaindex.run_id"
# Steps of LlamaIndex's own agents that only pass values between the other steps.
AGENT_CLASSES = frozenset({"AgentWorkflow", "FunctionAgent", "ReActAgent", "CodeActAgent"})
AGENT_WRAPPERS = frozenset(
    {"init_run", "setup_agent", "parse_agent_output", "call_tool", "aggregate_tool_results"}
)
CONTEXT_ARGUMENTS = frozenset({"ctx", "context", "self"})
RAW, KWARGS = "response.raw.usage.", "response.additional_kwargs."
INPUT_TOKENS = (RAW + "prompt_tokens", RAW + "input_tokens", KWARGS + "prompt_tokens")
OUTPUT_TOKENS = (RAW + "completion_tokens", RAW + "output_tokens", KWARGS + "completion_tokens")
TOTAL_TOKENS = (RAW + "total_tokens", KWARGS + "total_tokens")
CACHED_TOKENS = (RAW + "prompt_tokens_details.cached_tokens", RAW + "cache_read_input_tokens")
REASONING_TOKENS = (RAW + "completion_tokens_details.reasoning_tokens",)
MODEL_ATTRIBUTES = ("model_dict.model", "model_dict.model_name", "model_dict.model_id")


def applies(span: Span, prefixes: set[str]) -> bool:
    return span.scope.startswith(SCOPES) or "llamaindex" in prefixes


def read(reading: SpanReading) -> None:
    span = reading.span
    # The first versions kept the random end of the id in the name.
    named = METHOD.fullmatch(span.name.partition("-")[0])
    if any(event.name in CANCELLED for event in span.events):
        reading.fill("status", "stopped", "span.cancelled")
    is_own_tracer = "openinference.span.kind" not in reading.attributes
    if is_own_tracer:
        _read_events(reading)
    elif reading.attributes.get("llm.model_name") == "unknown":
        reading.fields["model"] = None  # what LlamaIndex writes where a model has no name
    if named is None:
        return
    if "kind" not in reading.fields and _has_chain_kind(reading):
        _read_method(reading, *named.groups())
    if named[2].startswith("_") and span.parent_span_id is not None:
        reading.fill("folded", True, "name")
    if is_own_tracer:
        reading.fill("title", named[0], "name")


def _has_chain_kind(reading: SpanReading) -> bool:
    return str(reading.attributes.get("openinference.span.kind", "CHAIN")) == "CHAIN"


def _read_method(reading: SpanReading, owner: str, method: str) -> None:
    output_event = _output_event(reading)
    input_event = _input_event(reading, method, output_event)
    is_agent_run = method == "run" and owner in AGENT_CLASSES
    if input_event is None and output_event is None and not is_agent_run:
        reading.fill("kind", "chain", "name")
    elif method == "run":
        _read_workflow_run(reading, owner, input_event, output_event)
    else:
        _read_workflow_step(reading, owner, method, input_event, output_event)


def _read_workflow_run(
    reading: SpanReading, owner: str, start_event: str | None, stop_event: str | None
) -> None:
    reading.fill("kind", "agent" if owner in AGENT_CLASSES else "workflow", "name")
    reading.fill("title", owner, "name")
    reading.fill_run("name", owner, "name")
    run_id = _workflow_run_id(reading)
    if run_id:
        reading.fill_run("source_ids", (("llamaindex-run", run_id),), RUN_ID)
    if stop_event is not None and stop_event.startswith(STOP_EVENT_WITH_RESULT):
        reading.fields.pop("outputs", None)
        result = stop_event.removeprefix(STOP_EVENT_WITH_RESULT)[:-1]
        reading.fill("outputs", _json_of_literal(result, stop_event), "output.value")
    reading.fill("inputs", _event_with_fields(start_event), "start_event")
    if "init_state" in as_text(reading.attributes.get("input.value")):
        # The arguments beside the event are the state of the engine, which is no input of the run.
        reading.fields.setdefault("inputs", None)


def _read_workflow_step(
    reading: SpanReading, owner: str, method: str, input_event: str | None, output_event: str | None
) -> None:
    reading.fill("kind", "task", "name")
    reading.fill("node_id", method, "name")
    reading.fill("title", method, "name")
    if (owner in AGENT_CLASSES and method in AGENT_WRAPPERS) or method == "_done":
        reading.fill("folded", True, "name")
    kinds = {"received": _event_class(input_event), "sent": _event_class(output_event)}
    events = {key: name for key, name in kinds.items() if name}
    reading.fill("process_data", events, "input.value")
    if events.get("sent"):
        target = END if events["sent"] == STOP_EVENT else events["sent"]
        reading.fill("taken", target, "output.value")
    reading.fill("inputs", _event_with_fields(input_event), "input.value")
    reading.fields.setdefault("inputs", None)  # an event without fields has nothing but its class


def _input_event(reading: SpanReading, method: str, output_event: str | None) -> str | None:
    """Return the event that a step took, or that started the run."""
    attributes, span = reading.attributes, reading.span
    arguments = reading.parsed("input.value")
    if isinstance(arguments, dict):
        if "init_state" in arguments:
            return _event_text(arguments.get("start_event"))
        values = [value for name, value in arguments.items() if name not in CONTEXT_ARGUMENTS]
        return next((event for value in values if (event := _event_text(value))), None)
    if output_event is None and span.status != "error" and span.parent_span_id is not None:
        return None  # its own tracer copies the attributes of a step to all spans in it
    name = "llamaindex.start_event" if method == "run" else "llamaindex.step.input_summary"
    return _event_text(attributes.get(name))


def _output_event(reading: SpanReading) -> str | None:
    value = reading.attributes.get("output.value", reading.fields.get("outputs"))
    return _event_text(value)


def _event_text(value: Any) -> str | None:
    return value if isinstance(value, str) and EVENT_TEXT.fullmatch(value) else None


def _event_class(event: str | None) -> str:
    return event.partition("(")[0] if event else ""


def _event_with_fields(event: str | None) -> str | None:
    return None if event is None or event.endswith("()") else event


def _json_of_literal(text: str, otherwise: str) -> Any:
    """Return the JSON-like value that Python writes so; `otherwise` where it is none, or cut."""
    if len(text) > MAX_LITERAL:
        return otherwise
    try:
        return orjson.loads(orjson.dumps(literal_eval(text)))
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return otherwise


def _workflow_run_id(reading: SpanReading) -> str | None:
    """Return LlamaIndex's own id of the run: an attribute, or in the tags among the arguments."""
    run_id = reading.attributes.get(RUN_ID)
    value: Any = reading.parsed("input.value")
    for key in ("tags", "instrument_tags", RUN_ID):
        value = object_or_empty(value).get(key)
    run_id = run_id or value
    return run_id if isinstance(run_id, str) else None


def _read_events(reading: SpanReading) -> None:
    for index, event in enumerate(reading.span.events):
        reader = EVENT_READERS.get(event.name)
        if reader is not None and reader(reading, event):
            reading.consumed_events.add(index)


def _read_output_event(reading: SpanReading, event: SpanEvent) -> bool:
    reading.fill("outputs", event.attributes.get("output"), event.name)
    return set(event.attributes) <= {"output"}


def _read_llm_start(reading: SpanReading, event: SpanEvent) -> bool:
    """Read LLMChatStartEvent or LLMCompletionStartEvent."""
    attributes = event.attributes
    reading.fill("kind", "llm", event.name)
    reading.fill("model", _model_of_event(event), event.name)
    messages = _llamaindex_messages(attributes.get("messages"))
    if not messages and attributes.get("prompt"):
        messages = [{"role": "user", "content": as_text(attributes["prompt"])}]
    if messages:
        reading.fill("inputs", {"messages": messages}, event.name)
    return False  # the event has the model's settings as well


def _read_llm_end(reading: SpanReading, event: SpanEvent) -> bool:
    """Read LLMChatEndEvent or LLMCompletionEndEvent."""
    attributes = event.attributes
    reading.fill("kind", "llm", event.name)
    input, output, total = (
        first_count(attributes, names) for names in (INPUT_TOKENS, OUTPUT_TOKENS, TOTAL_TOKENS)
    )
    cached = first_count(attributes, CACHED_TOKENS)
    reasoning = first_count(attributes, REASONING_TOKENS)
    reading.fill("usage", usage(input, output, total, cached, reasoning=reasoning), event.name)
    blocks = readable(attributes.get("response.message.blocks"))
    message: ChatMessage | None = None
    if isinstance(blocks, list):
        role = attributes.get("response.message.role")
        message = {"role": role or "assistant", "blocks": blocks}
    elif attributes.get("response.text"):
        message = {"role": "assistant", "content": as_text(attributes["response.text"])}
    if message:
        reading.fill("outputs", {"messages": [message]}, event.name)
    return False


def _read_retrieval_start(reading: SpanReading, event: SpanEvent) -> bool:
    attributes = event.attributes
    reading.fill("kind", "retriever", event.name)
    query = attributes.get("str_or_query_bundle", attributes.get("str_or_query_bundle.query_str"))
    reading.fill("inputs", query, event.name)
    return False


def _read_retrieval_end(reading: SpanReading, event: SpanEvent) -> bool:
    reading.fill("kind", "retriever", event.name)
    nodes = readable(event.attributes.get("nodes"))
    if isinstance(nodes, list):
        documents = [_llamaindex_document(node) for node in objects_in(nodes)]
        reading.fill("outputs", {"documents": documents}, event.name)
    return False


def _llamaindex_document(item: dict[str, Any]) -> dict[str, Any]:
    node = object_or_empty(item.get("node"))
    document = {
        "id": node.get("id_"), "content": node.get("text"), "score": item.get("score"),
        "metadata": node.get("metadata"),
    }  # fmt: skip
    return {key: value for key, value in document.items() if value not in (None, {})}


def _model_of_event(event: SpanEvent) -> str | None:
    names = (name for name in MODEL_ATTRIBUTES if event.attributes.get(name))
    model = event.attributes.get(next(names, ""))
    return model if isinstance(model, str) else None


def _read_embedding_event(reading: SpanReading, event: SpanEvent) -> bool:
    reading.fill("kind", "embedding", event.name)
    reading.fill("model", _model_of_event(event), event.name)
    reading.fill("inputs", event.attributes.get("chunks"), event.name)
    return False


def _read_agent_tool_call(reading: SpanReading, event: SpanEvent) -> bool:
    attributes = event.attributes
    reading.fill("kind", "tool", event.name)
    name = attributes.get("tool.name")
    reading.fill("title", name if isinstance(name, str) else None, event.name)
    reading.fill("inputs", readable(attributes.get("arguments")), event.name)
    return False


def _llamaindex_messages(value: Any) -> list[ChatMessage]:
    return [{**item, "role": item.get("role") or "user"} for item in objects_in(readable(value))]


EVENT_READERS = {
    "WorkflowStepOutputEvent": _read_output_event,
    "WorkflowRunOutputEvent": _read_output_event,
    "LLMChatStartEvent": _read_llm_start,
    "LLMCompletionStartEvent": _read_llm_start,
    "LLMChatEndEvent": _read_llm_end,
    "LLMCompletionEndEvent": _read_llm_end,
    "RetrievalStartEvent": _read_retrieval_start,
    "RetrievalEndEvent": _read_retrieval_end,
    "EmbeddingStartEvent": _read_embedding_event,
    "EmbeddingEndEvent": _read_embedding_event,
    "AgentToolCallEvent": _read_agent_tool_call,
}
