"""Works out when the steps of an event stream ran. Pure.

Dify stamps events in whole seconds, sends the length of each step exactly, and sends its events in
the order in which they happened. From these follows when each step began, but for a fraction of a
second that all steps share which follow one another without a wait: it is chosen so that nothing
seems to have waited where nothing need have. Where the stream was read live, each event happened
no later than it arrived, which leaves next to nothing open.
"""

from dataclasses import dataclass
from typing import NamedTuple

SECOND = 1_000_000
# An event that arrives so much later than the step before it ended was sent after a wait, in
# microseconds; less may be the time on its way. One that is later than that was held up.
DELAY = 20_000
HELD_UP = 2 * SECOND


@dataclass(slots=True, eq=False)
class _Block:
    """Steps that follow one another without a wait that is sure. The block starts at `start` at the
    earliest and at `latest` at the latest, by all that is known of its steps."""

    start: int
    latest: int
    is_live: bool = False

    @property
    def start_us(self) -> int:
        return self.latest if self.is_live else self.start

    def narrow(self, earliest: int, latest: int) -> bool:
        """Take another bound of the start, unless it contradicts the others."""
        start, latest = max(self.start, earliest), min(self.latest, latest)
        if start > latest:
            return False
        self.start, self.latest = start, latest
        return True


class _Point(NamedTuple):
    """A time, counted from the start of a block."""

    block: _Block
    offset: int

    @property
    def time_us(self) -> int:
        return self.block.start_us + self.offset


@dataclass(slots=True)
class _Interval:
    """Start and end of a step; `again`: where it went on after it had waited; `is_sent_later`: it
    is at the end of the second in which it began."""

    start: _Point
    end: _Point | None = None
    again: _Point | None = None
    is_sent_later: bool = False


