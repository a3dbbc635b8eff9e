"""The words of prices: the tokens of a call, its price, and how the price is made up. Pure."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from importlib.metadata import version

CURRENCY = "USD"
PLACES = Decimal("1e-10")
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """What a call costs. `table` is the package and its version, or OWN_PRICES; `row` the provider
    and model in it, `day` the date of the price that was asked for, None for today's; `tier` the
    size of the prompt, in tokens, beyond which its price holds, 0 for the base price."""

    amount: Decimal
    table: str
    row: str
    day: str | None = None
    tier: int = 0
    currency: str = CURRENCY

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
        """Return the tokens by the names of PART_LABELS; each counts once, and none is negative."""
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


@dataclass(frozen=True, slots=True)
class PriceLine:
    """A part of a price: so many `tokens` at so much per million; None of a price per call."""

    label: str
    tokens: int | None
    per_million: Decimal | None
    amount: Decimal


# What readers call the parts of a usage, in the order in which a price is added up.
PART_LABELS = {
    "input": "input",
    "cached": "read from the cache",
    "written": "written to the cache",
    "output": "output",
    "reasoning": "reasoning",
}


def price_lines(
    usage: TokenUsage, per_token: dict[str, Decimal], per_call: Decimal = Decimal(0)
) -> list[PriceLine]:
    """Return the parts of a price that are not empty; `per_token` by the names of PART_LABELS."""
    lines = [
        PriceLine(PART_LABELS[part], tokens, per_token[part] * MILLION, per_token[part] * tokens)
        for part, tokens in usage.parts().items()
        if tokens
    ]
    return lines + ([PriceLine("for the call", None, None, per_call)] if per_call else [])


@cache
def table_name(package: str) -> str:
    return f"{package} {version(package)}"


def price_day(at: datetime | None) -> str | None:
    return at.date().isoformat() if at else None


# The producers' words for a provider → the price table's.
_PROVIDERS = {
    "openai": "openai", "anthropic": "anthropic", "google": "google", "gemini": "google",
    "gcp.gemini": "google", "gcp.vertex_ai": "google", "gcp.gen_ai": "google", "vertexai": "google",
    "mistral_ai": "mistral", "mistral": "mistral", "aws.bedrock": "aws", "bedrock": "aws",
    "azure": "azure", "azure.ai.openai": "azure", "groq": "groq", "deepseek": "deepseek",
    "cohere": "cohere", "x_ai": "x-ai", "perplexity": "perplexity", "aws": "aws",
}  # fmt: skip


def provider_id(name: str) -> str | None:
    """Return the price table's id of a provider: of `langgenius/openai/openai` that of `openai`."""
    return _PROVIDERS.get(name.rsplit("/", 1)[-1].lower())
