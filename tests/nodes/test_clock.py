from datetime import UTC, datetime, timedelta, timezone

import pytest

from nodes.clock import EPOCH, from_us, hex_id, iteration_path, iteration_text, to_us


@pytest.mark.parametrize(
    ("time", "us"),
    [
        (EPOCH, 0),
        (datetime(2026, 3, 11, 14, 30, 0, 7, tzinfo=UTC), 1_773_239_400_000_007),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), -1),
        (datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), 253_402_300_799_999_999),
        (None, None),
    ],
)
def test_datetimes_and_microseconds_are_exact_both_ways(
    time: datetime | None, us: int | None
) -> None:
    assert to_us(time) == us
    assert from_us(us) == time


def test_the_zone_of_a_datetime_does_not_matter() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert to_us(datetime(1970, 1, 1, 9, 0, 1, tzinfo=tokyo)) == 1_000_000


def test_a_time_that_no_datetime_can_hold() -> None:
    with pytest.raises(OverflowError):
        from_us(10**18)


@pytest.mark.parametrize(("text", "path"), [("", ()), ("3", (3,)), ("3.0.12", (3, 0, 12))])
def test_iteration_paths(text: str, path: tuple[int, ...]) -> None:
    assert iteration_path(text) == path
    assert iteration_text(path) == text


def test_ids_are_the_same_with_dashes_and_without() -> None:
    plain = "6f0c7c1e0d0f5b5e9a537d1d6f3c2a11"
    assert hex_id("6f0c7c1e-0d0f-5b5e-9a53-7d1d6f3c2a11") == hex_id(plain) == plain
    assert hex_id("") == hex_id(None) == ""
