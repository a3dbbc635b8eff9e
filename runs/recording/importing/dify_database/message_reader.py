"""The messages of one app of a Dify database, as records: runs of their own, or turns of its
workflow runs."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from psycopg import sql

from runs.recording.importing.dify_database import tables
from runs.recording.importing.dify_database.checkpoint import Head
from runs.recording.importing.dify_database.columns import TableRow
from runs.recording.importing.dify_database.database import Dify, DifyApp, Key
from runs.recording.importing.dify_database.message_rows import (
    Turn,
    annotation_note,
    feedback_note,
    turn_records,
)
from runs.recording.importing.dify_database.run_reader import LATE, Piece
from runs.recording.records.record import NoteRecord

TABLE = "messages"
LONG = ("query", "inputs", "message", "answer", "message_metadata")
PART = 500
_LENGTH = sql.SQL("octet_length(t.answer) AS answer_length")


@dataclass(slots=True)
class MessageReader:
    dify: Dify
    app: DifyApp
    service: str

    def heads(self, after: Key | None, limit: int) -> list[Head]:
        names = tables.MESSAGE_HEAD
        rows = self.dify.page(TABLE, names, self.app, after, limit, self._more())
        return self._heads(rows)

    def heads_of(self, ids: Sequence[str]) -> list[Head]:
        return self._heads(self.dify.by_ids(TABLE, tables.MESSAGE_HEAD, ids, more=self._more()))

    def _more(self) -> list[sql.SQL]:
        return [_LENGTH if self.dify.tables.has(TABLE, "answer") else sql.SQL("0 answer_length")]

    def _heads(self, rows: list[TableRow]) -> list[Head]:
        now = self.dify.now()
        return [
            Head(
                row["created_at"],
                row["id"],
                f"{row['status']} {row['updated_at']} {row['answer_length']} {bool(row['error'])}",
                _is_open(row, now),
            )
            for row in rows
        ]

    def records(self, ids: Sequence[str]) -> Iterator[Piece]:
        rows = self.dify.by_ids(TABLE, tables.MESSAGE, ids, order=("created_at", "id"))
        people = self._people(rows)
        thoughts = self._thoughts([row["id"] for row in rows if not row["workflow_run_id"]])
        for row in rows:
            user = people.get(row["from_end_user_id"] or row["from_account_id"] or "")
            is_chat = (row["app_mode"] or self.app.mode) != "completion"
            turn = Turn(row, self.service, user, is_chat, thoughts.get(row["id"], ()))
            yield turn_records(turn), sum(len(row[name] or "") for name in LONG)

    def titles(self, since: datetime | None) -> Iterator[dict[str, str]]:
        """Conversation → its name, of those that are new or were changed, in parts."""
        rows = self.dify.changed("conversations", tables.CONVERSATION, self.app, since)
        for part in _parts(rows):
            yield {str(row["id"]): str(row["name"]) for row in part if row["name"]}

    def notes(self, since: datetime | None) -> Iterator[list[NoteRecord]]:
        """Feedback and annotations that are new or were changed, in parts."""
        for table, names in (
            ("message_feedbacks", tables.FEEDBACK),
            ("message_annotations", tables.ANNOTATION),
        ):
            for part in _parts(self.dify.changed(table, names, self.app, since)):
                people = self._people(part)
                yield [_note(row, people) for row in part if row["message_id"]]

    def _thoughts(self, ids: Sequence[str]) -> dict[str, list[TableRow]]:
        found: dict[str, list[TableRow]] = defaultdict(list)
        table, order = "message_agent_thoughts", ("message_id", "position", "created_at", "id")
        for row in self.dify.by_ids(table, tables.THOUGHT, ids, "message_id", order):
            found[str(row["message_id"])].append(row)
        return found

    def _people(self, rows: Sequence[TableRow]) -> dict[str, str]:
        users = {str(row["from_end_user_id"]) for row in rows if row.get("from_end_user_id")}
        accounts = {
            str(row[name])
            for row in rows
            for name in ("from_account_id", "account_id")
            if row.get(name)
        }
        return {
            **self.dify.names("end_users", "session_id", users),
            **self.dify.names("accounts", "name", accounts),
        }


def _note(row: TableRow, people: dict[str, str]) -> NoteRecord:
    if "rating" in row:
        return feedback_note(
            row, people.get(row["from_end_user_id"] or row["from_account_id"] or "")
        )
    return annotation_note(row, people.get(row["account_id"] or ""))


def _parts(rows: Iterator[TableRow]) -> Iterator[list[TableRow]]:
    while part := list(islice(rows, PART)):
        yield part


def _is_open(row: TableRow, now: datetime) -> bool:
    """Until it has an answer; and a little longer, because thoughts and usage come last."""
    if not (row["answer_length"] or row["error"]):
        return True
    changed = row["updated_at"] or row["created_at"]
    return bool(changed > now - LATE)
