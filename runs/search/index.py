"""The index of groups of three characters, in the words of each database. What it names has all
groups of the words that are asked for, and mostly the words: the runs are looked at again.

A document is the text of one run. Its number is the moment at which the run started, so that both
databases have documents in order of time; in tenths of a second, because small steps between
numbers keep the index small. Migration 0004 makes the tables.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from django.db import connection, transaction

from nodes.clock import EPOCH, to_us
from runs.search.coding import condensed, groups

TABLE = "runs_searchindex"
RUNS = "runs_searchrun"
STEP = 100_000  # microseconds between two numbers
Moment = datetime | None  # None: there is no end


class Document(NamedTuple):
    """The text of a run, encoded."""

    run_id: UUID
    started_at: datetime
    text: str

    @property
    def number(self) -> int:
        return number_of(self.started_at)


class Named(NamedTuple):
    """A run that the index names, by the number of its document."""

    number: int
    run_id: UUID


class Index(Protocol):
    def write(self, documents: Sequence[Document]) -> None:
        """Put documents in the place of those of the same runs; in a transaction."""

    def runs(self, words: Sequence[str], since: Moment, until: Moment) -> list[Named]:
        """The runs, newest first, whose documents may have all of these words, which are encoded;
        those that started so, both ends included, and a few beside them."""

    def forget(self, run_ids: Sequence[UUID]) -> None:
        """Runs are gone, and their documents with them."""

    def empty(self) -> None:
        """Forget all."""


def index() -> Index:
    return POSTGRES if connection.vendor == "postgresql" else SQLITE


def holds(started_at: datetime) -> bool:
    """SQLite would not keep documents before 1970 in order."""
    return started_at >= EPOCH


def number_of(started_at: datetime) -> int:
    return to_us(started_at) // STEP


class _Sqlite:
    """A full-text table without contents, cut into groups by SQLite itself, and beside it which run
    a document is of. Nothing can be taken out of such a table: of a run that has changed it still
    names what it no longer says, which is looked at again, and not found."""

    def write(self, documents: Sequence[Document]) -> None:
        # In ascending order, else the table begins a new part of itself with every one.
        ordered = sorted(documents, key=lambda document: document.number)
        with connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO {TABLE} (rowid, text) VALUES (%s, %s)",
                [(one.number, condensed(one.text)) for one in ordered],
            )
            cursor.executemany(
                f"INSERT OR REPLACE INTO {RUNS} (run_id, document) VALUES (%s, %s)",
                [(one.run_id.hex, one.number) for one in ordered],
            )

    def runs(self, words: Sequence[str], since: Moment, until: Moment) -> list[Named]:
        asked = dict.fromkeys(group for word in words for group in groups(word))
        match = " AND ".join('"' + group.replace('"', '""') + '"' for group in asked)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT document, run_id FROM {TABLE} JOIN {RUNS} ON document = {TABLE}.rowid"
                f" WHERE {TABLE} MATCH %s AND {TABLE}.rowid BETWEEN %s AND %s"
                f" ORDER BY {TABLE}.rowid DESC",
                [match, *_numbers(since, until)],
            )
            return [Named(number, UUID(run_id)) for number, run_id in cursor.fetchall()]

    def forget(self, run_ids: Sequence[UUID]) -> None:
        with connection.cursor() as cursor:
            rows = [(run_id.hex,) for run_id in run_ids]
            cursor.executemany(f"DELETE FROM {RUNS} WHERE run_id = %s", rows)

    def empty(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {TABLE} ({TABLE}) VALUES ('delete-all')")
            cursor.execute(f"DELETE FROM {RUNS}")


# The extension takes signs of ASCII for the end of a word: they stand as rare letters.
_RARE = {" ": "q", "-": "j", "_": "z", '"': "x"}
_SIGNS = str.maketrans({
    sign: _RARE.get(sign, "v") for sign in map(chr, range(128)) if not sign.isalnum()
})  # fmt: skip


class _Postgres:
    """The texts themselves, each as one long word, under an index of pg_trgm."""

    def write(self, documents: Sequence[Document]) -> None:
        rows = [(one.run_id, one.number, one.text.translate(_SIGNS)) for one in documents]
        with connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO {TABLE} (run_id, document, text) VALUES (%s, %s, %s)"
                " ON CONFLICT (run_id) DO UPDATE"
                " SET document = excluded.document, text = excluded.text",
                rows,
            )

    def runs(self, words: Sequence[str], since: Moment, until: Moment) -> list[Named]:
        patterns = [f"%{word.translate(_SIGNS)}%" for word in words]
        likes = " AND text LIKE %s" * len(patterns)
        with _dear_texts() as cursor:
            cursor.execute(
                f"SELECT document, run_id FROM {TABLE} WHERE document BETWEEN %s AND %s{likes}"
                " ORDER BY document DESC",
                [*_numbers(since, until), *patterns],
            )
            return [Named(*row) for row in cursor.fetchall()]

    def forget(self, run_ids: Sequence[UUID]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {TABLE} WHERE run_id = ANY(%s)", [list(run_ids)])

    def empty(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {TABLE}")


@contextmanager
def _dear_texts() -> Iterator[Any]:
    """The planner takes a look at a text for as cheap as one at a number, and would rather look at
    all texts of a month than ask the index."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL cpu_operator_cost = 1")
        yield cursor
        cursor.execute("SET LOCAL cpu_operator_cost = DEFAULT")


def _numbers(since: Moment, until: Moment) -> tuple[int, int]:
    """The first and the last document of a stretch of time."""
    return number_of(since) if since else 0, number_of(until) if until else 2**62


SQLITE, POSTGRES = _Sqlite(), _Postgres()
