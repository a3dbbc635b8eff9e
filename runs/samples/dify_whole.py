"""The end of a run: its workflow span and the root of its trace."""

from typing import Any

from runs.samples.dify_attributes import failure, producer
from runs.samples.dify_run import JSON_TYPE, DifyRun
from runs.samples.schedule import SECOND
from runs.samples.spans import OK, SampleRun, SampleSpan, dumps, span_id


def finish(
    run: DifyRun, outputs: dict[str, Any], status: str = "succeeded", error: str = ""
) -> SampleRun:
    """All spans, in the order sent: dispatch root, nodes, made-up spans, the workflow last."""
    values = {
        "input.value": dumps(run.inputs),
        "input.mime_type": JSON_TYPE,
        "output.value": dumps(outputs),
        "output.mime_type": JSON_TYPE,
        "session.id": run.session,
    }
    sent = run.at + run.rng.randrange(2 * SECOND, 9 * SECOND)
    root = _root(run, values, sent)
    workflow = SampleSpan(
        f"workflow_{run.run_id}",
        run.trace,
        run.workflow_span,
        root.id,
        run.start_us,
        run.at + 15_000,
        {
            "openinference.span.kind": "CHAIN",
            **values,
            "metadata": dumps(_run_metadata(run, status, error)),
        },
        status=(OK, ""),
    )
    if error:
        root.status, root.events = failure(error, sent)
        workflow.status, workflow.events = failure(error, workflow.end_us)
    spans = [root, *run.nodes, *run.wrappers, workflow]
    return SampleRun(producer(run.project), spans)


def _root(run: DifyRun, values: dict[str, Any], sent_us: int) -> SampleSpan:
    told = {
        "openinference.span.kind": "CHAIN",
        "dify_project_name": run.project,
        "dify_trace_id": run.run_id,
    }
    own = span_id(f"{run.name}/root")
    return SampleSpan(
        run.run_id, run.trace, own, b"", sent_us, sent_us + 120, told | values, status=(OK, "")
    )


def _run_metadata(run: DifyRun, status: str, error: str) -> dict[str, Any]:
    elapsed = (run.at + 15_000 - run.start_us) / SECOND
    return {
        "workflow_id": run.workflow_id,
        "conversation_id": run.conversation,
        "workflow_run_id": run.run_id,
        "tenant_id": run.tenant_id,
        "elapsed_time": elapsed,
        "status": status,
        "version": run.version,
        "total_tokens": run.tokens,
        "file_list": "[]",
        "triggered_from": run.trigger,
        "user_id": run.user,
        "app_id": run.app_id,
        "app_name": "",
        "workspace_name": "",
        "created_from": "Dify",
        "trace_id": "",
        "message_id": run.message,
        "status_message": error,
        "level": "ERROR" if error else "DEFAULT",
        "trace_entity_type": "workflow",
        "workflow_app_log_id": "",
        "workflow_run_elapsed_time": elapsed,
        "workflow_run_version": run.version,
        "query": run.query,
    }
