"""Reads tokens and money as producers write them into one form."""

from decimal import Context, Decimal, InvalidOperation
from typing import Any

from runs.recording.records.record import Cost, Usage

# More tokens than any call has; sums of millions of calls stay within 64 bits.
LARGEST = 2**40
# Money as the columns keep it: numeric(20, 10), of which SQLite (a double) keeps 15 digits exactly.
LARGEST_COST = Decimal(10) ** 9
PLACES = Decimal("1e-10")
DIGITS = Context(prec=15)


def to_count(value: Any, most: int = LARGEST) -> int | None:
    """Return a count: an integer, an integral float or text of digits, up to `most`; None for
    anything else."""
    kind = type(value)
    if kind is str:
        text = value.strip()
        value = int(text) if text.isascii() and text.isdigit() and len(text) < 17 else None
    elif kind is float:
        value = int(value) if value.is_integer() else None
    elif kind is not int:
        return None
    return value if value is not None and 0 <= value <= most else None


def first_count(attributes: dict[str, Any], names: tuple[str, ...]) -> int | None:
    """Return the first of these attributes that holds a count."""
    for name in names:
        value = attributes.get(name)
        if value is not None:
            count = to_count(value)
            if count is not None:
                return count
    return None


def usage(
    input: int | None,
    output: int | None,
    total: int | None = None,
    cached: int | None = None,
    cache_write: int | None = None,
    reasoning: int | None = None,
) -> Usage | None:
    """Return usage by OpenTelemetry's rule: input includes what came from and went to the cache,
    output the reasoning. Some producers exclude either (Anthropic the cache, Gemini its thoughts):
    the total says so, or a part that is larger than its whole; then it is added. What a total holds
    beyond its parts is output that nobody named. None where nothing is known; an unknown total is
    the sum."""
    if input is None and output is None and total is None:
        return None
    from_cache, thought = (cached or 0) + (cache_write or 0), reasoning or 0
    known = (input or 0) + (output or 0)
    if from_cache or thought:
        beyond = None if total is None else total - known
        excluded = _excluded_parts(input or 0, output or 0, beyond, from_cache, thought)
        if input is not None:
            input += excluded[0]
        if output is not None:
            output += excluded[1]
        known = (input or 0) + (output or 0)
    if total is None:
        total = known
    elif input is not None and output is not None and total > known:
        output += total - known
    return Usage(input, output, cached, cache_write, reasoning, total)


def _excluded_parts(
    input: int, output: int, beyond: int | None, from_cache: int, thought: int
) -> tuple[int, int]:
    """Return how much of the cache `input`, and of the reasoning `output`, leaves out. `beyond` is
    what the total holds beyond both."""
    if beyond == 0:
        return 0, 0
    if beyond == from_cache + thought:
        return from_cache, thought
    if beyond == thought:
        return 0, thought
    if beyond == from_cache:
        return from_cache, 0
    return (from_cache if from_cache > input else 0), (thought if thought > output else 0)


# What model APIs call their counts, and where they keep the details.
API_INPUT = (
    "prompt_tokens", "input_tokens", "promptTokens", "inputTokens", "prompt_token_count",
    "promptTokenCount", "input_token_count",
)  # fmt: skip
API_OUTPUT = (
    "completion_tokens", "output_tokens", "completionTokens", "outputTokens",
    "candidates_token_count", "candidatesTokenCount", "generated_token_count",
)  # fmt: skip
API_TOTAL = ("total_tokens", "totalTokens", "total_token_count", "totalTokenCount")
API_CACHED = (
    "cached_tokens", "cache_read", "cache_read_input_tokens", "cached_content_token_count",
    "cachedContentTokenCount",
)  # fmt: skip
API_CACHE_WRITE = (
    "cache_creation", "cache_write_tokens", "cache_creation_input_tokens",
    "cache_write_input_tokens",
)  # fmt: skip
API_REASONING = (
    "reasoning_tokens", "reasoning", "thoughts_token_count", "thoughtsTokenCount",
)  # fmt: skip
API_DETAILS = (
    "prompt_tokens_details", "input_tokens_details", "input_token_details",
    "completion_tokens_details", "output_tokens_details", "output_token_details",
)  # fmt: skip


def api_usage(value: Any) -> Usage | None:
    """Return usage as the APIs of OpenAI, Anthropic and Gemini and as LangChain write it."""
    if not isinstance(value, dict):
        return None
    inner = [value[key] for key in API_DETAILS if isinstance(value.get(key), dict)]
    details = {key: count for part in inner for key, count in part.items()}
    all_counts = {**details, **value}
    return usage(
        first_count(value, API_INPUT),
        first_count(value, API_OUTPUT),
        first_count(value, API_TOTAL),
        first_count(all_counts, API_CACHED),
        first_count(all_counts, API_CACHE_WRITE),
        first_count(all_counts, API_REASONING),
    )


def cost(amount: Any, currency: Any = None) -> Cost | None:
    """Return reported money as an exact decimal: the digits of the text, or the shortest that give
    the same double (0.1, not 0.1000000000000000055), as both databases keep them. None when it is
    no amount."""
    if amount is None or type(amount) is bool:
        return None
    try:
        exact = Decimal(str(amount).strip())
    except InvalidOperation:
        return None
    if not exact.is_finite() or not 0 <= exact < LARGEST_COST:
        return None
    exact = DIGITS.plus(exact).quantize(PLACES)
    if not isinstance(currency, str) or not currency:
        return Cost(exact)
    return Cost(exact, currency[:3]) if currency.isprintable() else None
