"""A run as one HTML file that opens without a network: styles inside, no script, every value whole.
The file is written step by step, so that a long run needs little memory."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string

from nodes.choices import ERRORS, status_label
from nodes.clock import to_us
from nodes.content.limits import Limits
from nodes.content.logs import step_logs_json
from nodes.content.parts import ContentPart, PresentedMessage, PresentedPiece, present
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
NO_LIMITS = Limits(text=10**9, parts=10**9, messages=10**9)
STEPS_AT_ONCE = 50
MAX_LEVEL = 16
# Marks at which the rendered page is cut, to be filled piece by piece. Values are escaped, so that
# none can hold them.
STYLES_HERE, STEPS_HERE = "<!--styles-->", "<!--steps-->"
LINK = re.compile(r' href="/([^"]*)"')
# A link in the head to a step, which is further down in the same file.
STEP_LINK = re.compile(r' href="/runs/[0-9a-f-]{36}/tracing/([0-9a-f-]{36})/"')


@dataclass(frozen=True, slots=True)
class ExportedValue:
    """A stored value, whole: as `part`, or as `text` where the part would leave something out."""

    label: str
    payload: Payload | None
    part: ContentPart | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class TreeLine:
    """One line of the tree. `entry` is a step, an iteration, or a parent that was not received."""

    entry: TraceEntry
    level: int
    bar: Bar | None
    segments: list[Bar]


def run_page_html(run: Run, base_url: str = "") -> Iterator[bytes]:
    """Yield the file piece by piece. The run was loaded `for_page()`. Links lead to the console at
    `base_url` (http://host, no slash at the end); without it there are no links."""
    steps = load_steps(run.id)
    context = _page_context(run, steps) | {"base_url": base_url}
    page = render_to_string("files/run_page/page.html", context)
    head, _, rest = page.partition(STYLES_HERE)
    body, _, foot = rest.partition(STEPS_HERE)
    body = STEP_LINK.sub(lambda link: f' href="#step-{UUID(link[1]).hex}"', body)
    yield head.encode() + b"<style>" + _styles() + b"</style>" + _with_links(body, base_url)
    lines = _tree_lines(build_trace_tree(steps).top, _time_scale(run, steps))
    while batch := list(islice(lines, STEPS_AT_ONCE)):
        yield _with_links(_lines_html(run.id, batch), base_url)
    yield _with_links(foot, base_url)


def _page_context(run: Run, steps: list[TraceStep]) -> dict[str, Any]:
    return {
        "run": run,
        "header": header_of(run),
        "inputs": _exported_value("Input", run.inputs),
        "outputs": _exported_value("Output", run.outputs),
        "sources": run.producer_ids,
        "models": run_models(run.id),
        "resource": run_resource(run.id),
        "left_out": len(steps) >= MAX_STEPS,
        "shown": len(steps),
    }


def _styles() -> bytes:
    paths = (finders.find(f"css/{name}.css") for name in STYLES)
    return b"\n".join(Path(str(path)).read_bytes() for path in paths)


def _with_links(text: str, base_url: str) -> bytes:
    """Return the text with its links to the console made absolute, or removed where there is no
    `base_url`. Only templates write `href`."""
    return LINK.sub(rf' href="{base_url}/\1"' if base_url else "", text).encode()


def _time_scale(run: Run, steps: list[TraceStep]) -> TimeScale:
    times = [to_us(run.started_at), to_us(run.ended_at)]
    times += [time for step in steps for time in (step.start, step.end)]
    known = [time for time in times if time is not None]
    return TimeScale(min(known, default=0), max(known, default=0))


def _tree_lines(top: list[TraceEntry], scale: TimeScale) -> Iterator[TreeLine]:
    """Yield the lines in the order of the tree. A stack instead of recursion: trees may be deep."""
    stack = [iter(top)]
    while stack:
        entry = next(stack[-1], None)
        if entry is None:
            stack.pop()
            continue
        child_times = [
            (child.start, scale.end if child.end is None else child.end)
            for child in entry.children
            if child.start is not None
        ]
        segments = own_segments(scale, entry.start, entry.end, child_times) if child_times else []
        level = min(len(stack) - 1, MAX_LEVEL)
        yield TreeLine(entry, level, scale.place(entry.start, entry.end), segments)
        stack.append(iter(entry.children))


def _lines_html(run_id: UUID, lines: list[TreeLine]) -> str:
    """Return the HTML of some lines, with the values of their steps."""
    ids = [UUID(line.entry.id) for line in lines if line.entry.step]
    executions = NodeExecution.objects.in_run(run_id).with_payloads().in_bulk(ids)
    return "".join(
        render_to_string(
            "files/run_page/_step.html", _step_context(line, executions.get(UUID(line.entry.id)))
        )
        if line.entry.step
        else render_to_string("files/run_page/_group.html", {"line": line, "entry": line.entry})
        for line in lines
    )


def _step_context(line: TreeLine, execution: NodeExecution | None) -> dict[str, Any]:
    if execution is None:  # deleted since the tree was loaded
        return {"line": line, "entry": line.entry}
    kind: NodeKind = execution.kind_info
    inputs, outputs = value_labels(kind)
    received = execution.received
    logs = step_logs_json(execution)
    received_and_logs = received | ({"logs": logs} if logs else {})
    return {
        "line": line,
        "entry": line.entry,
        "execution": execution,
        "kind": kind,
        "status_label": status_label(execution.status),
        "failed": execution.status in ERRORS,
        "values": [
            _exported_value(inputs, execution.inputs),
            *(
                [_exported_value("Process data", execution.process_data)]
                if execution.process_data
                else []
            ),
            _exported_value(outputs, execution.outputs),
        ],
        "received": visible(indented_json(received_and_logs) or str(received_and_logs))
        if received_and_logs
        else "",
    }


def _exported_value(label: str, payload: Payload | None) -> ExportedValue:
    if payload is None:
        return ExportedValue(label, None)
    value = load_value(payload)
    part = present(value, NO_LIMITS)
    if _leaves_out(part):
        return ExportedValue(label, payload, text=visible(indented_json(value) or payload.text))
    return ExportedValue(label, payload, part)


def _leaves_out(content: Any) -> bool:
    """Return whether `content`, as pages present it, lacks anything of the value behind it."""
    match content:
        case ContentPart():
            return bool(content.note) or _leaves_out(content.items)
        case PresentedMessage():
            return _leaves_out(content.pieces)
        case PresentedPiece():
            return _leaves_out(content.content)
        case list() | tuple():
            return any(_leaves_out(inner) for inner in content)
    return False
