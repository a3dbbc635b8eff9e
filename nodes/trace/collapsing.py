"""Decides which parts of a run's tree are open, and lists the lines that are shown. Pure.

The state is the address: `?open=a,b&closed=c`. The rest follows rules: failures and the chosen step
are in sight, small groups are open, long ones collapsed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import urlencode

from nodes.trace.critical_path import gap_name
from nodes.trace.lanes import Lane, Sources, assign_lanes
from nodes.trace.tree import TraceEntry, TraceTree
from nodes.trace.waterfall import TimeScale, gaps

MANY_PASSES = 12
MANY_CHILDREN = 200
FEW = 3  # shorter stretches of unremarkable siblings are shown as they are
MAX_KEYS = 200


@dataclass(frozen=True, slots=True)
class TreeState:
    """What the reader opened and closed by hand; `all_spans` shows wrapper spans too. `only` is the
    key of an iteration or step: the tree is open on the path to it and below, and nowhere else;
    `path` marks the critical path. `list` names the list that the reader came from, which links
    keep."""

    opened: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    all_spans: bool = False
    only: str = ""
    path: bool = False
    list: str = ""

    @classmethod
    def from_query(cls, query: dict[str, str]) -> "TreeState":
        return cls(
            opened=_keys(query.get("open", "")),
            closed=_keys(query.get("closed", "")),
            all_spans=query.get("all") == "1",
            only=query.get("only", "")[:24],
            path=query.get("path") == "critical",
            list=query.get("list", "")[:2_000],
        )

    def query(self, **more: object) -> str:
        """Return the state as a query string, "" or "?…", with `more` added."""
        pairs = {
            "all": "1" if self.all_spans else "",
            "only": self.only,
            "path": "critical" if self.path else "",
            "open": ",".join(sorted(self.opened)),
            "closed": ",".join(sorted(self.closed)),
            "list": self.list,
            **{name: str(value) for name, value in more.items()},
        }
        query = urlencode({name: value for name, value in pairs.items() if value}, safe=",")
        return f"?{query}" if query else ""

    def toggled(self, key: str, is_open: bool) -> "TreeState":
        opened, closed = self.opened - {key}, self.closed - {key}
        if is_open:
            return replace(self, opened=opened, closed=closed | {key})
        return replace(self, opened=opened | {key}, closed=closed)


def _keys(text: str) -> frozenset[str]:
    return frozenset(key[:24] for key in text.split(",")[:MAX_KEYS] if key)


@dataclass(slots=True, eq=False)
class TraceLine:
    """One line of the list. `form` adds to the entries' forms: `elided` (siblings left out, `entry`
    is their parent) and `gap` (nothing ran). `is_open` is None where there is nothing to open."""

    form: Literal["step", "pass", "placeholder", "elided", "gap"]
    level: int
    entry: TraceEntry | None = None
    is_open: bool | None = None
    start: int | None = None
    end: int | None = None
    elided: list[TraceEntry] = field(default_factory=list)
    lane: Lane | None = None
    gap: str = ""


def trace_lines(
    tree: TraceTree,
    state: TreeState,
    scale: TimeScale,
    chosen: TraceEntry | None,
    sources: Sources = dict,
) -> list[TraceLine]:
    """Return all lines of the tree in the given state, in order; `sources` is for
    `nodes.trace.lanes`."""
    only = _entry_with_key(tree, state.only)
    in_sight = _entry_and_above(tree, only or chosen)
    alone = in_sight | _entry_and_below(only) if only else in_sight
    lines: list[TraceLine] = []
    # A stack of iterators instead of recursion: trees may be deep.
    stack = [_in_lanes(_top_lines(tree.top, scale), assign_lanes(tree.top, scale.end, sources))]
    while stack:
        line = next(stack[-1], None)
        if line is None:
            stack.pop()
            continue
        lines.append(line)
        entry = line.entry
        if entry is None or line.form == "elided" or not entry.children:
            continue
        if only and entry.key not in state.opened | state.closed:
            line.is_open = entry in alone
        else:
            line.is_open = _is_open(tree, entry, state, in_sight)
        if line.is_open:
            below = _lines_below(entry, len(stack), state, in_sight, only)
            stack.append(_in_lanes(below, assign_lanes(entry.children, scale.end, sources)))
    return lines


def _in_lanes(lines: Iterator[TraceLine], lanes: dict[TraceEntry, Lane]) -> Iterator[TraceLine]:
    if not lanes:
        return lines
    return (
        replace(line, lane=lanes.get(line.entry)) if line.entry and line.form != "elided" else line
        for line in lines
    )


def _entry_and_above(tree: TraceTree, entry: TraceEntry | None) -> set[TraceEntry]:
    entries = set()
    while entry is not None:
        entries.add(entry)
        entry = tree.above.get(entry)
    return entries


def _entry_and_below(entry: TraceEntry) -> set[TraceEntry]:
    entries = {entry}
    waiting = [entry]
    while waiting:
        below = waiting.pop().children
        entries.update(below)
        waiting.extend(below)
    return entries


def _entry_with_key(tree: TraceTree, key: str) -> TraceEntry | None:
    """Return the iteration or step with that key; None for "" or an unknown key."""
    if not key:
        return None
    entries = (*tree.by_id.values(), *tree.above)
    return next((entry for entry in entries if entry.key == key), None)


def _is_long(entry: TraceEntry) -> bool:
    limit = MANY_PASSES if entry.has_passes else MANY_CHILDREN
    return len(entry.children) > limit


def _is_open(
    tree: TraceTree, entry: TraceEntry, state: TreeState, in_sight: set[TraceEntry]
) -> bool:
    if entry.key in state.closed:
        return False
    if entry.key in state.opened:
        return True
    if any(child in in_sight for child in entry.children) or _has_failures_below(entry):
        return True
    if entry.form == "pass":
        loop = tree.above[entry]
        # Beside a pass that failed, those that went well would push it out of sight.
        return not _is_long(loop) and not _has_failures_below(loop)
    return not _is_long(entry)


def _has_failures_below(entry: TraceEntry) -> bool:
    return any(child.failed for child in entry.children)


def _lines_below(
    entry: TraceEntry,
    level: int,
    state: TreeState,
    in_sight: set[TraceEntry],
    only: TraceEntry | None,
) -> Iterator[TraceLine]:
    """Return the children; of a long group that is open for a failure's sake only what matters, and
    of one that leads to what alone is to be open, only the path to it."""
    leads_to_only = only is not None and entry in in_sight and entry is not only
    if not _is_long(entry) or entry.key in state.opened:
        yield from (_entry_line(child, level) for child in entry.children)
        return
    plain: list[TraceEntry] = []
    for child in entry.children:
        if child in in_sight or (child.failed and not leads_to_only):
            yield from _plain_lines(entry, plain, level)
            plain = []
            yield _entry_line(child, level)
        else:
            plain.append(child)
    yield from _plain_lines(entry, plain, level)


def _plain_lines(parent: TraceEntry, plain: list[TraceEntry], level: int) -> Iterator[TraceLine]:
    """Return a line for each of few unremarkable siblings, one line for many."""
    if len(plain) < FEW:
        yield from (_entry_line(child, level) for child in plain)
        return
    start = min((child.start for child in plain if child.start is not None), default=None)
    end = max((child.end for child in plain if child.end is not None), default=None)
    yield TraceLine("elided", level, parent, None, start, end, plain)


def _entry_line(entry: TraceEntry, level: int) -> TraceLine:
    return TraceLine(entry.form, level, entry, None, entry.start, entry.end)


def _top_lines(top: list[TraceEntry], scale: TimeScale) -> Iterator[TraceLine]:
    """Return the first level, with a line wherever nothing ran for a while."""
    busy = [
        (entry.start, scale.end if entry.end is None else entry.end)
        for entry in top
        if entry.start is not None
    ]
    waits = _gap_lines(top, gaps(scale, busy))
    for entry in top:
        while waits and entry.start is not None and entry.start >= (waits[0].end or 0):
            yield waits.pop(0)
        yield _entry_line(entry, 0)
    yield from waits


def _gap_lines(top: list[TraceEntry], waits: list[tuple[int, int]]) -> list[TraceLine]:
    if not waits:
        return []
    ended = {entry.end: entry for entry in top}
    began = {entry.start: entry for entry in reversed(top)}
    return [
        TraceLine("gap", 0, start=start, end=end, gap=gap_name(ended.get(start), began.get(end)))
        for start, end in waits
    ]
