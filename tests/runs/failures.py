"""Factories of failed runs: as rows, and as records for the store."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from runs.models import App, ErrorGroup, Run
from runs.recording.deriving.fingerprint import ErrorFingerprint
from runs.recording.records.record import NodeRecord, RunFacts
from runs.recording.storing.store import save_records
from tests.factories import make_app, make_execution, make_run

SECOND = 1_000_000
START = 1_780_000_000 * SECOND


def make_failed_run(
    app: App | str = "support-desk",
    error: str = "order A-17 not found",
    node: str = "look-up",
    error_type: str = "LookupError",
    ago: timedelta = timedelta(minutes=5),
    **fields: Any,
) -> Run:
    """Make a run that a step ended, in the error group that the store would choose."""
    app = make_app(app) if isinstance(app, str) else app
    fingerprint = ErrorFingerprint.of(node, node.capitalize(), error_type, error)
    group, _ = ErrorGroup.objects.get_or_create(
        id=fingerprint.group(app.pk),
        defaults={"app": app, "node_id": node, "title": fingerprint.title,
                  "error_type": error_type, "message": fingerprint.message},
    )  # fmt: skip
    run = make_run(
        app, status="failed", error=error, started_at=timezone.now() - ago, error_group=group,
        failed_node_id=node, failed_title=fingerprint.title, **fields,
    )  # fmt: skip
    failed_step = make_execution(
        run, fingerprint.title, node_id=node, kind="tool", status="failed", error=error,
        error_type=error_type,
    )  # fmt: skip
    run.failed_execution = failed_step.id
    run.save()
    return run


def step_record(source_id: str, start: int, end: int | None, **fields: Any) -> NodeRecord:
    """Return a step of trace `t` that lasts from `start` to `end`, seconds after START."""
    fields = {"trace": "t", "service": "shop", "title": source_id, "kind": "tool"} | fields
    ended = None if end is None else START + end * SECOND
    return NodeRecord(
        source_id=source_id, started_us=START + start * SECOND, ended_us=ended, **fields
    )


def run_record(status: str, end: int = 10, trace: str = "t", **facts: Any) -> NodeRecord:
    """Return the step that is the run itself, from START to `end` seconds later."""
    return step_record(
        "run", 0, end, trace=trace, title="checkout", kind="workflow", status=status,
        is_run=True, run=RunFacts(status=status, **facts),
    )  # fmt: skip


def failed_step_record(error: str, trace: str = "t", **fields: Any) -> NodeRecord:
    fields = {"title": "Look up", "parent_source_id": "run", "error_type": "LookupError"} | fields
    return step_record("look-up", 1, 9, trace=trace, status="failed", error=error, **fields)


def store_run(*records: NodeRecord) -> Run:
    """Store the records one by one; return their run."""
    for record in records:
        [run_id] = save_records([record]).runs
    return Run.objects.get(pk=run_id)
