"""Tokens and money as producers write them, in one form."""

from decimal import Context, Decimal, InvalidOperation
from typing import Any

from runs.recording.records import Cost, Usage

# More tokens than any call has; sums of millions of calls stay within 64 bits.
LARGEST = 2**40
# Money as the columns keep it: numeric(20, 10), of which SQLite (a double) keeps 15 digits exactly.
LARGEST_COST = Decimal(10) ** 9
PLACES = Decimal("1e-10")
DIGITS = Context(prec=15)


def whole(value: Any, most: int = LARGEST) -> int | None:
    """A count: an integer, an integral float or text of digits, up to `most`. Anything else says
    nothing."""
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
    """The first of these attributes that holds a count."""
    for name in names:
        value = attributes.get(name)
        if value is not None:
            count = whole(value)
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
    """Usage by OpenTelemetry's rule: input includes what came from and went to the cache. Where the
    cached part alone is larger than the input, the producer excludes it (Anthropic's way), so it is
    added. None where nothing is told; total is the sum where it is not told."""
    if input is None and output is None and total is None:
        return None
    from_cache = (cached or 0) + (cache_write or 0)
    if input is not None and from_cache > input:
        input += from_cache
    if total is None:
        total = (input or 0) + (output or 0)
    return Usage(input, output, cached, cache_write, reasoning, total)


def cost(amount: Any, currency: Any = None) -> Cost | None:
    """Reported money as an exact decimal: the digits of the text, or the shortest that give the
    same double (0.1, not 0.1000000000000000055), as both databases keep them. None when it is no
    amount."""
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
