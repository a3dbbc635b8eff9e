"""The history of one error group: when it failed, in which versions, its runs, and the run to
compare them with."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from nodes.choices import NodeStatus
from nodes.models import NodeExecution
from runs.models import ErrorGroup, Run, Version
from runs.pages.compare.baseline import Baseline, find_baseline
from runs.pages.errors import bars
from runs.pages.errors.cause import Cause, cause_of
from runs.pages.errors.groups import newest_version_first

MAX_RUNS = 5_000  # newest runs of a group that are counted
SHOWN_RUNS = 15
SHOWN_SUCCESSES, LOOKED_AT = 5, 200


@dataclass(frozen=True, slots=True)
class VersionFailures:
    """How many of the counted runs ran as `version` (None: without one). `began`: the group's first
    run ran as this version; `before`: it is the version before that one, without such a failure."""

    version: Version | None
    count: int
    last_at: datetime | None
    began: bool = False
    before: bool = False


@dataclass(frozen=True, slots=True)
class ErrorGroupHistory:
    """The history of a group; one whose runs have all been deleted has no `runs`. `count`: of its
    runs, at most `MAX_RUNS` (`more`: there are more); `cause`: of the newest; `good`: the success
    to compare that with; `successes`: newest executions of the failing node that went well."""

    group: ErrorGroup
    count: int
    more: bool
    versions: list[VersionFailures]
    since: Version | None
    runs: list[Run]
    cause: Cause | None
    good: Baseline | None
    successes: list[NodeExecution]
    path: str
    scale: bars.BarScale | None

    @property
    def newest(self) -> Run | None:
        return self.runs[0] if self.runs else None

    @property
    def state(self) -> str:
        return self.group.state(self.group.last_at)


def error_group_history(group: ErrorGroup) -> ErrorGroupHistory:
    """Return the history of a group that was loaded `with_history()`. Nine queries, whatever the
    number of runs."""
    rows = list(group.newest_runs.values_list("started_at", "version_id")[: MAX_RUNS + 1])
    more, rows = len(rows) > MAX_RUNS, rows[:MAX_RUNS]
    runs = list(group.newest_runs.for_list()[:SHOWN_RUNS])
    scale = None
    if rows:
        scale = bars.bar_scale(timezone.localtime(rows[-1][0]), timezone.localtime())
    versions, since = _version_failures(group, rows)
    return ErrorGroupHistory(
        group,
        len(rows),
        more,
        versions,
        since,
        runs,
        cause_of(runs[0]) if runs else None,
        find_baseline(runs[0]) if runs else None,
        _node_successes(group),
        bars.bars_path((started for started, _ in rows), scale) if scale else "",
        scale,
    )


def _version_failures(
    group: ErrorGroup, rows: Sequence[tuple[datetime, int | None]]
) -> tuple[list[VersionFailures], Version | None]:
    """Return the versions that failed like this, newest first, then the one before the first of
    them; and the version of the group's first run. One query or two."""
    counts = Counter(version_id for _, version_id in rows)
    last: dict[int | None, datetime] = {}
    for started, version_id in rows:
        last.setdefault(version_id, started)
    versions = Version.objects.defer("graph", "configuration")
    named = versions.in_bulk([*filter(None, counts), group.first_version_id or 0])
    since = named.get(group.first_version_id or 0)
    by_version = newest_version_first((named.get(id_ or 0), count) for id_, count in counts.items())
    failures = [
        VersionFailures(
            version,
            count,
            last[version.pk if version else None],
            version is not None and version == since,
        )
        for version, count in by_version
    ]
    if since and all(version.number >= since.number for version, _ in by_version if version):
        earlier = versions.filter(app=group.app_id, number__lt=since.number).order_by("-number")
        failures += [VersionFailures(version, 0, None, before=True) for version in earlier[:1]]
    return failures, since


def _node_successes(group: ErrorGroup) -> list[NodeExecution]:
    """Return those of the newest executions of the failing node that succeeded."""
    if not group.node_id:
        return []
    newest = NodeExecution.objects.of_node(group.app_id, group.node_id).for_history()[:LOOKED_AT]
    succeeded = [execution for execution in newest if execution.status == NodeStatus.SUCCEEDED]
    return succeeded[:SHOWN_SUCCESSES]
