"""How a span ended: its status, and the error where it has one.

OpenTelemetry leaves the status of most spans unset, failed ones included. What else says that a
step failed: an exception event, the type of an error, an HTTP status, or a result that calls itself
an error (MCP's `isError`, LangChain's tool message of status "error", Strands' and AgentScope's
results). By OpenTelemetry's semantic conventions `error.type` is set only of what failed, and an
HTTP call failed for its client with 4xx and 5xx, for its server with 5xx.

An exception is no failure where a framework raises it to say something else: that it waits for a
person, that it hands over, or that somebody cancelled the work.
"""

import re
from typing import Any, NamedTuple

from nodes.kinds import kind_of
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import readable
from runs.recording.records.span import Span

# What is raised to wait for a person or for a result from elsewhere: LangGraph, pydantic-ai,
# Strands, Microsoft's Agent Framework, LlamaIndex, CrewAI, Genkit.
WAITING = frozenset({
    "graphinterrupt", "nodeinterrupt", "approvalrequired", "calldeferred", "interruptexception",
    "userinputrequiredexception", "waitingforevent", "humanfeedbackpending", "toolinterrupterror",
})  # fmt: skip
# What LangGraph raises to go on at another node.
HAND_OFFS = frozenset({"parentcommand", "graphbubbleup", "graphdelegate"})
# What Python, JavaScript, .NET, the JVM and gRPC call work that somebody cancelled. Go has no type.
CANCELLED = frozenset({
    "cancellederror", "cancelled", "canceled", "generatorexit", "keyboardinterrupt", "aborterror",
    "apiuseraborterror", "responseaborted", "taskcanceledexception", "operationcanceledexception",
    "cancellationexception", "jobcancellationexception", "asynciocancellederror",
})  # fmt: skip
GO_CANCELLED = re.compile(r"(?:^|: )context canceled$")
NET_TIMEOUT = "HttpClient.Timeout"  # .NET cancels a task that took too long
TYPE_BEFORE_MESSAGE = re.compile(r"([A-Za-z_][\w.]*)(?:[:(]|$)")
FAILED_STATUSES = frozenset({"failed", "exception", "retry"})
HTTP_STATUSES = ("http.response.status_code", "http.status_code")
TOOL_RESULTS = ("gen_ai.tool.call.result", "output.value", "langfuse.observation.output",
                "gen_ai.completion", "traceloop.entity.output")  # fmt: skip
# Python writes a LangChain message so.
LANGCHAIN_TEXT = re.compile(r"^content=.*\bstatus='error'", re.DOTALL)
# Where a result that is wrapped in another one stands.
RESULT_PARTS = ("kwargs", "toolResult", "output", "result", "data", "messages", "parts", "message")
RESULT_DEPTH = 4
STACK_HEAD = re.compile(r"\n\n([A-Za-z_$][\w$.]*)(?: \[\w+\])?: ")


class RaisedError(NamedTuple):
    """What a span says was raised: its type and message, each "" where it is not said."""

    type: str
    message: str


NOTHING_RAISED = RaisedError("", "")


def read_outcome(reading: SpanReading) -> None:
    """Fill status, error and error type. UNSET is success unless something else says otherwise. The
    message of the exception is preferred to the text of the status, which in many frameworks
    contains the class and the stack as well."""
    span, fields = reading.span, reading.fields
    raised = _last_exception(span) if span.events else NOTHING_RAISED
    stated_type, status_message = without_stack(span.status_message)
    error_type = _as_text(reading.attributes.get("error.type")) or stated_type
    ended = _ended_without_failure(raised, error_type, span)
    if ended and fields.get("status", "failed") == "failed":
        # A dialect that calls it a failure knows less.
        fields.pop("status", None)
        reading.fill("status", ended, "exception.type")
    elif span.status == "error":
        reading.fill("status", "failed", "status")
    elif span.end_us is not None:
        _read_unset_status(reading, raised, error_type)
        reading.fill("status", "succeeded", "status")
    if fields.get("status") in FAILED_STATUSES or fields.get("status") == "stopped":
        reading.fill("error", raised.message, "exception.message")
        reading.fill("error", status_message, "status.message")
        reading.fill("error_type", raised.type or error_type, "exception.type")
        if (code := _http_status(reading)) >= 400:
            reading.fill("error", f"HTTP {code}", HTTP_STATUSES[0])
        reading.fill("error", raised.type or error_type, "exception.type")


