"""What model calls cost, by two price tables that come as packages: `genai-prices`, and behind it
`model-prices` (Qwen, GLM, embeddings and others that the first does not know). Pure but for them.

The tables are imported on first use (it takes over half a second) and never fetched over the
network. A table is asked with the whole usage and the moment of the call, because prices depend on
the length of the prompt (tiers), on the date and, with some providers, on the time of day.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, lru_cache
from importlib import import_module
from importlib.metadata import version
from typing import Any

CURRENCY = "USD"
PLACES = Decimal("1e-10")


@dataclass(frozen=True, slots=True)
class Price:
    """What a call costs in dollars. `table` is the package and its version, `row` the provider and
    model in it, `day` the date of the price that was asked for, None for today's; `tier` the size
    of the prompt, in tokens, beyond which its price holds, 0 for the base price."""

    amount: Decimal
    table: str
    row: str
    day: str | None = None
    tier: int = 0

    def as_json(self) -> dict[str, str | int]:
        """Return where the price is from, without what is empty."""
        values = {"table": self.table, "row": self.row, "day": self.day, "tier": self.tier}
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens of one call; `input` includes those that came from or went to the cache."""

    input: int | None
    output: int | None
    cached: int | None = None
    cache_write: int | None = None

    @property
    def parts(self) -> tuple[int, int, int, int]:
        """Return plain input, cached, cache-writing and output tokens; none is negative."""
        whole = self.input or 0
        cached = min(self.cached or 0, whole)
        written = min(self.cache_write or 0, whole - cached)
        return whole - cached - written, cached, written, self.output or 0


def price(model: str, provider: str, usage: TokenUsage, at_us: int | None = None) -> Price | None:
    """Return the price of a model call at the moment `at_us`, or None where no table knows it."""
    if not model or (usage.input is None and usage.output is None):
        return None
    at = None if at_us is None else datetime.fromtimestamp(at_us / 1_000_000, UTC)
    return _first_table_price(model, provider, usage, at) or second_price(
        model, provider, usage, at
    )


def _first_table_price(
    model: str, provider: str, usage: TokenUsage, at: datetime | None
) -> Price | None:
    row = _first_table_row(model, provider)
    if row is None:
        return None
    name, info = row
    rates = info.get_prices(at or datetime.now(UTC))
    plain, cached, written, output = usage.parts
    total = rates.calc_price(
        _genai_prices().Usage(
            input_tokens=plain + cached + written,
            output_tokens=output,
            cache_read_tokens=cached,
            cache_write_tokens=written,
        )
    )["total_price"]
    tier = max(
        (tier.start for tier in getattr(rates.input_mtok, "tiers", ())
         if tier.start < (usage.input or 0)), default=0,
    )  # fmt: skip
    return Price(total.quantize(PLACES), _table_name("genai-prices"), name, _day(at), tier)


@lru_cache(maxsize=4096)
def _first_table_row(model: str, provider: str) -> tuple[str, Any] | None:
    """Return "provider/model" and the entry of the first table."""
    snapshot = import_module("genai_prices.data_snapshot").get_snapshot()
    for provider_id, name in _candidates(model, _provider_id(provider)):
        try:
            seller, info = snapshot.find_provider_model(name, None, provider_id, None)
        except LookupError:
            continue
        return f"{seller.id}/{info.id}", info
    return None


@cache
def _genai_prices() -> Any:
    return import_module("genai_prices")


def second_price(model: str, provider: str, usage: TokenUsage, at: datetime | None) -> Price | None:
    """Return the price by the second table. A name of which it had to remove an ending, other than
    a date, is of another model, and has none."""
    rates = _second_table_rates(model, _provider_id(provider) or "", at or datetime.now(UTC))
    if rates is None:
        return None
    plain, cached, written, output = usage.parts
    cost = rates.breakdown(plain, output, cached, written)
    amount = Decimal(repr(cost.total)).quantize(PLACES)
    row = f"{rates.provider}/{rates.model}"
    return Price(amount, _table_name("model-prices"), row, _day(at), cost.tier_above or 0)


def difference_between_tables(
    model: str, provider: str, usage: TokenUsage, at: datetime | None, known: Decimal
) -> Price | None:
    """Return the price of the second table where it differs from the `known` one of the first by
    more than 10 %."""
    second = second_price(model, provider, usage, at)
    if second is None or abs(second.amount - known) * 10 <= max(second.amount, known):
        return None
    return second


def _second_table_rates(model: str, provider: str, at: datetime) -> Any:
    table = _second_table()
    if table is None:
        return None
    rates = table.rates(model[:MAX_MODEL], provider=provider or None, at=at)
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


@cache
def _table_name(package: str) -> str:
    return f"{package} {version(package)}"


def _day(at: datetime | None) -> str | None:
    return at.date().isoformat() if at else None


MAX_MODEL = 200
DATE_ENDING = re.compile(r"(-\d{4}-\d{2}-\d{2}|-\d{8}|-\d{4})?")
# Amazon's ids: anthropic.claude-…, us.amazon.nova-…
BEDROCK = re.compile(r"([a-z]{2,6}\.)?(anthropic|amazon|meta|mistral|cohere|deepseek|ai21)\.")
# The producers' words for a provider → the price table's.
_PROVIDERS = {
    "openai": "openai", "anthropic": "anthropic", "google": "google", "gemini": "google",
    "gcp.gemini": "google", "gcp.vertex_ai": "google", "gcp.gen_ai": "google", "vertexai": "google",
    "mistral_ai": "mistral", "mistral": "mistral", "aws.bedrock": "aws", "bedrock": "aws",
    "azure": "azure", "azure.ai.openai": "azure", "groq": "groq", "deepseek": "deepseek",
    "cohere": "cohere", "x_ai": "x-ai", "perplexity": "perplexity", "aws": "aws",
}  # fmt: skip


def _candidates(model: str, provider: str | None) -> list[tuple[str | None, str]]:
    """Return (provider, model) to look up in the price table, the surest first."""
    candidates: list[tuple[str | None, str]] = [(provider, model)] if provider else []
    candidates.append((None, model))
    before, _, rest = model.rpartition("/")
    if rest and before:  # openai/gpt-4o-mini, models/gemini-2.5-flash
        candidates += [(_provider_id(before), rest), (None, rest)]
    if BEDROCK.match(rest):
        candidates.append(("aws", rest))
    return candidates


def _provider_id(name: str) -> str | None:
    """Return the price table's id of a provider: of `langgenius/openai/openai` that of `openai`."""
    return _PROVIDERS.get(name.rsplit("/", 1)[-1].lower())
