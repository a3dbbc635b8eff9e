"""Lines of the TRACING list as rows for the page: everything a template writes, worked out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.urls import reverse

from nodes import formats
from nodes.choices import NodeStatus
from nodes.graph.ways import END
from nodes.kinds import Kind, kind_of
from nodes.models import NodeExecution
from nodes.trace.folding import Line
from nodes.trace.lanes import Lane
from nodes.trace.loading import Trace
from nodes.trace.timeline import Entry
from nodes.trace.waterfall import MAX_SEGMENTS, Bar, own_segments

MAX_LEVEL = 16  # deeper rows are not indented further
HEAVY = 4  # a step whose own work took more than one part in so many of the run


@dataclass(frozen=True, slots=True)
class OtherWays:
    """Where a run did not go after a step: (title, address) of the first nodes; how many `more`."""

    links: list[tuple[str, str]]
    more: int = 0


@dataclass(slots=True)
class Row:
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
    kind: Kind | None = None
    status: str = ""
    status_label: str = ""
    marked: bool = False
    number: str = ""
    attempt: int = 0
    taken: str = ""
    note: str = ""
    error: str = ""
    bar: Bar | None = None
    segments: list[Bar] = field(default_factory=list)
    is_group: bool = False
    heavy: bool = False
    duration: str = ""
    tokens: int | None = None
    cost: str = ""
    counted: bool = True
    chosen: bool = False
    folded: bool = False
    other_ways: OtherWays | None = None
    attempts: int = 0
    lane: Lane | None = None
    passes: str = ""
    on_path: bool = False
    path: list[Bar] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the rows stand: the list's address, the page's own, and the chosen execution."""

    base: str
    here: str
    chosen: UUID | None


def rows(trace: Trace, run_id: UUID, chosen: UUID | None, here: str = "") -> list[Row]:
    """The rows of the lines that `trace` shows. Groups open and close at `here`, the address of the
    page, so that the panel beside stays."""
    base = reverse("run-tracing", args=[run_id])
    place = Place(base, here or base, chosen)
    return [_row(line, trace, place) for line in trace.shown]


def with_other_ways(
    shown: list[Row], trace: Trace, other_ways: Mapping[str, OtherWays]
) -> list[Row]:
    """The rows with a line below the last shown visit of every step after which the run could have
    gone another way. `shown` are the rows of `trace.shown`, `other_ways` by node id."""
    if not other_ways:
        return shown
    below: dict[str, int] = {}
    for number, line in enumerate(trace.shown):
        step = line.entry.step if line.entry and line.form == "step" else None
        if step and step.node_id in other_ways:
            below[step.node_id] = number
    found = {number: other_ways[node_id] for node_id, number in below.items()}
    rows: list[Row] = []
    for number, row in enumerate(shown):
        rows.append(row)
        if ways := found.get(number):
            rows.append(Row("not-taken", min(row.level + 1, MAX_LEVEL), other_ways=ways))
    return rows


def _row(line: Line, trace: Trace, place: Place) -> Row:
    row = Row(line.form, min(line.level, MAX_LEVEL), bar=trace.scale.place(line.start, line.end))
    entry = line.entry
    row.duration = _lasted(line.start, line.end)
    if entry is None:
        row.title = f"{line.gap.capitalize() or 'Nothing ran'}: {row.duration}"
        return row
    if line.form == "elided":
        row.title = _left_out(line.left_out)
        row.toggle = place.here + trace.folding.toggled(entry.key, False).query()
        return row
    row.key, row.id, row.is_open, row.is_group = (
        entry.key,
        entry.id,
        line.is_open,
        bool(entry.children),
    )
    row.status, row.status_label = entry.status, _label(entry.status)
    row.marked = row.status not in ("", NodeStatus.SUCCEEDED)
    row.lane = line.lane
    if (stretches := trace.path.get(entry)) is not None:
        row.on_path = True
        row.path = [bar for part in stretches[:MAX_SEGMENTS] if (bar := trace.scale.place(*part))]
    if line.is_open is not None:
        row.toggle = place.here + trace.folding.toggled(entry.key, line.is_open).query()
        row.note = "" if line.is_open else _closed(entry)
    if entry.form == "pass":
        row.title = f"Pass {entry.number}"
        row.number = f"of {entry.total}"
    elif entry.step is None:
        row.title, row.note = "Parent not received", "not ended yet, or lost on its way"
    else:
        _fill_step(row, entry, trace, place)
    return row


def _fill_step(row: Row, entry: Entry, trace: Trace, place: Place) -> None:
    step, text = entry.step, trace.texts.get(entry.id) if entry.id else None
    if step is None:
        return
    row.kind = kind_of(step.kind)
    row.href = f"{place.base}{UUID(step.id)}/{trace.folding.query()}"
    row.chosen = place.chosen is not None and step.id == place.chosen.hex
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
        row.passes = f"{place.base}{UUID(step.id)}/passes/"
    if text is not None:
        _fill_text(row, text)
        # The reason stands where it arose, not again at every step above.
        if row.marked and not (row.is_open and entry.failed > 1):
            row.error = formats.visible(getattr(text, "error_head", ""))


def _fill_text(row: Row, text: NodeExecution) -> None:
    row.title = formats.visible(text.title) or "(no name)"
    row.taken = "the end" if text.taken == END else text.taken
    row.attempt = text.attempt if text.attempt > 1 or text.status == NodeStatus.RETRY else 0
    row.folded = text.folded
    row.counted = text.counted
    row.tokens = text.total_tokens
    row.cost = formats.money(text.cost, text.cost_currency) if text.cost is not None else ""
    if text.duration_us is not None:
        row.duration = formats.duration(text.duration_us)


def _lasted(start: int | None, end: int | None) -> str:
    return formats.duration(end - start) if start is not None and end is not None else ""


def _label(status: str) -> str:
    return NodeStatus(status).label if status in NodeStatus.values else status


def _closed(entry: Entry) -> str:
    """What a closed group holds: 37 passes, 2 failed."""
    if entry.has_passes:
        passes = [child for child in entry.children if child.form == "pass"]
        return _counted(len(passes), "pass", "passes", sum(child.failed > 0 for child in passes))
    return _counted(entry.steps - (1 if entry.step else 0), "step", "steps", entry.failed)


def _counted(count: int, one: str, many: str, failed: int) -> str:
    return f"{count:,} {one if count == 1 else many}" + (f", {failed} failed" if failed else "")


def _left_out(entries: list[Entry]) -> str:
    failed = sum(entry.failed > 0 for entry in entries)
    if all(entry.form == "pass" for entry in entries):
        ended = f"{failed} failed" if failed else "no failure"
        return f"Passes {entries[0].number}–{entries[-1].number}: {ended}"
    ended = f", {failed} with a failure" if failed else " without failure"
    return f"{len(entries):,} more steps{ended}"
