"""The price table `model-prices`: Qwen, GLM, embeddings and others that the first does not know."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from importlib import import_module
from typing import Any

from nodes.pricing.usage import (
    MILLION,
    PART_LABELS,
    PLACES,
    Price,
    PriceLine,
    TokenUsage,
    price_day,
    provider_id,
    table_name,
)

MAX_MODEL = 200
DATE_ENDING = re.compile(r"(-\d{4}-\d{2}-\d{2}|-\d{8}|-\d{4})?")


def second_price(model: str, provider: str, usage: TokenUsage, at: datetime | None) -> Price | None:
    """Return the price by the second table. A name of which it had to remove an ending, other than
    a date, is of another model, and has none."""
    rates = _rates(model, provider, usage, at)
    if rates is None:
        return None
    cost = rates.breakdown(*_tokens(usage))
    amount = Decimal(repr(cost.total)).quantize(PLACES)
    row = f"{rates.provider}/{rates.model}"
    return Price(amount, table_name("model-prices"), row, price_day(at), cost.tier_above or 0)


def second_lines(
    model: str, provider: str, usage: TokenUsage, at: datetime | None
) -> list[PriceLine]:
    """Return how the price by the second table is made up; [] where it has none."""
    rates = _rates(model, provider, usage, at)
    if rates is None:
        return []
    cost, tokens = rates.breakdown(*_tokens(usage)), _tokens(usage)
    amounts = (cost.input, cost.output, cost.cache_read, cost.cache_write)
    labels = (PART_LABELS[part] for part in ("input", "output", "cached", "written"))
    return [
        PriceLine(label, used, Decimal(repr(amount)) * MILLION / used, Decimal(repr(amount)))
        for label, used, amount in zip(labels, tokens, amounts, strict=True)
        if used
    ]


def _tokens(usage: TokenUsage) -> tuple[int, int, int, int]:
    """Return the tokens of a usage as the table takes them: input, output, cached, written."""
    parts = usage.parts()
    output = parts["output"] + parts["reasoning"]
    return parts["input"], output, parts["cached"], parts["written"]


def _rates(model: str, provider: str, usage: TokenUsage, at: datetime | None) -> Any:
    table = _second_table()
    if table is None:
        return None
    mode = "thinking" if usage.reasoning else None  # some Qwen models cost more then
    seller = provider_id(provider)
    rates = table.rates(model[:MAX_MODEL], provider=seller, at=at or datetime.now(UTC), mode=mode)
    if rates is None or not DATE_ENDING.fullmatch(rates.removed_suffix):
        return None
    return rates


@cache
def _second_table() -> Any:
    """Return the module of the second table; None in an environment that was made before it was
    needed."""
    try:
        return import_module("model_prices")
    except ImportError:
        return None
