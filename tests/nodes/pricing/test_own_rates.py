"""Prices that a team has set itself."""

from datetime import UTC, date, datetime
from decimal import Decimal as D
from typing import Any

import pytest

from nodes.pricing import OwnRate, TokenUsage, price, price_lines_of

NOON_US = 1_793_534_400_000_000  # 2026-11-01T12:00Z
USAGE = TokenUsage(1_000_000, 500_000, 200_000, 100_000, 50_000)


def rate(model: str = "house-*", **values: Any) -> OwnRate:
    known = {
        "provider": "", "since": date(1970, 1, 1), "tier": 0, "currency": "USD",
        "input": D(2), "output": D(8),
    }  # fmt: skip
    return OwnRate(model, **known | values)


def amount(
    *own: OwnRate, model: str = "house-large", provider: str = "", usage: Any = USAGE
) -> Any:
    known = price(model, provider, usage, NOON_US, own)
    return known and known.amount


def test_each_part_has_its_price() -> None:
    assert amount(rate()) == D(2) + D(4)
    own = rate(cached=D("0.5"), written=D(3), reasoning=D(10), per_call=D("0.01"))
    assert amount(own) == D("1.4") + D("0.1") + D("0.3") + D("3.6") + D("0.5") + D("0.01")
    known = price("house-large", "", USAGE, NOON_US, [own])
    assert known is not None and known.as_json() == {
        "table": "own prices", "row": "house-*", "day": "2026-11-01",
    }  # fmt: skip
    at = datetime.fromtimestamp(NOON_US / 1e6, UTC)
    lines = price_lines_of(known, "house-large", "", USAGE, at, [own])
    assert [(line.label, line.tokens, line.per_million) for line in lines] == [
        ("input", 700_000, 2), ("read from the cache", 200_000, D("0.5")),
        ("written to the cache", 100_000, 3), ("output", 450_000, 8), ("reasoning", 50_000, 10),
        ("for the call", None, None),
    ]  # fmt: skip
    assert price_lines_of(known, "house-large", "", USAGE, at, [rate()]) == []  # changed since


@pytest.mark.parametrize(
    ("meant", "other"),
    [
        (rate("house-large"), rate("house-*")),
        (rate("house-l*"), rate("house-*")),
        (rate(provider="acme"), rate()),
        (rate(since=date(2026, 11, 1)), rate(since=date(2026, 10, 1))),
        (rate(tier=200_000), rate()),
        (rate("HOUSE-Large"), rate("*")),
    ],
)
def test_which_rate_is_meant(meant: OwnRate, other: OwnRate) -> None:
    for own in ([meant, other], [other, meant]):
        known = price("house-large", "langgenius/x/acme", USAGE, NOON_US, own)
        assert known is not None and (known.row, known.tier) == (meant.name, meant.tier)


def test_what_does_not_fit_is_not_meant() -> None:
    for other in (
        rate("house"), rate("house-?arge"), rate(since=date(2026, 11, 2)), rate(tier=1_000_000),
        rate(provider="acme"),
    ):  # fmt: skip
        assert amount(other, provider="others") is None
    assert amount(rate("gpt-4o-mini"), model="gpt-4o-mini", provider="openai") == 6
    assert amount(rate(), usage=TokenUsage(None, None)) is None
