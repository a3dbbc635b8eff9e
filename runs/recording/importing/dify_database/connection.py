"""A read-only connection to a Dify PostgreSQL.

Each query is a short transaction of its own, so that Dify's clean-up is not held back; large
results come through a server-side cursor. No message repeats a password.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from runs.recording.importing.dify_database.column_values import TableRow
from runs.redaction.secrets import REDACTED

CONNECT_SECONDS = 10
TIMEOUT = "60s"
ROWS_AT_ONCE = 100
EXAMPLE_DSN = "postgresql://user:password@host:5432/dify"


class DifyUnreachable(Exception):
    """The database cannot be read; the message says why in one sentence, without a secret."""


def target_of(dsn: str) -> str:
    """Return host, port and name of the database, to tell it from others; no user, no password.
    Raises DifyUnreachable where the DSN cannot be read."""
    try:
        fields = conninfo_to_dict(dsn)
    except psycopg.Error:
        # The driver's own words would repeat the text, and its password.
        raise DifyUnreachable(f"The DSN cannot be read; it looks like {EXAMPLE_DSN}.") from None
    host = fields.get("host") or fields.get("hostaddr") or "localhost"
    name = fields.get("dbname") or fields.get("user") or ""
    return f"{host}:{fields.get('port') or 5432}/{name}"


def reason_of(problem: BaseException, dsn: str) -> str:
    """Return what the driver says, on one line and without the password of the DSN."""
    reason = " ".join(str(problem).split()) or type(problem).__name__
    password = str(conninfo_to_dict(dsn).get("password") or "")
    return reason.replace(password, REDACTED) if password else reason


class Connection:
    def __init__(self, connection: psycopg.Connection[dict[str, Any]]) -> None:
        self.connection = connection
        connection.read_only = True

    @contextmanager
    def reading(self, timeout: str = TIMEOUT) -> Iterator[None]:
        """Open a transaction in which nothing can be written and no query takes long. Both are set
        each time: a pooler may give each transaction another server connection."""
        with self.connection.transaction():
            self.connection.execute("SET LOCAL default_transaction_read_only = on")
            limit = sql.SQL("SET LOCAL statement_timeout = {}").format(sql.Literal(timeout))
            self.connection.execute(limit)
            yield

    def rows(
        self, query: sql.Composed, values: Sequence[Any] = (), timeout: str = TIMEOUT
    ) -> list[TableRow]:
        with self.reading(timeout):
            return list(self.connection.execute(query, values))

    def stream(self, query: sql.Composed, values: Sequence[Any] = ()) -> Iterator[TableRow]:
        """Yield rows one after the other, never all of them in memory."""
        with self.reading(), self.connection.cursor(name="waylog") as cursor:
            cursor.itersize = ROWS_AT_ONCE
            cursor.execute(query, values)
            yield from cursor


@contextmanager
def connect(dsn: str) -> Iterator[Connection]:
    """Yield a connection, which is closed at the end. Raises DifyUnreachable."""
    target = target_of(dsn)
    try:
        connection = psycopg.connect(
            dsn,
            application_name="waylog",
            connect_timeout=CONNECT_SECONDS,
            row_factory=dict_row,
            prepare_threshold=None,
        )
    except psycopg.Error as problem:
        reason = reason_of(problem, dsn)
        raise DifyUnreachable(f"Dify's database at {target} does not answer: {reason}") from None
    try:
        yield Connection(connection)
    finally:
        connection.close()
