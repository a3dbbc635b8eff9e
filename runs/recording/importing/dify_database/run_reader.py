"""The workflow runs of one app of a Dify database, as records."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from runs.recording.decoding.dify.definition import Definition
from runs.recording.decoding.dify.graphs import DifyGraph, read_graph
from runs.recording.importing.dify_database import tables
from runs.recording.importing.dify_database.checkpoint import Head
from runs.recording.importing.dify_database.columns import RUN_ENDS, TableRow, fields_of, json_of
from runs.recording.importing.dify_database.database import Dify, DifyApp, Key, offloads
from runs.recording.importing.dify_database.run_rows import run_record
from runs.recording.importing.dify_database.run_steps import RunSteps
from runs.recording.importing.dify_database.step_rows import Told
from runs.recording.importing.dify_database.storage import Storage
from runs.recording.records.record import NodeRecord

TABLE = "workflow_runs"
DRAFT = "draft"
# Steps may be written a little after the end of their run.
LATE = timedelta(minutes=10)
GRAPHS_KEPT = 32
VALUES = ("inputs", "process_data", "outputs")

# Records of one row, and about how many characters they hold.
Piece = tuple[list[NodeRecord], int]
# Takes the label of a version, what it does, and Dify's id of the workflow.
Define = Callable[[str, Definition, str], None]


@dataclass(slots=True)
class RunReader:
    """`define` is told of each version that a run ran as, once."""

    dify: Dify
    app: DifyApp
    service: str
    define: Define
    storage: Storage | None = None
    graphs: OrderedDict[str, DifyGraph] = field(default_factory=OrderedDict)
    defined: set[str] = field(default_factory=set)

    def heads(self, after: Key | None, limit: int) -> list[Head]:
        return self._heads(self.dify.page(TABLE, tables.RUN_HEAD, self.app, after, limit))

    def heads_of(self, ids: Sequence[str]) -> list[Head]:
        return self._heads(self.dify.by_ids(TABLE, tables.RUN_HEAD, ids))

    def _heads(self, rows: list[TableRow]) -> list[Head]:
        now = self.dify.now()
        marks = self.dify.node_marks([row["id"] for row in rows])
        return [
            Head(
                row["created_at"],
                row["id"],
                f"{row['status']} {row['finished_at']} {marks.get(row['id'], '')}",
                _is_open(row, now),
            )
            for row in rows
        ]

    def records(self, ids: Sequence[str]) -> Iterator[Piece]:
        """Each run, then its steps, run by run."""
        rows = self.dify.runs(ids)
        people = self._people(rows)
        readers: dict[str, RunSteps] = {}
        for row in rows:
            graph = self._graph(row)
            label = self._label(row, graph)
            record = run_record(row, self.service, label, people.get(row["created_by"] or ""))
            readers[record.source_id] = RunSteps(record, graph, row["status"] in RUN_ENDS)
            yield [record], sum(len(row[name] or "") for name in ("inputs", "outputs"))
        nodes = self.dify.nodes(list(readers))
        for run_id, steps in groupby(nodes, key=lambda node: str(node["workflow_run_id"])):
            for node in steps:
                size = sum(len(node[name] or "") for name in VALUES)
                size += sum(size for size, _ in offloads(node).values()) if self.storage else 0
                yield list(readers[run_id].read(self._told(node))), size

    def _people(self, rows: list[TableRow]) -> dict[str, str]:
        """Who ran them, by what Dify calls them: an end user's session, an account's name."""
        ids: dict[str, set[str]] = {"end_user": set(), "account": set()}
        for row in rows:
            if row["created_by"]:
                ids.setdefault(str(row["created_by_role"]), set()).add(str(row["created_by"]))
        return {
            **self.dify.names("end_users", "session_id", ids["end_user"]),
            **self.dify.names("accounts", "name", ids["account"]),
        }

    def _graph(self, row: TableRow) -> DifyGraph:
        mark = row["graph_mark"] or ""
        if mark not in self.graphs:
            self.graphs[mark] = read_graph(self.dify.graph(row["id"]) if mark else None)
        self.graphs.move_to_end(mark)
        while len(self.graphs) > GRAPHS_KEPT:
            self.graphs.popitem(last=False)
        return self.graphs[mark]

    def _label(self, row: TableRow, graph: DifyGraph) -> str | None:
        """The version that ran. All test runs are of the "draft", which changes with every key that
        is pressed: so drafts are told apart by what they do."""
        version = row["version"]
        if not graph.stored["nodes"]:
            return version or None
        label = f"{DRAFT}-{graph.digest[:8]}" if version == DRAFT or not version else str(version)
        if label not in self.defined:
            self.defined.add(label)
            self.define(label, Definition(graph), str(row["workflow_id"] or ""))
        return label

    def _told(self, node: TableRow) -> Told:
        values = {name: json_of(node[name]) for name in VALUES}
        cut = {}
        for name, (size, key) in offloads(node).items():
            whole = self.storage.read(key) if self.storage else None
            if whole is not None:
                values[name] = whole
            else:
                cut[name] = size
        return Told(node, fields_of(node["execution_metadata"]), values, cut)


def _is_open(row: TableRow, now: datetime) -> bool:
    finished = row["finished_at"]
    return row["status"] not in RUN_ENDS or (finished is not None and finished > now - LATE)
