"""The only code that writes runs and executions.

One transaction for one request: find the run of each trace, join what arrived with what is stored,
arrange each touched run anew from all its steps, write what changed. See `rows.join` for why order
and repetition do not matter, `identity` for which run a trace belongs to.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import DataError, transaction
from django.utils import timezone

from nodes.models import Payload
from runs.models import Run, RunSource
from runs.recording import bulk, catalog, joining, notes, rows_io
from runs.recording.arrange import arrange
from runs.recording.identity import FORMER, Group, resolve
from runs.recording.records import NodeRecord, Refused
from runs.recording.rows import Row, join
from runs.recording.summary import Summary, summarize
from runs.recording.values import PayloadBatch, clean, in_us

# So many traces are written in one transaction; more are taken in several.
TRACES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Origin:
    """Where records came from: `scope` and `app_name` of a key that is bound to an app."""

    scope: int = 0
    app_name: str | None = None
    kind: str = "otlp"


def save(
    records: Sequence[NodeRecord], origin: Origin = Origin()
) -> tuple[set[UUID], list[Refused]]:
    """Write records; returns the runs touched and what could not be stored. Committed when it
    returns. Raises DatabaseError when the database cannot take it now."""
    by_trace: dict[str, list[NodeRecord]] = {}
    for record in records:
        by_trace.setdefault(record.trace, []).append(record)
    traces, touched, refused = list(by_trace), set(), []
    for start in range(0, len(traces), TRACES_AT_ONCE):
        part = [r for trace in traces[start : start + TRACES_AT_ONCE] for r in by_trace[trace]]
        runs, bad = _save_good(part, origin)
        touched |= runs
        refused += bad
    return touched, refused


def _save_good(records: Sequence[NodeRecord], origin: Origin) -> tuple[set[UUID], list[Refused]]:
    """Write what the database can hold. A value that only it refuses (its limits are checked where
    records are read, but one may have been missed) must not cost the records beside it: the halves
    are tried apart, down to the bad one."""
    try:
        apps = catalog.apps_of(records, origin.app_name)
        with transaction.atomic():
            return _save(records, origin, apps), []
    except DataError as problem:
        if len(records) == 1:
            reason = f"The database cannot hold this record: {problem}"
            return set(), [Refused(clean(reason), asdict(records[0]))]
        middle = len(records) // 2
        left = _save_good(records[:middle], origin)
        right = _save_good(records[middle:], origin)
        return left[0] | right[0], left[1] + right[1]


def _save(records: Sequence[NodeRecord], origin: Origin, apps: dict[str, int]) -> set[UUID]:
    groups = resolve(records, origin.scope)
    # Several traces may be one run: what is done for a run is done once.
    runs = {group.run_id: group for group in groups.values()}
    payloads = PayloadBatch()
    stored = rows_io.load(run_id for group in runs.values() if group.known or group.absorbed
                          for run_id in (group.run_id, *group.absorbed))  # fmt: skip
    changed: set[str] = set()
    rows = {run_id: joining.absorb(group, stored, changed) for run_id, group in runs.items()}
    for record in records:
        run_id = groups[record.trace].run_id
        service = origin.app_name or record.service
        row = rows_io.row_of(record, run_id, clean(service, 200), apps[service], payloads)
        ours = rows[run_id].get(row.source_id)
        if ours is None:
            rows[run_id][row.source_id] = row
        elif join(ours, row):
            changed.add(ours.id)
    bulk.insert(Payload, PayloadBatch.COLUMNS, sorted(payloads.rows.values()), conflict=["id"])
    _write(runs.values(), rows, changed, origin, apps)
    return set(runs)


def _write(
    groups: Collection[Group],
    rows: dict[UUID, dict[str, Row]],
    changed: set[str],
    origin: Origin,
    apps: dict[str, int],
) -> None:
    absorbed = [former for group in groups for former in group.absorbed]
    before = catalog.links_before([*rows, *absorbed])
    summaries: dict[UUID, Summary] = {}
    for run_id, by_source in rows.items():
        members = list(by_source.values())
        rows_io.set_prices(members, changed)
        summaries[run_id] = summarize(*arrange(run_id, members))
    app_of = {run_id: _app_id(summary, apps) for run_id, summary in summaries.items()}
    entered = _write_runs(summaries, app_of, origin)
    writer = rows_io.Writer(changed)
    for run_id, by_source in rows.items():
        moved = run_id in before and before[run_id].app_id != app_of[run_id]
        writer.add(run_id, app_of[run_id], by_source.values(), rewrite=moved)
    writer.write()
    _write_sources(groups, origin.scope)
    joining.remove_absorbed(groups)
    left = {link.conversation_id for link in before.values() if link.conversation_id}
    catalog.refresh_conversations(left | entered)
    catalog.tidy(before.values())


def _app_id(summary: Summary, apps: dict[str, int]) -> int:
    if summary.service not in apps:
        apps.update(catalog.app_ids([summary.service]))
    return apps[summary.service]


def _write_runs(
    summaries: dict[UUID, Summary], app_of: dict[UUID, int], origin: Origin
) -> set[UUID]:
    """Write the runs' own rows; returns the conversations they are in."""
    now = in_us(timezone.now())
    links = catalog.links_of(
        {run_id: (app_of[run_id], summary) for run_id, summary in summaries.items()}
    )
    written: list[tuple[Any, ...]] = []
    columns: list[str] = []
    for run_id, summary in summaries.items():
        values = dict(summary.columns)
        started, ended = values.pop("started_us"), values.pop("ended_us")
        row = {
            "id": run_id.hex,
            "app_id": app_of[run_id],
            **links[run_id],
            **values,
            "cost": _text(values["cost"]),
            "reported_cost": _text(values["reported_cost"]),
            "started_at": bulk.moment(now if started is None else started),
            "ended_at": bulk.moment(ended),
            "tags": rows_io.as_json(values["tags"]),
            "last_seen_at": bulk.moment(now),
            "source_kind": f"dify-{origin.kind}" if summary.of_dify else origin.kind,
        }
        columns = list(row)
        written.append(tuple(row.values()))
    bulk.insert(Run, columns, written, conflict=["id"], update=[c for c in columns if c != "id"])
    return {UUID(link["conversation_id"]) for link in links.values() if link["conversation_id"]}


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)


def _write_sources(groups: Collection[Group], scope: int) -> None:
    rows = {
        (value, scope, kind, group.run_id.hex)
        for group in groups
        for kind, value in group.sources | {(FORMER, former.hex) for former in group.absorbed}
    }
    unique = ["source_id", "scope", "kind"]
    bulk.insert(RunSource, [*unique, "run_id"], sorted(rows), conflict=unique)
