"""Sums of a list of runs as JSON."""

from typing_extensions import TypedDict

from runs.json.node import CostSumJson


class RunsInTimeJson(TypedDict):
    """The runs that started at or after `since` and before `until`."""

    since: str
    until: str
    runs: int
    failed: int


class RunSumsJson(TypedDict):
    """Sums of the runs of a list, and how many there were over time."""

    runs: int
    """How many runs were summed up: the newest."""
    bounded: bool
    """Whether more runs match than were summed up."""
    failed: int
    median_us: int | None
    p95_us: int | None
    tokens: int
    costs: list[CostSumJson]
    runs_without_price: int
    """Runs of whose cost a part or all is unknown; `costs` leaves it out."""
    over_time: list[RunsInTimeJson]
    """In order and without gaps; where runs are left out, it begins with the oldest that was
    summed up."""
