"""Error groups over time."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import models
from django.db.models.functions import Cast
from django.utils import timezone

from nodes.clock import hex_id
from runs.choices import RunStatus
from runs.models import App, ErrorGroup, Run, Version
from runs.pages.errors import bars

# Newest failures that are read and grouped; older ones are one link away.
MAX_FAILURES = 5_000
MAX_GROUPS = 100
MAX_LIKE_IT = 1_000  # runs of a group that a run's page counts


@dataclass(slots=True)
class ErrorGroupFigures:
    """A group within the failures that were read: how often and when, newest first. `since`: the
    version of its first run ever; `is_new`: that version is the newest of the app, and not its
    first."""

    group: ErrorGroup
    times: list[datetime] = field(default_factory=list)
    versions: list[tuple[Version | None, int]] = field(default_factory=list)
    since: Version | None = None
    is_new: bool = False
    path: str = ""

    @property
    def count(self) -> int:
        return len(self.times)

    @property
    def last_at(self) -> datetime:
        return self.times[0]

    @property
    def state(self) -> str:
        """Return the state as of now, also where the failures that were read end earlier."""
        return self.group.state(self.group.last_at)


@dataclass(slots=True)
class ErrorGroupPage:
    """Groups, the most recent failure first, as far as they are `shown`.

    They are made of the `read` newest failures of the range of time, the oldest of which started at
    `oldest`. `group_count` groups with `runs` runs have the state that was chosen. `older`: there
    are failures before these, or groups beyond those shown; with `until` of that time they are
    listed. `complete`: all failures of the range were read."""

    shown: list[ErrorGroupFigures]
    group_count: int
    runs: int
    read: int
    oldest: datetime | None
    older: datetime | None
    scale: bars.BarScale | None
    complete: bool


def error_group_page(
    app: App | None, since: datetime | None, until: datetime | None, state: str = "all"
) -> ErrorGroupPage:
    """Return the groups of failed runs that started between `since` and `until`. `app`: None for
    all apps; `state`: “open”, “resolved” or “all”. Four queries, whatever the number of runs; one
    more for a state and an `until`, after which a group may have come back."""
    failures = _failures(app, since, until)
    complete, failures = len(failures) <= MAX_FAILURES, failures[:MAX_FAILURES]
    times: dict[str, list[datetime]] = {}
    versions: dict[str, Counter[int | None]] = {}
    resolved: dict[str, datetime | None] = {}
    for key, started, version_id, resolved_at in failures:
        times.setdefault(key, []).append(started)
        versions.setdefault(key, Counter())[version_id] += 1
        resolved[key] = resolved_at
    newest = {key: group_times[0] for key, group_times in times.items()}
    if until and state != "all":
        newest |= _newest_failures(key for key, at in resolved.items() if at)
    keys = [key for key in times if state == "all" or _has_state(state, resolved[key], newest[key])]
    chosen = keys[:MAX_GROUPS]
    named = ErrorGroup.objects.with_history().select_related("resolved_by").filter(pk__in=chosen)
    by_key = {group.pk.hex: group for group in named}
    shown = [ErrorGroupFigures(by_key[key], times[key]) for key in chosen if key in by_key]
    _add_versions(shown, versions)
    oldest = failures[-1][1] if failures else None
    scale = None
    if oldest:
        scale = bars.bar_scale(timezone.localtime(since or oldest), timezone.localtime(until))
    for group in shown:
        group.path = bars.bars_path(group.times, scale) if scale else ""
    older = None if complete else oldest
    if beyond := keys[MAX_GROUPS:]:
        older = times[beyond[0]][0] + timedelta(microseconds=1)
    runs = sum(len(times[key]) for key in keys)
    return ErrorGroupPage(shown, len(keys), runs, len(failures), oldest, older, scale, complete)


def _failures(
    app: App | None, since: datetime | None, until: datetime | None
) -> list[tuple[str, datetime, int | None, datetime | None]]:
    """Return (group in hex, start, version, when the group was resolved) of failed runs, newest
    first, one more than are read. Served by `run_status_started` and `run_app_status_started`."""
    runs = Run.objects.for_app(app).started_between(since, until)
    runs = runs.filter(status=RunStatus.FAILED, error_group__isnull=False)
    group = Cast("error_group_id", models.CharField())
    rows = runs.order_by("-started_at", "-id").annotate(hex_group=group)
    columns = ("hex_group", "started_at", "version_id", "error_group__resolved_at")
    return [(hex_id(key), *rest) for key, *rest in rows.values_list(*columns)[: MAX_FAILURES + 1]]


def _newest_failures(keys: Iterable[str]) -> dict[str, datetime]:
    """Return when the newest run of each group started. One query."""
    runs = Run.objects.filter(error_group__in=list(keys)).order_by()
    rows = runs.values_list("error_group").annotate(models.Max("started_at"))
    return {group_id.hex: started for group_id, started in rows}


def _has_state(state: str, resolved_at: datetime | None, last_at: datetime) -> bool:
    return (state == "resolved") == bool(resolved_at and last_at <= resolved_at)


def _add_versions(groups: list[ErrorGroupFigures], counts: dict[str, Counter[int | None]]) -> None:
    """Fill in the versions of each group; `counts`: runs by version id, by group. Two queries: the
    versions, and the newest of each app."""
    ids = {
        version_id
        for listed in groups
        for version_id in (*counts[listed.group.pk.hex], listed.group.first_version_id)
    }
    versions = Version.objects.defer("graph", "configuration").in_bulk(ids - {None})
    newest = dict(
        Version.objects.filter(app__in={listed.group.app_id for listed in groups})
        .order_by()
        .values_list("app")
        .annotate(models.Max("number"))
    )
    for listed in groups:
        version_counts = counts[listed.group.pk.hex]
        listed.versions = newest_version_first(
            (versions.get(id_ or 0), count) for id_, count in version_counts.items()
        )
        listed.since = versions.get(listed.group.first_version_id or 0)
        number = listed.since.number if listed.since else 0
        listed.is_new = number > 1 and number == newest.get(listed.group.app_id)


def newest_version_first(
    counts: Iterable[tuple[Version | None, int]],
) -> list[tuple[Version | None, int]]:
    """Sort (version, runs) by version, newest first; runs without a version last."""
    return sorted(counts, key=lambda pair: -pair[0].number if pair[0] else 1)


@dataclass(frozen=True, slots=True)
class RunErrorGroup:
    """The group of a failed run, with its history. `count`: how many runs it has, at most
    `MAX_LIKE_IT` (`more`: it has more)."""

    group: ErrorGroup
    count: int
    more: bool

    @property
    def alone(self) -> bool:
        return self.count == 1

    @property
    def state(self) -> str:
        return self.group.state(self.group.last_at)


def error_group_of(run: Run) -> RunErrorGroup | None:
    """Return the group of a run that failed; None for others. Two queries."""
    if run.error_group_id is None:
        return None
    group = ErrorGroup.objects.with_history().get(pk=run.error_group_id)
    count = group.newest_runs.values("pk")[: MAX_LIKE_IT + 1].count()
    return RunErrorGroup(group, min(count, MAX_LIKE_IT), count > MAX_LIKE_IT)
