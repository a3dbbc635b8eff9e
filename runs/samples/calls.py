"""Realistic model calls: tokens follow from the texts, time from the tokens, at public prices."""

import random
from dataclasses import dataclass
from decimal import Decimal

from runs.samples.schedule import SECOND


@dataclass(frozen=True, slots=True)
class PricedModel:
    """A model. `per_second` is how many tokens it writes. Prices are the makers' public ones, USD
    per million tokens."""

    name: str
    provider: str
    per_second: int
    input_price: Decimal
    output_price: Decimal


MODELS = {
    model.name: model
    for model in (
        PricedModel("gpt-4o-mini", "openai", 75, Decimal("0.15"), Decimal("0.60")),
        PricedModel("gpt-4o", "openai", 60, Decimal("2.50"), Decimal("10")),
        PricedModel("gpt-4", "openai", 28, Decimal("30"), Decimal("60")),
        PricedModel("claude-sonnet-4-5", "anthropic", 55, Decimal("3"), Decimal("15")),
        PricedModel("gemini-2.5-flash", "google", 160, Decimal("0.30"), Decimal("2.50")),
    )
}
MAX_DURATION = 20 * SECOND


@dataclass(frozen=True, slots=True)
class ModelCall:
    """A model call: what it used and how long it took."""

    model: PricedModel
    input_tokens: int
    output_tokens: int
    first_token_us: int
    took_us: int

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens


def count_tokens(text: str) -> int:
    """Return about what tokenizers count: four Latin letters, two Arabic or Cyrillic ones, or one
    of the larger scripts to a token."""
    latin = sum(character < "\u0250" for character in text)
    large = sum(character >= "\u2e80" for character in text)
    return latin // 4 + large + (len(text) - latin - large) // 2 + 3


def model_call(rng: random.Random, model: str, prompt: str, answer: str) -> ModelCall:
    """Return the call of `model` with this prompt that gave this answer."""
    priced = MODELS[model]
    written = count_tokens(answer)
    first = rng.randrange(280_000, 900_000) + count_tokens(prompt) * 12
    speed = priced.per_second * rng.randrange(80, 120)
    took = min(first + written * 100 * SECOND // speed + 200_000, MAX_DURATION)
    return ModelCall(priced, count_tokens(prompt), written, min(first, took), max(took, 600_000))
