"""LlamaIndex: workflows and their steps, by both of its tracers.

Facts: spans are named `Class.method`. A workflow's run is `Class.run`, its steps `Class.step`,
which take an event and return one: what came in and went out is the event as Python writes it, such
as `Refund(q='…')`, whose class says which way was taken. OpenInference keeps it in `input.value`
and `output.value`, LlamaIndex's own tracer (`llamaindex.*`) in attributes and span events, which
`llamaindex_events` reads. Methods with an underscore are what a public method of that name does.
"""

import re
from ast import literal_eval
from typing import Any

import orjson

from runs.recording.decoding.dialects import llamaindex_events
from runs.recording.decoding.dialects.chat_messages import as_text
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import readable
from runs.recording.records.span import Span

NAME = "llamaindex"

SCOPES = ("openinference.instrumentation.llama_index", "llamaindex.opentelemetry")
METHOD = re.compile(r"([A-Za-z_]\w*)\.(\w+)")
EVENT = re.compile(r"[A-Z_]\w*\(.*\)", re.DOTALL)
STOP = "StopEvent"
RESULT = STOP + "(result="
MAX_LITERAL = 100_000
END = "__end__"
CANCELLED = frozenset({"span.cancelled", "SpanCancelledEvent"})
RUN_ID = "llamaindex.run_id"
# Steps of LlamaIndex's own agents that only hand on what the steps between them do.
AGENTS = frozenset({"AgentWorkflow", "FunctionAgent", "ReActAgent", "CodeActAgent"})
AGENT_PLUMBING = frozenset(
    {"init_run", "setup_agent", "parse_agent_output", "call_tool", "aggregate_tool_results"}
)
CONTEXT = frozenset({"ctx", "context", "self"})


def applies(span: Span, spoken: set[str]) -> bool:
    return span.scope.startswith(SCOPES) or "llamaindex" in spoken


def read(reading: SpanReading) -> None:
    span = reading.span
    # The first versions kept the random end of the id in the name.
    named = METHOD.fullmatch(span.name.partition("-")[0])
    if any(event.name in CANCELLED for event in span.events):
        reading.fill("status", "stopped", "span.cancelled")
    own = "openinference.span.kind" not in reading.attributes
    if own:
        llamaindex_events.read(reading)
    elif reading.attributes.get("llm.model_name") == "unknown":
        reading.fields["model"] = None  # what LlamaIndex writes where a model has no name
    if named is None:
        return
    if "kind" not in reading.fields and _is_chain(reading):
        _read_chain(reading, *named.groups())
    if named[2].startswith("_") and span.parent_span_id is not None:
        reading.fill("folded", True, "name")
    if own:
        reading.fill("title", named[0], "name")


def _is_chain(reading: SpanReading) -> bool:
    return str(reading.attributes.get("openinference.span.kind", "CHAIN")) == "CHAIN"


def _read_chain(reading: SpanReading, owner: str, method: str) -> None:
    sent = _sent(reading)
    given = _given(reading, method, sent)
    if given is None and sent is None and not (method == "run" and owner in AGENTS):
        reading.fill("kind", "chain", "name")
    elif method == "run":
        _read_run(reading, owner, given, sent)
    else:
        _read_step(reading, owner, method, given, sent)


def _read_run(reading: SpanReading, owner: str, given: str | None, sent: str | None) -> None:
    reading.fill("kind", "agent" if owner in AGENTS else "workflow", "name")
    reading.fill("title", owner, "name")
    reading.fill_run("name", owner, "name")
    run_id = _run_id(reading)
    if run_id:
        reading.fill_run("source_ids", (("llamaindex-run", run_id),), RUN_ID)
    if sent is not None and sent.startswith(RESULT):
        reading.fields.pop("outputs", None)
        reading.fill("outputs", _literal(sent.removeprefix(RESULT)[:-1], sent), "output.value")
    reading.fill("inputs", _with_fields(given), "start_event")
    if "init_state" in as_text(reading.attributes.get("input.value")):
        # Beside the event: the state of the engine, which nobody asked for.
        reading.fields.setdefault("inputs", None)


def _read_step(
    reading: SpanReading, owner: str, method: str, given: str | None, sent: str | None
) -> None:
    reading.fill("kind", "task", "name")
    reading.fill("node_id", method, "name")
    reading.fill("title", method, "name")
    if (owner in AGENTS and method in AGENT_PLUMBING) or method == "_done":
        reading.fill("folded", True, "name")
    kinds = {"received": _class_of(given), "sent": _class_of(sent)}
    events = {key: name for key, name in kinds.items() if name}
    reading.fill("process_data", events, "input.value")
    if events.get("sent"):
        reading.fill("taken", END if events["sent"] == STOP else events["sent"], "output.value")
    reading.fill("inputs", _with_fields(given), "input.value")
    reading.fields.setdefault("inputs", None)  # an event without fields says no more than its class


def _given(reading: SpanReading, method: str, sent: str | None) -> str | None:
    """The event that a step took, or that started the run."""
    told, span = reading.attributes, reading.span
    arguments = readable(told.get("input.value"))
    if isinstance(arguments, dict):
        if "init_state" in arguments:
            return _event(arguments.get("start_event"))
        values = [value for name, value in arguments.items() if name not in CONTEXT]
        return next((event for value in values if (event := _event(value))), None)
    if sent is None and span.status != "error" and span.parent_span_id is not None:
        return None  # its own tracer hands the attributes of a step down to all that runs in it
    run = method == "run"
    return _event(told.get("llamaindex.start_event" if run else "llamaindex.step.input_summary"))


def _sent(reading: SpanReading) -> str | None:
    told = reading.attributes.get("output.value", reading.fields.get("outputs"))
    return _event(told)


def _event(value: Any) -> str | None:
    return value if isinstance(value, str) and EVENT.fullmatch(value) else None


def _class_of(event: str | None) -> str:
    return event.partition("(")[0] if event else ""


def _with_fields(event: str | None) -> str | None:
    return None if event is None or event.endswith("()") else event


def _literal(text: str, otherwise: str) -> Any:
    """The JSON-like value that Python writes so; `otherwise` where it is none, or cut."""
    if len(text) > MAX_LITERAL:
        return otherwise
    try:
        return orjson.loads(orjson.dumps(literal_eval(text)))
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return otherwise


def _run_id(reading: SpanReading) -> str | None:
    """The run's id by LlamaIndex: an attribute, or in the tags among the arguments."""
    told = reading.attributes.get(RUN_ID)
    place: Any = readable(reading.attributes.get("input.value"))
    for key in ("tags", "instrument_tags", RUN_ID):
        place = place.get(key) if isinstance(place, dict) else None
    told = told or place
    return told if isinstance(told, str) else None
