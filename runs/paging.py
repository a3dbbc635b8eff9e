"""Paging by keyset: the next page begins after the last row shown, so page 1,000 costs what page 1
does, and new rows never shift old ones. Nothing is counted.

A cursor is the last row's value of the ordering field and its id: `1763800000000000~<uuid>`;
the value is empty where the row has none (such rows come last, in either direction).
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Generic, TypeVar

from django.db.models import AutoField, Model, Q, QuerySet

from nodes.clock import from_us, to_us

PAGE_SIZE = 50

Row = TypeVar("Row", bound=Model)


class BadCursor(ValueError):
    """What stands in `after` is not a cursor that this list gave out."""


@dataclass(frozen=True, slots=True)
class Order:
    """By `field`, then by id in the same direction; rows without a value last."""

    field: str
    descending: bool = True

    def stretches(self, rows: QuerySet[Row], cursor: str) -> list[QuerySet[Row]]:
        """The rows that follow the one that `cursor` names ("": all), in order: first those that
        have a value, then those without. Apart, an index on (field, id) serves both; together it
        does not, because databases disagree on the place of nulls. Raises BadCursor."""
        field = rows.model._meta.get_field(self.field)
        sign, side = ("-", "lt") if self.descending else ("", "gt")
        rows = rows.order_by(f"{sign}{self.field}", f"{sign}id")
        bare = [rows.filter(**{f"{self.field}__isnull": True})] if field.null else []
        if not cursor:
            return [rows.filter(**{f"{self.field}__isnull": False}) if field.null else rows, *bare]
        value, row_id = self._read(cursor, field)
        later_id = {f"id__{side}": row_id}
        if value is None:
            return [bare[0].filter(**later_id)]
        following = Q(**{f"{self.field}__{side}": value}) | Q(**{self.field: value}, **later_id)
        # With a bound of its own PostgreSQL enters the index at the place, else at its beginning.
        return [rows.filter(following, **{f"{self.field}__{side}e": value}), *bare]

    def place(self, row: Model) -> tuple[Any, Any]:
        """What rows of one stretch are compared by."""
        return getattr(row, self.field), row.pk

    def cursor(self, row: Model) -> str:
        value = getattr(row, self.field)
        if isinstance(value, datetime):
            value = to_us(value)
        elif isinstance(value, Decimal):
            value = format(value, "f")
        return f"{'' if value is None else value}~{row.pk}"

    def _read(self, cursor: str, field: Any) -> tuple[Any, Any]:
        text, _, row_id = cursor.partition("~")
        try:
            whole = isinstance(field.model._meta.pk, AutoField)
            return self._value(text, field), int(row_id) if whole else uuid.UUID(row_id)
        except (ValueError, OverflowError, InvalidOperation):
            raise BadCursor(f"“{cursor[:80]}” is not a place in this list.") from None

    @staticmethod
    def _value(text: str, field: Any) -> Any:
        if not text:
            if not field.null:
                raise ValueError
            return None
        kind = field.get_internal_type()
        if kind == "DecimalField":
            value = Decimal(text)
            if not value.is_finite() or abs(value.adjusted()) > field.max_digits:
                raise ValueError
            return value
        number = int(text)
        if kind == "DateTimeField":
            return from_us(number)
        if abs(number) >= 2**63:
            raise ValueError
        return number


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of a list. `next` is the cursor of the next one, "" on the last; `first` tells
    whether it begins at the beginning; `beyond` is the first row of the next one."""

    rows: list[Row]
    next: str
    first: bool
    beyond: Row | None = None


def page_of(
    rows: QuerySet[Row] | Sequence[QuerySet[Row]],
    order: Order,
    after: str = "",
    size: int = PAGE_SIZE,
) -> Page[Row]:
    """The page of `rows`, or of several lists that have no row in common, after the cursor `after`
    ("": the first). Raises BadCursor."""
    lists = [rows] if isinstance(rows, QuerySet) else rows
    found: list[Row] = []
    for stretch in zip(*(order.stretches(one, after) for one in lists), strict=True):
        if missing := size + 1 - len(found):
            merged = [row for part in stretch for row in part[:missing]]
            if len(stretch) > 1:
                merged.sort(key=order.place, reverse=order.descending)
            found += merged[:missing]
    more = len(found) > size
    following = order.cursor(found[size - 1]) if more else ""
    return Page(found[:size], following, not after, found[size] if more else None)
