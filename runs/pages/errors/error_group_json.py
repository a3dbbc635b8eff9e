"""Error groups as JSON."""

from django.urls import reverse

from runs.json.app import app_ref, version_ref
from runs.json.error_group import (
    ErrorGroupDetailJson,
    ErrorGroupHeadJson,
    FailedRunJson,
    GoodRunJson,
    ListedErrorGroupJson,
    VersionCountJson,
)
from runs.json.run import failed_node
from runs.json.values import decimal_text, iso_time, page_url
from runs.models import ErrorGroup, Run, Version
from runs.pages.errors.groups import ErrorGroupFigures
from runs.pages.errors.history import ErrorGroupHistory


def _error_group_head_json(group: ErrorGroup, base_url: str) -> ErrorGroupHeadJson:
    return {
        "id": str(group.pk),
        "url": page_url(group, base_url),
        "app": app_ref(group.app),
        "node": {"node_id": group.node_id, "title": group.title or None} if group.node_id else None,
        "error_type": group.error_type or None,
        "message": group.message or None,
        "all_runs": f"{base_url}{reverse('runs-json')}?errorgroup={group.pk}",
        "resolved_at": iso_time(group.resolved_at),
        "resolved_by": group.resolved_by.get_username() if group.resolved_by else None,
    }


def listed_error_group_json(listed: ErrorGroupFigures, base_url: str = "") -> ListedErrorGroupJson:
    """Return a group as a list shows it; `runs` counts within the failures that were read."""
    return {
        **_error_group_head_json(listed.group, base_url),
        "state": listed.state,
        "runs": listed.count,
        "first_at": iso_time(listed.group.first_at),
        "last_at": iso_time(listed.last_at),
        "since_version": version_ref(listed.since),
        "new_in_newest_version": listed.is_new,
        "versions": _version_counts_json(listed.versions),
    }


def _version_counts_json(counts: list[tuple[Version | None, int]]) -> list[VersionCountJson]:
    return [{"version": version_ref(version), "runs": count} for version, count in counts]


def error_group_json(history: ErrorGroupHistory, base_url: str = "") -> ErrorGroupDetailJson:
    group, newest = history.group, history.newest
    counts = [(row.version, row.count) for row in history.versions if not row.before]
    return {
        **_error_group_head_json(group, base_url),
        "state": history.state,
        "runs": history.count,
        "more_runs": history.more,
        "first_at": iso_time(group.first_at),
        "last_at": iso_time(group.last_at),
        "since_version": version_ref(history.since),
        "versions": _version_counts_json(counts),
        "newest_error": history.cause.error if history.cause else None,
        "newest_runs": [_failed_run_json(run, base_url) for run in history.runs],
        "compare": _good_run_json(history, base_url) if newest else None,
        "node_successes": [
            {
                "execution": str(row.id),
                "run": str(row.run_id),
                "started_at": iso_time(row.started_at),
            }
            for row in history.successes
        ],
    }


def _failed_run_json(run: Run, base_url: str) -> FailedRunJson:
    return {
        "id": str(run.id),
        "url": page_url(run, base_url),
        "version": version_ref(run.version),
        "started_at": iso_time(run.started_at),
        "duration_us": run.duration_us,
        "cost": decimal_text(run.cost),
        "failed_node": failed_node(run),
        "error": run.error or None,
    }


def _good_run_json(history: ErrorGroupHistory, base_url: str) -> GoodRunJson | None:
    """Return the newest failure beside the success that is most useful to compare it with."""
    if not (history.good and history.newest):
        return None
    query = f"?a={history.good.run_id}&b={history.newest.pk}"
    return {
        "good_run": str(history.good.run_id),
        "why": history.good.why,
        "url": f"{base_url}/runs/compare/{query}",
    }
