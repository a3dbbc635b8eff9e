"""Work out when the steps of a Dify stream ran. Pure.

Dify stamps events in whole seconds, sends the length of each step exactly, and sends its events in
the order in which they happened. From these follows when each step began, but for a fraction of a
second that all steps share which follow one another without a wait: it is chosen so that nothing
seems to have waited where nothing need have.
"""

from collections.abc import Iterable
from dataclasses import dataclass

SECOND = 1_000_000


@dataclass(slots=True)
class _Interval:
    """Start and end of a step, counted from the start of its block, in microseconds; `stamp` is
    what Dify says of the start."""

    block: "_Block"
    stamp: int
    start: int
    end: int | None = None

    @property
    def times(self) -> tuple[int, int | None]:
        return self.block.start + self.start, (
            None if self.end is None else self.block.start + self.end
        )


@dataclass(slots=True)
class _Block:
    """Steps that follow one another without a wait that is sure. The block starts at `start`, the
    earliest time that agrees with all stamps, and at `latest` at the latest."""

    start: int
    latest: int

    def narrow(self, earliest: int, latest: int) -> bool:
        """Take another bound of the start, unless it contradicts the others."""
        start, latest = max(self.start, earliest), min(self.latest, latest)
        if start > latest:
            return False
        self.start, self.latest = start, latest
        return True


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
        self._attempted: dict[str, int] = {}  # step → when its last attempt ended, in its block

    def __contains__(self, key: str) -> bool:
        return key in self._intervals

    def times(self, key: str) -> tuple[int, int | None]:
        """Return start and end as far as they are known."""
        return self._intervals[key].times

    def stamp(self, key: str) -> int:
        """Return the stamp of the start of a step."""
        return self._intervals[key].stamp

    def keys(self) -> Iterable[str]:
        return self._intervals.keys()

    def begin(self, key: str, stamp_us: int) -> None:
        """Take the start of a step: after all that has begun or ended before it in the stream."""
        if key in self._intervals:
            return
        earliest, latest = stamp_us, _last_of_second(stamp_us)
        if self._block is None:
            self._block, self._now = _Block(earliest, latest), -1
        after = self._now + 1
        agrees = self._block.narrow(earliest - after, latest - after)
        if not agrees and earliest > self._block.latest + after:
            # Something waited: as briefly as the stamps allow.
            self._block.start = self._block.latest
            self._block, after = _Block(earliest, latest), 0
        self._now = after
        self._intervals[key] = _Interval(self._block, stamp_us, after)

    def begin_first_inside(self, container: str) -> None:
        """Take it that the first step in a container is about to begin. Dify may send the start of
        a container before the end of the step before it; it begins with its first step."""
        interval = self._intervals.get(container)
        if interval is None or container in self._entered:
            return
        self._entered.add(container)
        if interval.end is None and interval.block is self._block and interval.start < self._now:
            self._now += 1
            interval.start = self._now

    def begin_attempt(self, key: str, step: str) -> None:
        """Take an attempt of a `step` that is tried again. It began with the step, or when the
        attempt before it had ended."""
        if key in self._intervals or step not in self._intervals:
            return
        interval = self._intervals[step]
        start = self._attempted.get(step, interval.start)
        self._intervals[key] = _Interval(interval.block, interval.stamp, start)
        self._attempt_of[key] = step

    def attach(self, key: str, step: str, started_us: int | None, ended_us: int | None) -> None:
        """Take times within a `step`, which move with it."""
        if step not in self._intervals or started_us is None:
            return
        block, stamp = self._intervals[step].block, self._intervals[step].stamp
        end = None if ended_us is None else ended_us - block.start
        self._intervals[key] = _Interval(block, stamp, started_us - block.start, end)

    def end(self, key: str, length_us: int | None, stamp_us: int | None) -> None:
        """Take the end of a step that has begun: by its length, else now, in the second of the
        stamp."""
        interval, block = self._intervals[key], self._block
        if interval.end is not None or block is None:
            return
        shift = interval.block.start - block.start
        attempted = self._attempted.get(key)
        # The length is that of all attempts (what they took is measured otherwise, so that their
        # sum may be a little longer), or, in some versions, of the last one.
        if (
            attempted is not None
            and length_us is not None
            and length_us < (attempted - interval.start) * 3 // 4
        ):
            interval.start = attempted
        end = self._now - shift if length_us is None else interval.start + length_us
        if stamp_us is not None:
            block.narrow(stamp_us - end - shift, _last_of_second(stamp_us) - end - shift)
            if length_us is None:
                end = max(end, stamp_us - interval.block.start)
        interval.end = max(end, interval.start)
        if key in self._attempt_of:
            self._attempted[self._attempt_of[key]] = interval.end
        self._now = max(self._now, interval.end + shift)

    @property
    def now_us(self) -> int | None:
        """Return the latest time that has passed for sure."""
        return None if self._block is None else self._block.start + max(self._now, 0)


def _last_of_second(stamp_us: int) -> int:
    """Return the last microsecond that a stamp may stand for; more than a second is exact."""
    return stamp_us if stamp_us % SECOND else stamp_us + SECOND - 1
