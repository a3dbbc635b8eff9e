"""The positions of bars, ticks and idle time on a run's time line. Pure.

Times are integer microseconds since the epoch. Places are percentages of the run's span, written
for `--start` and `--width` in a stylesheet.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MAX_TICKS = 6
GAP_SHARE = 20  # idle time longer than one part in so many of the run is worth a line …
MIN_GAP = 20_000  # … unless nobody would notice it
MAX_SEGMENTS = 12
# A clock that is read twice: so much later a step may seem to end than the next began.
JITTER = 1000
BREAK = 3  # a wait so many times as long as all work together is drawn short …
BREAK_SHARE = 12  # … as one part in so many of the work …
MAX_BREAKS = 12  # … the longest few only: together they take no more room than the work
_LONG_STEPS = (
    30 * SECOND,
    *(MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(HOUR * n for n in (1, 2, 3, 6, 12)),
    *(DAY * n for n in (1, 2, 5, 10, 20, 50, 100, 365, 1000)),
)


@dataclass(frozen=True, slots=True)
class Bar:
    """A place on the time line, in percent of its length, as text."""

    start: str
    width: str


@dataclass(frozen=True, slots=True)
class Tick:
    start: str
    label: str


@dataclass(frozen=True, slots=True)
class TimeScale:
    """The run's time line, from the first sign of life to the last. `breaks` are stretches that are
    drawn short, in order."""

    start: int
    end: int
    breaks: tuple[tuple[int, int], ...] = ()

    @property
    def span(self) -> int:
        return max(1, self.end - self.start)

    @property
    def drawn(self) -> int:
        """Return the length of the line: the run's time, without what breaks leave out."""
        return max(1, self._offset(self.end)) if self.breaks else self.span

    def _offset(self, time: int) -> int:
        """Return how far from its beginning a time is on the line."""
        work = self.span - sum(end - start for start, end in self.breaks)
        kept = max(1, work // BREAK_SHARE)
        place = time - self.start
        for start, end in self.breaks:
            left_out = max(0, end - start - kept)
            place -= left_out * min(max(time - start, 0), end - start) // (end - start)
        return place

    def place(self, start: int | None, end: int | None) -> Bar | None:
        """Return the bar of [start, end]; open at the right while it runs; None when no start is
        known."""
        if start is None:
            return None
        end = self.end if end is None else end
        if self.breaks:
            left, right, span = self._offset(start), self._offset(end), self.drawn
        else:
            left, right, span = start - self.start, end - self.start, self.span
        left = min(max(left, 0), span)
        width = min(max(right - left, 0), span - left)
        return Bar(_percent(left, span), _percent(width, span))

    def ticks(self) -> list[Tick]:
        """Return at most six round times from the start, 0 included; none so near the end that its
        label would not fit. After a break only the break itself is labelled."""
        span = self.drawn
        until = self._offset(self.breaks[0][0]) if self.breaks else span
        step = next(step for step in _tick_intervals() if span / step <= MAX_TICKS)
        count = min((span - 1) // step + 1, MAX_TICKS)
        room = min(span * 86, until * 100 - (span * 12 if self.breaks else 0))
        times = (number * step for number in range(count) if number * step * 100 < max(room, 1))
        return [Tick(_percent(time, span), tick_label(time)) for time in times]

    def broken(self) -> list[tuple[Bar, int]]:
        """Return where the line is broken, and how long the time is that stands there."""
        return [
            (self.place(start, end) or Bar("0", "0"), end - start) for start, end in self.breaks
        ]


def _tick_intervals() -> Iterator[int]:
    power = 1
    while power <= 10 * SECOND:
        yield from (digit * power for digit in (1, 2, 5) if digit * power < 30 * SECOND)
        power *= 10
    yield from _LONG_STEPS
    while True:
        power *= 10
        yield power * DAY


def tick_label(us: int) -> str:
    """Return a round time in its own unit: 0, 500 ms, 1.5 s, 2 m, 1 h."""
    if us == 0:
        return "0"
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s"), (1000, "ms")):
        if us >= unit and not (unit == MINUTE and us % MINUTE):  # 80 s, not 1.33 m
            return f"{us / unit:.3g} {name}"
    return f"{us} µs"


def _percent(part: int, whole: int) -> str:
    return f"{part * 100 / whole:.3f}".rstrip("0").rstrip(".")


def idle(start: int, end: int, busy: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the parts of [start, end] in which nothing in `busy` ran, in order."""
    free: list[tuple[int, int]] = []
    reached = start
    for busy_start, busy_end in sorted(busy):
        if busy_start > reached:
            free.append((reached, min(busy_start, end)))
        reached = max(reached, busy_end)
        if reached >= end:
            break
    if reached < end:
        free.append((reached, end))
    return free


def gaps(scale: TimeScale, busy: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return stretches in which nothing in `busy` ran, if they are long enough for a line."""
    return [
        (start, end)
        for start, end in idle(scale.start, scale.end, busy)
        if busy and end - start >= MIN_GAP and (end - start) * GAP_SHARE > scale.span
    ]


def slack_of(start: int) -> int:
    """Return how many microseconds later than reported a step may have begun: starts in whole
    seconds were cut."""
    return JITTER if start % SECOND else SECOND


def breaks(scale: TimeScale, busy: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return waits so long that they would leave no room for the work, in order."""
    reached, longest = scale.start, 0
    for start, end in busy:
        longest = max(longest, start - reached)
        reached = max(reached, end)
    # Whatever stands in which order, a wait of that length leaves a leap.
    if max(longest, scale.end - reached) * GAP_SHARE <= scale.span:
        return ()
    waits = idle(scale.start, scale.end, busy)
    work = scale.span - sum(end - start for start, end in waits)
    long = [wait for wait in waits if work and wait[1] - wait[0] > BREAK * work]
    return tuple(sorted(sorted(long, key=lambda wait: wait[0] - wait[1])[:MAX_BREAKS]))


def own_segments(
    scale: TimeScale, start: int | None, end: int | None, below: Iterable[tuple[int, int]]
) -> list[Bar]:
    """Return where a container itself was busy: its time without that of the steps below it. The
    longest few only, and none too short to be seen."""
    if start is None:
        return []
    parts = idle(start, scale.end if end is None else end, below)
    parts = [part for part in parts if (part[1] - part[0]) * 300 >= scale.drawn]
    longest = sorted(parts, key=lambda part: part[0] - part[1])[:MAX_SEGMENTS]
    return [bar for part in sorted(longest) if (bar := scale.place(*part))]
