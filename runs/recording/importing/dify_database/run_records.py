"""Rows of `workflow_runs` and `workflow_node_executions` as records: the run, its steps in their
order, the containers and iterations they run in, and which steps each of them waited for. Pure.

Facts: tokens by direction and prices are in `process_data.usage`, else `outputs.usage`; a container
has the sum of its children in `execution_metadata`. Before 1.9 a failed attempt is a row of its own
(`retry`), since then the same row becomes the next attempt. Steps inside an iteration or a loop
name the container's node and the number of their iteration in `execution_metadata`; each iteration
becomes a wrapper, as Dify's own exporter makes one. Which steps came before follows from the
graph that ran; `predecessor_node_id` names one of them at most. Since 1.18 the steps of a workflow
that is used as a tool lie among those of the run that uses it: their process data name the call
(`workflow_tool_invocation_id`) and, not in every version, the execution of the tool's node
(`workflow_tool_parent_execution_id`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from runs.recording.decoding.dify import agent_log
from runs.recording.decoding.dify.branches import (
    FAIL_BRANCH,
    PLAIN_HANDLES,
    ChosenBranch,
    branch_of,
)
from runs.recording.decoding.dify.graphs import DifyGraph
from runs.recording.decoding.dify.vocabulary import (
    RUN_STATUSES,
    duration_us,
    step_status,
    text_or_none,
)
from runs.recording.importing.dify_database.column_values import (
    CUT,
    DIALECT,
    NEAREST,
    RUN_ENDS,
    UNFINISHED,
    TableRow,
    column_us,
    json_value,
)
from runs.recording.records.json_text import object_or_empty
from runs.recording.records.record import Cost, NodeRecord, RunFacts, Usage, Value
from runs.recording.records.usage import cost, to_count, usage

STEP_ENDS = frozenset({"succeeded", "failed", "exception", "stopped", "retry"})
CONTAINERS = frozenset({"iteration", "loop"})
# Columns that are kept as what was received.
RUN_DETAILS = (
    "workflow_id", "version", "type", "triggered_from", "total_steps", "exceptions_count",
    "created_by_role", "sequence_number",
)  # fmt: skip
NO_GRAPH = DifyGraph({"nodes": [], "edges": []})
STEP_DETAILS = ("index", "predecessor_node_id", "triggered_from", "created_by_role", "status")


# -- the run ---------------------------------------------------------------------------------------


def run_record(row: TableRow, service: str, version: str | None, user: str | None) -> NodeRecord:
    """Return the run by Dify's own id. What is said of a run at work could not be taken back: its
    status, totals and outputs are recorded at its end."""
    run_id, status, started = str(row["id"]), row["status"], column_us(row["created_at"])
    has_ended = status in RUN_ENDS
    facts = RunFacts(
        mode="chatflow" if row["type"] == "chat" else "workflow",
        version=version,
        user=user,
        trigger=text_or_none(row["triggered_from"]),
        status=status if has_ended else None,
        source_ids=(("dify-run", run_id),),
        reported_tokens=to_count(row["total_tokens"]) if has_ended else None,
        reported_duration_us=duration_us(row["elapsed_time"]) if has_ended else None,
    )
    return NodeRecord(
        trace=run_id,
        source_id=run_id,
        service=service,
        title=service,
        kind="workflow",
        is_run=True,
        status=step_status(status) if status in RUN_STATUSES else None,
        started_us=started,
        ended_us=_end_us(row, started) if has_ended else None,
        inputs=json_value(row["inputs"]),
        outputs=json_value(row["outputs"]) if has_ended else None,
        error=text_or_none(row["error"]) if status in ("failed", "stopped") else None,
        received={"attributes": _details(row, RUN_DETAILS)},
        read_from={name: (DIALECT, f"workflow_runs.{name}") for name in ("inputs", "outputs")},
        rank=NEAREST,
        run=facts,
    )


def _details(row: TableRow, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: row[name] for name in names if row[name] is not None}


def _end_us(row: TableRow, started: int | None) -> int | None:
    """Return the end of a run or a step: its `finished_at`, else its start and `elapsed_time`."""
    finished, elapsed = column_us(row["finished_at"]), duration_us(row["elapsed_time"])
    if finished is None and started is not None and elapsed is not None:
        return started + elapsed
    return finished


# -- one step --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StepRow:
    """A row with its JSON columns read: `values` has inputs, process_data and outputs, `cut` the
    whole size in bytes of those that Dify cut; `form` what is known of the form that somebody was
    asked to fill in (see `form_details`). `called_app` and `called_run`: of a workflow that was
    used as a tool, the name of its app and Dify's id of its run."""

    row: TableRow
    metadata: dict[str, Any]
    values: Mapping[str, Value]
    cut: Mapping[str, int] = field(default_factory=dict)
    form: dict[str, Any] | None = None
    called_app: str = ""
    called_run: str = ""

    @property
    def process_data(self) -> dict[str, Any]:
        return object_or_empty(self.values.get("process_data"))

    @property
    def outputs(self) -> dict[str, Any]:
        return object_or_empty(self.values.get("outputs"))


