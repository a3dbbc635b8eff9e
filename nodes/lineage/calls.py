"""Calls of tools: which model step asked for one, and which step answered it. Pure."""

from collections.abc import Iterator
from typing import Any

from nodes.content.messages import ToolResult, read_message
from nodes.kinds import kind_of
from nodes.lineage.executions import Visit, is_before
from nodes.lineage.index import Asked
from nodes.lineage.links import Link, Source, land
from nodes.lineage.run_index import Story
from nodes.lineage.values import MISSING, pieces


def asked_by(story: Story, visit: Visit, call_id: str = "") -> Link | None:
    """The model call that asked for this tool: by the id of the call; without it likely, by name
    and arguments."""
    given = story.value(visit.inputs)
    found: list[tuple[Asked, Visit]] = []
    for asked_id, calls in story.index.calls.items():
        for asked in calls:
            fits = asked_id == call_id or (
                not call_id and asked.name == visit.title and _same_call(asked.arguments, given)
            )
            maker = _maker(story, asked, visit) if fits else None
            if maker:
                found.append((asked, maker))
    if not found:
        return None
    asked, maker = max(found, key=lambda one: (_is_model(one[1]), one[1].order))
    why = f"tool call {call_id}" if call_id else "asked for with this name and these arguments"
    source = Source("step", maker, "outputs", asked.spot.path)
    return Link((), source, "same", bool(call_id), why, given)


def _same_call(arguments: Any, given: Any) -> bool:
    """Some tell a tool's one argument without its name."""
    return arguments == given or (
        isinstance(arguments, dict) and len(arguments) == 1 and given in arguments.values()
    )


def _maker(story: Story, asked: Asked, visit: Visit) -> Visit | None:
    """The newest step before that gave a call out; a model call rather than what it is part of."""
    found = [
        other
        for other, part in story.holders.get(asked.spot.payload, ())
        if part == "outputs" and is_before(other, visit)
    ]
    models = [other for other in found if _is_model(other)]
    return max(models or found, key=lambda one: one.order, default=None)


def results(story: Story, visit: Visit, given: Any) -> Iterator[Link]:
    """Results of tools among a model's messages, by the ids of their calls."""
    for piece in pieces(given):
        if not isinstance(piece.value, dict) or not _may_be_result(piece.value):
            continue
        message = read_message(piece.value)
        for result in message.results if message else ():
            if tool := _tool_of(story, visit, result):
                source = Source("step", tool, "outputs", ())
                change, why = _change(story, tool, result.value), f"tool call {result.id}"
                yield Link(piece.path, source, change, True, why, result.value)


def _may_be_result(value: dict[str, Any]) -> bool:
    return "tool_call_id" in value or "call_id" in value or value.get("role") in ("tool", "user")


def _tool_of(story: Story, visit: Visit, result: ToolResult) -> Visit | None:
    """The step that answered a call which a model step before asked for. Some models count their
    calls anew each time: of several steps it is the one that gave out the result."""
    given = [
        (maker, asked)
        for asked in (story.index.calls.get(result.id, ()) if result.id else ())
        if (maker := _maker(story, asked, visit))
    ]
    # Who gives the same call out again later, with all messages, did not ask for it.
    asking: list[tuple[Visit, Asked]] = []
    for maker, asked in sorted(given, key=lambda one: (not _is_model(one[0]), one[0].order)):
        if not any(_same_wish(asked, other) for _, other in asking):
            asking.append((maker, asked))
    found = {tool for maker, asked in asking if (tool := _answer(story, maker, asked, visit))}
    if len(found) > 1:
        found = {tool for tool in found if _change(story, tool, result.value)}
    return found.pop() if len(found) == 1 else None


def _same_wish(one: Asked, other: Asked) -> bool:
    return (one.name, one.arguments) == (other.name, other.arguments)


def _answer(story: Story, maker: Visit, asked: Asked, visit: Visit) -> Visit | None:
    """The first tool of that name after a call and before `visit`; of several the one with the
    arguments asked for."""
    tools = [
        other
        for other in story.visits.of_title.get(asked.name, ())
        if is_before(maker, other) and is_before(other, visit)
    ]
    if len(tools) > 1:
        tools = [one for one in tools if _same_call(asked.arguments, story.value(one.inputs))]
    return min(tools, key=lambda one: one.order, default=None)


def _change(story: Story, tool: Visit, value: Any) -> str:
    """How a tool's result is what it gave out; "" where that cannot be seen."""
    sent = story.value(tool.outputs)
    if sent == value:
        return "same"
    near = land(sent, value) if sent is not MISSING else []
    return near[0].change if near else ""


def _is_model(visit: Visit) -> bool:
    return kind_of(visit.kind).call == "model"
