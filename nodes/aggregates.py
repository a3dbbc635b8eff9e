"""Percentiles, and costs summed by currency. Pure."""

from collections.abc import Iterable, Sequence
from decimal import Decimal


def percentile(ordered: Sequence[int], percent: int) -> int | None:
    """Return the percentile of an ascending list by nearest rank; None for an empty list."""
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else None


def add_costs(costs: Iterable[tuple[str, Decimal | None]]) -> dict[str, Decimal]:
    """Return amounts by currency; amounts in different currencies cannot be added."""
    sums: dict[str, Decimal] = {}
    for currency, amount in costs:
        if amount is not None:
            sums[currency] = sums.get(currency, Decimal(0)) + amount
    return sums


def main_currency(costs: dict[str, Decimal]) -> str:
    """Return the currency in which shares are computed: dollars, else the first by name; "" for no
    costs."""
    return min(costs, key=lambda name: (name != "USD", name), default="")
