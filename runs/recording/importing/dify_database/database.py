"""Queries to a Dify PostgreSQL, in small pages.

Dify's schema grew from version to version (0.6 to after 1.14), so nothing is assumed: a column that
this database does not have is read as NULL. Times, numbers and booleans come as they are, all else
as text, so that broken JSON is no error.

Facts: rows of an app are read by keyset over (created_at, id); node executions by their run, which
is indexed in every version. A value of an execution that Dify found too large is a file of its
storage, and the column keeps its beginning (`workflow_node_execution_offload`, since 1.9).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from runs.recording.importing.dify_database.checkpoint import RowKey
from runs.recording.importing.dify_database.column_values import TableRow, json_value
from runs.recording.importing.dify_database.connection import Connection, DifyUnreachable
from runs.recording.records.json_text import object_or_empty

COUNT_TIMEOUT = "5s"
NEWEST = 200
LONG_AGO = datetime(1970, 1, 1)
PLAIN_TYPES = frozenset({
    "smallint", "integer", "bigint", "double precision", "real", "numeric", "boolean",
    "timestamp without time zone", "timestamp with time zone",
})  # fmt: skip

# The tables that are read, and what is missing where one of them may not be.
CONTENTS = {
    "workflow_runs": "runs of workflows",
    "workflow_node_executions": "steps of workflows",
    "workflow_node_execution_offload": "values that are too large for the database",
    "upload_files": "values that are too large for the database",
    "workflows": "published versions",
    "messages": "chats",
    "message_agent_thoughts": "thoughts of agents",
    "message_feedbacks": "feedback",
    "message_annotations": "annotations",
    "conversations": "titles of conversations",
    "tool_workflow_providers": "which app a tool is",
    "human_input_forms": "who decided on a form",
    "human_input_form_deliveries": "the channels of forms",
    "end_users": "names of users",
    "accounts": "names of accounts",
    "apps": "everything",
}
# `information_schema` leaves out tables that may not be read.
_FORBIDDEN = """SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = ANY(current_schemas(false)) AND c.relname = ANY(%s)
 AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT has_any_column_privilege(c.oid, 'SELECT')"""

# The columns that are read, in no version all of them.
RUN_COLUMNS = (
    "id", "app_id", "workflow_id", "type", "triggered_from", "version", "inputs", "status",
    "outputs", "error", "elapsed_time", "total_tokens", "total_steps", "created_by_role",
    "created_by", "created_at", "finished_at", "exceptions_count", "sequence_number",
)  # fmt: skip
STEP_COLUMNS = (
    "id", "workflow_run_id", "triggered_from", "index", "predecessor_node_id", "node_id",
    "node_type", "title", "inputs", "process_data", "outputs", "status", "error", "elapsed_time",
    "execution_metadata", "created_at", "created_by_role", "finished_at", "node_execution_id",
    "app_id", "workflow_id",
)  # fmt: skip
WORKFLOW_COLUMNS = (
    "id", "version", "marked_name", "marked_comment", "graph", "features", "environment_variables",
    "conversation_variables", "created_at", "updated_at",
)  # fmt: skip
MESSAGE_COLUMNS = (
    "id", "model_provider", "model_id", "conversation_id", "inputs", "query", "message",
    "message_tokens", "answer", "answer_tokens", "parent_message_id", "provider_response_latency",
    "total_price", "currency", "status", "error", "message_metadata", "invoke_from", "from_source",
    "from_end_user_id", "from_account_id", "created_at", "updated_at", "agent_based",
    "workflow_run_id", "app_mode",
)  # fmt: skip
THOUGHT_COLUMNS = (
    "id", "message_id", "position", "thought", "tool", "tool_input", "observation",
    "message_token", "answer", "answer_token", "total_price", "currency", "latency", "created_at",
)  # fmt: skip
FEEDBACK_COLUMNS = (
    "id", "message_id", "rating", "from_source", "content", "from_end_user_id", "from_account_id",
    "created_at", "updated_at",
)  # fmt: skip
FORM_COLUMNS = (
    "id", "workflow_run_id", "node_id", "status", "selected_action_id", "created_at",
    "submitted_at", "expiration_time", "submission_user_id", "submission_end_user_id",
)  # fmt: skip
RUN_HEAD_COLUMNS = ("id", "created_at", "status", "finished_at")
MESSAGE_HEAD_COLUMNS = ("id", "created_at", "updated_at", "status", "error")
WORKFLOW_HEAD_COLUMNS = ("id", "version", "marked_name", "marked_comment", "updated_at")
ANNOTATION_COLUMNS = ("id", "message_id", "content", "account_id", "created_at", "updated_at")
CONVERSATION_COLUMNS = ("id", "name", "created_at", "updated_at")

_OFFLOADED = """(SELECT json_agg(json_build_array(o.type, f.size, f.key))::text
 FROM workflow_node_execution_offload o LEFT JOIN upload_files f ON f.id = o.file_id
 WHERE o.node_execution_id = t.id) AS offloaded"""
# Of a step that uses a workflow as a tool: the name of its app and the runs of it, [id, inputs],
# that the same person began while the step ran. Since 1.18 its steps lie with the run that uses it,
# and it has no run of its own. The metadata are searched as text, since they may be broken JSON.
_CALLED_WORKFLOW = """(SELECT json_build_array(a.name, (
  SELECT json_agg(json_build_array(c.id, c.inputs)) FROM (
   SELECT r.id, r.inputs FROM workflow_runs r
   WHERE r.tenant_id = a.tenant_id AND r.app_id = a.id AND r.created_by = t.created_by
   AND r.created_at BETWEEN t.created_at - interval '1 second' AND t.finished_at LIMIT 20) c))::text
 FROM tool_workflow_providers p JOIN apps a ON a.id = p.app_id
 WHERE t.node_type = 'tool' AND p.id::text = substring(
  t.execution_metadata::text from '"provider_id": *"([0-9a-f-]{36})"')) AS called_workflow"""
_CALLED_WORKFLOW_COLUMNS = {
    "tool_workflow_providers": ("id", "app_id"),
    "apps": ("id", "name", "tenant_id"),
    "workflow_runs": ("id", "inputs", "tenant_id", "app_id", "created_by", "created_at"),
    "workflow_node_executions": ("node_type", "created_by", "created_at", "finished_at",
                                 "execution_metadata"),
}  # fmt: skip
# Graphs are large and mostly the same: read once, known by their digest.
_GRAPH_MARK = "encode(sha256(convert_to(t.graph, 'UTF8')), 'hex') AS graph_mark"


class DifySchema:
    """The tables and columns that a Dify database has, and the SQL that asks for no others."""

    def __init__(
        self,
        columns: Mapping[str, Mapping[str, tuple[str, str]]],
        forbidden: Collection[str] = (),
    ) -> None:
        self.columns = columns  # table → column → (data_type, udt_name)
        self.forbidden = forbidden  # tables of `CONTENTS` that exist and may not be read

    @classmethod
    def look_up(cls, connection: psycopg.Connection[Any]) -> "DifySchema":
        """Return the schema of every table that the connection's search path leads to."""
        rows = connection.execute(
            "SELECT table_name, column_name, data_type, udt_name FROM information_schema.columns"
            " WHERE table_schema = ANY(current_schemas(false))"
        )
        tables: dict[str, dict[str, tuple[str, str]]] = {}
        for row in rows:
            types = (row["data_type"], row["udt_name"])
            tables.setdefault(row["table_name"], {}).setdefault(row["column_name"], types)
        denied = connection.execute(_FORBIDDEN, [list(CONTENTS)])
        return cls(tables, sorted(row["relname"] for row in denied))

    def has(self, table: str, *columns: str) -> bool:
        return table in self.columns and all(name in self.columns[table] for name in columns)

    def select(
        self, table: str, names: Iterable[str], more: Sequence[sql.Composable] = ()
    ) -> sql.Composed:
        """Return `SELECT … FROM table AS t`, with NULL for columns that do not exist; `more` are
        further columns, as SQL."""
        columns = sql.SQL(", ").join([*(self._column(table, name) for name in names), *more])
        return sql.SQL("SELECT {} FROM {} AS t").format(columns, sql.Identifier(table))

    def _column(self, table: str, name: str) -> sql.Composed:
        types = self.columns[table].get(name)
        if types is None:
            return sql.SQL("NULL AS {}").format(sql.Identifier(name))
        cast = "t.{0} AS {0}" if types[0] in PLAIN_TYPES else "t.{0}::text AS {0}"
        return sql.SQL(cast).format(sql.Identifier(name))

    def existing_columns(self, table: str, *names: str) -> sql.Composed:
        """Return `t.a, t.b` of those columns that exist."""
        existing = [sql.Identifier("t", name) for name in names if self.has(table, name)]
        return sql.SQL(", ").join(existing)

    def id_type(self, table: str, column: str = "id") -> sql.SQL:
        """Return the type to compare ids with, so that an index can serve."""
        name = self.columns[table][column][1]
        return sql.SQL("uuid" if name == "uuid" else "text")


