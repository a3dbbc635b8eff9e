"""Pages lists by keyset: the next page begins after the last row of this one, so page 1,000 costs
what page 1 does, and new rows never shift old ones. Nothing is counted.

A cursor is the last row's value of the ordering field and its id: `1763800000000000~<uuid>`;
the value is empty where the row has none (such rows come last, in either direction).
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Generic, TypeVar

from django.db.models import AutoField, Model, Q, QuerySet

from nodes.clock import from_us, to_us
from nodes.numbers import whole_number

PAGE_SIZE = 50

Row = TypeVar("Row", bound=Model)


class BadCursor(ValueError):
    """The parameter `after` is not a cursor of this list, or `limit` no size of a page."""


def page_size(text: str, most: int = PAGE_SIZE) -> int:
    """Return the number of rows that the parameter `limit` asks for; `most` for "". Raises
    BadCursor."""
    size = whole_number(text, len(str(most))) if text else most
    if not size or size > most:
        raise BadCursor(f"“limit” must be a whole number from 1 to {most}.")
    return size


@dataclass(frozen=True, slots=True)
class Order:
    """An order by `field`, then by id in the same direction; rows without a value come last."""

    field: str
    descending: bool = True

    def stretches(self, rows: QuerySet[Row], cursor: str) -> list[QuerySet[Row]]:
        """Return the rows that follow the row of `cursor` ("": all rows), in order: first those
        that have a value, then those without. Apart, an index on (field, id) serves both; together
        it does not, because databases disagree on where nulls are sorted. Raises BadCursor."""
        field = rows.model._meta.get_field(self.field)
        sign, side = ("-", "lt") if self.descending else ("", "gt")
        rows = rows.order_by(f"{sign}{self.field}", f"{sign}id")
        without_value = [rows.filter(**{f"{self.field}__isnull": True})] if field.null else []
        if not cursor:
            with_value = rows.filter(**{f"{self.field}__isnull": False}) if field.null else rows
            return [with_value, *without_value]
        value, row_id = self._parse_cursor(cursor, field)
        later_id = {f"id__{side}": row_id}
        if value is None:
            return [without_value[0].filter(**later_id)]
        following = Q(**{f"{self.field}__{side}": value}) | Q(**{self.field: value}, **later_id)
        # The second condition lets PostgreSQL enter the index at the cursor, not at its beginning.
        return [rows.filter(following, **{f"{self.field}__{side}e": value}), *without_value]

    def sort_key(self, row: Model) -> tuple[Any, Any]:
        """Return what the rows of one stretch are compared by."""
        return getattr(row, self.field), row.pk

    def before(self, rows: QuerySet[Row], row: Model) -> list[QuerySet[Row]]:
        """Return the rows that stand before `row` in this order, the nearest first: first those
        that have a value as it has, or none as it has none, then those that have one."""
        backward = replace(self, descending=not self.descending)
        nearest = backward.stretches(rows, backward.cursor(row))[0]
        if getattr(row, self.field) is not None:
            return [nearest]
        return [nearest, backward.stretches(rows, "")[0]]

    def cursor(self, row: Model) -> str:
        value = getattr(row, self.field)
        if isinstance(value, datetime):
            value = to_us(value)
        elif isinstance(value, Decimal):
            value = format(value, "f")
        return f"{'' if value is None else value}~{row.pk}"

    def _parse_cursor(self, cursor: str, field: Any) -> tuple[Any, Any]:
        text, _, row_id = cursor.partition("~")
        try:
            has_integer_id = isinstance(field.model._meta.pk, AutoField)
            parsed_id = int(row_id) if has_integer_id else uuid.UUID(row_id)
            return self._parse_value(text, field), parsed_id
        except (ValueError, OverflowError, InvalidOperation):
            raise BadCursor(f"“{cursor[:80]}” is not a position in this list.") from None

    @staticmethod
    def _parse_value(text: str, field: Any) -> Any:
        if not text:
            if not field.null:
                raise ValueError
            return None
        field_type = field.get_internal_type()
        if field_type == "DecimalField":
            value = Decimal(text)
            if not value.is_finite() or abs(value.adjusted()) > field.max_digits:
                raise ValueError
            return value
        number = int(text)
        if field_type == "DateTimeField":
            return from_us(number)
        if abs(number) >= 2**63:
            raise ValueError
        return number


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """A page of a list. `next` is the cursor of the next page, "" on the last; `first` says
    whether it is the first page; `beyond` is the first row of the next page."""

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
    """Return the page of `rows`, or of several querysets that have no row in common, after the
    cursor `after` ("": the first page). Raises BadCursor."""
    querysets = [rows] if isinstance(rows, QuerySet) else rows
    page: list[Row] = []
    for parts in zip(*(order.stretches(queryset, after) for queryset in querysets), strict=True):
        if missing := size + 1 - len(page):
            merged = [row for part in parts for row in part[:missing]]
            if len(parts) > 1:
                merged.sort(key=order.sort_key, reverse=order.descending)
            page += merged[:missing]
    more = len(page) > size
    following = order.cursor(page[size - 1]) if more else ""
    return Page(page[:size], following, not after, page[size] if more else None)


def row_before(querysets: Sequence[QuerySet[Row]], order: Order, row: Row) -> Row | None:
    """Return the row of the list that stands before `row`; the list is made of several querysets
    that have no row in common."""
    for parts in zip(*(order.before(queryset, row) for queryset in querysets), strict=True):
        if nearest := [first for part in parts if (first := part.first())]:
            return (min if order.descending else max)(nearest, key=order.sort_key)
    return None
