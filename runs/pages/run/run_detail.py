"""A run with its values as JSON: its configuration, why it failed, its notes and its reruns."""

from nodes.content.payloads import answer_in
from runs.json.app import version_ref
from runs.json.run import (
    CauseJson,
    ResumedRunJson,
    RunConfigurationJson,
    RunDetailJson,
    run_json,
)
from runs.json.values import iso_time, page_url, stored
from runs.models import App, Run
from runs.pages.errors.cause import cause_of
from runs.pages.notes.notes import notes_json
from runs.pages.rerun.outcome import rerun_history
from runs.pages.run.run_configuration import run_models, run_resource
from runs.pages.run_header.resumed_runs import ResumedRuns
from runs.pages.span_links.span_links import links_of_run, span_links_json


def run_detail_json(run: Run, base_url: str = "", only_app: App | None = None) -> RunDetailJson:
    """Return the JSON of a run that was loaded by `for_page()`."""
    reruns = rerun_history(run)
    resumed = ResumedRuns.around(run)
    return {
        **run_json(run, base_url),
        "inputs": stored(run.inputs),
        "outputs": stored(run.outputs),
        "answer": answer_in(run.outputs, run.inputs) if run.outputs else None,
        "metadata": {
            "sources": [
                {"kind": source.kind, "id": source.source_id} for source in run.producer_ids
            ],
            "last_seen_at": iso_time(run.last_seen_at),
            "environment": run.environment or None,
            "resource": run_resource(run.id) or None,
        },
        "configuration": _configuration_json(run),
        "cause": _cause_json(run, base_url),
        "error_group": str(run.error_group_id) if run.error_group_id else None,
        "notes": notes_json(run),
        "rerun_of": str(reruns.origin.original_id) if reruns.origin else None,
        "reruns": [
            {
                "id": str(rerun.pk),
                "run": str(rerun.run_id) if rerun.run_id else None,
                "state": rerun.state,
            }
            for rerun in reruns.attempts
        ],
        "resumes": _resumed_run_json(resumed.before, base_url),
        "resumed_by": _resumed_run_json(resumed.after, base_url),
        "linked_runs": span_links_json(links_of_run(run, only_app), base_url),
    }


def _resumed_run_json(run: Run | None, base_url: str) -> ResumedRunJson | None:
    return {"id": str(run.id), "url": page_url(run, base_url)} if run else None


def _configuration_json(run: Run) -> RunConfigurationJson:
    return {
        "version": version_ref(run.version),
        "models": [
            {
                "model": use.model,
                "provider": use.provider or None,
                "calls": use.calls,
                "parameters": use.parameters or None,
            }
            for use in run_models(run.id)
        ],
    }


def _cause_json(run: Run, base_url: str) -> CauseJson | None:
    cause = cause_of(run)
    if cause is None:
        return None
    return {
        "error_type": cause.error_type or None,
        "error": cause.error or None,
        "chain": [
            {
                "execution": str(link.execution.id),
                "node_id": link.execution.node_id,
                "title": link.title,
                "where": link.where or None,
                "url": base_url + link.url,
            }
            for link in cause.chain
        ],
    }
