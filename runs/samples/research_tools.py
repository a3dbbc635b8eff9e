"""Research agent: its tools, what they are asked and what they answer."""

from typing import Any

from runs.samples.langgraph import GraphRun, Message, message
from runs.samples.spans import dumps, uuid_of
from runs.samples.text_files import TextSection

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


def tool_calls(name: str, notes: list[TextSection], loop: int, slips: bool) -> list[dict[str, Any]]:
    """What the agent asks for in this loop: one call, or two at once in every third loop."""
    note = notes[loop % len(notes)]
    phrase = note.heading.removeprefix("note: ")
    wanted: list[tuple[str, str]] = [("search", phrase)]
    if slips:
        wanted = [("calculate", BAD_EXPRESSION)]
    elif loop % 3 == 2:
        wanted.append(("calculate", f"{loop + 2}.1 * 0.32"))
    elif loop % 3 == 1:
        wanted = [("read_page", f"https://library.example/{uuid_of(note.heading)[:8]}")]
    return [
        {
            "name": tool,
            "args": {DESCRIPTIONS[tool][1]: value},
            "id": f"call_{uuid_of(f'{name}/{loop}/{place}')[:12]}",
            "type": "tool_call",
        }
        for place, (tool, value) in enumerate(wanted)
    ]


def use_tools(
    run: GraphRun, state: dict[str, Any], calls: list[dict[str, Any]], notes: list[TextSection]
) -> list[Message]:
    """The tool node: its calls run side by side; what one raises becomes its answer."""
    run.node("tools", state)
    start, ends, results = run.at, [], []
    for place, call in enumerate(calls):
        run.at = start + place * 400
        results.append(_use(run, call, notes))
        ends.append(run.at)
    run.at = max(ends)
    run.close({"messages": results})
    return results


def _use(run: GraphRun, call: dict[str, Any], notes: list[TextSection]) -> Message:
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
    run.at += run.rng.randrange(2_000, 9_000) if tool == "calculate" else _network(run)
    if value == BAD_EXPRESSION:
        run.close(error=("ValueError", SLIP))
        text = f"Error: ValueError({SLIP!r})\n Please fix your mistakes."
        return message("tool", text, name=tool, tool_call_id=call["id"], status="error")
    answer = message(
        "tool", _answer(tool, value, notes), name=tool, tool_call_id=call["id"], status="success"
    )
    run.close(answer)
    return answer


def _network(run: GraphRun) -> int:
    return run.rng.randrange(350_000, 2_800_000)


def _answer(tool: str, value: str, notes: list[TextSection]) -> str:
    if tool == "calculate":
        whole, _, _ = value.partition(".")
        hundredths = (int(whole) * 10 + 1) * 32  # the expressions are "N.1 * 0.32"
        return f"{hundredths // 1000}.{hundredths % 1000:03d}"
    near = [note for note in notes if note.heading.endswith(value)] or notes[:1]
    found = [{"title": near[0].heading.removeprefix("note: "), "text": near[0].text}]
    return near[0].text if tool == "read_page" else dumps(found)
