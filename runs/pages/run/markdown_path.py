"""The path that a run took, as lines of Markdown: compact, bounded, and the failed path whole."""

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
    """`kept`: it leads to the failure, or is a failure; such lines are dropped last."""

    text: str
    kept: bool


def path_lines(run: Run, path: Collection[str]) -> list[PathReportLine]:
    """The steps in order, as the page folds them; `path` are the hex ids on the way to the step
    that failed the run."""
    timeline = build_trace_tree(load_steps(run.id))
    start, end = to_us(run.started_at) or 0, to_us(run.ended_at)
    scale = TimeScale(start, end if end is not None else start)
    chosen = timeline.by_id.get(run.failed_execution.hex if run.failed_execution else "")
    every = [
        line for line in trace_lines(timeline, TreeState(), scale, chosen) if line.form != "gap"
    ]
    chosen_lines, left_out = _most_telling(every, path)
    texts = load_row_executions(
        run.id, [line.entry.id for line in chosen_lines if line.entry and line.entry.id]
    )
    report_lines = [_report_line(line, texts, path) for line in chosen_lines]
    return (
        [*report_lines, PathReportLine(f"- … {left_out} more lines", True)]
        if left_out
        else report_lines
    )


def _most_telling(every: list[TraceLine], path: Collection[str]) -> tuple[list[TraceLine], int]:
    """The first lines, and failures and the path to them wherever they stand."""
    if len(every) <= MAX_LINES:
        return every, 0
    half = MAX_LINES // 2
    kept = [line for line in every[half:] if _is_on_path(line, path)]
    kept += [line for line in every[half:] if _is_failure(line) and not _is_on_path(line, path)]
    chosen = {id(line) for line in [*every[:half], *kept[:half]]}
    for line in every:
        if len(chosen) >= MAX_LINES:
            break
        chosen.add(id(line))
    chosen_lines = [line for line in every if id(line) in chosen]
    return chosen_lines, len(every) - len(chosen_lines)


def _is_on_path(line: TraceLine, path: Collection[str]) -> bool:
    """Also the pass that a step of the path ran in."""
    if line.entry is None or line.form == "elided":
        return False
    if line.entry.form == "pass":
        return any(child.id in path for child in line.entry.children)
    return line.entry.id in path


def _is_failure(line: TraceLine) -> bool:
    return line.form == "step" and line.entry is not None and line.entry.status in FAILURES


def _report_line(
    line: TraceLine, texts: dict[str, NodeExecution], path: Collection[str]
) -> PathReportLine:
    indent, entry = "  " * min(line.level, MAX_INDENT), line.entry
    kept = _is_on_path(line, path) or _is_failure(line)
    if entry is None or line.form == "elided":
        return PathReportLine(f"{indent}- … {len(line.elided)} more without failure", False)
    if entry.form == "pass":
        failed = f", {entry.failed} failed" if entry.failed else ""
        steps = f" ({entry.steps} steps inside{failed})" if line.is_open is False else ""
        return PathReportLine(f"{indent}- pass {entry.number} of {entry.total}{steps}", kept)
    text = texts.get(entry.id) if entry.id else None
    if text is None:
        return PathReportLine(f"{indent}- (parent not received)", kept)
    number = f" #{entry.number} of {entry.total}" if entry.total > 1 else ""
    attempt = f", attempt {text.attempt}" if text.attempt > 1 else ""
    taken = f" → {escaped(text.taken)}" if text.taken else ""
    text_line = f"{indent}- {escaped(text.title)}{number} [{text.kind}] {text.status}{attempt}, "
    text_line += formats.duration(text.duration_us) + taken
    if entry.has_passes:
        bad = sum(1 for child in entry.children if child.failed)
        text_line += f", {len(entry.children)} passes" + (f", {bad} failed" if bad else "")
    if line.is_open is False:
        text_line += f" ({entry.steps - 1} steps inside)"
    return PathReportLine(text_line, kept)


def bounded(every: list[PathReportLine], room: int) -> list[str]:
    """As many lines as `room` bytes hold. Others make way before those that lead to a failure."""
    size = sum(len(line.text.encode()) + 1 for line in every)
    dropped: set[int] = set()
    for kept in (False, True):
        for place in reversed(range(len(every))):
            if size > room and every[place].kept == kept:
                size -= len(every[place].text.encode()) + 1
                dropped.add(place)
    more = [f"({len(dropped)} more lines on the page)"] if dropped else []
    return [*(line.text for place, line in enumerate(every) if place not in dropped), *more]
