"""Figures over executions: percentiles, and what they cost. Pure."""

from collections.abc import Iterable, Sequence
from decimal import Decimal


def percentile(ordered: Sequence[int], percent: int) -> int | None:
    """The value at this place of an ascending list (nearest rank); None for an empty one."""
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else None


def add_costs(costs: Iterable[tuple[str, Decimal | None]]) -> dict[str, Decimal]:
    """Amounts by currency; amounts in different currencies cannot be added."""
    found: dict[str, Decimal] = {}
    for currency, amount in costs:
        if amount is not None:
            found[currency] = found.get(currency, Decimal(0)) + amount
    return found


def main_currency(costs: dict[str, Decimal]) -> str:
    """The one that shares are told in: dollars, else the first by name; "" for none."""
    return min(costs, key=lambda name: (name != "USD", name), default="")