def step_record(step: StepRow, run: NodeRecord, run_ended: bool, **position: Any) -> NodeRecord:
    """Return the step by the id of its row. `position`: where it belongs, as fields of NodeRecord.
    Of a step at work the inputs alone are recorded."""
    row, status = step.row, _step_row_status(step.row, run_ended)
    is_done = status in STEP_ENDS
    is_final = is_done and status == row["status"]
    started = _ordered_start_us(row)
    values = step.values if is_done else {"inputs": step.values.get("inputs")}
    has_failed = status in ("failed", "exception", "retry")
    return NodeRecord(
        trace=run.trace,
        source_id=str(row["id"]),
        service=run.service,
        title=text_or_none(row["title"]) or str(row["node_type"]),
        kind=str(row["node_type"]),
        node_id=str(row["node_id"]),
        status=status,
        started_us=started,
        ended_us=_end_us(row, started) if is_final else None,
        inputs=values.get("inputs"),
        outputs=values.get("outputs"),
        process_data=values.get("process_data"),
        inputs_cut=step.cut.get("inputs"),
        outputs_cut=step.cut.get("outputs"),
        process_data_cut=step.cut.get("process_data"),
        received=_step_received(step),
        read_from={
            name: (DIALECT, f"workflow_node_executions.{name}")
            for name, value in values.items()
            if value is not None
        },
        model=text_or_none(step.process_data.get("model_name")),
        provider=text_or_none(step.process_data.get("model_provider")),
        usage=_step_usage(step) if is_done else None,
        cost=_step_cost(step) if is_done else None,
        error=text_or_none(row["error"]) if has_failed or status == "stopped" else None,
        error_type=text_or_none(step.outputs.get("error_type")) if has_failed else None,
        handled=status == "exception",
        called_app=step.called_app or None,
        links=(f"{step.called_run}:",) if step.called_run else (),
        rank={
            **(NEAREST if is_final else UNFINISHED),
            **dict.fromkeys(step.cut, CUT),
            **_rank_of_times(row),
        },
        **position,
    )


def _step_row_status(row: TableRow, run_ended: bool) -> str:
    """Return the status of a step. Before 1.14, steps of an aborted run stay `running` for ever:
    they were stopped with it. A failed attempt in a run at work may be tried again in the same
    row."""
    status = str(row["status"])
    if status in ("running", "pending"):
        return "stopped" if run_ended else "running"
    if status == "retry" and not run_ended:
        return "running"
    return status if status in STEP_ENDS or status == "paused" else "running"


def _ordered_start_us(row: TableRow) -> int | None:
    """Return when a step began. Old rows have whole seconds: `index` says in which order the steps
    of a second began, and stands in the digits below it."""
    started, index = column_us(row["created_at"]), row["index"]
    if started is None or started % 1_000_000 or not isinstance(index, int):
        return started
    return started + min(max(index, 0), 9_999) * 100


def form_details(row: TableRow, people: Mapping[str, str]) -> dict[str, Any]:
    """Return who decided on a form, by which channels people were asked, and how long it took."""
    asked, submitted = row["created_at"], row["submitted_at"]
    person = str(row["submission_end_user_id"] or row["submission_user_id"] or "")
    details = {
        "status": row["status"],
        "action": row["selected_action_id"],
        "decided_by": people.get(person) or person,
        "channels": row["channels"],
        "asked_at": str(asked or ""),
        "decided_at": str(submitted or ""),
        "waited_seconds": (submitted - asked).total_seconds() if asked and submitted else None,
    }
    return {name: value for name, value in details.items() if value not in (None, "", [])}


def _rank_of_times(row: TableRow) -> dict[str, int]:
    """Return the rank of times where both are whole seconds, as in old rows: an exact time beats
    them, whoever tells it."""
    times = (column_us(row["created_at"]), column_us(row["finished_at"]))
    are_whole = all(us is not None and us % 1_000_000 == 0 for us in times)
    return {"started_us": 0, "ended_us": 0} if are_whole else {}


