"""Kinds of failure as JSON."""

from typing import Any

from django.urls import reverse

from runs.json import records
from runs.json.execution import amount, moment
from runs.models import ErrorGroup, Run, Version
from runs.pages.errors.groups import Kind
from runs.pages.errors.history import History


def _head(group: ErrorGroup, base_url: str) -> dict[str, Any]:
    return {
        "id": str(group.pk),
        "url": records.url(group, base_url),
        "app": records.app_head(group.app),
        "node": {"node_id": group.node_id, "title": group.title or None} if group.node_id else None,
        "error_type": group.error_type or None,
        "message": group.message or None,
        "all_runs": f"{base_url}{reverse('runs-json')}?errorgroup={group.pk}",
        "resolved_at": moment(group.resolved_at),
        "resolved_by": group.resolved_by.get_username() if group.resolved_by else None,
    }


def kind_json(kind: Kind, base_url: str = "") -> dict[str, Any]:
    """A group in a list; `runs` counts within the failures that were read."""
    return {
        **_head(kind.group, base_url),
        "state": kind.state,
        "runs": kind.count,
        "first_at": moment(kind.group.first_at),
        "last_at": moment(kind.last_at),
        "since_version": records.version_head(kind.since),
        "new_in_newest_version": kind.is_new,
        "versions": _versions(kind.versions),
    }


def _versions(counts: list[tuple[Version | None, int]]) -> list[dict[str, Any]]:
    return [{"version": records.version_head(one), "runs": count} for one, count in counts]


def history_json(history: History, base_url: str = "") -> dict[str, Any]:
    group, newest = history.group, history.newest
    counts = [(one.version, one.count) for one in history.versions if not one.before]
    return {
        **_head(group, base_url),
        "state": history.state,
        "runs": history.count,
        "more_runs": history.more,
        "first_at": moment(group.first_at),
        "last_at": moment(group.last_at),
        "since_version": records.version_head(history.since),
        "versions": _versions(counts),
        "newest_error": history.cause.error if history.cause else None,
        "newest_runs": [_run(run, base_url) for run in history.runs],
        "compare": _compare(history, base_url) if newest else None,
        "node_successes": [
            {"execution": str(one.id), "run": str(one.run_id), "started_at": moment(one.started_at)}
            for one in history.successes
        ],
    }


def _run(run: Run, base_url: str) -> dict[str, Any]:
    return {
        "id": str(run.id),
        "url": records.url(run, base_url),
        "version": records.version_head(run.version),
        "started_at": moment(run.started_at),
        "duration_us": run.duration_us,
        "cost": amount(run.cost),
        "failed_node": records.failed_node(run),
        "error": run.error or None,
    }


def _compare(history: History, base_url: str) -> dict[str, Any] | None:
    """The newest failure beside the success that tells most about it."""
    if not (history.good and history.newest):
        return None
    query = f"?a={history.good.run_id}&b={history.newest.pk}"
    return {
        "good_run": str(history.good.run_id),
        "why": history.good.why,
        "url": f"{base_url}/runs/compare/{query}",
    }
