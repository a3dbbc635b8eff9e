"""Conditions over one column: one of several values, a range."""

import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db.models import Q

from runs.query.language import Term
from runs.query.values import Span


def any_of(column: str, values: Iterable[Any]) -> Q:
    values = list(values)
    return Q(**{column: values[0]}) if len(values) == 1 else Q(**{f"{column}__in": values})


def any_met(conditions: Iterable[Q]) -> Q:
    told = Q()
    for one in conditions:
        told |= one
    return told


def within(column: str, term: Term) -> Q:
    span = term.meaning
    assert isinstance(span, Span)
    if span.low is not None and span.low == span.high:
        return Q(**{column: _number(column, span.low)})
    told = Q()
    if span.low is not None:
        told &= Q(**{f"{column}__{'gt' if span.above else 'gte'}": _number(column, span.low)})
    if span.high is not None:
        told &= Q(**{f"{column}__{'lt' if span.below else 'lte'}": _number(column, span.high)})
    return told


def _number(column: str, value: Decimal) -> Decimal | int | float:
    if column == "cost":
        return value
    return float(value) if column == "number" else math.trunc(value)
