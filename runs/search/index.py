"""The trigram index, in the SQL of each database. The runs that it names have all trigrams of the
words that are searched for, and mostly the words: they are looked at again.

A document is the text of one run. Its number is the time at which the run started, so that both
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
from runs.search.coding import condensed, trigrams

INDEX_TABLE = "runs_searchindex"
RUN_TABLE = "runs_searchrun"
NUMBER_STEP_US = 100_000  # microseconds between two numbers


class SearchDocument(NamedTuple):
    """The text of a run, encoded."""

    run_id: UUID
    started_at: datetime
    text: str

    @property
    def number(self) -> int:
        return number_of(self.started_at)


class IndexedRun(NamedTuple):
    """A run that the index names, by the number of its document."""

    number: int
    run_id: UUID


class SearchIndex(Protocol):
    def write(self, documents: Sequence[SearchDocument]) -> None:
        """Replace the documents of the same runs, or add them; to be called in a transaction."""

    def runs(
        self, words: Sequence[str], since: datetime | None, until: datetime | None
    ) -> list[IndexedRun]:
        """Return the runs, newest first, whose documents may have all of these encoded words: those
        that started between `since` and `until` (None: no end there), both included, and a few
        beside them."""

    def forget(self, run_ids: Sequence[UUID]) -> None:
        """Remove the documents of runs that are gone."""

    def empty(self) -> None:
        """Remove all documents."""


def search_index() -> SearchIndex:
    return POSTGRES if connection.vendor == "postgresql" else SQLITE


def can_hold(started_at: datetime) -> bool:
    """Return whether runs of this time can be indexed: SQLite would not keep documents before 1970
    in order."""
    return started_at >= EPOCH


def number_of(started_at: datetime) -> int:
    return to_us(started_at) // NUMBER_STEP_US


class _SqliteIndex:
    """A full-text table without contents, cut into trigrams by SQLite itself, and beside it which
    run a document is of. Nothing can be removed from such a table: it still names a run by words
    that the run no longer has; the run is looked at again, and does not match."""

    def write(self, documents: Sequence[SearchDocument]) -> None:
        # In ascending order, else the table begins a new part of itself with every one.
        ordered = sorted(documents, key=lambda document: document.number)
        with connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO {INDEX_TABLE} (rowid, text) VALUES (%s, %s)",
                [(document.number, condensed(document.text)) for document in ordered],
            )
            cursor.executemany(
                f"INSERT OR REPLACE INTO {RUN_TABLE} (run_id, document) VALUES (%s, %s)",
                [(document.run_id.hex, document.number) for document in ordered],
            )

    def runs(
        self, words: Sequence[str], since: datetime | None, until: datetime | None
    ) -> list[IndexedRun]:
        distinct = dict.fromkeys(trigram for word in words for trigram in trigrams(word))
        match = " AND ".join('"' + trigram.replace('"', '""') + '"' for trigram in distinct)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT document, run_id FROM {INDEX_TABLE}"
                f" JOIN {RUN_TABLE} ON document = {INDEX_TABLE}.rowid"
                f" WHERE {INDEX_TABLE} MATCH %s AND {INDEX_TABLE}.rowid BETWEEN %s AND %s"
                f" ORDER BY {INDEX_TABLE}.rowid DESC",
                [match, *_document_numbers(since, until)],
            )
            return [IndexedRun(number, UUID(run_id)) for number, run_id in cursor.fetchall()]

    def forget(self, run_ids: Sequence[UUID]) -> None:
        with connection.cursor() as cursor:
            rows = [(run_id.hex,) for run_id in run_ids]
            cursor.executemany(f"DELETE FROM {RUN_TABLE} WHERE run_id = %s", rows)

    def empty(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {INDEX_TABLE} ({INDEX_TABLE}) VALUES ('delete-all')")
            cursor.execute(f"DELETE FROM {RUN_TABLE}")


# To pg_trgm punctuation in ASCII ends a word: rare letters stand for it.
_RARE_LETTERS = {" ": "q", "-": "j", "_": "z", '"': "x"}
_PUNCTUATION = str.maketrans({
    character: _RARE_LETTERS.get(character, "v")
    for character in map(chr, range(128))
    if not character.isalnum()
})  # fmt: skip


class _PostgresIndex:
    """The texts themselves, each as one long word, under an index of pg_trgm."""

    def write(self, documents: Sequence[SearchDocument]) -> None:
        rows = [
            (document.run_id, document.number, document.text.translate(_PUNCTUATION))
            for document in documents
        ]
        with connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO {INDEX_TABLE} (run_id, document, text) VALUES (%s, %s, %s)"
                " ON CONFLICT (run_id) DO UPDATE"
                " SET document = excluded.document, text = excluded.text",
                rows,
            )

    def runs(
        self, words: Sequence[str], since: datetime | None, until: datetime | None
    ) -> list[IndexedRun]:
        patterns = [f"%{word.translate(_PUNCTUATION)}%" for word in words]
        likes = " AND text LIKE %s" * len(patterns)
        with _expensive_text_reads() as cursor:
            cursor.execute(
                f"SELECT document, run_id FROM {INDEX_TABLE}"
                f" WHERE document BETWEEN %s AND %s{likes}"
                " ORDER BY document DESC",
                [*_document_numbers(since, until), *patterns],
            )
            return [IndexedRun(*row) for row in cursor.fetchall()]

    def forget(self, run_ids: Sequence[UUID]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {INDEX_TABLE} WHERE run_id = ANY(%s)", [list(run_ids)])

    def empty(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {INDEX_TABLE}")


@contextmanager
def _expensive_text_reads() -> Iterator[Any]:
    """Let the planner know that reading a text is expensive: by default it assumes that a text
    costs as little as a number, and would rather read all texts of a month than the index."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL cpu_operator_cost = 1")
        yield cursor
        cursor.execute("SET LOCAL cpu_operator_cost = DEFAULT")


def _document_numbers(since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """Return the numbers of the first and the last document of a stretch of time."""
    return number_of(since) if since else 0, number_of(until) if until else 2**62


SQLITE, POSTGRES = _SqliteIndex(), _PostgresIndex()
