"""Machine twins: apps, runs and conversations as JSON. Times are ISO 8601 with zone, durations
integer microseconds, money decimal strings; what is absent is null, never missing."""

from typing import Any

from django.db.models import Model

from nodes.configuration import models_used, resource_of
from runs.json.execution import amount, moment, stored
from runs.models import App, Conversation, Run, Version
from runs.pages.apps.overview import AppRow
from runs.pages.errors.cause import cause_of
from runs.pages.notes.notes import notes_json
from runs.pages.rerun.outcome import again_of


def url(row: Model, base_url: str = "") -> str:
    """The row's page. `base_url` (http://host, no slash) makes it absolute."""
    return base_url + row.get_absolute_url()  # type: ignore[attr-defined]


def app_head(app: App) -> dict[str, Any]:
    return {"slug": app.slug, "name": app.name, "mode": app.mode}


def version_head(version: Version | None) -> dict[str, Any] | None:
    return {"number": version.number, "label": version.label or None} if version else None


def version_json(version: Version, base_url: str = "") -> dict[str, Any]:
    """A version as lists tell it. Rows come from `for_list()`."""
    return {
        **(version_head(version) or {}),
        "url": url(version, base_url),
        "comment": version.comment or None,
        "source_id": version.source_id or None,
        "has_graph": bool(version.digest),
        "created_at": moment(version.created_at),
        "first_run_at": moment(version.first_run_at),
        "last_run_at": moment(version.last_run_at),
    }


def app_json(row: AppRow, base_url: str = "") -> dict[str, Any]:
    """An app with its versions, today's counts and its last run. Reads `row.app.versions`."""
    last = row.last_run
    return {
        **app_head(row.app),
        "url": url(row.app, base_url),
        "is_sample": row.app.is_sample,
        "versions": [version_head(version) for version in row.app.versions.all()],
        "counts": {"runs_today": row.runs_today, "failures_today": row.failures_today},
        "last_run": last
        and {
            "id": str(last.id),
            "url": url(last, base_url),
            "status": last.status,
            "started_at": moment(last.started_at),
        },
    }


def run_json(run: Run, base_url: str = "") -> dict[str, Any]:
    """A run as lists tell it. Rows come from `for_list().with_sources()`."""
    return {
        "id": str(run.id),
        "url": url(run, base_url),
        "app": {**app_head(run.app), "mode": run.mode},
        "version": version_head(run.version),
        "name": run.name or None,
        "environment": run.environment or None,
        "status": run.status,
        "stalled": run.stalled,
        "started_at": moment(run.started_at),
        "finished_at": moment(run.ended_at),
        "duration_us": run.duration_us,
        "input_preview": run.inputs_preview or None,
        "output_preview": run.outputs_preview or None,
        "error": run.error or None,
        "failed_node": failed_node(run),
        "tokens": {
            "input": run.input_tokens,
            "output": run.output_tokens,
            "cached": run.cached_tokens,
            "reasoning": run.reasoning_tokens,
            "total": run.total_tokens,
        },
        "cost": {
            "amount": amount(run.cost),
            "currency": run.cost_currency or None,
            "state": run.cost_state,
        },
        "api_calls": {"model": run.model_calls, "tool": run.tool_calls, "http": run.http_calls},
        "steps": run.steps,
        "iterations": run.iterations,
        "retries": run.retries,
        "conversation": conversation_head(run.conversation),
        "user": run.user or None,
        "trigger": run.trigger or None,
        "tags": run.tags,
        "source": source(run),
        "reported": reported(run),
    }


def whole_run_json(run: Run, base_url: str = "") -> dict[str, Any]:
    """A run as its own twin tells it, with values and what was made of it. Loaded by
    `for_page()`."""
    again = again_of(run)
    return {
        **run_json(run, base_url),
        "inputs": stored(run.inputs),
        "outputs": stored(run.outputs),
        "metadata": {
            "sources": [{"kind": one.kind, "id": one.source_id} for one in run.producer_ids],
            "last_seen_at": moment(run.last_seen_at),
            "environment": run.environment or None,
            "resource": resource_of(run.id) or None,
        },
        "configuration": configuration(run),
        "cause": cause(run, base_url),
        "error_group": str(run.error_group_id) if run.error_group_id else None,
        "notes": notes_json(run),
        "rerun_of": str(again.origin.original_id) if again.origin else None,
        "reruns": [
            {"id": str(one.pk), "run": str(one.run_id) if one.run_id else None, "state": one.state}
            for one in again.attempts
        ],
    }


def configuration(run: Run) -> dict[str, Any]:
    return {
        "version": version_head(run.version),
        "models": [
            {"model": use.model, "provider": use.provider or None, "calls": use.calls,
             "parameters": use.parameters or None}
            for use in models_used(run.id)
        ],
    }  # fmt: skip


def cause(run: Run, base_url: str = "") -> dict[str, Any] | None:
    """Why it failed: the steps from the top of the run down to the one that ended it."""
    found = cause_of(run)
    if found is None:
        return None
    return {
        "error_type": found.error_type or None,
        "error": found.error or None,
        "chain": [
            {
                "execution": str(link.execution.id),
                "node_id": link.execution.node_id,
                "title": link.title,
                "where": link.where or None,
                "url": base_url + link.url,
            }
            for link in found.chain
        ],
    }


def failed_node(run: Run) -> dict[str, Any] | None:
    if run.failed_execution is None:
        return None
    return {
        "execution": str(run.failed_execution),
        "node_id": run.failed_node_id or None,
        "title": run.failed_title or None,
    }


def conversation_head(conversation: Conversation | None) -> dict[str, Any] | None:
    if conversation is None:
        return None
    return {"id": str(conversation.id), "source_id": conversation.source_id}


def source(run: Run) -> dict[str, Any]:
    """How the run came and the producer's ids of it by kind; of several of one kind the first
    by alphabet, so that the answer never depends on the order of arrival."""
    return {
        "kind": run.source_kind or None,
        "ids": {one.kind: one.source_id for one in reversed(run.producer_ids)},
    }


def reported(run: Run) -> dict[str, Any] | None:
    """What the producer itself says of the whole, where it says anything."""
    told = {
        "tokens": run.reported_tokens,
        "cost": amount(run.reported_cost),
        "duration_us": run.reported_duration_us,
    }
    return told if any(value is not None for value in told.values()) else None


def conversation_json(conversation: Conversation, base_url: str = "") -> dict[str, Any]:
    """A conversation as lists tell it. Rows come from `for_list()`."""
    return {
        **(conversation_head(conversation) or {}),
        "url": url(conversation, base_url),
        "app": app_head(conversation.app),
        "user": conversation.user or None,
        "started_at": moment(conversation.started_at),
        "last_run_at": moment(conversation.last_run_at),
        "turns": conversation.turns,
        "failures": conversation.failures,
        "opening": conversation.opening or None,
        "last_status": conversation.last_status,
    }
