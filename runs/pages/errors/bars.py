"""Draw how often something happened over a range of time as a row of small bars. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

MOST = 30  # bars
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_WIDTHS = [_HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY,
           90 * _DAY, 365 * _DAY]  # fmt: skip
HEIGHT = 10


@dataclass(frozen=True, slots=True)
class BarScale:
    """`count` equal stretches of time from `start` on."""

    start: datetime
    width: timedelta
    count: int

    @property
    def each(self) -> str:
        """Return how much time one bar stands for: "hour", "7 days"."""
        hours = self.width // _HOUR
        number, unit = (hours, "hour") if hours < 24 else (hours // 24, "day")
        return unit if number == 1 else f"{number} {unit}s"


def bar_scale(first: datetime, last: datetime) -> BarScale:
    """Return a scale of at most `MOST` bars that holds all from `first` to `last` and begins on a
    full hour or at midnight, in the time zone of the two."""
    last = max(last, first)
    for width in _WIDTHS:
        start = first.replace(minute=0, second=0, microsecond=0)
        if width > _HOUR:
            start = start.replace(hour=0)
        count = (last - start) // width + 1
        if count <= MOST:
            return BarScale(start, width, count)
    start = first.replace(hour=0, minute=0, second=0, microsecond=0)
    return BarScale(start, timedelta(days=ceil(((last - start) / _DAY + 1) / MOST)), MOST)


def bars_path(times: Iterable[datetime], scale: BarScale) -> str:
    """Return bars as the path of an SVG that is one unit wide for each stretch and `HEIGHT` high. A
    stretch in which anything happened has a bar that can be seen."""
    # The hour that a clock was set back by may lie beyond the last stretch.
    counts = Counter(min((time - scale.start) // scale.width, scale.count - 1) for time in times)
    highest = max(counts.values(), default=1)
    bars = []
    for position, count in sorted(counts.items()):
        height = max(2, round(count * HEIGHT / highest))
        bars.append(f"M{position}.1 {HEIGHT}v-{height}h.8v{height}z")
    return "".join(bars)
