"""The steps of a run, or one of them with its values."""

from typing import Any, Literal, get_args

import orjson
from pydantic import Field

from nodes import formats
from nodes.choices import FAILURES
from nodes.ids import as_uuid
from runs.json.execution import ExecutionJson, TracingJson
from runs.json.lineage import ExecutionDetailJson, LineageLinkJson
from runs.mcp.text import (
    MARGIN,
    MAX_ANSWER,
    facts,
    head,
    iteration,
    labelled,
    lasted,
    listing,
    money,
    on_a_line,
    second,
    size_of,
)
from runs.mcp.tool import Tool, ToolArguments
from runs.mcp.twins import NoTwin, TwinReader, cursor
from runs.pages.tracing.views import execution_twin, tracing_twin

STEPS = 50  # at a time
MAX_ERROR = 1_500
MAX_LINKS = 6
MAX_INDENT = 8
Part = Literal[
    "", "error", "inputs", "outputs", "process_data", "messages", "attributes", "events", "logs"
]
PARTS = [part for part in get_args(Part) if part]


class StepArguments(ToolArguments):
    run: str
    """A run, by any id"""
    step: str = ""
    """An execution's id, or the id or title of a node: then the execution that failed, else the
    first. Without it the steps are listed"""
    part: Part = ""
    """One value in full, in parts"""
    offset: int = Field(0, ge=0, description="Of that value, the character to read on from")
    after: str = ""
    """Of the list of steps, where to read on"""


def read_step(reader: TwinReader, arguments: StepArguments) -> str:
    run_id = reader.run_id(arguments.run)
    if not arguments.step:
        page: TracingJson = reader.read(tracing_twin, run_id, after=arguments.after, limit=STEPS)
        return _list_of_steps(page)
    execution_id = as_uuid(arguments.step) or _execution_named(reader, run_id, arguments.step)
    step: ExecutionDetailJson = reader.read(execution_twin, run_id, execution_id)
    return _part_of_step(step, arguments) if arguments.part else _whole_step(step)


def _list_of_steps(page: TracingJson) -> str:
    entries = [_step_line(step) for step in page["executions"]]
    following = cursor(page["next"])
    read_on = f"There are more: after={following}" if following else "These are all."
    heading = "Number, title, kind, status, duration, execution:"
    return listing(heading, entries, lambda _: read_on, STEPS)


def _step_line(step: ExecutionJson) -> str:
    attempt = step["attempt"] or 1
    return facts(
        f"{step['index']}{'>' * min(step['depth'], MAX_INDENT)} {on_a_line(step['title'], 50)}",
        step["kind"],
        step["status"],
        lasted(step["duration_us"]),
        step["id"],
        iteration(step["iteration"]),
        f"attempt {attempt}" if attempt > 1 else "",
        on_a_line(step["error"], 200),
    )


def _execution_named(reader: TwinReader, run_id: Any, name: str) -> Any:
    """Return the id of the execution of that node: the first that failed, else the first. Raises
    NoTwin."""
    matching: ExecutionJson | None = None
    titles: dict[str, None] = {}
    after = ""
    while True:
        page: TracingJson = reader.read(tracing_twin, run_id, after=after)
        for step in page["executions"]:
            titles[step["title"]] = None
            names = (step["node_id"], step["title"], step["source_id"])
            if name.casefold() in [it.casefold() for it in names if it]:
                if step["status"] in FAILURES:
                    return as_uuid(step["id"])
                matching = matching or step
        after = cursor(page["next"])
        if not after:
            break
    if matching is None:
        known = on_a_line(", ".join(titles), 500)
        raise NoTwin(f"This run has no step “{on_a_line(name, 80)}”. It has {known}.")
    return as_uuid(matching["id"])


def _whole_step(step: ExecutionDetailJson) -> str:
    """Return a step with as much of its values as fits."""
    tokens = step["tokens"]
    cost = step["cost"]
    lines = [
        f"# {on_a_line(step['title'], 100)} [{step['kind']}] {step['status']}",
        facts(
            f"execution {step['id']}", labelled("node", step["node_id"], 80),
            iteration(step["iteration"]),
            f"attempt {step['attempt']}" if (step["attempt"] or 1) > 1 else "",
            second(step["started_at"]), lasted(step["duration_us"]),
            f"model {on_a_line(step['model'], 60)}" if step["model"] else "",
            f"{tokens['input']} tokens in, {tokens['output']} out" if tokens else "",
            money(cost["amount"], cost["currency"]) if cost else "",
            labelled("branch taken", step["taken"], 60),
        ),
        labelled(f"error {step['error_type'] or ''}".strip(), step["error"], MAX_ERROR),
        *map(_origin_line, step["links"]["came_from"][:MAX_LINKS]),
    ]  # fmt: skip
    beginning = "\n".join(filter(None, lines))
    others = [
        f"{part} ({formats.size(size_of(text))})"
        for part in PARTS
        if part not in ("error", "inputs", "outputs") and (text := _value_text(step, part))
    ]
    end = labelled("there is more, with part", ", ".join(others), 300)
    room = MAX_ANSWER - MARGIN - size_of(beginning)
    outputs = _section("outputs", step, room // 2)
    inputs = _section("inputs", step, room - size_of(outputs))
    return "\n".join(filter(None, (beginning, inputs, outputs, end)))


def _section(part: str, step: ExecutionDetailJson, room: int) -> str:
    """Return the beginning of a value below a heading, and where to read on."""
    text = _value_text(step, part)
    if not text:
        return f"## {part}\nNothing was recorded."
    shown = head(text, room - 100)
    if len(shown) == len(text):
        return f"## {part}\n{text}"
    return f"## {part}\n{shown}\n(read on with part={part} offset={len(shown)} of {len(text)})"


def _part_of_step(step: ExecutionDetailJson, arguments: StepArguments) -> str:
    text = _value_text(step, arguments.part)
    start = arguments.offset
    shown = head(text[start:], MAX_ANSWER - MARGIN)
    end = start + len(shown)
    if end >= len(text):
        return f"{shown}\n(the end)" if shown else f"There is no more of {arguments.part}."
    return f"{shown}\n(read on with offset={end} of {len(text)})"


def _value_text(step: ExecutionDetailJson, part: str) -> str:
    """Return a value as compact JSON, a text as it is; "" where there is none."""
    value = step[part]  # type: ignore[literal-required]
    if value in (None, [], {}, ""):
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _origin_line(link: LineageLinkJson) -> str:
    """Return which value of the step came from where."""
    place, other = link["place"], link["other"]
    origin = other.get("title") or other.get("name") or other["form"]
    execution = other.get("execution")
    path = on_a_line(other.get("path"), 60)
    what = on_a_line(place.get("path"), 60)
    return f"{what} came from {facts(on_a_line(origin, 60), path, execution)}"


STEP = Tool(
    "step",
    "Steps of a run",
    "Without `step`: the steps of a run in order. With it: one step's error, inputs, outputs (a"
    " model's prompt and answer), time, cost, and where its values came from.",
    StepArguments,
    read_step,
)
