"""Stretches of time and their bars."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from runs.pages.errors.bars import MOST, bar_scale, bars_path

START = datetime(2026, 11, 20, 9, 41, tzinfo=UTC)


@pytest.mark.parametrize(
    ("lasting", "count", "each"),
    [
        (timedelta(), 1, "hour"),
        (timedelta(hours=5), 6, "hour"),
        (timedelta(days=2), 20, "3 hours"),
        (timedelta(days=20), 21, "day"),
        (timedelta(days=300), 22, "14 days"),
        (timedelta(days=25_000), MOST, "834 days"),
    ],
)
def test_stretches_are_round_and_few(lasting: timedelta, count: int, each: str) -> None:
    on = bar_scale(START, START + lasting)
    assert (on.count, on.each) == (count, each)
    assert on.start <= START and on.start + on.width * on.count > START + lasting


def test_days_begin_at_midnight() -> None:
    assert bar_scale(START, START + timedelta(days=20)).start == START.replace(hour=0, minute=0)


def test_an_end_before_the_beginning_is_one_stretch() -> None:
    assert bar_scale(START, START - timedelta(days=9)).count == 1


def test_bars_are_as_high_as_often_and_never_unseen() -> None:
    on = bar_scale(START, START + timedelta(hours=5))
    assert bars_path([], on) == ""
    often = [START + timedelta(hours=2)] * 99
    assert bars_path([START, *often], on) == "M0.1 10v-2h.8v2zM2.1 10v-10h.8v10z"


def test_the_hour_that_a_clock_is_set_back_is_not_lost() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first = datetime(2026, 10, 25, 1, 0, tzinfo=berlin)
    last = datetime(2026, 10, 25, 3, 0, tzinfo=berlin)
    assert bars_path([last.astimezone(UTC)], bar_scale(first, last)).startswith("M2.1")