@dataclass(frozen=True, slots=True)
class DifyApp:
    id: str
    name: str
    mode: str
    tenant: str | None = None  # the workspace


class DifyDatabase:
    """Rows are dicts with every column that is asked for, NULL where it does not exist."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        with connection.reading():
            self.schema = DifySchema.look_up(connection.connection)
        if "apps" in self.schema.forbidden:
            raise DifyUnreachable("This account may not read Dify's table “apps”: grant it SELECT.")
        if not self.schema.has("apps", "id", "name"):
            raise DifyUnreachable("This is no database of Dify's: it has no table “apps”.")

    @property
    def missing(self) -> str:
        """Return a sentence about tables that may not be read, and what is missing without them; ""
        where there are none."""
        tables = self.schema.forbidden
        if not tables:
            return ""
        contents = dict.fromkeys(CONTENTS[table] for table in tables)
        return (
            f"This account may not read {', '.join(tables)} of Dify's database, so that these are"
            f" missing: {', '.join(contents)}. Grant it SELECT and import again with --since."
        )

    def look_up_again(self) -> bool:
        """Look up the schema again, as an upgrade of Dify changes it; return whether it has
        changed."""
        before = self.schema.columns
        with self.connection.reading():
            self.schema = DifySchema.look_up(self.connection.connection)
        return self.schema.columns != before

    def now(self) -> datetime:
        """Return the time by Dify's clock, in UTC without a zone, as its columns hold it."""
        [row] = self.connection.rows(sql.Composed([sql.SQL("SELECT now() AT TIME ZONE 'utc' t")]))
        now: datetime = row["t"]
        return now

    def apps(self) -> list[DifyApp]:
        """Return every app, the oldest first."""
        query = self.schema.select("apps", ("id", "name", "mode", "tenant_id"))
        order = self.schema.existing_columns("apps", "created_at", "id")
        return [
            DifyApp(row["id"], row["name"] or row["id"], row["mode"] or "", row["tenant_id"])
            for row in self.connection.rows(query + sql.SQL(" ORDER BY ") + order)
        ]

    def _app_condition(self, table: str, app: DifyApp) -> tuple[sql.Composable, list[str]]:
        """Return the condition for the rows of an app, and its values: by workspace and app, as the
        table is indexed."""
        if app.tenant and self.schema.has(table, "tenant_id"):
            return sql.SQL("t.tenant_id = %s AND t.app_id = %s"), [app.tenant, app.id]
        return sql.SQL("t.app_id = %s"), [app.id]

    # -- pages of one app, by keyset ---------------------------------------------------------------

    def page(
        self,
        table: str,
        names: Sequence[str],
        app: DifyApp,
        after: RowKey | None,
        limit: int,
        more: Sequence[sql.Composable] = (),
    ) -> list[TableRow]:
        """Return the next rows after a key, in the order of (created_at, id); `more` are further
        columns."""
        if not self.schema.has(table, "app_id", "id", "created_at"):
            return []
        is_after = sql.SQL("(t.created_at, t.id) > (%s, %s::{})").format(self.schema.id_type(table))
        is_of_app, values = self._app_condition(table, app)
        query = sql.SQL("{} WHERE {} AND {} ORDER BY t.created_at, t.id LIMIT {}").format(
            self.schema.select(table, names, more),
            is_of_app,
            is_after if after else sql.SQL("true"),
            sql.Literal(limit),
        )
        return self.connection.rows(query, (*values, *(after or ())))

    def newest(self, table: str, app: DifyApp) -> list[str]:
        """Return the ids of an app's newest rows."""
        if not self.schema.has(table, "app_id", "id", "created_at"):
            return []
        is_of_app, values = self._app_condition(table, app)
        query = sql.SQL("{} WHERE {} ORDER BY t.created_at DESC LIMIT {}").format(
            self.schema.select(table, ("id",)), is_of_app, sql.Literal(NEWEST)
        )
        return [str(row["id"]) for row in self.connection.rows(query, values)]

    def changed(
        self, table: str, names: Sequence[str], app: DifyApp, since: datetime | None
    ) -> Iterator[TableRow]:
        """Yield the rows of an app that are new or were changed since then."""
        if not self.schema.has(table, "app_id", "id", "created_at"):
            return
        is_of_app, values = self._app_condition(table, app)
        query = sql.SQL("{} WHERE {} AND greatest({}) >= %s ORDER BY t.id").format(
            self.schema.select(table, names),
            is_of_app,
            self.schema.existing_columns(table, "created_at", "updated_at"),
        )
        yield from self.connection.stream(query, (*values, since or LONG_AGO))

    def count(self, table: str, app: DifyApp, since: datetime | None) -> int | None:
        """Return how many rows there are; None where counting would take long."""
        if not self.schema.has(table, "app_id", "created_at"):
            return 0
        is_of_app, values = self._app_condition(table, app)
        query = sql.SQL("SELECT count(*) n FROM {} AS t WHERE {} AND t.created_at >= %s").format(
            sql.Identifier(table), is_of_app
        )
        try:
            [row] = self.connection.rows(query, (*values, since or LONG_AGO), COUNT_TIMEOUT)
        except psycopg.errors.QueryCanceled:
            return None
        return int(row["n"])

    # -- by id -------------------------------------------------------------------------------------

    def by_ids(
        self,
        table: str,
        names: Sequence[str],
        ids: Collection[str],
        column: str = "id",
        order: Sequence[str] = ("id",),
        more: Sequence[sql.Composable] = (),
    ) -> list[TableRow]:
        """Return the rows whose `column` is one of the ids; `more` are further columns."""
        if not ids or not self.schema.has(table, column):
            return []
        query = self._by_ids_query(table, names, column, order, more)
        return self.connection.rows(query, (sorted(ids),))

    def _by_ids_query(
        self,
        table: str,
        names: Sequence[str],
        column: str,
        order: Sequence[str],
        more: Sequence[sql.Composable],
    ) -> sql.Composed:
        return sql.SQL("{} WHERE t.{} = ANY(%s::{}[]) ORDER BY {}").format(
            self.schema.select(table, names, more),
            sql.Identifier(column),
            self.schema.id_type(table, column),
            self.schema.existing_columns(table, *order),
        )

    def runs(self, ids: Collection[str]) -> list[TableRow]:
        """Return runs with `graph_mark`, which is equal for equal graphs."""
        has_graph = self.schema.has("workflow_runs", "graph")
        mark = sql.SQL(_GRAPH_MARK if has_graph else "NULL AS graph_mark")
        return self.by_ids(
            "workflow_runs", RUN_COLUMNS, ids, order=("created_at", "id"), more=[mark]
        )

    def graph(self, run_id: str) -> str | None:
        """Return the graph that ran, as JSON text."""
        rows = self.by_ids("workflow_runs", ("graph",), [run_id])
        return rows[0]["graph"] if rows else None

    def steps(self, run_ids: Collection[str]) -> Iterator[TableRow]:
        """Yield node executions, run by run, in their order; with `offloaded`, which
        `offloaded_values` reads, and `called_workflow`, which `called_workflow` reads."""
        table = "workflow_node_executions"
        if not run_ids or not self.schema.has(table, "workflow_run_id", "created_at"):
            return
        has_offloads = self.schema.has(
            "workflow_node_execution_offload", "node_execution_id", "file_id"
        ) and self.schema.has("upload_files", "key", "size")
        offloaded = sql.SQL(_OFFLOADED if has_offloads else "NULL AS offloaded")
        has_calls = all(
            self.schema.has(name, *columns) for name, columns in _CALLED_WORKFLOW_COLUMNS.items()
        )
        called = sql.SQL(_CALLED_WORKFLOW if has_calls else "NULL AS called_workflow")
        order = ("workflow_run_id", "created_at", "index", "id")
        more = [offloaded, called]
        query = self._by_ids_query(table, STEP_COLUMNS, "workflow_run_id", order, more)
        yield from self.connection.stream(query, (sorted(run_ids),))

    def forms(self, run_ids: Collection[str]) -> list[TableRow]:
        """Return the forms that people were asked to fill in, the oldest first, with the `channels`
        by which they were asked."""
        order = ("created_at", "id")
        table = "human_input_forms"
        forms = self.by_ids(table, FORM_COLUMNS, run_ids, "workflow_run_id", order)
        channels: dict[str, list[str]] = {}
        table, names = "human_input_form_deliveries", ("form_id", "delivery_method_type")
        form_ids = [str(form["id"]) for form in forms]
        for row in self.by_ids(table, names, form_ids, "form_id"):
            if row["delivery_method_type"]:
                channels.setdefault(str(row["form_id"]), []).append(row["delivery_method_type"])
        return [{**form, "channels": channels.get(str(form["id"]), [])} for form in forms]

    def step_marks(self, run_ids: Collection[str]) -> dict[str, str]:
        """Return run → a text that changes whenever one of its node executions does."""
        table = "workflow_node_executions"
        if not run_ids or not self.schema.has(table, "workflow_run_id", "finished_at", "status"):
            return {}
        query = sql.SQL(
            "SELECT workflow_run_id::text id, concat_ws(' ', count(*), count(finished_at),"
            " max(finished_at), count(*) FILTER (WHERE status = 'running')) mark"
            " FROM workflow_node_executions WHERE workflow_run_id = ANY(%s::{}[]) GROUP BY 1"
        ).format(self.schema.id_type(table, "workflow_run_id"))
        return {row["id"]: row["mark"] for row in self.connection.rows(query, (sorted(run_ids),))}

    def people(self, end_users: Collection[str], accounts: Collection[str]) -> dict[str, str]:
        """Return id → what Dify calls a person: the session of an end user, the name of an
        account."""
        return {
            **self.names("end_users", "session_id", end_users),
            **self.names("accounts", "name", accounts),
        }

    def names(self, table: str, column: str, ids: Collection[str]) -> dict[str, str]:
        """Return id → what the row is called."""
        rows = self.by_ids(table, ("id", column), ids)
        return {str(row["id"]): str(row[column]) for row in rows if row[column]}


def offloaded_values(row: TableRow) -> dict[str, tuple[int, str]]:
    """Return the values of a step that Dify cut: name → (whole size in bytes, key in its
    storage)."""
    offloads = json_value(row["offloaded"])
    return {
        str(name): (int(size or 0), str(key or ""))
        for name, size, key in (offloads if isinstance(offloads, list) else [])
    }


def called_workflow(row: TableRow, parameters: Any) -> tuple[str, str]:
    """Return the name of the app that a step used as a tool, and the id of the run that it began
    with these `parameters`; "" for each that is not known, or not for certain."""
    call = json_value(row["called_workflow"])
    if not isinstance(call, list):
        return "", ""
    name, runs = call
    given = object_or_empty(parameters)
    matching = []
    for run_id, text in runs or []:
        inputs = object_or_empty(json_value(text))
        if all(inputs.get(key) == value for key, value in given.items()):
            matching.append(str(run_id))
    return str(name or ""), matching[0] if len(matching) == 1 else ""


def valid_uuids(texts: Iterable[str]) -> list[str]:
    """Return those that can be ids of Dify's: the database takes no others for a uuid."""
    uuids = []
    for text in texts:
        with suppress(ValueError):
            uuids.append(str(UUID(text)))
    return uuids
