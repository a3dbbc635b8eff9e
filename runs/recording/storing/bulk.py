"""Writes many rows at once: the one place that knows the SQL of both databases.

Values are plain (text, int, bool, bytes, None), in forms that both databases read alike: ids as 32
hex digits, times as UTC text, money as decimal text.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from enum import IntEnum
from functools import lru_cache
from typing import Any, overload
from zlib import crc32

import orjson
from django.db import connection
from django.db.models import Model

from nodes.clock import EPOCH

LOCK_BUCKETS = 4096


def insert(
    model: type[Model],
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    conflict: Sequence[str],
    update: Sequence[str] = (),
    keep: Sequence[str] = (),
) -> None:
    """Insert rows; on a conflict over the columns `conflict` set `update`, or leave the row alone.
    Columns of `keep` that are NULL in the new row stay as they are."""
    rows = list(rows)
    if not rows:
        return
    quote = connection.ops.quote_name
    table, names = quote(model._meta.db_table), ", ".join(map(quote, columns))
    action = "NOTHING"
    if update:
        news = {name: f"excluded.{quote(name)}" for name in update}
        news |= {name: f"COALESCE({news[name]}, {table}.{quote(name)})" for name in keep}
        action = "UPDATE SET " + ", ".join(f"{quote(name)} = {new}" for name, new in news.items())
    tail = f" ON CONFLICT ({', '.join(map(quote, conflict))}) DO {action}"
    if connection.vendor == "sqlite":
        placeholders = ", ".join(["%s"] * len(columns))
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({placeholders}){tail}", rows)
        return
    with _postgres_cursor() as cursor:
        if not update and model._meta.label in _COPIED:
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return
        # One array a column: the statement stays the same however many rows there are.
        arrays = ", ".join(map(_array_placeholder, _column_types(model, columns)))
        values = [list(column) for column in zip(*rows, strict=True)]
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays}){tail}", values
        )


# Executions that are new to a run, which this transaction alone may write (see `lock`): no conflict
# can arise, so they go the fastest way.
_COPIED = frozenset({"nodes.NodeExecution"})


@contextmanager
def _postgres_cursor() -> Iterator[Any]:
    """Return a cursor that sends values beside the statement and bytes as bytes. Django's own
    cursor writes all of them into the statement as text, which cost both sides half of the time for
    payloads."""
    import psycopg

    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        yield cursor


def _column_types(model: type[Model], columns: Sequence[str]) -> list[str]:
    types = {field.column: field.db_type(connection) for field in model._meta.local_fields}
    return [str(types[column]).partition("(")[0] for column in columns]


def _array_placeholder(kind: str) -> str:
    return f"{'%b' if kind == 'bytea' else '%s'}::{kind}[]"


@overload
def time_text(us: int) -> str: ...
@overload
def time_text(us: int | None) -> str | None: ...
def time_text(us: int | None) -> str | None:
    """Return microseconds since the epoch as Django stores a time in SQLite, which PostgreSQL reads
    as UTC (Django sets the session's time zone)."""
    if us is None:
        return None
    seconds, rest = divmod(us, 1_000_000)
    return f"{_second_text(seconds)}.{rest:06d}" if rest else _second_text(seconds)


@lru_cache(maxsize=4096)
def _second_text(seconds: int) -> str:
    return str((EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None))


def decimal_text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)


def json_text(value: Any) -> str:
    """Return a value as JSON; equal values give equal text, whatever the order of their keys."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


class Stage(IntEnum):
    """What is locked, in the order in which a transaction locks it: as all names of a stage are
    locked at once and in order, no two transactions can wait for each other."""

    SOURCES = 0x57A1
    RUNS = 0x57A2
    VERSIONS = 0x57A3


def lock(stage: Stage, names: Iterable[str]) -> None:
    """Hold locks on these names until the transaction ends, so that two processes that record the
    same run take turns. SQLite writes one transaction at a time (BEGIN IMMEDIATE), which is lock
    enough.

    Names fall into a fixed number of buckets: a large request cannot exhaust PostgreSQL's lock
    table.
    """
    if not concurrent():
        return
    buckets = sorted({crc32(name.encode()) % LOCK_BUCKETS for name in names})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, bucket) FROM unnest(%s::int[]) AS bucket",
            [int(stage), buckets],
        )


def concurrent() -> bool:
    """Return whether several transactions may write at the same time."""
    return connection.vendor == "postgresql"
