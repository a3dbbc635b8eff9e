"""What model calls cost, by two price tables that come as packages: `genai-prices`, and behind it
`model-prices` (Qwen, GLM, embeddings and others that the first does not know). Pure but for them.

The tables are imported on first use (it takes over half a second) and never fetched over the
network. Prices depend on the length of the prompt (tiers), on the date and, with some providers, on
the time of day. The first table takes a tenth of a millisecond for an answer, so it is asked once
for the rates of each tier of an entry; within a tier the price is their sum by tokens.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, lru_cache
from importlib import import_module
from importlib.metadata import version
from typing import Any, NamedTuple

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
    """Tokens of one call. `input` includes those that came from or went to the cache, `output`
    those of reasoning."""

    input: int | None
    output: int | None
    cached: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None

    def parts(self) -> dict[str, int]:
        """Return the tokens by the names of `_PARTS`; each counts once, and none is negative."""
        whole, output = self.input or 0, self.output or 0
        cached = min(self.cached or 0, whole)
        written = min(self.cache_write or 0, whole - cached)
        reasoning = min(self.reasoning or 0, output)
        return {
            "input": whole - cached - written,
            "cached": cached,
            "written": written,
            "output": output - reasoning,
            "reasoning": reasoning,
        }


def price(model: str, provider: str, usage: TokenUsage, at_us: int | None = None) -> Price | None:
    """Return the price of a model call at the moment `at_us`, or None where no table knows it."""
    if not model or (usage.input is None and usage.output is None):
        return None
    at = None if at_us is None else datetime.fromtimestamp(at_us / 1_000_000, UTC)
    return _first_price(model, provider, usage, at) or second_price(model, provider, usage, at)


# --- the first table ----------------------------------------------------------------------------

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


def _first_price(model: str, provider: str, usage: TokenUsage, at: datetime | None) -> Price | None:
    row = _first_table_row(model, provider)
    if row is None:
        return None
    rates = row.rates_of(usage.input or 0, at or datetime.now(UTC))
    if rates is None:
        return None
    amount = rates.price_of(usage).quantize(PLACES)
    return Price(amount, _table_name("genai-prices"), row.name, _day(at), rates.tier)


@lru_cache(maxsize=4096)
def _first_table_row(model: str, provider: str) -> FirstTableRow | None:
    snapshot = import_module("genai_prices.data_snapshot").get_snapshot()
    for provider_id, name in _candidates(model, _provider_id(provider)):
        try:
            seller, entry = snapshot.find_provider_model(name, None, provider_id, None)
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


# --- the second table ---------------------------------------------------------------------------


def second_price(model: str, provider: str, usage: TokenUsage, at: datetime | None) -> Price | None:
    """Return the price by the second table. A name of which it had to remove an ending, other than
    a date, is of another model, and has none."""
    mode = "thinking" if usage.reasoning else None  # some Qwen models cost more then
    rates = _second_table_rates(model, _provider_id(provider) or "", at or datetime.now(UTC), mode)
    if rates is None:
        return None
    parts = usage.parts()
    output = parts["output"] + parts["reasoning"]
    cost = rates.breakdown(parts["input"], output, parts["cached"], parts["written"])
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


def _second_table_rates(model: str, provider: str, at: datetime, mode: str | None) -> Any:
    table = _second_table()
    if table is None:
        return None
    rates = table.rates(model[:MAX_MODEL], provider=provider or None, at=at, mode=mode)
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
