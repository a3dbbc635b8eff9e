"""Figures of a list of runs: sums, and how many runs and failures it has over time.

They are those of the newest matching runs only, so that a list of a million runs costs as much as
one of ten thousand; where there are more, the bars begin with the oldest run that was read.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from nodes import formats
from nodes.aggregates import add_costs, percentile
from runs.choices import CostState, RunStatus
from runs.json.run_sums import RunSumsJson
from runs.json.values import decimal_text, iso_time
from runs.models import Run
from runs.models.run import RunFigures
from runs.pages.history.facet_counts import MAX_RUNS, MAX_SEARCHED_RUNS
from runs.query.fields import LANGUAGE
from runs.query.language import Query
from runs.query.run_filters import RunFilters

MAX_BARS = 60
_SECONDS_OF_BARS = (
    *(1, 5, 15, 30, 60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600),
    *(days * 86_400 for days in (1, 2, 7, 14, 28, 91, 365, 3650)),
)
WITHOUT_WHOLE_COST = {CostState.PARTLY, CostState.UNPRICED}


@dataclass(frozen=True, slots=True)
class RunsInTime:
    """How many runs started at or after `since` and before `until`, and how many failed."""

    since: datetime
    until: datetime
    runs: int
    failed: int


@dataclass(frozen=True, slots=True)
class RunSums:
    """Sums of `runs` runs; `bounded`: there are more. Times are in microseconds, None where no run
    has ended; `costs` is by currency, and leaves out what `runs_without_price` cost in whole or in
    part."""

    runs: int
    bounded: bool
    failed: int
    median_us: int | None
    p95_us: int | None
    tokens: int
    costs: dict[str, Decimal]
    runs_without_price: int
    over_time: list[RunsInTime]

    @property
    def failed_percent(self) -> str:
        """Return how many failed in words: "0 %", "under 0.1 %", "2.4 %", "12 %"."""
        percent = self.failed * 100 / self.runs if self.runs else 0
        if 0 < percent < 0.1:
            return "under 0.1 %"
        return f"{percent:.1f} %" if 0 < percent < 10 else f"{percent:.0f} %"

    @property
    def cost_text(self) -> str:
        """Return the costs in each currency, with a plus at the end where some are unknown."""
        amounts = (formats.money(amount, currency) for currency, amount in self.costs.items())
        return (" + ".join(amounts) or formats.NO_VALUE) + "+" * bool(self.runs_without_price)

    @property
    def highest(self) -> int:
        """Return the number of runs of the highest bar."""
        return max((time.runs for time in self.over_time), default=0)


def run_sums(filters: RunFilters) -> RunSums:
    """Sum up the runs that match valid filters. Takes one query, and one for each further status
    that is asked for, or a search."""
    rows, bounded = _newest_figures(filters)
    times = sorted(row.duration_us for row in rows if row.duration_us is not None)
    return RunSums(
        runs=len(rows),
        bounded=bounded,
        failed=sum(row.status == RunStatus.FAILED for row in rows),
        median_us=percentile(times, 50),
        p95_us=percentile(times, 95),
        tokens=sum(row.total_tokens for row in rows),
        costs=add_costs((row.cost_currency or "USD", row.cost) for row in rows),
        runs_without_price=sum(row.cost_state in WITHOUT_WHOLE_COST for row in rows),
        over_time=list(_over_time(rows, filters, bounded=bounded)),
    )


def _newest_figures(filters: RunFilters) -> tuple[list[RunFigures], bool]:
    """Return the figures of the newest runs that match, in no order, and whether there are more."""
    if filters.search_terms:
        result = filters.find(Run.objects.for_link(), size=MAX_SEARCHED_RUNS)
        matching = Run.objects.filter(pk__in=[run.pk for run in result.rows])
        return list(map(RunFigures._make, matching.figures_rows())), not result.finished
    rows: list[RunFigures] = []
    parts = filters.filtered_parts(Run.objects.all())
    for part in parts:
        rows += map(RunFigures._make, part.figures_rows()[: MAX_RUNS + 1])
    if len(parts) > 1:
        rows.sort(key=lambda row: row.started_at, reverse=True)
    return rows[:MAX_RUNS], len(rows) > MAX_RUNS


def _over_time(
    rows: list[RunFigures], filters: RunFilters, *, bounded: bool
) -> Iterator[RunsInTime]:
    """Yield at most a few more than MAX_BARS bars for the range of the filters, or where it has no
    beginning, from the oldest run on. Bars are as long as people divide time, and begin with the
    local day."""
    if not rows:
        return
    oldest, newest = min(row.started_at for row in rows), max(row.started_at for row in rows)
    since = oldest if bounded or filters.since is None else filters.since
    until = max(filters.now, newest + timedelta(microseconds=1))
    if filters.until:
        until = min(filters.until, until)
    starts = _bar_starts(since, until)
    runs, failed = [0] * len(starts), [0] * len(starts)
    for row in rows:
        place = bisect_right(starts, row.started_at) - 1
        runs[place] += 1
        failed[place] += row.status == RunStatus.FAILED
    for place, start in enumerate(starts):
        end = starts[place + 1] if place + 1 < len(starts) else until
        yield RunsInTime(start, end, runs[place], failed[place])


def _bar_starts(since: datetime, until: datetime) -> list[datetime]:
    """Return when each bar begins; the first one at `since`."""
    span = (until - since).total_seconds()
    seconds = next((s for s in _SECONDS_OF_BARS if span <= s * MAX_BARS), _SECONDS_OF_BARS[-1])
    step = timedelta(seconds=seconds)
    midnight = timezone.localtime(since).replace(hour=0, minute=0, second=0, microsecond=0)
    start = midnight + (since - midnight) // step * step + step
    starts = [since]
    while start < until:
        starts.append(start)
        start += step
    return starts


# -- what a page shows of them --------------------------------------------------------------------

# Shorter ranges are written to the second.
EXACT_RANGE = timedelta(minutes=10)
BAR_WIDTH, CHART_HEIGHT, LEAST_HEIGHT = 10, 100, 3


@dataclass(frozen=True, slots=True)
class HistogramBar:
    """A bar and the query string of the list of its runs; all measures are in the chart's own
    units, from its upper left corner."""

    time: RunsInTime
    label: str
    href: str
    x: int
    runs_y: int
    runs_height: int
    failed_y: int
    failed_height: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """`ticks`: times at even distances from the first to the last."""

    bars: list[HistogramBar]
    ticks: list[str]

    @property
    def width(self) -> int:
        return len(self.bars) * BAR_WIDTH


def histogram(sums: RunSums, filters: RunFilters) -> Histogram:
    times = sums.over_time
    if not times:
        return Histogram([], [])
    bars = [_bar(place, time, sums.highest, filters) for place, time in enumerate(times)]
    middle = times[0].since + (times[-1].until - times[0].since) / 2
    moments = (times[0].since, middle, times[-1].until)
    exact = moments[2] - moments[0] < EXACT_RANGE
    return Histogram(bars, [_moment_text(moment, exact=exact) for moment in moments])


def _bar(place: int, time: RunsInTime, highest: int, filters: RunFilters) -> HistogramBar:
    height, failed_height = _height(time.runs, highest), _height(time.failed, highest)
    if time.failed == time.runs:
        failed_height = height
    href = filters.href(in_range(filters.query, _typed(time.since), _typed(time.until)))
    return HistogramBar(
        time,
        " – ".join(
            _moment_text(moment, exact=time.until - time.since < timedelta(minutes=1))
            for moment in (time.since, time.until)
        ),
        href,
        place * BAR_WIDTH,
        CHART_HEIGHT - height,
        height,
        CHART_HEIGHT - failed_height,
        failed_height,
    )


def _height(count: int, highest: int) -> int:
    return max(CHART_HEIGHT * count // highest, LEAST_HEIGHT) if count else 0


def in_range(query: Query, since: str = "", until: str = "") -> Query:
    """Return the query with another time range; "" leaves an end open."""
    query = query.without(*query.required("since"), *query.required("until"))
    for name, value in (("since", since), ("until", until)):
        query = query.plus(LANGUAGE.term(name, value)) if value else query
    return query


def _typed(moment: datetime) -> str:
    """Write a time as a person would type it: 2026-11-22T09:30, in local time."""
    local = timezone.localtime(moment).replace(tzinfo=None)
    whole_minute = not (local.second or local.microsecond)
    return local.isoformat(timespec="minutes") if whole_minute else local.isoformat()


def _moment_text(moment: datetime, *, exact: bool) -> str:
    """Write a local time to the minute, or exactly to the second."""
    local = timezone.localtime(moment)
    return (
        f"{local:%b} {local.day} {local:%H:%M:%S}"
        if exact
        else f"{local:%b} {local.day} {local:%H:%M}"
    )


# -- the choice of a time range -------------------------------------------------------------------

RANGES = (("1h", "1 h"), ("24h", "24 h"), ("7d", "7 d"), ("30d", "30 d"), ("", "All"))


@dataclass(frozen=True, slots=True)
class RangeChoice:
    label: str
    href: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class TimeRange:
    """The choices above a list, and its own range as inputs hold it; `rest` is the query without
    it."""

    choices: list[RangeChoice]
    since: str
    until: str
    rest: str

    @property
    def chosen_by_hand(self) -> bool:
        return not any(choice.chosen for choice in self.choices)


def time_range(filters: RunFilters) -> TimeRange:
    query = filters.query
    since = [term.value for term in query.required("since")]
    until = query.required("until")
    choices = [
        RangeChoice(
            label,
            filters.href(in_range(query, value)),
            chosen=not until and since == ([value] if value else []),
        )
        for value, label in RANGES
    ]
    return TimeRange(
        choices,
        since=_typed(filters.since) if filters.since else "",
        until=_typed(filters.until) if filters.until else "",
        rest=in_range(query).text,
    )


def run_sums_json(sums: RunSums) -> RunSumsJson:
    return {
        "runs": sums.runs,
        "bounded": sums.bounded,
        "failed": sums.failed,
        "median_us": sums.median_us,
        "p95_us": sums.p95_us,
        "tokens": sums.tokens,
        "costs": [
            {"amount": decimal_text(amount), "currency": currency}
            for currency, amount in sums.costs.items()
        ],
        "runs_without_price": sums.runs_without_price,
        "over_time": [
            {
                "since": iso_time(time.since) or "",
                "until": iso_time(time.until) or "",
                "runs": time.runs,
                "failed": time.failed,
            }
            for time in sums.over_time
        ],
    }
