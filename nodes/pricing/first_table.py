"""The price table `genai-prices`.

It takes a tenth of a millisecond for an answer, so it is asked once for the rates of each tier of
an entry; within a tier the price is their sum by tokens.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from importlib import import_module
from typing import Any, NamedTuple

from nodes.pricing.usage import (
    PLACES,
    Price,
    PriceLine,
    TokenUsage,
    price_day,
    price_lines,
    provider_id,
    table_name,
)

# Amazon's ids: anthropic.claude-…, us.amazon.nova-…
BEDROCK = re.compile(r"([a-z]{2,6}\.)?(anthropic|amazon|meta|mistral|cohere|deepseek|ai21)\.")
# What the first table calls the tokens of each part of a usage.
_PARTS = {
    "input": ("input_tokens",),
    "cached": ("input_tokens", "cache_read_tokens"),
    "written": ("input_tokens", "cache_write_tokens"),
    "output": ("output_tokens",),
    "reasoning": ("output_tokens", "output_reasoning_tokens"),
}


class _Rates(NamedTuple):
    """Dollars for a request as such and for one token of each part, of prompts that are longer than
    `tier` tokens."""

    tier: int
    request: Decimal
    token: dict[str, Decimal]

    def price_of(self, usage: TokenUsage) -> Decimal:
        return sum(
            (self.token[part] * tokens for part, tokens in usage.parts().items() if tokens),
            self.request,
        )


@dataclass(frozen=True, slots=True)
class FirstTableRow:
    """An entry of the first table: its `name`, "provider/model", and the rates of each tier, the
    highest first, by the id of the table's own object for the prices of some time."""

    name: str
    entry: Any
    rates: dict[int, list[_Rates]] = field(default_factory=dict)

    def rates_of(self, prompt: int, at: datetime) -> _Rates | None:
        """Return the rates for a prompt of so many tokens; None where none are for tokens."""
        prices = self.entry.get_prices(at)
        tiers = self.rates.get(id(prices))
        if tiers is None:
            tiers = self.rates[id(prices)] = _rates_of_tiers(prices)
        return next((rates for rates in tiers if prompt > rates.tier or not rates.tier), None)


def first_price(model: str, provider: str, usage: TokenUsage, at: datetime | None) -> Price | None:
    """Return the price by the first table, or None where it does not know the model."""
    row = _first_table_row(model, provider)
    rates = row.rates_of(usage.input or 0, at or datetime.now(UTC)) if row else None
    if row is None or rates is None:
        return None
    amount = rates.price_of(usage).quantize(PLACES)
    return Price(amount, table_name("genai-prices"), row.name, price_day(at), rates.tier)


def first_lines(
    model: str, provider: str, usage: TokenUsage, at: datetime | None
) -> list[PriceLine]:
    """Return how the price by the first table is made up; [] where it has none."""
    row = _first_table_row(model, provider)
    rates = row.rates_of(usage.input or 0, at or datetime.now(UTC)) if row else None
    return price_lines(usage, rates.token, rates.request) if rates else []


@lru_cache(maxsize=4096)
def _first_table_row(model: str, provider: str) -> FirstTableRow | None:
    snapshot = import_module("genai_prices.data_snapshot").get_snapshot()
    for seller_id, name in _candidates(model, provider_id(provider)):
        try:
            seller, entry = snapshot.find_provider_model(name, None, seller_id, None)
        except LookupError:
            continue
        return FirstTableRow(f"{seller.id}/{entry.id}", entry)
    return None


def _rates_of_tiers(prices: Any) -> list[_Rates]:
    """Return the rates of the table's prices, those of the highest tier first; none where all are
    for something else than tokens and requests (hours, pages, characters)."""
    values = {name: value for name, value in vars(prices).items() if value is not None}
    if values and not any(name.endswith("_mtok") or name == "requests_kcount" for name in values):
        return []
    starts = {tier.start for value in values.values() for tier in getattr(value, "tiers", ())}
    return [_rates_beyond(prices, start) for start in sorted({0, *starts}, reverse=True)]


def _rates_beyond(prices: Any, tier: int) -> _Rates:
    """Ask the table for the rates of prompts that are longer than `tier` tokens."""
    usage = import_module("genai_prices").Usage

    def ask(**tokens: int) -> Decimal:
        dollars: Decimal = prices.calc_price(usage(**tokens))["total_price"]
        return dollars

    prompt = tier + 1
    request, prompt_alone = ask(), ask(input_tokens=prompt)
    rates = {}
    for part, names in _PARTS.items():
        if "input_tokens" in names:
            rates[part] = (ask(**dict.fromkeys(names, prompt)) - request) / prompt
        else:
            rates[part] = ask(input_tokens=prompt, **dict.fromkeys(names, 1)) - prompt_alone
    return _Rates(tier, request, rates)


def _candidates(model: str, provider: str | None) -> list[tuple[str | None, str]]:
    """Return (provider, model) to look up in the price table, the surest first."""
    candidates: list[tuple[str | None, str]] = [(provider, model)] if provider else []
    candidates.append((None, model))
    before, _, rest = model.rpartition("/")
    if rest and before:  # openai/gpt-4o-mini, models/gemini-2.5-flash
        candidates += [(provider_id(before), rest), (None, rest)]
    if BEDROCK.match(rest):
        candidates.append(("aws", rest))
    return candidates
