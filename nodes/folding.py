"""Which parts of a run's tree are open, and the lines that are shown for it. Pure.

The state is the address: `?open=a,b&closed=c`. What nobody chose follows rules: failures and the
chosen step are in sight, small groups are open, long ones closed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlencode

from nodes.timeline import Entry, Timeline
from nodes.waterfall import Scale, gaps

MANY_PASSES = 12
MANY_CHILDREN = 200
FEW = 3  # shorter stretches of unremarkable siblings are shown as they are
MAX_KEYS = 200


@dataclass(frozen=True, slots=True)
class Folding:
    """What the reader opened and closed by hand; `all_spans` shows plumbing too."""

    opened: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    all_spans: bool = False

    @classmethod
    def from_query(cls, query: dict[str, str]) -> "Folding":
        return cls(
            opened=_keys(query.get("open", "")),
            closed=_keys(query.get("closed", "")),
            all_spans=query.get("all") == "1",
        )

    def query(self, **more: object) -> str:
        """The state as a query string, "" or "?…"."""
        pairs = {
            "all": "1" if self.all_spans else "",
            "open": ",".join(sorted(self.opened)),
            "closed": ",".join(sorted(self.closed)),
            **{name: str(value) for name, value in more.items()},
        }
        query = urlencode({name: value for name, value in pairs.items() if value}, safe=",")
        return f"?{query}" if query else ""

    def toggled(self, key: str, is_open: bool) -> "Folding":
        opened, closed = self.opened - {key}, self.closed - {key}
        if is_open:
            return Folding(opened, closed | {key}, self.all_spans)
        return Folding(opened | {key}, closed, self.all_spans)


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


def lines(timeline: Timeline, folding: Folding, scale: Scale, chosen: Entry | None) -> list[Line]:
    """All lines of the tree as it is folded, in order."""
    in_sight = _in_sight(timeline, chosen)
    shown: list[Line] = []
    # A stack of iterators instead of recursion: trees may be deep.
    stack: list[Iterator[Line]] = [_top(timeline.top, scale)]
    while stack:
        line = next(stack[-1], None)
        if line is None:
            stack.pop()
            continue
        shown.append(line)
        entry = line.entry
        if entry is None or line.form == "elided" or not entry.children:
            continue
        line.is_open = _is_open(timeline, entry, folding, in_sight)
        if line.is_open:
            stack.append(_below(entry, len(stack), folding, in_sight))
    return shown


def _in_sight(timeline: Timeline, chosen: Entry | None) -> set[Entry]:
    """The chosen entry and all above it."""
    in_sight = set()
    while chosen is not None:
        in_sight.add(chosen)
        chosen = timeline.above.get(chosen)
    return in_sight


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


def _below(entry: Entry, level: int, folding: Folding, in_sight: set[Entry]) -> Iterator[Line]:
    """The children; of a long group that is open for a failure's sake only what matters."""
    if not _is_long(entry) or entry.key in folding.opened:
        yield from (_line(child, level) for child in entry.children)
        return
    plain: list[Entry] = []
    for child in entry.children:
        if child.failed or child in in_sight:
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
    waits = gaps(scale, busy)
    for entry in top:
        while waits and entry.start is not None and entry.start >= waits[0][1]:
            yield Line("gap", 0, start=waits[0][0], end=waits.pop(0)[1])
        yield _line(entry, 0)
    yield from (Line("gap", 0, start=wait[0], end=wait[1]) for wait in waits)
