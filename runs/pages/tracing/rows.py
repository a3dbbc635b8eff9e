"""Turns lines of the TRACING list into rows for the template."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.urls import reverse

from nodes import formats
from nodes.choices import NodeStatus, status_label
from nodes.graph.taken_edges import END
from nodes.kinds import NodeKind, kind_of
from nodes.models import NodeExecution
from nodes.trace.collapsing import TraceLine
from nodes.trace.lanes import Lane
from nodes.trace.loading import Trace
from nodes.trace.tree import TraceEntry
from nodes.trace.waterfall import MAX_SEGMENTS, Bar, own_segments

MAX_LEVEL = 16  # deeper rows are not indented further
GIVEN = 60  # characters of what a step was given, before what came of it
HEAVY = 4  # a step whose own work took more than one part in so many of the run


@dataclass(frozen=True, slots=True)
class BranchesNotTaken:
    """Where a run did not go after a step: (title, address) of the first nodes; how many `more`."""

    links: list[tuple[str, str]]
    more: int = 0


@dataclass(slots=True)
class TraceRow:
    """A row of the list. `bar` is the whole time, `segments` the parts a container worked itself
    (leaves have none: they work all the time). `passes` is the address of a loop's matrix, `path`
    the parts of the critical path."""

    form: str
    level: int
    title: str = ""
    id: str = ""
    key: str = ""
    href: str = ""
    toggle: str = ""
    is_open: bool | None = None
    kind: NodeKind | None = None
    status: str = ""
    status_label: str = ""
    marked: bool = False
    number: str = ""
    attempt: int = 0
    turn: int | None = None
    is_after_answer: bool = False
    taken: str = ""
    note: str = ""
    error: str = ""
    summary: str = ""
    bar: Bar | None = None
    segments: list[Bar] = field(default_factory=list)
    is_group: bool = False
    heavy: bool = False
    duration: str = ""
    tokens: int | None = None
    cost: str = ""
    counted: bool = True
    chosen: bool = False
    is_wrapper: bool = False
    not_taken: BranchesNotTaken | None = None
    attempts: int = 0
    lane: Lane | None = None
    passes: str = ""
    on_path: bool = False
    path: list[Bar] = field(default_factory=list)

    @property
    def css(self) -> str:
        """The class names of the row."""
        flags = {
            "heavy": self.heavy, "wrapper": self.is_wrapper, "in-lane": self.lane is not None,
            "on-path": self.on_path,
        }  # fmt: skip
        return " ".join([self.form, *(name for name, is_set in flags.items() if is_set)])


@dataclass(frozen=True, slots=True)
class RowLinks:
    """What the addresses in rows begin with: TRACING of the run, the page itself; and the chosen
    execution."""

    tracing: str
    page: str
    chosen: UUID | None


def trace_rows(
    trace: Trace, run_id: UUID, chosen: UUID | None, page_url: str = ""
) -> list[TraceRow]:
    """Return the rows of the lines that `trace` shows. Groups open and close at `page_url`, the
    address of the page, so that the panel beside stays."""
    tracing_url = reverse("run-tracing", args=[run_id])
    links = RowLinks(tracing_url, page_url or tracing_url, chosen)
    return [_trace_row(line, trace, links) for line in trace.lines]


def with_branches_not_taken(
    rows: list[TraceRow], trace: Trace, not_taken: Mapping[str, BranchesNotTaken]
) -> list[TraceRow]:
    """Return the rows of `trace.lines` with a row added below the last execution shown of every
    node after which the run could have taken another branch. `not_taken` is by node id."""
    if not not_taken:
        return rows
    last_lines: dict[str, int] = {}
    for number, line in enumerate(trace.lines):
        step = line.entry.step if line.entry and line.form == "step" else None
        if step and step.node_id in not_taken:
            last_lines[step.node_id] = number
    below = {number: not_taken[node_id] for node_id, number in last_lines.items()}
    result: list[TraceRow] = []
    for number, row in enumerate(rows):
        result.append(row)
        if branches := below.get(number):
            level = min(row.level + 1, MAX_LEVEL)
            result.append(TraceRow("not-taken", level, not_taken=branches))
    return result


def _trace_row(line: TraceLine, trace: Trace, links: RowLinks) -> TraceRow:
    bar = trace.scale.place(line.start, line.end)
    row = TraceRow(line.form, min(line.level, MAX_LEVEL), bar=bar)
    entry = line.entry
    row.duration = _duration_between(line.start, line.end)
    if entry is None:
        row.title = f"{line.gap.capitalize() or 'Nothing ran'}: {row.duration}"
        return row
    if line.form == "elided":
        row.title = elided_title(line.elided)
        row.toggle = links.page + trace.state.toggled(entry.key, False).query()
        return row
    row.key, row.id = entry.key, entry.id
    row.is_open, row.is_group = line.is_open, bool(entry.children)
    row.status, row.status_label = entry.status, status_label(entry.status)
    row.marked = row.status not in ("", NodeStatus.SUCCEEDED)
    row.lane = line.lane
    if (stretches := trace.path.get(entry)) is not None:
        row.on_path = True
        row.path = [
            bar for start, end in stretches[:MAX_SEGMENTS] if (bar := trace.scale.place(start, end))
        ]
    if line.is_open is not None:
        row.toggle = links.page + trace.state.toggled(entry.key, line.is_open).query()
        row.note = "" if line.is_open else _collapsed_note(entry)
    if entry.form == "pass":
        row.title = f"Iteration {entry.number}"
        row.number = f"of {entry.total}"
    elif entry.step is None:
        row.title, row.note = "Parent not received", "not ended yet, or lost in transit"
    else:
        _fill_step(row, entry, trace, links)
    return row


def _fill_step(row: TraceRow, entry: TraceEntry, trace: Trace, links: RowLinks) -> None:
    step = entry.step
    if step is None:
        return
    row.kind = kind_of(step.kind)
    row.href = f"{links.tracing}{UUID(step.id)}/{trace.state.query()}"
    row.chosen = links.chosen is not None and step.id == links.chosen.hex
    row.number = f"#{entry.number} of {entry.total}" if entry.total > 1 else ""
    if entry.children:
        below = [
            (child.start, trace.scale.end if child.end is None else child.end)
            for child in entry.children
            if child.start is not None
        ]
        row.segments = own_segments(trace.scale, step.start, step.end, below)
    row.heavy = (step.self_us or 0) * HEAVY > trace.scale.drawn
    row.attempts = entry.attempts
    if entry.has_passes:
        row.passes = f"{links.tracing}{UUID(step.id)}/passes/"
    if execution := trace.executions.get(entry.id):
        _fill_execution(row, execution)
        row.summary = _summary(execution, row.kind, row.is_group and bool(row.is_open))
        # The reason stands where it arose, not again at every step above. A step that succeeded
        # may have a warning.
        if not (row.marked and row.is_open and entry.failed > 1):
            row.error = formats.visible(getattr(execution, "error_head", ""))


def _fill_execution(row: TraceRow, execution: NodeExecution) -> None:
    row.title = formats.visible(execution.title) or "(no name)"
    row.taken = "the end" if execution.taken == END else execution.taken
    was_retried = execution.attempt > 1 or execution.status == NodeStatus.RETRY
    row.attempt = execution.attempt if was_retried else 0
    row.turn = execution.turn
    if row.turn:
        row.number = ""
    row.is_after_answer = execution.is_after_answer
    row.is_wrapper = execution.folded
    row.counted = execution.counted
    row.tokens = execution.total_tokens
    if execution.cost is not None:
        row.cost = formats.money(execution.cost, execution.cost_currency)
    if execution.duration_us is not None:
        row.duration = formats.duration(execution.duration_us)


def _summary(execution: NodeExecution, kind: NodeKind, is_open: bool) -> str:
    """Return what a step did, in a line: what it was given and what came of it; of a model or agent
    what it said or asked for. Steps in a group that `is_open` tell it, except what a tool did."""
    given, came = execution.inputs_preview, execution.outputs_preview
    if kind.group == "branch" or (is_open and kind.call != "tool"):
        return ""
    if kind.call == "model" or kind.group == "agent" or given == came:
        given = "" if came else given
    elif given and came:
        given = given if len(given) <= GIVEN else f"{given[:GIVEN].rstrip()}…"
        came = f" → {came}"
    return formats.visible(given + came)


def _duration_between(start: int | None, end: int | None) -> str:
    return formats.duration(end - start) if start is not None and end is not None else ""


def _collapsed_note(entry: TraceEntry) -> str:
    """Return what a collapsed group holds: 37 iterations, 2 failed."""
    if entry.has_passes:
        passes = [child for child in entry.children if child.form == "pass"]
        failed = sum(child.failed > 0 for child in passes)
        return _count_with_failures(len(passes), "iteration", "iterations", failed)
    steps = entry.steps - (1 if entry.step else 0)
    return _count_with_failures(steps, "step", "steps", entry.failed)


def _count_with_failures(count: int, singular: str, plural: str, failed: int) -> str:
    noun = singular if count == 1 else plural
    return f"{count:,} {noun}" + (f", {failed} failed" if failed else "")


def elided_title(entries: list[TraceEntry]) -> str:
    """Return the words for siblings that are left out: Iterations 3–41: 2 failed."""
    failed = sum(entry.failed > 0 for entry in entries)
    if all(entry.form == "pass" for entry in entries):
        outcome = f"{failed} failed" if failed else "none failed"
        return f"Iterations {entries[0].number}–{entries[-1].number}: {outcome}"
    outcome = f", {failed} failed" if failed else ", none failed"
    return f"{len(entries):,} more steps{outcome}"
