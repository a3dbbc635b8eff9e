"""Rows of `workflow_node_executions`: one row as a record of its step. Pure.

Facts: tokens by direction and prices are in `process_data.usage`, else `outputs.usage`; a
container has the sum of its children in `execution_metadata`. Before 1.9 a failed attempt is a row
of its own (`retry`), since then the same row becomes the next attempt.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from runs.recording.decoding.dify.vocabulary import duration_us, mapping, text
from runs.recording.importing.dify_database.columns import (
    CUT,
    DIALECT,
    NEAREST,
    UNFINISHED,
    TableRow,
    moment,
)
from runs.recording.records.record import Cost, NodeRecord, Usage, Value
from runs.recording.records.usage import cost, to_count, usage

NODE_ENDS = frozenset({"succeeded", "failed", "exception", "stopped", "retry"})
_ABOUT = ("index", "predecessor_node_id", "triggered_from", "created_by_role", "status")


@dataclass(frozen=True, slots=True)
class Told:
    """A row with its JSON columns read: `values` has inputs, process_data and outputs, `cut` the
    whole size in bytes of those that Dify cut."""

    row: TableRow
    metadata: dict[str, Any]
    values: Mapping[str, Value]
    cut: Mapping[str, int] = field(default_factory=dict)

    @property
    def process(self) -> dict[str, Any]:
        return mapping(self.values.get("process_data"))

    @property
    def outputs(self) -> dict[str, Any]:
        return mapping(self.values.get("outputs"))


def status_of(row: TableRow, run_ended: bool) -> str:
    """Before 1.14, steps of an aborted run stay `running` for ever: they were stopped with it. A
    failed attempt in a run at work may be tried again in the same row."""
    status = str(row["status"])
    if status in ("running", "pending"):
        return "stopped" if run_ended else "running"
    if status == "retry" and not run_ended:
        return "running"
    return status if status in NODE_ENDS or status == "paused" else "running"


def step_record(told: Told, run: NodeRecord, run_ended: bool, **place: Any) -> NodeRecord:
    """The step by the id of its row. `place`: where it belongs, as fields of NodeRecord. Of a step
    at work the inputs alone are told."""
    row, status = told.row, status_of(told.row, run_ended)
    done = status in NODE_ENDS
    settled = done and status == row["status"]
    started = _started(row)
    values = told.values if done else {"inputs": told.values.get("inputs")}
    failed = status in ("failed", "exception", "retry")
    return NodeRecord(
        trace=run.trace,
        source_id=str(row["id"]),
        service=run.service,
        title=text(row["title"]) or str(row["node_type"]),
        kind=str(row["node_type"]),
        node_id=str(row["node_id"]),
        status=status,
        started_us=started,
        ended_us=_end(row, started) if settled else None,
        inputs=values.get("inputs"),
        outputs=values.get("outputs"),
        process_data=values.get("process_data"),
        inputs_cut=told.cut.get("inputs"),
        outputs_cut=told.cut.get("outputs"),
        process_data_cut=told.cut.get("process_data"),
        received=_received(told),
        read_from=_read_from(values),
        model=text(told.process.get("model_name")),
        provider=text(told.process.get("model_provider")),
        usage=_usage(told) if done else None,
        cost=_cost(told) if done else None,
        error=text(row["error"]) if failed or status == "stopped" else None,
        error_type=text(told.outputs.get("error_type")) if failed else None,
        handled=status == "exception",
        rank={**(NEAREST if settled else UNFINISHED), **dict.fromkeys(told.cut, CUT)},
        **place,
    )


def handle_of(told: Told) -> str:
    """The way out that a step took, as the graph's edges name it; "" where nothing tells it."""
    kind, outputs = told.row["node_type"], told.outputs
    if kind == "if-else":
        chosen = outputs.get("selected_case_id")
        if chosen is None and isinstance(outputs.get("result"), bool):
            chosen = str(outputs["result"]).lower()
        return str(chosen or "")
    if kind == "question-classifier":
        return str(outputs.get("class_id") or outputs.get("class_name") or "")
    if kind == "human-input":
        return str(outputs.get("__action_id") or outputs.get("action_id") or "")
    return "fail-branch" if told.metadata.get("error_strategy") == "fail-branch" else ""


def _started(row: TableRow) -> int | None:
    """Old rows have whole seconds: of the steps of a second `index` tells the order, and stands in
    the digits below it."""
    started, index = moment(row["created_at"]), row["index"]
    if started is None or started % 1_000_000 or not isinstance(index, int):
        return started
    return started + min(max(index, 0), 9_999) * 100


def _end(row: TableRow, started: int | None) -> int | None:
    end, lasted = moment(row["finished_at"]), duration_us(row["elapsed_time"])
    if end is None and started is not None and lasted is not None:
        return started + lasted
    return end


def _read_from(values: Mapping[str, Value]) -> dict[str, tuple[str, str]]:
    return {
        name: (DIALECT, f"workflow_node_executions.{name}")
        for name, value in values.items()
        if value is not None
    }


def _received(told: Told) -> dict[str, Any]:
    about = {name: told.row[name] for name in _ABOUT if told.row[name] is not None}
    # The log of an agent becomes steps of its own.
    rest = {
        name: value
        for name, value in told.metadata.items()
        if value is not None and not (name == "agent_log" and isinstance(value, list))
    }
    return {"attributes": {**about, "execution_metadata": rest} if rest else about}


def _usages(told: Told) -> Iterator[dict[str, Any]]:
    for value in (told.process, told.outputs):
        for name in ("usage", "__usage"):
            if isinstance(found := value.get(name), dict) and found:
                yield found


def _usage(told: Told) -> Usage | None:
    for one in _usages(told):
        names = ("prompt_tokens", "completion_tokens", "total_tokens")
        found = usage(*(to_count(one.get(name)) for name in names))
        if found and found.total:
            return found
    total = to_count(told.metadata.get("total_tokens"))
    return usage(None, None, total) if total else None


def _cost(told: Told) -> Cost | None:
    for one in (told.metadata, *_usages(told)):
        found = cost(one.get("total_price"), one.get("currency"))
        if found and found.amount:
            return found
    return None
