"""A run as one HTML file that opens without a network: styles inside, no script, every value whole.
Written step by step, so that a long run needs no memory."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string

from nodes.choices import ERRORS, status_label
from nodes.clock import to_us
from nodes.content.limits import Limits
from nodes.content.logs import step_logs_json
from nodes.content.parts import ContentPart, PresentedMessage, present
from nodes.content.payloads import indented_json, load_value
from nodes.execution_detail import value_labels
from nodes.formats import visible
from nodes.kinds import NodeKind
from nodes.models import NodeExecution, Payload
from nodes.trace.loading import MAX_STEPS, load_steps
from nodes.trace.tree import TraceEntry, TraceStep, build_trace_tree
from nodes.trace.waterfall import Bar, TimeScale, own_segments
from runs.models import Run
from runs.pages.run.run_configuration import run_models, run_resource
from runs.pages.run_header.run_header import header_of

STYLES = ("tokens", "base", "layout", "table", "status", "run", "tracing", "payload", "file")
WHOLE = Limits(text=10**9, parts=10**9, messages=10**9)
AT_ONCE = 50
MAX_LEVEL = 16
# Where the page is cut for what is written piece by piece. Values are escaped: none can hold it.
STYLES_HERE, STEPS_HERE = "<!--styles-->", "<!--steps-->"
LINK = re.compile(r' href="/([^"]*)"')
# Of the head: steps are further down in the same file.
STEP_LINK = re.compile(r' href="/runs/[0-9a-f-]{36}/tracing/([0-9a-f-]{36})/"')


@dataclass(frozen=True, slots=True)
class ExportedValue:
    """A stored value, whole: as parts, or as text where parts would leave something out."""

    label: str
    payload: Payload | None
    part: ContentPart | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class TreeLine:
    """One line of the tree. `entry` is a step, a pass, or a parent that was not received."""

    entry: TraceEntry
    level: int
    bar: Bar | None
    segments: list[Bar]


def run_page_html(run: Run, base_url: str = "") -> Iterator[bytes]:
    """The file. The run was loaded `for_page()`. Links lead to the console at `base_url`
    (http://host, no slash); without one there are none."""
    steps = load_steps(run.id)
    context = _context(run, steps) | {"base_url": base_url}
    page = render_to_string("files/run_page/page.html", context)
    head, _, rest = page.partition(STYLES_HERE)
    body, _, foot = rest.partition(STEPS_HERE)
    body = STEP_LINK.sub(lambda link: f' href="#step-{UUID(link[1]).hex}"', body)
    yield head.encode() + b"<style>" + _styles() + b"</style>" + _linked(body, base_url)
    scale = _scale(run, steps)
    waiting: list[TreeLine] = []
    for line in _lines(build_trace_tree(steps).top, scale):
        waiting.append(line)
        if len(waiting) == AT_ONCE:
            yield _linked(_written(run.id, waiting), base_url)
            waiting = []
    yield _linked(_written(run.id, waiting) + foot, base_url)


def _context(run: Run, steps: list[TraceStep]) -> dict[str, Any]:
    return {
        "run": run,
        "header": header_of(run),
        "inputs": _value("Input", run.inputs),
        "outputs": _value("Output", run.outputs),
        "sources": run.producer_ids,
        "models": run_models(run.id),
        "resource": run_resource(run.id),
        "left_out": len(steps) >= MAX_STEPS,
        "shown": len(steps),
    }


def _styles() -> bytes:
    paths = (finders.find(f"css/{name}.css") for name in STYLES)
    return b"\n".join(Path(str(path)).read_bytes() for path in paths)


def _linked(text: str, base_url: str) -> bytes:
    """With links of the console made whole, or taken away. Only templates write `href`."""
    return LINK.sub(rf' href="{base_url}/\1"' if base_url else "", text).encode()


def _scale(run: Run, steps: list[TraceStep]) -> TimeScale:
    times = [to_us(run.started_at), to_us(run.ended_at)]
    times += [time for step in steps for time in (step.start, step.end)]
    known = [time for time in times if time is not None]
    return TimeScale(min(known, default=0), max(known, default=0))


def _lines(top: list[TraceEntry], scale: TimeScale) -> Iterator[TreeLine]:
    """The tree in its order. A stack instead of recursion: trees may be deep."""
    stack = [iter(top)]
    while stack:
        entry = next(stack[-1], None)
        if entry is None:
            stack.pop()
            continue
        below = [
            (child.start, scale.end if child.end is None else child.end)
            for child in entry.children
            if child.start is not None
        ]
        segments = own_segments(scale, entry.start, entry.end, below) if below else []
        level = min(len(stack) - 1, MAX_LEVEL)
        yield TreeLine(entry, level, scale.place(entry.start, entry.end), segments)
        stack.append(iter(entry.children))


def _written(run_id: UUID, lines: list[TreeLine]) -> str:
    ids = [UUID(line.entry.id) for line in lines if line.entry.step]
    found = NodeExecution.objects.in_run(run_id).with_payloads().in_bulk(ids)
    return "".join(
        render_to_string("files/run_page/_step.html", _step(line, found.get(UUID(line.entry.id))))
        if line.entry.step
        else render_to_string("files/run_page/_group.html", {"line": line, "entry": line.entry})
        for line in lines
    )


def _step(line: TreeLine, execution: NodeExecution | None) -> dict[str, Any]:
    if execution is None:  # removed meanwhile
        return {"line": line, "entry": line.entry}
    kind: NodeKind = execution.kind_info
    inputs, outputs = value_labels(kind)
    received = execution.received
    logs = step_logs_json(execution)
    told = received | ({"logs": logs} if logs else {})
    return {
        "line": line,
        "entry": line.entry,
        "execution": execution,
        "kind": kind,
        "status_label": status_label(execution.status),
        "failed": execution.status in ERRORS,
        "values": [
            _value(inputs, execution.inputs),
            *([_value("Process data", execution.process_data)] if execution.process_data else []),
            _value(outputs, execution.outputs),
        ],
        "received": visible(indented_json(told) or str(told)) if told else "",
    }


def _value(label: str, payload: Payload | None) -> ExportedValue:
    if payload is None:
        return ExportedValue(label, None)
    value = load_value(payload)
    part = present(value, WHOLE)
    if _leaves_out(part):
        return ExportedValue(label, payload, text=visible(indented_json(value) or payload.text))
    return ExportedValue(label, payload, part)


def _leaves_out(found: Any) -> bool:
    """Whether anything of a value is not in its parts."""
    if isinstance(found, ContentPart):
        return bool(found.note) or _leaves_out(found.items)
    if isinstance(found, PresentedMessage):
        return _leaves_out([found.content, found.thinking, found.calls, found.results, found.rest])
    return isinstance(found, (list, tuple)) and any(_leaves_out(inner) for inner in found)