class StreamClock:
    """Takes each start and end in the order of the stream. Times are microseconds since the epoch;
    a stamp of a whole second stands for the second that begins with it. The times of a step may
    still move within their second as more is read."""

    def __init__(self) -> None:
        self._intervals: dict[str, _Interval] = {}
        self._block: _Block | None = None
        self._now = 0  # how far the block has come, counted from its start
        self._entered: set[str] = set()
        self._attempt_of: dict[str, str] = {}
        self._attempted: dict[str, _Point] = {}  # step → when its last attempt ended

    def __contains__(self, key: str) -> bool:
        return key in self._intervals

    def times(self, key: str) -> tuple[int, int | None]:
        """Return start and end as far as they are known."""
        interval = self._intervals[key]
        return interval.start.time_us, None if interval.end is None else interval.end.time_us

    def is_open(self, key: str) -> bool:
        return self._intervals[key].end is None

    @property
    def now_us(self) -> int:
        """Return how far the stream has come."""
        return 0 if self._block is None else self._block.start_us + self._now

    def begin(
        self,
        key: str,
        stamp_us: int | None,
        arrived_us: int | None = None,
        is_sent_later: bool = False,
    ) -> None:
        """Take the start of a step: after all that has begun or ended before it in the stream. One
        that has begun already goes on after a wait. `is_sent_later`: it may have begun before that,
        in the second of its stamp."""
        interval = self._intervals.get(key)
        if interval is not None and interval.end is not None:
            return
        if is_sent_later and interval is None and self._block is not None and stamp_us is not None:
            latest = _last_of_second(stamp_us)
            if latest < self._block.start + self._now + 1:
                point = _Point(self._block, latest - self._block.start_us)
                self._intervals[key] = _Interval(point, is_sent_later=True)
                return
        if stamp_us is not None:
            self._advance(stamp_us, _last_of_second(stamp_us), arrived_us)
        if self._block is None:
            return  # nothing says when that was
        point = _Point(self._block, self._now)
        if interval is None:
            self._intervals[key] = _Interval(point)
        elif point.block is not interval.start.block:
            interval.again = point

    def _advance(self, earliest: int, latest: int, arrived_us: int | None) -> None:
        """Go on to the next start, which lies between two times."""
        is_live = arrived_us is not None and earliest <= arrived_us < earliest + HELD_UP
        if arrived_us is not None and is_live:
            latest = min(latest, arrived_us)
        after = self._now + 1
        if self._block is None:
            self._block, self._now = _Block(earliest, latest, is_live), 0
            return
        block, free = self._block, self._block.latest + after
        waited = latest > free + DELAY if is_live else earliest > free
        if waited:
            # As briefly as the stamps allow.
            block.start = block.latest
            self._block = _Block(max(earliest, min(free, latest)), latest, is_live)
            after = 0
        else:
            block.narrow(earliest - after, latest - after)
        self._now = after

    def begin_first_inside(self, container: str) -> None:
        """Take it that the first step in a container is about to begin. Dify may send the start of
        a container before the end of the step before it; it begins with its first step."""
        interval = self._intervals.get(container)
        if interval is None or container in self._entered:
            return
        self._entered.add(container)
        block, offset = interval.start
        if interval.end is None and block is self._block and offset < self._now:
            self._now += 1
            interval.start = _Point(block, self._now)

    def begin_attempt(self, key: str, step: str) -> None:
        """Take an attempt of a `step` that is tried again. It began with the step, or when the
        attempt before it had ended."""
        if key in self._intervals or step not in self._intervals:
            return
        self._intervals[key] = _Interval(self._attempted.get(step, self._intervals[step].start))
        self._attempt_of[key] = step

    def end(
        self,
        key: str,
        length_us: int | None,
        stamp_us: int | None,
        arrived_us: int | None = None,
        covers_all: bool = False,
    ) -> None:
        """Take the end of a step that has begun: by its length, else now, in the second of the
        stamp. `covers_all`: it ends no earlier than anything before it."""
        interval, block = self._intervals.get(key), self._block
        if interval is None or interval.end is not None or block is None:
            return
        attempted = self._attempted.get(key)
        # The length is that of all attempts (what they took is measured otherwise, so that their
        # sum may be a little longer), or, in some versions, of the last one.
        if attempted is not None and length_us is not None:
            tried_us = attempted.time_us - interval.start.time_us
            interval.start = attempted if length_us < tried_us * 3 // 4 else interval.start
        if interval.is_sent_later and length_us is not None and stamp_us is not None:
            late = interval.start.time_us + length_us - _last_of_second(stamp_us)
            first = interval.start.offset - SECOND + 1
            offset = interval.start.offset - max(late, 0)
            interval.start = _Point(interval.start.block, max(offset, first))
        began = interval.again or interval.start
        shift = began.block.start_us - block.start_us
        end = self._now - shift if length_us is None else began.offset + length_us
        if stamp_us is not None:
            block.narrow(stamp_us - end - shift, _last_of_second(stamp_us) - end - shift)
            if length_us is None:
                end = max(end, stamp_us - began.time_us + began.offset)
        if arrived_us is not None:
            block.narrow(block.start, arrived_us - end - shift)
        end = max(end, began.offset, self._now - shift if covers_all else end)
        interval.end = _Point(began.block, end)
        if key in self._attempt_of:
            self._attempted[self._attempt_of[key]] = interval.end
        self._now = max(self._now, end + shift)

    def end_unbegun(
        self, key: str, started_us: int | None, length_us: int | None, stamp_us: int | None
    ) -> None:
        """Take the end of a step whose start was not seen; `started_us` is the stamp of the start,
        `stamp_us` that of the end. It ran after all before it, where the stamps allow that, or ends
        now."""
        if started_us is None and stamp_us is not None:
            started_us = stamp_us - (length_us or 0)
            bounds = (started_us, started_us + SECOND - 1)
        elif started_us is not None:
            bounds = (started_us, _last_of_second(started_us))
        else:
            return
        after, block = self._now + 1, self._block
        if block is not None and bounds[1] - after < block.start:
            # It began before what has ended already.
            offset = max(min(self._now - (length_us or 0), bounds[1] - block.start_us),
                         bounds[0] - block.start_us)  # fmt: skip
            self._intervals[key] = _Interval(_Point(block, offset))
        else:
            self._advance(*bounds, None)
            assert self._block is not None
            self._intervals[key] = _Interval(_Point(self._block, self._now))
        self.end(key, length_us, stamp_us)


def _last_of_second(stamp_us: int) -> int:
    """Return the last microsecond that a stamp may stand for; more than a second is exact."""
    return stamp_us if stamp_us % SECOND else stamp_us + SECOND - 1
