"""Reads the workflow runs of one app in a Dify database as records."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from runs.recording.decoding.dify.definition import Definition
from runs.recording.decoding.dify.graphs import DifyGraph, read_graph
from runs.recording.importing.dify_database import database
from runs.recording.importing.dify_database.checkpoint import RowHead, RowKey
from runs.recording.importing.dify_database.column_values import (
    RUN_ENDS,
    TableRow,
    json_object,
    json_value,
)
from runs.recording.importing.dify_database.database import (
    DifyApp,
    DifyDatabase,
    called_workflow,
    offloaded_values,
)
from runs.recording.importing.dify_database.run_records import (
    RunSteps,
    StepRow,
    form_details,
    run_record,
)
from runs.recording.importing.dify_database.storage import DifyStorage
from runs.recording.records.record import NodeRecord

TABLE = "workflow_runs"
DRAFT = "draft"
# Steps may be written a little after the end of their run.
LATE_WRITES = timedelta(minutes=10)
GRAPHS_KEPT = 32
VALUES = ("inputs", "process_data", "outputs")

# The records of one row, and about how many characters they hold.
SizedRecords = tuple[list[NodeRecord], int]
# Takes the label of a version, what it does, and Dify's id of the workflow.
Define = Callable[[str, Definition, str], None]


@dataclass(slots=True)
class RunReader:
    """`define` is called once for each version that a run ran as."""

    dify: DifyDatabase
    app: DifyApp
    service: str
    define: Define
    storage: DifyStorage | None = None
    graphs: OrderedDict[str, DifyGraph] = field(default_factory=OrderedDict)
    defined: set[str] = field(default_factory=set)

    def heads(self, after: RowKey | None, limit: int) -> list[RowHead]:
        """Return the heads of the next rows after a key."""
        names = database.RUN_HEAD_COLUMNS
        return self._run_heads(self.dify.page(TABLE, names, self.app, after, limit))

    def heads_by_ids(self, ids: Sequence[str]) -> list[RowHead]:
        return self._run_heads(self.dify.by_ids(TABLE, database.RUN_HEAD_COLUMNS, ids))

    def _run_heads(self, rows: list[TableRow]) -> list[RowHead]:
        now = self.dify.now()
        marks = self.dify.step_marks([row["id"] for row in rows])
        return [
            RowHead(
                row["created_at"],
                row["id"],
                f"{row['status']} {row['finished_at']} {marks.get(row['id'], '')}",
                _is_run_open(row, now),
            )
            for row in rows
        ]

    def records(self, ids: Sequence[str]) -> Iterator[SizedRecords]:
        """Yield each run, then the steps, run by run."""
        rows = self.dify.runs(ids)
        people = self._people_by_id(rows)
        readers: dict[str, RunSteps] = {}
        for row in rows:
            graph = self._cached_graph(row)
            label = self._version_label(row, graph)
            record = run_record(row, self.service, label, people.get(row["created_by"] or ""))
            readers[record.source_id] = RunSteps(record, graph, row["status"] in RUN_ENDS)
            yield [record], sum(len(row[name] or "") for name in ("inputs", "outputs"))
        forms = self._forms_by_node(list(readers))
        steps = self.dify.steps(list(readers))
        for run_id, step_rows in groupby(steps, key=lambda row: str(row["workflow_run_id"])):
            for row in step_rows:
                size = sum(len(row[name] or "") for name in VALUES)
                if self.storage:
                    size += sum(whole_size for whole_size, _ in offloaded_values(row).values())
                step = self._step_row(row, forms.get((run_id, str(row["node_id"]))))
                yield list(readers[run_id].read(step)), size

    def _people_by_id(self, rows: list[TableRow]) -> dict[str, str]:
        """Return what Dify calls those who started these runs."""
        ids: dict[str, set[str]] = {"end_user": set(), "account": set()}
        for row in rows:
            if row["created_by"]:
                ids.setdefault(str(row["created_by_role"]), set()).add(str(row["created_by"]))
        return self.dify.people(ids["end_user"], ids["account"])

    def _cached_graph(self, row: TableRow) -> DifyGraph:
        mark = row["graph_mark"] or ""
        if mark not in self.graphs:
            self.graphs[mark] = read_graph(self.dify.graph(row["id"]) if mark else None)
        self.graphs.move_to_end(mark)
        while len(self.graphs) > GRAPHS_KEPT:
            self.graphs.popitem(last=False)
        return self.graphs[mark]

    def _version_label(self, row: TableRow, graph: DifyGraph) -> str | None:
        """Return the version that ran, and define it when it is new. All test runs are of the
        "draft", which changes with every key that is pressed: so drafts are told apart by what
        they do."""
        version = row["version"]
        if not graph.stored["nodes"]:
            return version or None
        label = f"{DRAFT}-{graph.digest[:8]}" if version == DRAFT or not version else str(version)
        if label not in self.defined:
            self.defined.add(label)
            self.define(label, Definition(graph), str(row["workflow_id"] or ""))
        return label

    def _forms_by_node(self, run_ids: list[str]) -> dict[tuple[str, str], dict[str, Any]]:
        """Return by run and node who was asked to decide, by which channel, and who did."""
        rows = self.dify.forms(run_ids)
        people = self.dify.people(
            {str(row["submission_end_user_id"]) for row in rows if row["submission_end_user_id"]},
            {str(row["submission_user_id"]) for row in rows if row["submission_user_id"]},
        )
        return {
            (str(row["workflow_run_id"]), str(row["node_id"])): form_details(row, people)
            for row in rows
        }

    def _step_row(self, row: TableRow, form: dict[str, Any] | None = None) -> StepRow:
        """Return the row with its JSON read, and with values from Dify's storage where they can be
        had."""
        values = {name: json_value(row[name]) for name in VALUES}
        cut = {}
        for name, (size, key) in offloaded_values(row).items():
            whole = self.storage.read(key) if self.storage else None
            if whole is not None:
                values[name] = whole
            else:
                cut[name] = size
        called_app, called_run = called_workflow(row, values["inputs"])
        metadata = json_object(row["execution_metadata"])
        return StepRow(row, metadata, values, cut, form, called_app, called_run)


def _is_run_open(row: TableRow, now: datetime) -> bool:
    """Return whether a run or its steps may still change."""
    finished = row["finished_at"]
    return row["status"] not in RUN_ENDS or (finished is not None and finished > now - LATE_WRITES)
