"""What the page of apps shows of each: its last runs, figures of today and of the last 24 hours."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Q
from django.utils import timezone

from nodes import formats
from runs.json.app import AppJson, app_ref, version_ref
from runs.json.values import iso_time, page_url
from runs.models import App, Run
from runs.models.app import STRIP_LENGTH

DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class StatusSquare:
    """A run in a status strip, ready for the template: a page of apps has thousands of them."""

    href: str
    status: str
    label: str
    title: str


@dataclass(slots=True)
class AppRow:
    """`strip`: the last runs, oldest first. `runs_today` and `failures_today` count from midnight;
    `p95_us`, `tokens` and `costs` (by currency) are those of the last 24 hours."""

    app: App
    strip: list[Run] = field(default_factory=list)
    runs_today: int = 0
    failures_today: int = 0
    p95_us: int | None = None
    tokens: int = 0
    costs: dict[str, Decimal] = field(default_factory=dict)

    @property
    def last_run(self) -> Run | None:
        return self.strip[-1] if self.strip else None

    @property
    def squares(self) -> list[StatusSquare]:
        now = timezone.now()
        return [status_square(run, now) for run in self.strip]


def status_square(run: Run, now: datetime) -> StatusSquare:
    """Return the square of a run that was loaded by `for_strip()`."""
    label = run.shown_status_label
    ago = formats.ago(run.started_at, now)
    where = f" in {formats.visible(run.failed_title)}" if run.failed_title else ""
    return StatusSquare(
        run.get_absolute_url(),
        run.shown_status,
        f"{label} run, {ago}",
        f"{label}{where} · {ago} · {formats.duration(run.duration_us)}",
    )


def overview(apps: list[App]) -> list[AppRow]:
    """Return a row for each of `apps`, which come from `App.objects.by_activity()`. Three queries,
    however many apps there are."""
    now = timezone.now()
    rows = {app.pk: AppRow(app) for app in apps}
    if not rows:
        return []
    recent = Run.objects.listed().filter(app__in=rows).started_between(now - DAY, None)
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    for figures in recent.figures_by_app(today):
        row = rows[figures["app_id"]]
        row.runs_today += figures["runs_today"]
        row.failures_today += figures["failures_today"]
        row.tokens += figures["all_tokens"] or 0
        if figures["all_cost"] is not None:
            row.costs[figures["cost_currency"]] = figures["all_cost"]
    for app_id, duration_us in recent.slowest_twentieth():
        rows[app_id].p95_us = duration_us
    for app_id, strip in _status_strips(apps).items():
        rows[app_id].strip = strip
    return list(rows.values())


def _status_strips(apps: list[App]) -> dict[int, list[Run]]:
    """Return the newest runs of each app, oldest first: for each app a range of the index
    `run_app_started`."""
    newest = Q()
    for app in apps:
        newest |= Q(app=app.pk, started_at__gte=app.strip_from) if app.strip_from else Q(app=app.pk)
    strips: dict[int, list[Run]] = defaultdict(list)
    for run in Run.objects.listed().filter(newest).for_strip():
        if len(strips[run.app_id]) < STRIP_LENGTH:
            strips[run.app_id].insert(0, run)
    return strips


def app_json(row: AppRow, base_url: str = "") -> AppJson:
    """Return an app with its versions, today's counts and its last run. Reads
    `row.app.versions`."""
    last = row.last_run
    return {
        **app_ref(row.app),
        "url": page_url(row.app, base_url),
        "is_sample": row.app.is_sample,
        "versions": [ref for version in row.app.versions.all() if (ref := version_ref(version))],
        "counts": {"runs_today": row.runs_today, "failures_today": row.failures_today},
        "last_run": {
            "id": str(last.id),
            "url": page_url(last, base_url),
            "status": last.status,
            "started_at": iso_time(last.started_at),
        }
        if last
        else None,
    }
