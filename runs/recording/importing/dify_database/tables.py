"""Which tables and columns a Dify database has, and questions that ask for no others.

Dify's schema grew from version to version (0.6 to after 1.14), so nothing is assumed: a column that
this database does not have is read as NULL. Times, numbers and booleans come as they are, all else
as text, so that broken JSON is no error.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql

PLAIN_TYPES = frozenset({
    "smallint", "integer", "bigint", "double precision", "real", "numeric", "boolean",
    "timestamp without time zone", "timestamp with time zone",
})  # fmt: skip

# The columns that are read, in no version all of them.
RUN = (
    "id", "app_id", "workflow_id", "type", "triggered_from", "version", "inputs", "status",
    "outputs", "error", "elapsed_time", "total_tokens", "total_steps", "created_by_role",
    "created_by", "created_at", "finished_at", "exceptions_count", "sequence_number",
)  # fmt: skip
NODE = (
    "id", "workflow_run_id", "triggered_from", "index", "predecessor_node_id", "node_id",
    "node_type", "title", "inputs", "process_data", "outputs", "status", "error", "elapsed_time",
    "execution_metadata", "created_at", "created_by_role", "finished_at",
)  # fmt: skip
WORKFLOW = (
    "id", "version", "marked_name", "marked_comment", "graph", "features", "environment_variables",
    "conversation_variables", "created_at", "updated_at",
)  # fmt: skip
MESSAGE = (
    "id", "model_provider", "model_id", "conversation_id", "inputs", "query", "message",
    "message_tokens", "answer", "answer_tokens", "parent_message_id", "provider_response_latency",
    "total_price", "currency", "status", "error", "message_metadata", "invoke_from", "from_source",
    "from_end_user_id", "from_account_id", "created_at", "updated_at", "agent_based",
    "workflow_run_id", "app_mode",
)  # fmt: skip
THOUGHT = (
    "id", "message_id", "position", "thought", "tool", "tool_input", "observation",
    "message_token", "answer", "answer_token", "total_price", "currency", "latency", "created_at",
)  # fmt: skip
FEEDBACK = (
    "id", "message_id", "rating", "from_source", "content", "from_end_user_id", "from_account_id",
    "created_at", "updated_at",
)  # fmt: skip
RUN_HEAD = ("id", "created_at", "status", "finished_at")
MESSAGE_HEAD = ("id", "created_at", "updated_at", "status", "error")
WORKFLOW_HEAD = ("id", "version", "marked_name", "marked_comment", "updated_at")
ANNOTATION = ("id", "message_id", "content", "account_id", "created_at", "updated_at")
CONVERSATION = ("id", "name", "created_at", "updated_at")


class Tables:
    """Column → type of every table that the connection's search path leads to."""

    def __init__(self, columns: Mapping[str, Mapping[str, tuple[str, str]]]) -> None:
        self.columns = columns

    @classmethod
    def look_up(cls, connection: psycopg.Connection[Any]) -> "Tables":
        rows = connection.execute(
            "SELECT table_name, column_name, data_type, udt_name FROM information_schema.columns"
            " WHERE table_schema = ANY(current_schemas(false))"
        )
        found: dict[str, dict[str, tuple[str, str]]] = {}
        for row in rows:
            types = (row["data_type"], row["udt_name"])
            found.setdefault(row["table_name"], {}).setdefault(row["column_name"], types)
        return cls(found)

    def has(self, table: str, *columns: str) -> bool:
        return table in self.columns and all(name in self.columns[table] for name in columns)

    def select(
        self, table: str, names: Iterable[str], more: Sequence[sql.Composable] = ()
    ) -> sql.Composed:
        """`SELECT … FROM table AS t`, with NULL for columns that do not exist; `more` columns."""
        listed = sql.SQL(", ").join([*(self._column(table, name) for name in names), *more])
        return sql.SQL("SELECT {} FROM {} AS t").format(listed, sql.Identifier(table))

    def _column(self, table: str, name: str) -> sql.Composed:
        types = self.columns[table].get(name)
        if types is None:
            return sql.SQL("NULL AS {}").format(sql.Identifier(name))
        cast = "t.{0} AS {0}" if types[0] in PLAIN_TYPES else "t.{0}::text AS {0}"
        return sql.SQL(cast).format(sql.Identifier(name))

    def order(self, table: str, *names: str) -> sql.Composed:
        """`t.a, t.b` of those columns that exist."""
        known = [sql.Identifier("t", name) for name in names if self.has(table, name)]
        return sql.SQL(", ").join(known)

    def id_type(self, table: str, column: str = "id") -> sql.SQL:
        """The type to compare ids with, so that an index can serve."""
        name = self.columns[table][column][1]
        return sql.SQL("uuid" if name == "uuid" else "text")
