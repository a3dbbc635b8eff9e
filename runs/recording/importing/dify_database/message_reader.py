"""Reads the messages of one app in a Dify database as records: runs of their own, or turns of
workflow runs."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from psycopg import sql

from runs.recording.importing.dify_database import database
from runs.recording.importing.dify_database.checkpoint import RowHead, RowKey
from runs.recording.importing.dify_database.column_values import TableRow
from runs.recording.importing.dify_database.database import DifyApp, DifyDatabase
from runs.recording.importing.dify_database.message_records import (
    MessageTurn,
    annotation_note,
    feedback_note,
    turn_records,
)
from runs.recording.importing.dify_database.run_reader import LATE_WRITES, SizedRecords
from runs.recording.records.record import NoteRecord

TABLE = "messages"
LONG_COLUMNS = ("query", "inputs", "message", "answer", "message_metadata")
ROWS_AT_ONCE = 500
_ANSWER_LENGTH = sql.SQL("octet_length(t.answer) AS answer_length")


@dataclass(slots=True)
class MessageReader:
    dify: DifyDatabase
    app: DifyApp
    service: str

    def heads(self, after: RowKey | None, limit: int) -> list[RowHead]:
        """Return the heads of the next rows after a key."""
        names, more = database.MESSAGE_HEAD_COLUMNS, self._head_extras()
        return self._message_heads(self.dify.page(TABLE, names, self.app, after, limit, more))

    def heads_by_ids(self, ids: Sequence[str]) -> list[RowHead]:
        names, more = database.MESSAGE_HEAD_COLUMNS, self._head_extras()
        return self._message_heads(self.dify.by_ids(TABLE, names, ids, more=more))

    def _head_extras(self) -> list[sql.SQL]:
        has_answer = self.dify.schema.has(TABLE, "answer")
        return [_ANSWER_LENGTH if has_answer else sql.SQL("0 answer_length")]

    def _message_heads(self, rows: list[TableRow]) -> list[RowHead]:
        now = self.dify.now()
        return [
            RowHead(
                row["created_at"],
                row["id"],
                f"{row['status']} {row['updated_at']} {row['answer_length']} {bool(row['error'])}",
                _is_message_open(row, now),
            )
            for row in rows
        ]

    def records(self, ids: Sequence[str]) -> Iterator[SizedRecords]:
        """Yield the records of each message, with about how many characters they hold."""
        names = database.MESSAGE_COLUMNS
        rows = self.dify.by_ids(TABLE, names, ids, order=("created_at", "id"))
        people = self._people_by_id(rows)
        thoughts = self._thoughts_by_message(
            [row["id"] for row in rows if not row["workflow_run_id"]]
        )
        for row in rows:
            user = people.get(row["from_end_user_id"] or row["from_account_id"] or "")
            is_chat = (row["app_mode"] or self.app.mode) != "completion"
            turn = MessageTurn(row, self.service, user, is_chat, thoughts.get(row["id"], ()))
            yield turn_records(turn), sum(len(row[name] or "") for name in LONG_COLUMNS)

    def titles(self, since: datetime | None) -> Iterator[dict[str, str]]:
        """Yield conversation → its name, of those that are new or were changed, in parts."""
        names = database.CONVERSATION_COLUMNS
        for part in _row_batches(self.dify.changed("conversations", names, self.app, since)):
            yield {str(row["id"]): str(row["name"]) for row in part if row["name"]}

    def notes(self, since: datetime | None) -> Iterator[list[NoteRecord]]:
        """Yield feedback and annotations that are new or were changed, in parts."""
        for table, names in (
            ("message_feedbacks", database.FEEDBACK_COLUMNS),
            ("message_annotations", database.ANNOTATION_COLUMNS),
        ):
            for part in _row_batches(self.dify.changed(table, names, self.app, since)):
                people = self._people_by_id(part)
                yield [_message_note(row, people) for row in part if row["message_id"]]

    def _thoughts_by_message(self, ids: Sequence[str]) -> dict[str, list[TableRow]]:
        thoughts: dict[str, list[TableRow]] = defaultdict(list)
        table, order = "message_agent_thoughts", ("message_id", "position", "created_at", "id")
        for row in self.dify.by_ids(table, database.THOUGHT_COLUMNS, ids, "message_id", order):
            thoughts[str(row["message_id"])].append(row)
        return thoughts

    def _people_by_id(self, rows: Sequence[TableRow]) -> dict[str, str]:
        """Return what Dify calls those who sent these rows."""
        users = {str(row["from_end_user_id"]) for row in rows if row.get("from_end_user_id")}
        accounts = {
            str(row[name])
            for row in rows
            for name in ("from_account_id", "account_id")
            if row.get(name)
        }
        return self.dify.people(users, accounts)


def _message_note(row: TableRow, people: dict[str, str]) -> NoteRecord:
    if "rating" in row:
        return feedback_note(
            row, people.get(row["from_end_user_id"] or row["from_account_id"] or "")
        )
    return annotation_note(row, people.get(row["account_id"] or ""))


def _row_batches(rows: Iterator[TableRow]) -> Iterator[list[TableRow]]:
    while part := list(islice(rows, ROWS_AT_ONCE)):
        yield part


def _is_message_open(row: TableRow, now: datetime) -> bool:
    """Return whether a message may still change: until it has an answer; and a little longer,
    because thoughts and usage come last."""
    if not (row["answer_length"] or row["error"]):
        return True
    changed = row["updated_at"] or row["created_at"]
    return bool(changed > now - LATE_WRITES)