def _step_received(step: StepRow) -> dict[str, Any]:
    details = _details(step.row, STEP_DETAILS)
    if step.form and step.row["node_type"] == "human-input":
        details["form"] = step.form
    if "workflow_tool_invocation_id" in step.process_data:
        details |= _details(step.row, ("app_id", "workflow_id"))
    # The log of an agent becomes steps of its own.
    metadata = {
        name: value
        for name, value in step.metadata.items()
        if value is not None and not (name == "agent_log" and isinstance(value, list))
    }
    return {"attributes": {**details, "execution_metadata": metadata} if metadata else details}


def _usage_objects(step: StepRow) -> Iterator[dict[str, Any]]:
    for values in (step.process_data, step.outputs):
        for name in ("usage", "__usage"):
            if isinstance(counts := values.get(name), dict) and counts:
                yield counts


def _step_usage(step: StepRow) -> Usage | None:
    for counts in _usage_objects(step):
        names = ("prompt_tokens", "completion_tokens", "total_tokens")
        step_usage = usage(*(to_count(counts.get(name)) for name in names))
        if step_usage and step_usage.total:
            return step_usage
    total = to_count(step.metadata.get("total_tokens"))
    return usage(None, None, total) if total else None


def _step_cost(step: StepRow) -> Cost | None:
    for prices in (step.metadata, *_usage_objects(step)):
        step_cost = cost(prices.get("total_price"), prices.get("currency"))
        if step_cost and step_cost.amount:
            return step_cost
    return None


# -- the steps of a run, in their order ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StepPosition:
    """Where a step runs: source id of the container's execution (None: not known, or none), number
    of the iteration, node id of the container."""

    container_source_id: str | None = None
    iteration: int | None = None
    container: str | None = None

    @property
    def parent_source_id(self) -> str:
        """Return the source id of the step above: the iteration's; "" on the top level."""
        if self.container_source_id is None or self.iteration is None:
            return self.container_source_id or ""
        return f"{self.container_source_id}/{self.iteration}"


@dataclass(slots=True)
class ToolCalls:
    """The steps of a run that may have called a workflow as a tool, and the workflows called."""

    # Ids of an execution, of which it has two → its source id.
    source_ids: dict[str, str] = field(default_factory=dict)
    # Rows of tools, in their order.
    tools: list[TableRow] = field(default_factory=list)
    # What names a call → the steps of the workflow that was called.
    workflows: dict[str, "RunSteps"] = field(default_factory=dict)

    def add(self, row: TableRow) -> None:
        for name in ("id", "node_execution_id"):
            if row[name]:
                self.source_ids[str(row[name])] = str(row["id"])
        if row["node_type"] == "tool":
            self.tools.append(row)

    def caller_of(self, step: StepRow) -> str | None:
        """Return the source id of the tool that a step's workflow was called by: the one that it
        names, else the last that was at work when the step began."""
        parent = text_or_none(step.process_data.get("workflow_tool_parent_execution_id"))
        if parent in self.source_ids:
            return self.source_ids[parent]
        began = step.row["created_at"]
        for row in reversed(self.tools):
            if row["id"] != step.row["id"] and (
                row["finished_at"] is None or began is None or row["finished_at"] >= began
            ):
                return str(row["id"])
        return None


