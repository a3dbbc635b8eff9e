"""Writing many rows at once: the one place that speaks to the two databases in their own words.

Values are plain (text, int, bool, bytes, None), in forms that both databases read alike: ids as 32
hex digits, times as UTC text, money as decimal text.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Model

EPOCH = datetime(1970, 1, 1)
LOCK_BUCKETS = 4096
# SQLite's default limit of parameters in one statement is 32,766, PostgreSQL's 65,535.
MAX_PARAMETERS = 30_000


def insert(
    model: type[Model],
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    conflict: Sequence[str],
    update: Sequence[str] = (),
) -> None:
    """Insert rows; on a conflict over the columns `conflict` set `update`, or leave the row
    alone."""
    rows = list(rows)
    if not rows:
        return
    quote = connection.ops.quote_name
    table, names = quote(model._meta.db_table), ", ".join(map(quote, columns))
    action = (
        "UPDATE SET " + ", ".join(f"{quote(name)} = excluded.{quote(name)}" for name in update)
        if update
        else "NOTHING"
    )
    head = f"INSERT INTO {table} ({names}) VALUES "
    tail = f" ON CONFLICT ({', '.join(map(quote, conflict))}) DO {action}"
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            place = "(" + ", ".join(["%s"] * len(columns)) + ")"
            cursor.executemany(head + place + tail, rows)
            return
        if not update and model._meta.label == "nodes.NodeExecution":
            _copy(cursor, f"COPY {table} ({names}) FROM STDIN", rows)
            return
        place = "(" + ", ".join(["%s"] * len(columns)) + ")"
        step = max(1, MAX_PARAMETERS // len(columns))
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            values = [value for row in part for value in row]
            cursor.execute(head + ", ".join([place] * len(part)) + tail, values)


def _copy(cursor: Any, statement: str, rows: Iterable[Sequence[Any]]) -> None:
    with cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def moment(us: int | None) -> str | None:
    """Microseconds since the epoch as Django stores a time in SQLite, which PostgreSQL reads as UTC
    (Django sets the session's time zone)."""
    return None if us is None else str(EPOCH + timedelta(microseconds=us))


def lock(names: Iterable[str]) -> None:
    """Hold the named things until the transaction ends, so that two processes that record the same
    run take turns. SQLite writes one transaction at a time (BEGIN IMMEDIATE), which is lock enough.

    Names fall into a fixed number of buckets: a large request cannot exhaust PostgreSQL's lock
    table."""
    if not concurrent():
        return
    buckets = sorted({hash_bucket(name) for name in names})
    with connection.cursor() as cursor:
        for bucket in buckets:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [0x57A1, bucket])


def concurrent() -> bool:
    """Whether several transactions may write at the same time."""
    return connection.vendor == "postgresql"


def hash_bucket(name: str) -> int:
    """The same in every process, unlike hash()."""
    return int.from_bytes(name.encode()[-16:].rjust(16, b"\0"), "big") % LOCK_BUCKETS
