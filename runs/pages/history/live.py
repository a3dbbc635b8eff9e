"""What has changed since a page of the history was written: new runs, and news of those that were
unfinished. The page tells in its request what it shows, so that the server remembers nothing."""

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
from runs.search import find

MAX_NEW = 50
# A page left open asks no longer than this (seconds).
PATIENCE = 2 * 3600
# A run that began longer before the page was written is not told when it arrives late: so looking
# for new ones costs little also where few of very many runs match.
LATE = 3600
_PREFIX = 8
_OLDEST_FIRST = Order("started_at", descending=False)


@dataclass(frozen=True, slots=True)
class Watch:
    """What a page shows: `seen`, the beginnings of its runs' ids; `last`, the cursor of a row that
    new ones follow in time, "" where all there are are shown; `open`, its unfinished runs;
    `opened`, when it was written (epoch seconds). `counts`: whether runs may come that belong
    above; `told`: how many it has told of."""

    counts: bool
    seen: frozenset[str]
    last: str
    open: tuple[UUID, ...]
    opened: int
    told: int = 0

    def query(self) -> str:
        """As parameters, to be read by `watch_from`."""
        told = {
            "live": "new" if self.counts else "rows",
            "seen": "".join(sorted(self.seen)),
            "after": self.last,
            "open": ".".join(one.hex for one in self.open),
            "opened": self.opened,
            "told": self.told or "",
        }
        return urlencode({name: value for name, value in told.items() if value})


def watch_of(filters: RunFilters, page: Page[Run], opened: int) -> Watch | None:
    """What to watch for a page of the list; None where nothing can change: no run is unfinished and
    new ones belong elsewhere. Words are looked for only in what is newer than all that is shown."""
    counts = page.first and filters.order == NEWEST and not filters.query.of("until")[0]
    unfinished = tuple(run.pk for run in page.rows if run.live)
    if not counts and not unfinished:
        return None
    seen = frozenset(run.pk.hex[:_PREFIX] for run in page.rows) if counts else frozenset()
    last = page.next
    if filters.terms:
        newest = page.rows[0] if page.rows else Run(id=UUID(int=0), started_at=filters.now)
        last = _OLDEST_FIRST.cursor(newest)
    return Watch(counts, seen, last if counts else "", unfinished, opened)


def watch_from(data: QueryDict) -> Watch:
    """From the parameters of a poll; what does not fit is left away."""
    seen = data.get("seen", "")
    ids = (as_uuid(text) for text in data.get("open", "").split(".")[:PAGE_SIZE])
    return Watch(
        counts=data.get("live") == "new",
        seen=frozenset(seen[at : at + _PREFIX] for at in range(0, len(seen), _PREFIX)),
        last=data.get("after", ""),
        open=tuple(found for found in ids if found),
        opened=_whole(data.get("opened", "")),
        told=_whole(data.get("told", "")),
    )


@dataclass(frozen=True, slots=True)
class News:
    """`new`: how many matching runs came, at most MAX_NEW + 1, and whether that has `changed`;
    `rows`: the runs that the page showed as unfinished; `watch`: what to ask next, None: nothing
    more. `tired`: the page has been open for long."""

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


def news(filters: RunFilters, watch: Watch, now: int) -> News:
    """Raises BadCursor. One query for the rows (and two for their apps and versions), one for each
    status that is asked for to count."""
    watch = replace(watch, opened=min(watch.opened, now))
    rows = list(Run.objects.for_list().filter(pk__in=watch.open)) if watch.open else []
    still = tuple(run.pk for run in rows if run.live)
    tired = now - watch.opened > PATIENCE
    new = _count(filters, watch) if watch.counts and not tired else watch.told
    counts = watch.counts and new <= MAX_NEW
    following = None
    if not tired and (counts or still):
        following = replace(watch, counts=counts, open=still, told=new)
    return News(new, new != watch.told, rows, following, tired)


def _count(filters: RunFilters, watch: Watch) -> int:
    """Matching runs from the last one shown on that are not shown: also those that arrived late and
    belong between. Read in the order of the list's own index."""
    found: set[UUID] = set()
    since = datetime.fromtimestamp(watch.opened - LATE, UTC)
    runs = Run.objects.started_between(since, None)
    if filters.terms:
        [stretch] = _OLDEST_FIRST.stretches(filters.narrowed(runs), watch.last)
        newer = stretch.order_by()
        assert isinstance(newer, RunQuerySet)
        more = find(newer, filters.terms, size=MAX_NEW + 1, since=since)
        found.update(run.pk for run in more.rows)
    else:
        for part in filters.apply(runs):
            [stretch] = _OLDEST_FIRST.stretches(part, watch.last)
            found.update(stretch.values_list("pk", flat=True)[: PAGE_SIZE + MAX_NEW + 1])
    new = sum(one.hex[:_PREFIX] not in watch.seen for one in found)
    return min(new, MAX_NEW + 1)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 15 else 0
