"""Apps and their versions as JSON."""

from typing import Any

from typing_extensions import TypedDict

from runs.json.values import iso_time, page_url
from runs.models import App, Version


class AppRefJson(TypedDict):
    """The app that something belongs to."""

    slug: str
    """The app's name in addresses."""
    name: str
    mode: str
    """“workflow” (each run has a result) or “chatflow” (each run is a turn of a conversation)."""


class VersionRefJson(TypedDict):
    """The version that something belongs to."""

    number: int
    """Waylog's number of the version, from 1."""
    label: str | None
    """The producer's name for the version."""


class LastRunJson(TypedDict):
    """The newest run of an app."""

    id: str
    url: str
    status: str
    started_at: str | None


class AppCountsJson(TypedDict):
    """What an app ran since midnight."""

    runs_today: int
    failures_today: int


class AppJson(AppRefJson):
    """An app with its versions, counts of today and last run."""

    url: str
    is_sample: bool
    """Whether the app came with Waylog as an example."""
    versions: list[VersionRefJson]
    counts: AppCountsJson
    last_run: LastRunJson | None


class AppListJson(TypedDict):
    """Apps, the most recently active first."""

    apps: list[AppJson]


class VersionJson(VersionRefJson):
    """A version of an app."""

    url: str
    comment: str | None
    source_id: str | None
    """The producer's id of the version."""
    has_graph: bool
    """Whether its graph was sent; else it is inferred from runs."""
    created_at: str | None
    first_run_at: str | None
    last_run_at: str | None


class VersionDetailJson(VersionJson):
    """A version with its graph and configuration, as they were sent."""

    configuration: Any
    graph: Any


class VersionListJson(TypedDict):
    """Versions of an app, newest first."""

    versions: list[VersionJson]


def app_ref(app: App) -> AppRefJson:
    return {"slug": app.slug, "name": app.name, "mode": app.mode}


def version_ref(version: Version | None) -> VersionRefJson | None:
    return {"number": version.number, "label": version.label or None} if version else None


def version_json(version: Version, base_url: str = "") -> VersionJson:
    """Return a version as lists show it. Rows come from `for_list()`."""
    return {
        "number": version.number,
        "label": version.label or None,
        "url": page_url(version, base_url),
        "comment": version.comment or None,
        "source_id": version.source_id or None,
        "has_graph": bool(version.digest),
        "created_at": iso_time(version.created_at),
        "first_run_at": iso_time(version.first_run_at),
        "last_run_at": iso_time(version.last_run_at),
    }
