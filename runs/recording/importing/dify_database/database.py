"""What is asked of a Dify PostgreSQL, in small pages.

Facts: rows of an app are read by keyset over (created_at, id); node executions by their run, which
is indexed in every version. A value of an execution that Dify found too large is a file of its
storage, and the column keeps its beginning (`workflow_node_execution_offload`, since 1.9).
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import psycopg
from psycopg import sql

from runs.recording.importing.dify_database import tables
from runs.recording.importing.dify_database.columns import TableRow, json_of
from runs.recording.importing.dify_database.connection import Connection, Unreachable
from runs.recording.importing.dify_database.tables import Tables

COUNT_TIMEOUT = "5s"
NEWEST = 200
Key = tuple[datetime, str]  # a moment and an id: a place in a table

_OFFLOADED = """(SELECT json_agg(json_build_array(o.type, f.size, f.key))::text
 FROM workflow_node_execution_offload o LEFT JOIN upload_files f ON f.id = o.file_id
 WHERE o.node_execution_id = t.id) AS offloaded"""
# Graphs are large and mostly the same: read once, known by their digest.
_GRAPH_MARK = "encode(sha256(convert_to(t.graph, 'UTF8')), 'hex') AS graph_mark"


@dataclass(frozen=True, slots=True)
class DifyApp:
    id: str
    name: str
    mode: str
    tenant: str | None = None  # the workspace


class Dify:
    """Rows are dicts with every column that is asked for, NULL where it does not exist."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        with connection.reading():
            self.tables = Tables.look_up(connection.connection)
        if not self.tables.has("apps", "id", "name"):
            raise Unreachable("This is no database of Dify's: it has no table “apps”.")

    def now(self) -> datetime:
        """The moment by Dify's clock, in UTC without a zone, as its columns hold it."""
        [row] = self.connection.rows(sql.Composed([sql.SQL("SELECT now() AT TIME ZONE 'utc' t")]))
        found: datetime = row["t"]
        return found

    def apps(self) -> list[DifyApp]:
        """Every app, the oldest first."""
        query = self.tables.select("apps", ("id", "name", "mode", "tenant_id"))
        order = self.tables.order("apps", "created_at", "id")
        return [
            DifyApp(row["id"], row["name"] or row["id"], row["mode"] or "", row["tenant_id"])
            for row in self.connection.rows(query + sql.SQL(" ORDER BY ") + order)
        ]

    def _of(self, table: str, app: DifyApp) -> tuple[sql.Composable, list[str]]:
        """The rows of an app, as the index of the table has them: by workspace and app."""
        if app.tenant and self.tables.has(table, "tenant_id"):
            return sql.SQL("t.tenant_id = %s AND t.app_id = %s"), [app.tenant, app.id]
        return sql.SQL("t.app_id = %s"), [app.id]

    # -- pages of one app, by keyset ---------------------------------------------------------------

    def page(
        self,
        table: str,
        names: Sequence[str],
        app: DifyApp,
        after: Key | None,
        limit: int,
        more: Sequence[sql.Composable] = (),
    ) -> list[TableRow]:
        """The next rows after a place, in the order of (created_at, id)."""
        if not self.tables.has(table, "app_id", "id", "created_at"):
            return []
        place = sql.SQL("(t.created_at, t.id) > (%s, %s::{})").format(self.tables.id_type(table))
        own, ids = self._of(table, app)
        query = sql.SQL("{} WHERE {} AND {} ORDER BY t.created_at, t.id LIMIT {}").format(
            self.tables.select(table, names, more),
            own,
            place if after else sql.SQL("true"),
            sql.Literal(limit),
        )
        return self.connection.rows(query, (*ids, *(after or ())))

    def newest(self, table: str, app: DifyApp) -> list[str]:
        """Ids of an app's newest rows."""
        if not self.tables.has(table, "app_id", "id", "created_at"):
            return []
        own, ids = self._of(table, app)
        query = sql.SQL("{} WHERE {} ORDER BY t.created_at DESC LIMIT {}").format(
            self.tables.select(table, ("id",)), own, sql.Literal(NEWEST)
        )
        return [str(row["id"]) for row in self.connection.rows(query, ids)]

    def changed(
        self, table: str, names: Sequence[str], app: DifyApp, since: datetime | None
    ) -> Iterator[TableRow]:
        """Rows of an app that are new or were changed from a moment on."""
        if not self.tables.has(table, "app_id", "id", "created_at"):
            return
        own, ids = self._of(table, app)
        query = sql.SQL("{} WHERE {} AND greatest({}) >= %s ORDER BY t.id").format(
            self.tables.select(table, names),
            own,
            self.tables.order(table, "created_at", "updated_at"),
        )
        yield from self.connection.stream(query, (*ids, since or datetime(1970, 1, 1)))

    def count(self, table: str, app: DifyApp, since: datetime | None) -> int | None:
        """How many rows there are; None where counting would take long."""
        if not self.tables.has(table, "app_id", "created_at"):
            return 0
        own, ids = self._of(table, app)
        query = sql.SQL("SELECT count(*) n FROM {} AS t WHERE {} AND t.created_at >= %s").format(
            sql.Identifier(table), own
        )
        values = (*ids, since or datetime(1970, 1, 1))
        try:
            [row] = self.connection.rows(query, values, COUNT_TIMEOUT)
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
        """Rows whose `column` is one of the ids."""
        if not ids or not self.tables.has(table, column):
            return []
        query = self._by_ids(table, names, column, order, more)
        return self.connection.rows(query, (sorted(ids),))

    def _by_ids(
        self,
        table: str,
        names: Sequence[str],
        column: str,
        order: Sequence[str],
        more: Sequence[sql.Composable],
    ) -> sql.Composed:
        return sql.SQL("{} WHERE t.{} = ANY(%s::{}[]) ORDER BY {}").format(
            self.tables.select(table, names, more),
            sql.Identifier(column),
            self.tables.id_type(table, column),
            self.tables.order(table, *order),
        )

    def runs(self, ids: Collection[str]) -> list[TableRow]:
        """With `graph_mark`, which is equal for equal graphs."""
        has_graph = self.tables.has("workflow_runs", "graph")
        mark = sql.SQL(_GRAPH_MARK if has_graph else "NULL AS graph_mark")
        return self.by_ids(
            "workflow_runs", tables.RUN, ids, order=("created_at", "id"), more=[mark]
        )

    def graph(self, run_id: str) -> str | None:
        """The graph that ran, as JSON text."""
        rows = self.by_ids("workflow_runs", ("graph",), [run_id])
        return rows[0]["graph"] if rows else None

    def nodes(self, run_ids: Collection[str]) -> Iterator[TableRow]:
        """Run by run, in their order; with `offloaded`, as `offloads` reads it."""
        table = "workflow_node_executions"
        if not run_ids or not self.tables.has(table, "workflow_run_id", "created_at"):
            return
        stored = self.tables.has("workflow_node_execution_offload", "node_execution_id", "file_id")
        stored = stored and self.tables.has("upload_files", "key", "size")
        more = sql.SQL(_OFFLOADED if stored else "NULL AS offloaded")
        order = ("workflow_run_id", "created_at", "index", "id")
        query = self._by_ids(table, tables.NODE, "workflow_run_id", order, [more])
        yield from self.connection.stream(query, (sorted(run_ids),))

    def node_marks(self, run_ids: Collection[str]) -> dict[str, str]:
        """Run → what changes whenever one of its node executions does."""
        table = "workflow_node_executions"
        if not run_ids or not self.tables.has(table, "workflow_run_id", "finished_at", "status"):
            return {}
        query = sql.SQL(
            "SELECT workflow_run_id::text id, concat_ws(' ', count(*), count(finished_at),"
            " max(finished_at), count(*) FILTER (WHERE status = 'running')) mark"
            " FROM workflow_node_executions WHERE workflow_run_id = ANY(%s::{}[]) GROUP BY 1"
        ).format(self.tables.id_type(table, "workflow_run_id"))
        return {row["id"]: row["mark"] for row in self.connection.rows(query, (sorted(run_ids),))}

    def names(self, table: str, column: str, ids: Collection[str]) -> dict[str, str]:
        """Id → what the row is called."""
        rows = self.by_ids(table, ("id", column), ids)
        return {str(row["id"]): str(row[column]) for row in rows if row[column]}


def offloads(row: TableRow) -> dict[str, tuple[int, str]]:
    """Of values that Dify cut: name → (whole size in bytes, key in its storage)."""
    listed = json_of(row["offloaded"])
    return {
        str(kind): (int(size or 0), str(key or ""))
        for kind, size, key in (listed if isinstance(listed, list) else [])
    }


def ids_among(texts: Iterable[str]) -> list[str]:
    """Those that can be ids of Dify's: the database takes no others for a uuid."""
    found = []
    for text in texts:
        with suppress(ValueError):
            found.append(str(UUID(text)))
    return found
