"""Prices that a team has set itself, which come before those of the tables. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fnmatch import fnmatchcase

from nodes.pricing.usage import (
    MILLION,
    PLACES,
    Price,
    PriceLine,
    TokenUsage,
    price_day,
    price_lines,
)

OWN_PRICES = "own prices"  # in the place of a table's name


@dataclass(frozen=True, slots=True)
class OwnRate:
    """What a million tokens cost, and a call as such, in `currency`: of models whose name fits
    `model`, in which `*` stands for any characters, sold by `provider` ("" for any), from the day
    `since` on, for prompts longer than `tier` tokens. Without a price of their own (None), cached
    and written tokens cost what input does, and reasoning what output does."""

    model: str
    provider: str
    since: date
    tier: int
    currency: str
    input: Decimal
    output: Decimal
    cached: Decimal | None = None
    written: Decimal | None = None
    reasoning: Decimal | None = None
    per_call: Decimal = Decimal(0)

    @property
    def name(self) -> str:
        return f"{self.provider}/{self.model}" if self.provider else self.model

    def fits(self, model: str, provider: str, prompt: int, day: date) -> bool:
        """Return whether the rate is for such a call. Of Dify's providers, as
        langgenius/openai/openai, the last part may be named alone."""
        sold_by = provider.lower()
        return (
            self.since <= day
            and (prompt > self.tier or not self.tier)
            and self.provider.lower() in ("", sold_by, sold_by.rpartition("/")[2])
            and fnmatchcase(model.lower(), _escaped(self.model.lower()))
        )

    def precedence(self) -> tuple[bool, int, bool, date, int]:
        """Return what orders rates that fit: the last is the one meant. A whole name is meant
        before a pattern, a longer pattern before a shorter one, a named provider before any."""
        letters = len(self.model.replace("*", ""))
        return "*" not in self.model, letters, bool(self.provider), self.since, self.tier

    def lines(self, usage: TokenUsage) -> list[PriceLine]:
        """Return how the price of a call is made up."""
        per_million = {
            "input": self.input,
            "cached": self.input if self.cached is None else self.cached,
            "written": self.input if self.written is None else self.written,
            "output": self.output,
            "reasoning": self.output if self.reasoning is None else self.reasoning,
        }
        per_token = {part: rate / MILLION for part, rate in per_million.items()}
        return price_lines(usage, per_token, self.per_call)

    def price_of(self, usage: TokenUsage, at: datetime | None) -> Price:
        amount = sum((line.amount for line in self.lines(usage)), Decimal(0)).quantize(PLACES)
        return Price(amount, OWN_PRICES, self.name, price_day(at), self.tier, self.currency)


def fitting_rate(
    own: Sequence[OwnRate], model: str, provider: str, usage: TokenUsage, at: datetime | None
) -> OwnRate | None:
    """Return the rate that is meant for a call, or None. Days are those of UTC."""
    day = (at or datetime.now(UTC)).astimezone(UTC).date()
    fitting = (rate for rate in own if rate.fits(model, provider, usage.input or 0, day))
    return max(fitting, key=OwnRate.precedence, default=None)


def _escaped(pattern: str) -> str:
    """Return a pattern in which `*` alone is special."""
    return pattern.replace("[", "[[]").replace("?", "[?]")
