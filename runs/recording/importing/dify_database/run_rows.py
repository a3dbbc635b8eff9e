"""Rows of `workflow_runs` as records of the runs themselves. Pure."""

from runs.recording.decoding.dify.vocabulary import RUN_STATUSES, duration_us, step_status, text
from runs.recording.importing.dify_database.columns import (
    DIALECT,
    NEAREST,
    RUN_ENDS,
    TableRow,
    json_of,
    moment,
)
from runs.recording.records.record import NodeRecord, RunFacts
from runs.recording.records.usage import to_count

_ABOUT = (
    "workflow_id", "version", "type", "triggered_from", "total_steps", "exceptions_count",
    "created_by_role", "sequence_number",
)  # fmt: skip


def run_record(row: TableRow, service: str, version: str | None, user: str | None) -> NodeRecord:
    """The run by Dify's own id. What is said of a run at work could not be taken back: its status,
    totals and outputs are told at its end."""
    run_id, status, started = str(row["id"]), row["status"], moment(row["created_at"])
    ended = status in RUN_ENDS
    lasted = duration_us(row["elapsed_time"])
    end = moment(row["finished_at"])
    if end is None and started is not None and lasted is not None:
        end = started + lasted
    facts = RunFacts(
        mode="chatflow" if row["type"] == "chat" else "workflow",
        version=version,
        user=user,
        trigger=text(row["triggered_from"]),
        status=status if ended else None,
        source_ids=(("dify-run", run_id),),
        reported_tokens=to_count(row["total_tokens"]) if ended else None,
        reported_duration_us=lasted if ended else None,
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
        ended_us=end if ended else None,
        inputs=json_of(row["inputs"]),
        outputs=json_of(row["outputs"]) if ended else None,
        error=text(row["error"]) if status in ("failed", "stopped") else None,
        received={"attributes": {name: row[name] for name in _ABOUT if row[name] is not None}},
        read_from={name: (DIALECT, f"workflow_runs.{name}") for name in ("inputs", "outputs")},
        rank=NEAREST,
        run=facts,
    )
