"""What model calls cost: by prices that a team has set itself, else by two price tables that come
as packages, `genai-prices` and behind it `model-prices`. Pure but for them.

The tables are imported on first use (it takes over half a second) and never fetched over the
network. Prices depend on the length of the prompt (tiers), on the date and, with some providers, on
the time of day.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from nodes.pricing.first_table import first_lines, first_price
from nodes.pricing.own_rates import OWN_PRICES, OwnRate, fitting_rate
from nodes.pricing.second_table import second_lines, second_price
from nodes.pricing.usage import CURRENCY, Price, PriceLine, TokenUsage

__all__ = [
    "CURRENCY",
    "OWN_PRICES",
    "OwnRate",
    "Price",
    "PriceLine",
    "TokenUsage",
    "difference_between_tables",
    "price",
    "price_lines_of",
]


def price(
    model: str,
    provider: str,
    usage: TokenUsage,
    at_us: int | None = None,
    own: Sequence[OwnRate] = (),
) -> Price | None:
    """Return the price of a model call at the moment `at_us`: by the rates that are the team's
    `own`, else by the tables; None where none knows it."""
    if not model or (usage.input is None and usage.output is None):
        return None
    at = None if at_us is None else datetime.fromtimestamp(at_us / 1_000_000, UTC)
    if rate := fitting_rate(own, model, provider, usage, at):
        return rate.price_of(usage, at)
    return first_price(model, provider, usage, at) or second_price(model, provider, usage, at)


def price_lines_of(
    known: Price,
    model: str,
    provider: str,
    usage: TokenUsage,
    at: datetime | None,
    own: Sequence[OwnRate] = (),
) -> list[PriceLine]:
    """Return how a `known` price is made up; [] where its table does not say so any more."""
    if known.table == OWN_PRICES:
        rate = fitting_rate(own, model, provider, usage, at)
        lines = rate.lines(usage) if rate else []
    elif known.table.startswith("genai-prices "):
        lines = first_lines(model, provider, usage, at)
    else:
        lines = second_lines(model, provider, usage, at)
    difference = abs(sum((line.amount for line in lines), Decimal(0)) - known.amount)
    return lines if difference <= known.amount / 1000 else []


def difference_between_tables(
    model: str, provider: str, usage: TokenUsage, at: datetime | None, known: Decimal
) -> Price | None:
    """Return the price of the second table where it differs from the `known` one of the first by
    more than 10 %."""
    second = second_price(model, provider, usage, at)
    if second is None or abs(second.amount - known) * 10 <= max(second.amount, known):
        return None
    return second
