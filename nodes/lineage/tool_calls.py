"""Tool calls: which model step requested a call, and which step answered it. Pure."""

from collections.abc import Iterator
from typing import Any

from nodes.content.message_parts import ToolResult
from nodes.content.messages import read_message
from nodes.kinds import kind_of
from nodes.lineage.links import LineageLink, ValueSource
from nodes.lineage.run_index import RunIndex
from nodes.lineage.steps import LineageStep, precedes
from nodes.lineage.value_search import RequestedCall, locate
from nodes.lineage.values import MISSING, pieces_of


def link_to_request(run: RunIndex, step: LineageStep, call_id: str = "") -> LineageLink | None:
    """Return the link of a tool step to the model call that asked for it: by the id of the call;
    without it a likely one, by name and arguments."""
    inputs = run.value(step.inputs)
    requests: list[tuple[RequestedCall, LineageStep]] = []
    for requested_id, calls in run.values.calls.items():
        for call in calls:
            matches = requested_id == call_id or (
                not call_id and call.name == step.title and _same_arguments(call.arguments, inputs)
            )
            requester = _requester(run, call, step) if matches else None
            if requester:
                requests.append((call, requester))
    if not requests:
        return None
    call, requester = max(requests, key=lambda pair: (_is_model(pair[1]), pair[1].start_order))
    why = f"tool call {call_id}" if call_id else "requested with this name and these arguments"
    source = ValueSource("step", requester, "outputs", call.spot.path)
    return LineageLink((), source, "same", bool(call_id), why, inputs)


def _same_arguments(arguments: Any, inputs: Any) -> bool:
    """Return whether a tool's inputs are the arguments of a call. Some producers report the only
    argument without its name."""
    return arguments == inputs or (
        isinstance(arguments, dict) and len(arguments) == 1 and inputs in arguments.values()
    )


def _requester(run: RunIndex, call: RequestedCall, step: LineageStep) -> LineageStep | None:
    """Return the newest step before `step` whose outputs hold a call; a model call rather than what
    it is part of."""
    givers = [other for other in run.steps_with_output(call.spot.digest) if precedes(other, step)]
    models = [other for other in givers if _is_model(other)]
    return max(models or givers, key=lambda other: other.start_order, default=None)


def links_to_results(run: RunIndex, step: LineageStep, inputs: Any) -> Iterator[LineageLink]:
    """Yield links of the tool results among a model's messages to the tools that output them, by
    the ids of their calls."""
    for piece in pieces_of(inputs):
        if not isinstance(piece.value, dict) or not _may_be_result(piece.value):
            continue
        message = read_message(piece.value)
        for result in message.results if message else ():
            if tool := _tool_of_result(run, step, result):
                source = ValueSource("step", tool, "outputs", ())
                change, why = _result_change(run, tool, result.value), f"tool call {result.id}"
                yield LineageLink(piece.path, source, change, True, why, result.value)


def _may_be_result(value: dict[str, Any]) -> bool:
    if "tool_call_id" in value or "call_id" in value:
        return True
    return value.get("role") in ("tool", "function", "user")  # Gemini's and Anthropic's are these


def _tool_of_result(run: RunIndex, step: LineageStep, result: ToolResult) -> LineageStep | None:
    """Return the step that answered a call which a model step before `step` asked for. Some models
    count their calls anew each time: of several steps it is the one that output the result."""
    requests = [
        (requester, call)
        for call in (run.values.calls.get(result.id, ()) if result.id else ())
        if (requester := _requester(run, call, step))
    ]
    requests.sort(key=lambda pair: (not _is_model(pair[0]), pair[0].start_order))
    # A step that outputs the same call again later, with all messages, did not ask for it.
    first_requests: list[tuple[LineageStep, RequestedCall]] = []
    for requester, call in requests:
        if not any(_same_request(call, earlier) for _, earlier in first_requests):
            first_requests.append((requester, call))
    tools = {
        tool
        for requester, call in first_requests
        if (tool := _answering_tool(run, requester, call, step))
    }
    if len(tools) > 1:
        tools = {tool for tool in tools if _result_change(run, tool, result.value)}
    return tools.pop() if len(tools) == 1 else None


def _same_request(call: RequestedCall, other: RequestedCall) -> bool:
    return (call.name, call.arguments) == (other.name, other.arguments)


def _answering_tool(
    run: RunIndex, requester: LineageStep, call: RequestedCall, step: LineageStep
) -> LineageStep | None:
    """Return the first tool of that name after a call and before `step`; of several the one with
    the call's arguments."""
    tools = [
        other
        for other in run.steps.by_title.get(call.name, ())
        if precedes(requester, other) and precedes(other, step)
    ]
    if len(tools) > 1:
        tools = [tool for tool in tools if _same_arguments(call.arguments, run.value(tool.inputs))]
    return min(tools, key=lambda tool: tool.start_order, default=None)


def _result_change(run: RunIndex, tool: LineageStep, value: Any) -> str:
    """Return how a tool's result differs from its outputs; "" where that cannot be seen."""
    outputs = run.value(tool.outputs)
    if outputs == value:
        return "same"
    links = locate(outputs, value) if outputs is not MISSING else []
    return links[0].change if links else ""


def _is_model(step: LineageStep) -> bool:
    return kind_of(step.kind).call == "model"
