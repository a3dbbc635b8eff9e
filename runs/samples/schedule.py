"""When the sample runs happened: a week with working hours. Times are microseconds, UTC."""

import random

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
THURSDAY = 3  # 1970-01-01


def _weight(at_us: int) -> float:
    """How busy the hour of this moment is, 0 to 1."""
    weekday = (at_us // DAY + THURSDAY) % 7
    hour = at_us % DAY // HOUR
    if 8 <= hour < 18:
        busy = 1.0
    elif hour in (7, 18, 19):
        busy = 0.4
    else:
        busy = 0.04
    return busy * (0.12 if weekday >= 5 else 1.0)


def week(now_us: int, count: int, rng: random.Random) -> list[int]:
    """`count` moments of the seven days that end an hour before `now_us`, oldest first."""
    hours = [now_us - ago * HOUR for ago in range(2, 7 * 24 + 1)]
    chosen = rng.choices(hours, [_weight(hour) for hour in hours], k=count)
    return sorted(hour + rng.randrange(HOUR) for hour in chosen)


def days_ago(now_us: int, days: int, hour: int, minute: int) -> int:
    """A time of day (UTC) on the day that began `days` midnights ago, at least two hours back."""
    at = now_us // DAY * DAY - days * DAY + hour * HOUR + minute * MINUTE
    odd = (days * 7_919_317 + hour * 3_104_729 + minute * 1_299_721) % MINUTE  # not on the dot
    return min(at + odd, now_us - 2 * HOUR)