def _ended_without_failure(raised: RaisedError, error_type: str, span: Span) -> str:
    """Return "paused", "stopped" or "succeeded" where the exception means that, else ""."""
    if not error_type and not span.status_message and not any(raised):
        return ""  # most spans
    in_message = TYPE_BEFORE_MESSAGE.match(span.status_message) if span.status == "error" else None
    names = [raised.type, error_type, in_message[1] if in_message else ""]
    words = {name.rpartition(".")[2].lower() for name in names}
    message = raised.message or span.status_message
    if words & WAITING:
        return "paused"
    if words & HAND_OFFS:
        return "succeeded"
    if words & CANCELLED and NET_TIMEOUT not in message:
        return "stopped"
    return "stopped" if GO_CANCELLED.search(message) else ""


def _read_unset_status(reading: SpanReading, raised: RaisedError, error_type: str) -> None:
    """Fill status and error of a span whose status is no error, where something else says that it
    failed. Who has a result in spite of an exception has handled it. What a result says of itself
    holds also where the status is OK: AgentScope sets it in any case."""
    is_ok = reading.span.status == "ok"
    has_result = reading.fields.get("outputs") not in (None, "", {}, [])
    if kind_of(reading.fields.get("kind", "")).call == "tool":
        _read_error_in_result(reading)
    if is_ok and has_result:
        return
    if error_type:
        reading.fill("status", "failed", "error.type")
    elif raised.type or raised.message:
        reading.fill("status", "exception" if has_result else "failed", "exception.type")
    failing = 400 if reading.span.kind == "client" else 500
    if not is_ok and _http_status(reading) >= failing:
        reading.fill("status", "failed", HTTP_STATUSES[0])


def _http_status(reading: SpanReading) -> int:
    """Return the status of an HTTP response, 0 where the span has none."""
    attributes = reading.attributes
    code = str(next((attributes[name] for name in HTTP_STATUSES if name in attributes), ""))
    return int(code) if len(code) == 3 and code.isdecimal() else 0


def _read_error_in_result(reading: SpanReading) -> None:
    values = [(reading.fields.get("outputs"), "outputs")]
    values += [
        (reading.parsed(name), name)
        for name in TOOL_RESULTS
        if name in reading.attributes and name not in reading.consumed
    ]
    for value, attribute in values:
        error = _error_in_result(value, RESULT_DEPTH)
        if error is not None:
            reading.fill("status", "failed", attribute)
            reading.fill("error", error or "The result says that it is an error.", attribute)
            return


def _error_in_result(value: Any, depth: int) -> str | None:
    """Return the text of a tool's result that calls itself an error, "" where it has none; None for
    any other value."""
    if isinstance(value, str):
        return value if LANGCHAIN_TEXT.match(value) else None
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict) or depth == 0:
        return None
    is_message = "content" in value or "tool_call_id" in value or "toolUseId" in value
    says_error = value.get("isError") is True or value.get("is_error") is True
    if says_error or (is_message and "error" in (value.get("status"), value.get("state"))):
        return _text_in(value.get("content", value.get("error", value.get("result"))))
    for key in RESULT_PARTS:
        inner = readable(value[key]) if key in value else None
        if (
            isinstance(inner, (dict, list))
            and (error := _error_in_result(inner, depth - 1)) is not None
        ):
            return error
    return None


def _text_in(value: Any) -> str:
    """Return the text of a message's content: a text, or the texts of its parts."""
    if isinstance(value, list):
        return "\n".join(text for item in value if (text := _text_in(item)))
    if isinstance(value, dict):
        return _text_in(value.get("text", value.get("content")))
    return value if isinstance(value, str) else ""


def _last_exception(span: Span) -> RaisedError:
    """Return the last exception recorded on the span: the one that ended it."""
    for event in reversed(span.events):
        if event.name == "exception":
            names = ("exception.type", "exception.message")
            error_type, message = (_as_text(event.attributes.get(name)) for name in names)
            stack_type, message = without_stack(message)
            return RaisedError(error_type or stack_type, message)
    return NOTHING_RAISED


def has_raised(span: Span) -> bool:
    """Return whether an exception ended the span that is a failure."""
    raised = _last_exception(span)
    return any(raised) and not _ended_without_failure(raised, "", span)


def without_stack(text: str) -> tuple[str, str]:
    """Return the type and the message of an error that LangChain.js tells with its stack:
    "MESSAGE\\n\\nTYPE: MESSAGE\\n    at …". Of other texts the type is "" and nothing is cut."""
    head, frame, _ = text.partition("\n    at ")
    if frame:
        for match in STACK_HEAD.finditer(head):
            message = head[: match.start()]
            if head[match.end() :] == message:
                return match[1], message
    return "", text


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
