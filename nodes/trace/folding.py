"""Which parts of a run's tree are open, and the lines that are shown for it. Pure.

The state is the address: `?open=a,b&closed=c`. What nobody chose follows rules: failures and the
chosen step are in sight, small groups are open, long ones closed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import urlencode

from nodes.trace.critical_path import gap_name
from nodes.trace.lanes import Lane, Sources, lanes
from nodes.trace.timeline import Entry, Timeline
from nodes.trace.waterfall import Scale, gaps

MANY_PASSES = 12
MANY_CHILDREN = 200
FEW = 3  # shorter stretches of unremarkable siblings are shown as they are
MAX_KEYS = 200


@dataclass(frozen=True, slots=True)
class Folding:
    """What the reader opened and closed by hand; `all_spans` shows plumbing too. `only` is the key
    of a pass or step: the tree is open on the way there and below, and nowhere else; `path` marks
    the critical path."""

    opened: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    all_spans: bool = False
    only: str = ""
    path: bool = False

    @classmethod
    def from_query(cls, query: dict[str, str]) -> "Folding":
        return cls(
            opened=_keys(query.get("open", "")),
            closed=_keys(query.get("closed", "")),
            all_spans=query.get("all") == "1",
            only=query.get("only", "")[:24],
            path=query.get("path") == "critical",
        )

    def query(self, **more: object) -> str:
        """The state as a query string, "" or "?…"."""
        pairs = {
            "all": "1" if self.all_spans else "",
            "only": self.only,
            "path": "critical" if self.path else "",
            "open": ",".join(sorted(self.opened)),
            "closed": ",".join(sorted(self.closed)),
            **{name: str(value) for name, value in more.items()},
        }
        query = urlencode({name: value for name, value in pairs.items() if value}, safe=",")
        return f"?{query}" if query else ""

    def toggled(self, key: str, is_open: bool) -> "Folding":
        opened, closed = self.opened - {key}, self.closed - {key}
        if is_open:
            return replace(self, opened=opened, closed=closed | {key})
        return replace(self, opened=opened | {key}, closed=closed)


def _keys(text: str) -> frozenset[str]:
    return frozenset(key[:24] for key in text.split(",")[:MAX_KEYS] if key)


@dataclass(slots=True, eq=False)
class Line:
    """One line of the list. `form` adds to the entries' forms: `elided` (siblings left out, `entry`
    is their parent) and `gap` (nothing ran). `is_open` is None where there is nothing to open."""

    form: Literal["step", "pass", "placeholder", "elided", "gap"]
    level: int
    entry: Entry | None = None
    is_open: bool | None = None
    start: int | None = None
    end: int | None = None
    left_out: list[Entry] = field(default_factory=list)
    lane: Lane | None = None
    gap: str = ""


def lines(
    timeline: Timeline,
    folding: Folding,
    scale: Scale,
    chosen: Entry | None,
    sources: Sources = dict,
) -> list[Line]:
    """All lines of the tree as it is folded, in order; `sources` for `nodes.trace.lanes`."""
    only = _named(timeline, folding.only)
    in_sight = _in_sight(timeline, only or chosen)
    alone = in_sight | _inside(only) if only else in_sight
    shown: list[Line] = []
    # A stack of iterators instead of recursion: trees may be deep.
    stack = [_in_lanes(_top(timeline.top, scale), lanes(timeline.top, scale.end, sources))]
    while stack:
        line = next(stack[-1], None)
        if line is None:
            stack.pop()
            continue
        shown.append(line)
        entry = line.entry
        if entry is None or line.form == "elided" or not entry.children:
            continue
        if only and entry.key not in folding.opened | folding.closed:
            line.is_open = entry in alone
        else:
            line.is_open = _is_open(timeline, entry, folding, in_sight)
        if line.is_open:
            below = _below(entry, len(stack), folding, in_sight, only)
            stack.append(_in_lanes(below, lanes(entry.children, scale.end, sources)))
    return shown


def _in_lanes(found: Iterator[Line], known: dict[Entry, Lane]) -> Iterator[Line]:
    if not known:
        return found
    return (
        replace(line, lane=known.get(line.entry)) if line.entry and line.form != "elided" else line
        for line in found
    )


def _in_sight(timeline: Timeline, chosen: Entry | None) -> set[Entry]:
    """The chosen entry and all above it."""
    in_sight = set()
    while chosen is not None:
        in_sight.add(chosen)
        chosen = timeline.above.get(chosen)
    return in_sight


def _inside(entry: Entry) -> set[Entry]:
    """The entry and all below it."""
    found = {entry}
    waiting = [entry]
    while waiting:
        below = waiting.pop().children
        found.update(below)
        waiting.extend(below)
    return found


def _named(timeline: Timeline, key: str) -> Entry | None:
    """The pass, or the step, of that key; None for "" or a key of nothing."""
    if not key:
        return None
    found = (entry for entry in (*timeline.by_id.values(), *timeline.above) if entry.key == key)
    return next(found, None)


def _is_long(entry: Entry) -> bool:
    limit = MANY_PASSES if entry.has_passes else MANY_CHILDREN
    return len(entry.children) > limit


def _is_open(timeline: Timeline, entry: Entry, folding: Folding, in_sight: set[Entry]) -> bool:
    if entry.key in folding.closed:
        return False
    if entry.key in folding.opened:
        return True
    if any(child in in_sight for child in entry.children) or entry.failed - _own(entry):
        return True
    if entry.form == "pass":
        loop = timeline.above[entry]
        # Beside a pass that failed, those that went well would push it out of sight.
        return not _is_long(loop) and not loop.failed - _own(loop)
    return not _is_long(entry)


def _own(entry: Entry) -> int:
    """1 when the entry itself failed, of those that `failed` counts."""
    return entry.failed - sum(child.failed for child in entry.children)


def _below(
    entry: Entry, level: int, folding: Folding, in_sight: set[Entry], only: Entry | None
) -> Iterator[Line]:
    """The children; of a long group that is open for a failure's sake only what matters, and of one
    on the way to what `only` is to be open, only the way."""
    on_the_way = only is not None and entry in in_sight and entry is not only
    if not _is_long(entry) or entry.key in folding.opened:
        yield from (_line(child, level) for child in entry.children)
        return
    plain: list[Entry] = []
    for child in entry.children:
        if child in in_sight or (child.failed and not on_the_way):
            yield from _stretch(entry, plain, level)
            plain = []
            yield _line(child, level)
        else:
            plain.append(child)
    yield from _stretch(entry, plain, level)


def _stretch(parent: Entry, plain: list[Entry], level: int) -> Iterator[Line]:
    if len(plain) < FEW:
        yield from (_line(child, level) for child in plain)
        return
    starts = [child.start for child in plain if child.start is not None]
    ends = [child.end for child in plain if child.end is not None]
    yield Line(
        "elided", level, parent, None, min(starts, default=None), max(ends, default=None), plain
    )


def _line(entry: Entry, level: int) -> Line:
    return Line(entry.form, level, entry, None, entry.start, entry.end)


def _top(top: list[Entry], scale: Scale) -> Iterator[Line]:
    """The first level, with a line wherever nothing ran for a while."""
    busy = [
        (entry.start, scale.end if entry.end is None else entry.end)
        for entry in top
        if entry.start is not None
    ]
    waits = _named_gaps(top, gaps(scale, busy))
    for entry in top:
        while waits and entry.start is not None and entry.start >= (waits[0].end or 0):
            yield waits.pop(0)
        yield _line(entry, 0)
    yield from waits


def _named_gaps(top: list[Entry], waits: list[tuple[int, int]]) -> list[Line]:
    if not waits:
        return []
    ended = {entry.end: entry for entry in top}
    began = {entry.start: entry for entry in reversed(top)}
    return [
        Line("gap", 0, start=start, end=end, gap=gap_name(ended.get(start), began.get(end)))
        for start, end in waits
    ]
