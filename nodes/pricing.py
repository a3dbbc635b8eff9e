"""Prices model calls. Pure except for the price table, which comes with the `genai-prices` package.

The table is imported on first use (it takes over half a second) and never fetched over the network.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

CURRENCY = "USD"
MILLION = 1_000_000


def price(
    model: str,
    provider: str,
    input_tokens: int | None,
    output_tokens: int | None,
    cached_tokens: int | None = None,
    cache_write_tokens: int | None = None,
    at_us: int | None = None,
) -> Decimal | None:
    """Return the price of a model call in US dollars, or None where no price is known.

    `input_tokens` includes the cached and cache-writing ones. `at_us` picks the price of that day.
    """
    if not model or (input_tokens is None and output_tokens is None):
        return None
    day = datetime.fromtimestamp((at_us or 0) // 1_000_000, UTC).date() if at_us else None
    rates = _rates(model, provider, day)
    if rates is None:
        return None
    base, cached_rate, write_rate, output_rate = rates
    cached = min(cached_tokens or 0, input_tokens or 0)
    written = min(cache_write_tokens or 0, (input_tokens or 0) - cached)
    plain = (input_tokens or 0) - cached - written
    total = plain * base + cached * cached_rate + written * write_rate
    return ((total + (output_tokens or 0) * output_rate) / MILLION).quantize(Decimal("1e-10"))


@lru_cache(maxsize=4096)
def _rates(model: str, provider: str, day: Any) -> tuple[Decimal, Decimal, Decimal, Decimal] | None:
    """Return dollars per million plain, cached, cache-writing and output tokens. Tiers for very
    long contexts are ignored: the base price is taken."""
    from genai_prices import Usage, calc_price

    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None

    def per_million(**usage: int) -> Decimal | None:
        for provider_id, name in _candidates(model, _provider_id(provider)):
            try:
                priced = calc_price(
                    Usage(**usage), name, provider_id=provider_id, genai_request_timestamp=midnight
                )
            except LookupError:
                continue
            return priced.total_price * 1000
        return None

    base = per_million(input_tokens=1000)
    output = per_million(output_tokens=1000)
    if base is None or output is None:
        return None
    cached = per_million(input_tokens=1000, cache_read_tokens=1000)
    written = per_million(input_tokens=1000, cache_write_tokens=1000)
    return base, base if cached is None else cached, base if written is None else written, output


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
