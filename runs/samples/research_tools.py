"""The tools of the research agent sample, with their calls and answers."""

from typing import Any

from runs.samples.langgraph import GraphRun, Message, message
from runs.samples.spans import dumps, uuid_of
from runs.samples.text_files import Passage

DESCRIPTIONS = {
    "search": ("Search the library and the web for a phrase.", "query"),
    "read_page": ("Read a page that a search has found.", "url"),
    "calculate": ("Evaluate an arithmetic expression.", "expression"),
}
TOOLS = [
    dumps(
        {
            "type": "function",
            "function": {
                "name": name,
                "description": text,
                "parameters": {
                    "properties": {argument: {"type": "string"}},
                    "required": [argument],
                    "type": "object",
                },
            },
        }
    )
    for name, (text, argument) in DESCRIPTIONS.items()
]
BAD_EXPRESSION = "3,1 * 0.32"
SLIP = f"invalid expression {BAD_EXPRESSION!r}: a comma is not a decimal point"


def tool_calls(name: str, notes: list[Passage], loop: int, slips: bool) -> list[dict[str, Any]]:
    """Return the calls that the agent makes in this loop: one, or two at once in every third
    loop."""
    note = notes[loop % len(notes)]
    phrase = note.heading.removeprefix("note: ")
    arguments: list[tuple[str, str]] = [("search", phrase)]
    if slips:
        arguments = [("calculate", BAD_EXPRESSION)]
    elif loop % 3 == 2:
        arguments.append(("calculate", f"{loop + 2}.1 * 0.32"))
    elif loop % 3 == 1:
        arguments = [("read_page", f"https://library.example/{uuid_of(note.heading)[:8]}")]
    return [
        {
            "name": tool,
            "args": {DESCRIPTIONS[tool][1]: value},
            "id": f"call_{uuid_of(f'{name}/{loop}/{number}')[:12]}",
            "type": "tool_call",
        }
        for number, (tool, value) in enumerate(arguments)
    ]


def use_tools(
    run: GraphRun, state: dict[str, Any], calls: list[dict[str, Any]], notes: list[Passage]
) -> list[Message]:
    """Add the tool node, and return its answers: its calls run side by side, and what a tool raises
    becomes its answer."""
    run.node("tools", state)
    start, ends, results = run.at, [], []
    for number, call in enumerate(calls):
        run.at = start + number * 400
        results.append(_add_tool_span(run, call, notes))
        ends.append(run.at)
    run.at = max(ends)
    run.close({"messages": results})
    return results


def _add_tool_span(run: GraphRun, call: dict[str, Any], notes: list[Passage]) -> Message:
    tool = call["name"]
    value = next(iter(call["args"].values()))
    run.open(
        tool,
        "TOOL",
        {
            "input.value": value,
            "tool.name": tool,
            "tool.description": DESCRIPTIONS[tool][0],
        },
    )
    run.at += run.rng.randrange(2_000, 9_000) if tool == "calculate" else _network_us(run)
    if value == BAD_EXPRESSION:
        run.close(error=("ValueError", SLIP))
        text = f"Error: ValueError({SLIP!r})\n Please fix your mistakes."
        return message("tool", text, name=tool, tool_call_id=call["id"], status="error")
    answer = message(
        "tool",
        _tool_answer(tool, value, notes),
        name=tool,
        tool_call_id=call["id"],
        status="success",
    )
    run.close(answer)
    return answer


def _network_us(run: GraphRun) -> int:
    return run.rng.randrange(350_000, 2_800_000)


def _tool_answer(tool: str, value: str, notes: list[Passage]) -> str:
    if tool == "calculate":
        whole, _, _ = value.partition(".")
        hundredths = (int(whole) * 10 + 1) * 32  # the expressions are "N.1 * 0.32"
        return f"{hundredths // 1000}.{hundredths % 1000:03d}"
    near = [note for note in notes if note.heading.endswith(value)] or notes[:1]
    if not near:
        return ""
    results = [{"title": near[0].heading.removeprefix("note: "), "text": near[0].text}]
    return near[0].text if tool == "read_page" else dumps(results)
