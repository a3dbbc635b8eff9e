"""The steps of a run as lines of Markdown: compact and bounded, with the whole path to the
failure."""

from collections.abc import Collection
from dataclasses import dataclass

from nodes import formats
from nodes.choices import FAILURES
from nodes.clock import to_us
from nodes.models import NodeExecution
from nodes.trace.collapsing import TraceLine, TreeState, trace_lines
from nodes.trace.loading import load_row_executions, load_steps
from nodes.trace.tree import build_trace_tree
from nodes.trace.waterfall import TimeScale
from runs.models import Run
from runs.pages.run.markdown_text import escaped_line as escaped

MAX_LINES = 100
MAX_INDENT = 12


@dataclass(frozen=True, slots=True)
class PathReportLine:
    """`kept`: a failure, or on the path to it; such lines are dropped last."""

    text: str
    kept: bool


def path_lines(run: Run, path: Collection[str]) -> list[PathReportLine]:
    """Return the steps in order, collapsed as on the page. `path` holds the hex ids of the steps
    that lead to the one that failed the run."""
    tree = build_trace_tree(load_steps(run.id))
    start, end = to_us(run.started_at) or 0, to_us(run.ended_at)
    scale = TimeScale(start, end if end is not None else start)
    failed = tree.by_id.get(run.failed_execution.hex if run.failed_execution else "")
    lines = [line for line in trace_lines(tree, TreeState(), scale, failed) if line.form != "gap"]
    kept, left_out = _select_lines(lines, path)
    executions = load_row_executions(
        run.id, [line.entry.id for line in kept if line.entry and line.entry.id]
    )
    report = [_report_line(line, executions, path) for line in kept]
    return [*report, PathReportLine(f"- … {left_out} more lines", True)] if left_out else report


def _select_lines(lines: list[TraceLine], path: Collection[str]) -> tuple[list[TraceLine], int]:
    """Return at most MAX_LINES lines, the first ones, and failures and the path to them wherever
    they stand; and how many lines are left out."""
    if len(lines) <= MAX_LINES:
        return lines, 0
    half = MAX_LINES // 2
    later = lines[half:]
    important = [line for line in later if _is_on_path(line, path)]
    important += [line for line in later if _is_failure(line) and not _is_on_path(line, path)]
    chosen = {id(line) for line in [*lines[:half], *important[:half]]}
    for line in lines:
        if len(chosen) >= MAX_LINES:
            break
        chosen.add(id(line))
    kept = [line for line in lines if id(line) in chosen]
    return kept, len(lines) - len(kept)


def _is_on_path(line: TraceLine, path: Collection[str]) -> bool:
    """Return whether a line is a step of the path, or the iteration that such a step ran in."""
    if line.entry is None or line.form == "elided":
        return False
    if line.entry.form == "pass":
        return any(child.id in path for child in line.entry.children)
    return line.entry.id in path


def _is_failure(line: TraceLine) -> bool:
    return line.form == "step" and line.entry is not None and line.entry.status in FAILURES


def _report_line(
    line: TraceLine, executions: dict[str, NodeExecution], path: Collection[str]
) -> PathReportLine:
    indent, entry = "  " * min(line.level, MAX_INDENT), line.entry
    kept = _is_on_path(line, path) or _is_failure(line)
    if entry is None or line.form == "elided":
        return PathReportLine(f"{indent}- … {len(line.elided)} more without failure", False)
    if entry.form == "pass":
        failed = f", {entry.failed} failed" if entry.failed else ""
        steps = f" ({entry.steps} steps inside{failed})" if line.is_open is False else ""
        return PathReportLine(f"{indent}- iteration {entry.number} of {entry.total}{steps}", kept)
    execution = executions.get(entry.id) if entry.id else None
    if execution is None:
        return PathReportLine(f"{indent}- (parent not received)", kept)
    number = f" #{entry.number} of {entry.total}" if entry.total > 1 else ""
    attempt = f", attempt {execution.attempt}" if execution.attempt > 1 else ""
    branch = f" → {escaped(execution.taken)}" if execution.taken else ""
    text = f"{indent}- {escaped(execution.title)}{number} [{execution.kind}] {execution.status}"
    text += f"{attempt}, {formats.duration(execution.duration_us)}{branch}"
    if entry.has_passes:
        failures = sum(1 for child in entry.children if child.failed)
        text += f", {len(entry.children)} iterations" + (f", {failures} failed" if failures else "")
    if line.is_open is False:
        text += f" ({entry.steps - 1} steps inside)"
    return PathReportLine(text, kept)


def lines_within(lines: list[PathReportLine], room: int) -> list[str]:
    """Return as many lines as `room` bytes hold. Those that lead to a failure are dropped last."""
    size = sum(len(line.text.encode()) + 1 for line in lines)
    dropped: set[int] = set()
    for kept in (False, True):
        for index in reversed(range(len(lines))):
            if size > room and lines[index].kept == kept:
                size -= len(lines[index].text.encode()) + 1
                dropped.add(index)
    more = [f"({len(dropped)} more lines on the page)"] if dropped else []
    return [*(line.text for index, line in enumerate(lines) if index not in dropped), *more]
