"""The way a run took, as lines of Markdown: compact, bounded, and the failed path whole."""

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
    """`kept`: on the way to the failure, or a failure itself; those make way last."""

    text: str
    kept: bool


def path_lines(run: Run, path: Collection[str]) -> list[PathReportLine]:
    """The steps in order, as the page folds them; `path` are the hex ids on the way to the step
    that failed the run."""
    timeline = build_trace_tree(load_steps(run.id))
    start, end = to_us(run.started_at) or 0, to_us(run.ended_at)
    scale = TimeScale(start, end if end is not None else start)
    chosen = timeline.by_id.get(run.failed_execution.hex if run.failed_execution else "")
    every = [one for one in trace_lines(timeline, TreeState(), scale, chosen) if one.form != "gap"]
    shown, left_out = _most_telling(every, path)
    texts = load_row_executions(
        run.id, [one.entry.id for one in shown if one.entry and one.entry.id]
    )
    told = [_report_line(one, texts, path) for one in shown]
    return [*told, PathReportLine(f"- … {left_out} more lines", True)] if left_out else told


def _most_telling(every: list[TraceLine], path: Collection[str]) -> tuple[list[TraceLine], int]:
    """The first lines, and failures and the path to them wherever they stand."""
    if len(every) <= MAX_LINES:
        return every, 0
    half = MAX_LINES // 2
    kept = [one for one in every[half:] if _is_on_path(one, path)]
    kept += [one for one in every[half:] if _is_failure(one) and not _is_on_path(one, path)]
    chosen = {id(one) for one in [*every[:half], *kept[:half]]}
    for one in every:
        if len(chosen) >= MAX_LINES:
            break
        chosen.add(id(one))
    shown = [one for one in every if id(one) in chosen]
    return shown, len(every) - len(shown)


def _is_on_path(one: TraceLine, path: Collection[str]) -> bool:
    """Also the pass that a step of the path ran in."""
    if one.entry is None or one.form == "elided":
        return False
    if one.entry.form == "pass":
        return any(child.id in path for child in one.entry.children)
    return one.entry.id in path


def _is_failure(one: TraceLine) -> bool:
    return one.form == "step" and one.entry is not None and one.entry.status in FAILURES


def _report_line(
    one: TraceLine, texts: dict[str, NodeExecution], path: Collection[str]
) -> PathReportLine:
    indent, entry = "  " * min(one.level, MAX_INDENT), one.entry
    kept = _is_on_path(one, path) or _is_failure(one)
    if entry is None or one.form == "elided":
        return PathReportLine(f"{indent}- … {len(one.elided)} more without failure", False)
    if entry.form == "pass":
        failed = f", {entry.failed} failed" if entry.failed else ""
        steps = f" ({entry.steps} steps inside{failed})" if one.is_open is False else ""
        return PathReportLine(f"{indent}- pass {entry.number} of {entry.total}{steps}", kept)
    text = texts.get(entry.id) if entry.id else None
    if text is None:
        return PathReportLine(f"{indent}- (parent not received)", kept)
    number = f" #{entry.number} of {entry.total}" if entry.total > 1 else ""
    attempt = f", attempt {text.attempt}" if text.attempt > 1 else ""
    taken = f" → {escaped(text.taken)}" if text.taken else ""
    told = f"{indent}- {escaped(text.title)}{number} [{text.kind}] {text.status}{attempt}, "
    told += formats.duration(text.duration_us) + taken
    if entry.has_passes:
        bad = sum(1 for child in entry.children if child.failed)
        told += f", {len(entry.children)} passes" + (f", {bad} failed" if bad else "")
    if one.is_open is False:
        told += f" ({entry.steps - 1} steps inside)"
    return PathReportLine(told, kept)


def bounded(every: list[PathReportLine], room: int) -> list[str]:
    """As many lines as `room` bytes hold. Others make way before those that lead to a failure."""
    size = sum(len(one.text.encode()) + 1 for one in every)
    dropped: set[int] = set()
    for kept in (False, True):
        for place in reversed(range(len(every))):
            if size > room and every[place].kept == kept:
                size -= len(every[place].text.encode()) + 1
                dropped.add(place)
    more = [f"({len(dropped)} more lines on the page)"] if dropped else []
    return [*(one.text for place, one in enumerate(every) if place not in dropped), *more]