@dataclass(slots=True)
class RunSteps:
    """Reads the steps of one run, rows in the order of `created_at` and `index`: later ones need
    the earlier ones. `caller`: the tool's step, where the run is a workflow that was called."""

    run: NodeRecord
    graph: DifyGraph
    ended: bool
    caller: str | None = None
    calls: ToolCalls = field(default_factory=ToolCalls)
    # (parent source id, node id) → source id of its newest execution.
    latest: dict[tuple[str, str], str] = field(default_factory=dict)
    # Source id → the handle by which the graph's edges leave the step.
    handles: dict[str, str] = field(default_factory=dict)
    # Node id of a container → source id of its newest execution, and the position of that.
    containers: dict[str, tuple[str, StepPosition]] = field(default_factory=dict)
    iterations: set[str] = field(default_factory=set)

    def read(self, step: StepRow) -> Iterator[NodeRecord]:
        """Yield the records of one row: its iteration, if it is new, the step, steps of its log."""
        yield from self._workflow_of(step)._read_own(step)
        self.calls.add(step.row)

    def _workflow_of(self, step: StepRow) -> "RunSteps":
        """Return what reads the step: this, or that of the workflow that was called as a tool."""
        names = ("workflow_tool_invocation_id", "workflow_tool_parent_execution_id")
        call = next((text for n in names if (text := text_or_none(step.process_data.get(n)))), None)
        if call is None:
            return self
        if call not in self.calls.workflows:
            caller = self.calls.caller_of(step)
            if caller is None:
                return self
            self.calls.workflows[call] = RunSteps(self.run, NO_GRAPH, self.ended, caller)
        return self.calls.workflows[call]

    def _read_own(self, step: StepRow) -> Iterator[NodeRecord]:
        source_id, node_id = str(step.row["id"]), str(step.row["node_id"])
        position = self._position(node_id, step)
        parent = position.parent_source_id
        if (
            position.iteration is not None
            and position.container_source_id is not None
            and parent not in self.iterations
        ):
            self.iterations.add(parent)
            yield self._iteration_record(position, position.container_source_id)
        branch = self._branch(node_id, step)
        ran_after = self._ran_after(parent, node_id, step)
        self.latest[parent, node_id] = source_id
        self.handles[source_id] = branch.handle
        if step.row["node_type"] in CONTAINERS:
            self.containers[node_id] = (source_id, position)
        record = step_record(
            step,
            self.run,
            self.ended,
            # Of an unknown container nothing is said: it may still be read.
            parent_source_id=parent
            or (None if position.container else self.caller or self.run.source_id),
            nested=self.caller is not None and not parent,
            iteration_index=position.iteration,
            container=position.container,
            taken=branch.name,
            ran_after=ran_after,
        )
        yield record
        if record.status not in ("running", "paused"):
            rank = {name: record.rank.get(name, 0) for name in ("started_us", "ended_us")}
            yield from agent_log.log_steps(
                agent_log.log_entries(step.metadata), source_id, record.trace, record.service,
                record.started_us, rank,
            )  # fmt: skip

    def _position(self, node_id: str, step: StepRow) -> StepPosition:
        """Return where a step runs. A node in an iteration in a loop names both: the inner one
        counts."""
        kinds = {
            str(step.metadata[f"{kind}_id"]): kind
            for kind in sorted(CONTAINERS)
            if step.metadata.get(f"{kind}_id")
        }
        if not kinds:
            return StepPosition()
        container = next(iter(kinds))
        if len(kinds) > 1:
            parent = self.graph.parents.get(node_id)
            container = parent if parent in kinds else self._innermost(list(kinds))
        execution = self.containers.get(container)
        iteration = to_count(step.metadata.get(f"{kinds[container]}_index"))
        return StepPosition(execution[0] if execution else None, iteration, container)

    def _innermost(self, containers: list[str]) -> str:
        """Return the inner one of containers that lie in one another; the first where none of them
        has been read."""
        outer = {self.containers[c][1].container for c in containers if c in self.containers}
        return next((c for c in containers if c not in outer), containers[0])

    def _iteration_record(self, position: StepPosition, container: str) -> NodeRecord:
        return NodeRecord(
            trace=self.run.trace,
            source_id=position.parent_source_id,
            service=self.run.service,
            title=f"Iteration {position.iteration}",
            kind="chain",
            parent_source_id=container,
            status="succeeded",
            folded=True,
            pass_index=position.iteration,
            container=container,
            rank=NEAREST,
        )

    def _branch(self, node_id: str, step: StepRow) -> ChosenBranch:
        """Return the branch that a step chose, by the handle and the name of the graph that ran."""
        kind = str(step.row["node_type"])
        branch = branch_of(kind, step.outputs, step.process_data, step.metadata)
        name = self.graph.branches.get((node_id, branch.handle))
        if branch.name is not None and name is None:
            # A classifier may give the name of the class alone.
            own = {n: h for (node, h), n in self.graph.branches.items() if node == node_id}
            if (handle := own.get(branch.name)) is not None:
                return ChosenBranch(handle, branch.name)
        return branch if name is None or branch.name is None else ChosenBranch(branch.handle, name)

    def _ran_after(self, parent: str, node_id: str, step: StepRow) -> tuple[str, ...]:
        """Return the steps of the same iteration that this one waited for."""
        source_ids = set()
        for source, handle in self.graph.before.get(node_id, ()):
            executed = self.latest.get((parent, source))
            if executed and self._followed_edge(source, self.handles[executed], handle):
                source_ids.add(executed)
        predecessor = str(step.row["predecessor_node_id"] or "")
        if not source_ids and (executed := self.latest.get((parent, predecessor))):
            source_ids.add(executed)
        return tuple(sorted(source_ids))

    def _followed_edge(self, source: str, chosen: str, handle: str) -> bool:
        """Return whether a step that chose the handle `chosen` came to an edge with `handle`. A
        branch that does not name its choice may have come to any."""
        if chosen == handle or (chosen in PLAIN_HANDLES and handle in PLAIN_HANDLES):
            return True
        return chosen == "" and (source, FAIL_BRANCH) not in self.graph.branches
