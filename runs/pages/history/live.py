"""Finds what has changed since a page of the history was written: new runs, and changes of
unfinished ones. The page's request says what it shows, so that the server keeps no state."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict

from nodes.ids import as_uuid
from runs.models import Run
from runs.models.run import RunQuerySet
from runs.paging import PAGE_SIZE, Order, Page
from runs.query.address import NEWEST
from runs.query.run_filters import RunFilters

MAX_NEW = 50
# A page left open polls no longer than this (seconds).
PATIENCE = 2 * 3600
# A run that began longer before the page was written (seconds) is not announced when it arrives
# late: so looking for new ones costs little also where few of very many runs match.
LATE = 3600
ID_PREFIX = 8  # hex digits of a run's id that a page repeats to the server
OLDEST_FIRST = Order("started_at", descending=False)


@dataclass(frozen=True, slots=True)
class Watch:
    """What a page shows: `seen`, the beginnings of its runs' ids; `last`, the cursor of a row that
    new ones follow in time, "" where the page shows all runs; `open`, its unfinished runs;
    `opened`, when it was written (epoch seconds). `counts`: whether runs may come that belong
    above; `announced`: how many it has announced."""

    counts: bool
    seen: frozenset[str]
    last: str
    open: tuple[UUID, ...]
    opened: int
    announced: int = 0

    def query(self) -> str:
        """Return it as parameters, to be read by `watch_from`."""
        parameters = {
            "live": "new" if self.counts else "rows",
            "seen": "".join(sorted(self.seen)),
            "after": self.last,
            "open": ".".join(run_id.hex for run_id in self.open),
            "opened": self.opened,
            "told": self.announced or "",
        }
        return urlencode({name: value for name, value in parameters.items() if value})


def watch_of(filters: RunFilters, page: Page[Run], opened: int) -> Watch | None:
    """Return what to watch for a page of the list; None where nothing can change: no run is
    unfinished and new ones belong elsewhere. Words are searched for only in what is newer than all
    runs of the page."""
    counts = page.first and filters.order == NEWEST and not filters.query.required("until")
    unfinished = tuple(run.pk for run in page.rows if run.live)
    if not counts and not unfinished:
        return None
    seen = frozenset(run.pk.hex[:ID_PREFIX] for run in page.rows) if counts else frozenset()
    last = page.next
    if filters.search_terms:
        newest = page.rows[0] if page.rows else Run(id=UUID(int=0), started_at=filters.now)
        last = OLDEST_FIRST.cursor(newest)
    return Watch(counts, seen, last if counts else "", unfinished, opened)


def watch_from(data: QueryDict) -> Watch:
    """Read the parameters of a poll; what does not fit is ignored."""
    seen = data.get("seen", "")
    ids = map(as_uuid, data.get("open", "").split(".")[:PAGE_SIZE])
    return Watch(
        counts=data.get("live") == "new",
        seen=frozenset(seen[start : start + ID_PREFIX] for start in range(0, len(seen), ID_PREFIX)),
        last=data.get("after", ""),
        open=tuple(run_id for run_id in ids if run_id),
        opened=_whole_number(data.get("opened", "")),
        announced=_whole_number(data.get("told", "")),
    )


@dataclass(frozen=True, slots=True)
class News:
    """`new`: how many matching runs came, at most MAX_NEW + 1, and whether that has `changed`;
    `rows`: the runs that the page showed as unfinished; `watch`: what to ask for next, None: the
    polling ends. `tired`: the page has been open for long."""

    new: int
    changed: bool
    rows: list[Run]
    watch: Watch | None
    tired: bool = False

    @property
    def label(self) -> str:
        if self.new > MAX_NEW:
            return f"{MAX_NEW}+ new runs"
        return f"{self.new} new run{'' if self.new == 1 else 's'}"


def news_since(filters: RunFilters, watch: Watch, now: int) -> News:
    """Return what has changed; `now`: epoch seconds. Raises BadCursor. One query for the rows (and
    two for their apps and versions), one for each status that is asked for to count."""
    watch = replace(watch, opened=min(watch.opened, now))
    rows = list(Run.objects.for_list().filter(pk__in=watch.open)) if watch.open else []
    still_open = tuple(run.pk for run in rows if run.live)
    tired = now - watch.opened > PATIENCE
    new = _count_new_runs(filters, watch) if watch.counts and not tired else watch.announced
    counts = watch.counts and new <= MAX_NEW
    following = None
    if not tired and (counts or still_open):
        following = replace(watch, counts=counts, open=still_open, announced=new)
    return News(new, new != watch.announced, rows, following, tired)


def _count_new_runs(filters: RunFilters, watch: Watch) -> int:
    """Count matching runs, from the page's last row on, that the page does not show: also those
    that arrived late and belong between. They are read in the order of the list's own index."""
    run_ids: set[UUID] = set()
    since = datetime.fromtimestamp(watch.opened - LATE, UTC)
    runs = Run.objects.started_between(since, None)
    if filters.search_terms:
        [stretch] = OLDEST_FIRST.stretches(runs, watch.last)
        newer = stretch.order_by()
        assert isinstance(newer, RunQuerySet)
        result = filters.find(newer, size=MAX_NEW + 1, since=since)
        run_ids.update(run.pk for run in result.rows)
    else:
        for part in filters.filtered_parts(runs):
            [stretch] = OLDEST_FIRST.stretches(part, watch.last)
            run_ids.update(stretch.values_list("pk", flat=True)[: PAGE_SIZE + MAX_NEW + 1])
    new = sum(run_id.hex[:ID_PREFIX] not in watch.seen for run_id in run_ids)
    return min(new, MAX_NEW + 1)


def _whole_number(text: str) -> int:
    """Return the number, 0 for what is none or too long to be one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 15 else 0
