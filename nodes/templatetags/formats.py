"""Template filters over nodes.formats."""

from datetime import datetime
from decimal import Decimal

from django import template
from django.utils import timezone

from nodes import formats

register = template.Library()

register.filter("duration", formats.duration)
register.filter("tokens", formats.tokens)
register.filter("size", formats.size)
register.filter("pass_number", formats.iteration_label)


@register.filter
def blanks(text: str, are_wanted: object) -> str:
    """Return `text`, with its white space as visible signs if `wanted`."""
    return formats.blanks(text) if are_wanted else text


@register.filter
def visible(value: object) -> str:
    """Return `value` as text, every character one that a page can hold; "" for None."""
    return "" if value is None else formats.visible(str(value))


@register.filter
def money(amount: Decimal | None, currency: str = "USD") -> str:
    return formats.money(amount, currency or "USD")


@register.filter
def rate(amount: Decimal | None, currency: str = "USD") -> str:
    return formats.rate(amount, currency or "USD")


@register.filter
def ago(time: datetime | None) -> str:
    return formats.ago(time, timezone.now())


@register.filter
def clock(time: datetime | None) -> str:
    """Write local date and time to the millisecond."""
    if time is None:
        return formats.NO_VALUE
    return timezone.localtime(time).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
