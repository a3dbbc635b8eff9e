"""Prices of model calls: from the table that comes with the package, without a network."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from genai_prices import Usage
from genai_prices.data_snapshot import get_snapshot

from nodes.pricing import Price, TokenUsage
from nodes.pricing import price as price_of
from nodes.pricing.first_table import FirstTableRow
from nodes.pricing.usage import PLACES


def price(model, provider, *tokens, at_us=None) -> Decimal | None:
    known = price_of(model, provider, TokenUsage(*tokens), at_us)
    return known and known.amount


def test_cached_tokens_are_part_of_the_input():
    # $0.15, $0.075 and $0.60 per million plain, cached and output tokens.
    assert price("gpt-4o-mini", "openai", 55, 12, 10) == Decimal("0.0000147000")


@pytest.mark.parametrize(
    "provider", ["openai", "langgenius/openai/openai", "function", "", "nobody-knows"]
)
def test_the_provider_helps_but_is_not_needed(provider):
    assert price("gpt-4o-mini-2024-07-18", provider, 1_000_000, 0) == Decimal("0.15")


@pytest.mark.parametrize("model", ["", "test", "qwen-of-our-own", "x" * 500])
def test_what_nobody_knows_has_no_price(model):
    assert price(model, "", 10, 10) is None


def test_no_tokens_no_price():
    assert price("gpt-4o", "openai", None, None) is None
    assert price("gpt-4o", "openai", 0, 0) == 0


def test_more_cached_than_input_is_not_negative():
    assert price("gpt-4o-mini", "openai", 10, 0, 50, 50) > 0


@pytest.mark.parametrize(
    ("model", "provider", "dollars"),
    [
        ("openai/gpt-4o-mini", "", "0.15"),  # LiteLLM's names
        ("models/gemini-2.5-flash", "gcp.gemini", "0.30"),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", "strands-agents", "3"),  # Amazon's
        ("bedrock/anthropic.claude-3-5-sonnet-20240620-v1:0", "", "3"),
        ("amazon.nova-pro-v1:0", "aws", "0.8"),
    ],
)
def test_names_with_a_provider_before_them(model, provider, dollars):
    assert price(model, provider, 1_000_000, 0) == Decimal(dollars)


JANUARY_2026 = 1_767_225_600_000_000


def test_long_prompts_cost_the_higher_tier_and_the_price_says_so():
    known = price_of("gemini-3.1-pro-preview", "google", TokenUsage(500_000, 2_000), JANUARY_2026)
    assert isinstance(known, Price)
    assert known.amount == Decimal("2.036")
    assert known.as_json() == {
        "table": known.table,
        "row": "google/gemini-3.1-pro-preview",
        "day": "2026-01-01",
        "tier": 200_000,
    }
    assert price("gemini-3.1-pro-preview", "google", 100_000, 2_000) == Decimal("0.224")


def test_the_time_of_day_counts():
    day = 1_793_577_600_000_000  # 2026-11-02, a Monday
    at_night, at_noon = (
        price("deepseek-v4-pro", "deepseek", 1_000, 1_000, at_us=day + hour * 3_600_000_000)
        for hour in (3, 12)
    )
    assert (at_night, at_noon) == (Decimal("0.00528"), Decimal("0.00264"))


@pytest.mark.parametrize("model", ["glm-4.6", "qwen-max", "text-embedding-3-small"])
def test_the_second_table_knows_more_models(model):
    known = price_of(model, "", TokenUsage(1_000, 10), 1_793_577_600_000_000)
    assert known is not None and known.amount > 0
    assert known.table.startswith("model-prices ")


# Prompts around the starts of all tiers of the first table.
PROMPTS = [0, 1, 999, *(start + more for start in (32_000, 128_000, 200_000, 272_000, 1_000_000)
                        for more in (-1, 0, 1))]  # fmt: skip


def test_every_model_costs_what_the_first_table_itself_answers():
    drawn = random.Random(20261201)
    differing = []
    for seller in get_snapshot().providers:
        for entry in seller.models:
            at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=drawn.randrange(1_600_000))
            whole, output = drawn.choice(PROMPTS), drawn.randrange(5_000)
            cached = drawn.randint(0, whole)
            written = drawn.randint(0, whole - cached)
            reasoning = drawn.randint(0, output)
            used = TokenUsage(whole, output, cached, written, reasoning)
            asked = Usage(
                input_tokens=whole,
                output_tokens=output,
                cache_read_tokens=cached,
                cache_write_tokens=written,
                output_reasoning_tokens=reasoning,
            )
            rates = FirstTableRow("", entry).rates_of(whole, at)
            if rates is None:  # hours of audio, pages, characters
                assert (
                    not whole
                    or not entry.calc_price(asked, seller, genai_request_timestamp=at).total_price
                )
                continue
            known = entry.calc_price(asked, seller, genai_request_timestamp=at).total_price
            if rates.price_of(used).quantize(PLACES) != known.quantize(PLACES):
                differing.append((seller.id, entry.id, used, at, known, rates.price_of(used)))
    assert not differing
