"""The times of the sample runs: a week with working hours. Times are microseconds, UTC."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from runs.samples.spans import SEED

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
THURSDAY = 3  # 1970-01-01

CaseT = TypeVar("CaseT")


def scheduled_cases(
    project: str,
    special: Sequence[tuple[int, CaseT]],
    draw: Callable[[random.Random], CaseT],
    now_us: int,
    count: int,
    limit: int | None = None,
    times: int = 1,
) -> Iterator[tuple[str, int, CaseT]]:
    """Yield (name, start, case) of a project's runs in the week before `now_us`: first the
    `special` ones, given as (start, case), then others that are drawn, so that there are `count`
    and, with `times`, that many more for each further time. `limit` is the most that are wanted."""
    rng = random.Random(f"{SEED}/{project}")
    drawn = [(at, draw(rng)) for at in week(now_us, count - len(special), rng)]
    drawn += [(at, draw(rng)) for at in week(now_us, count * (times - 1), rng)]
    for number, (at_us, case) in enumerate([*special, *drawn][:limit]):
        yield f"{project}/{number}", at_us, case


def week(now_us: int, count: int, rng: random.Random) -> list[int]:
    """Return `count` times in the seven days that end an hour before `now_us`, oldest first."""
    hours = [now_us - ago * HOUR for ago in range(2, 7 * 24 + 1)]
    chosen = rng.choices(hours, [_busyness(hour) for hour in hours], k=count)
    return sorted(hour + rng.randrange(HOUR) for hour in chosen)


def _busyness(at_us: int) -> float:
    """Return how busy the hour of this time is, 0 to 1."""
    weekday = (at_us // DAY + THURSDAY) % 7
    hour = at_us % DAY // HOUR
    if 8 <= hour < 18:
        busy = 1.0
    elif hour in (7, 18, 19):
        busy = 0.4
    else:
        busy = 0.04
    return busy * (0.12 if weekday >= 5 else 1.0)


def days_ago(now_us: int, days: int, hour: int, minute: int) -> int:
    """Return a time of day (UTC) on the day that began `days` midnights ago, at least two hours
    back."""
    at = now_us // DAY * DAY - days * DAY + hour * HOUR + minute * MINUTE
    odd = (days * 7_919_317 + hour * 3_104_729 + minute * 1_299_721) % MINUTE  # not on the dot
    return min(at + odd, now_us - 2 * HOUR)
