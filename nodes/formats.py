"""Formats durations, tokens, money, sizes and times for people. Pure."""

import re
from datetime import datetime, timedelta
from decimal import Decimal

CURRENCY_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "CNY": "¥", "JPY": "¥"}
# Characters that HTML cannot hold: controls but tab and line ends, halves of pairs, non-characters.
_UNSHOWABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d):\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?\Z")
_BLANKS = {" ": "·", "\t": "⇥", "\n": "↵\n", "\r": "␍"}
NO_VALUE = "–"


def duration(us: int | None) -> str:
    """Write microseconds as people say them: 0.4 ms, 12 ms, 3.21 s, 2 m 05 s, 1 h 02 m, 3 d 4 h."""
    if us is None:
        return NO_VALUE
    if us < 10_000:
        return f"{us / 1000:.1f} ms"
    if us < 1_000_000:
        return f"{us // 1000} ms"
    if us < 10_000_000:
        return f"{us / 1_000_000:.2f} s"
    if us < 60_000_000:
        return f"{us / 1_000_000:.1f} s"
    seconds = us // 1_000_000
    if seconds < 3600:
        return f"{seconds // 60} m {seconds % 60:02d} s"
    if seconds < 86_400:
        return f"{seconds // 3600} h {seconds % 3600 // 60:02d} m"
    return f"{seconds // 86_400} d {seconds % 86_400 // 3600} h"


def tokens(count: int | None) -> str:
    """Write a count of tokens: 950, 12.3k, 1.20M, 3.40B."""
    if count is None:
        return NO_VALUE
    if count < 10_000:
        return str(count)
    if count < 1_000_000:
        return f"{count / 1000:.1f}k"
    if count < 1_000_000_000:
        return f"{count / 1_000_000:.2f}M"
    return f"{count / 1_000_000_000:.2f}B"


def money(amount: Decimal | None, currency: str = "USD") -> str:
    """Write an amount with its currency; small ones keep two significant digits: $0.0042, $1.20."""
    if amount is None:
        return NO_VALUE
    sign = CURRENCY_SIGNS.get(currency)
    if amount == 0 or abs(amount) >= Decimal("0.1"):
        digits = f"{amount:,.2f}"
    else:
        digits = f"{amount:.{1 - amount.adjusted()}f}"
    return f"{sign}{digits}" if sign else f"{digits} {currency}".strip()


def rate(amount: Decimal | None, currency: str = "USD") -> str:
    """Write a price with all its digits, two at least: $0.15, $0.0025, 4.00 CNY."""
    if amount is None:
        return NO_VALUE
    whole, _, places = f"{amount.normalize():f}".partition(".")
    digits, sign = f"{int(whole):,}.{places:0<2}", CURRENCY_SIGNS.get(currency)
    return f"{sign}{digits}" if sign else f"{digits} {currency}"


def size(count: int | None) -> str:
    """Write a count of bytes: 812 B, 12.4 KB, 3.1 MB (powers of 1000)."""
    if count is None:
        return NO_VALUE
    if count < 1000:
        return f"{count} B"
    for unit, divisor in (("KB", 1e3), ("MB", 1e6)):
        if count < divisor * 1000:
            return f"{count / divisor:.1f} {unit}"
    return f"{count / 1e9:.1f} GB"


def ago(time: datetime | None, now: datetime) -> str:
    """Write how long ago: just now, 5 min ago, 3 h ago, 2 d ago; further back, the date."""
    if time is None:
        return NO_VALUE
    elapsed = now - time
    if elapsed < timedelta(seconds=-60):
        return time.strftime("%Y-%m-%d %H:%M")
    if elapsed < timedelta(minutes=1):
        return "just now"
    if elapsed < timedelta(hours=1):
        return f"{elapsed // timedelta(minutes=1)} min ago"
    if elapsed < timedelta(days=1):
        return f"{elapsed // timedelta(hours=1)} h ago"
    if elapsed < timedelta(days=7):
        return f"{elapsed // timedelta(days=1)} d ago"
    return time.strftime("%Y-%m-%d")


def timestamp_label(text: str) -> str:
    """Write a label that is a timestamp (2026-11-19 05:32:10.482113) to the minute; any other as it
    is."""
    match = _TIMESTAMP.match(text)
    return f"{match[1]} {match[2]}" if match else text


def iteration_label(path: str) -> str:
    """Write a stored iteration path ("3.0", from 0) as people count: "#4.1"; "" outside any
    loop."""
    return "#" + ".".join(str(int(part) + 1) for part in path.split(".")) if path else ""


def visible(text: str) -> str:
    """Return `text` with a sign in the place of every character no page can hold: ␀ to ␟, else
    �."""
    return text if text.isprintable() else _UNSHOWABLE.sub(_visible_sign, text)


def blanks(text: str) -> str:
    """Return `text` with a sign for every blank: ·, ⇥ for a tab, ↵ before a new line, ⍽ for any
    other."""
    return "".join(_BLANKS.get(sign, "⍽") if sign.isspace() else sign for sign in text)


def _visible_sign(match: re.Match[str]) -> str:
    code = ord(match[0])
    return chr(0x2400 + code) if code < 0x20 else "\ufffd"
