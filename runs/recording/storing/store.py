"""The only code that writes runs and executions.

One transaction for one request: find the run of each trace, join what arrived with what is stored,
arrange each touched run anew from all its steps, write what changed. See `rows.join` for why order
and repetition do not matter, `identity` for which run a trace belongs to.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from django.db import DataError, transaction
from django.utils import timezone

from nodes.clock import to_us
from nodes.models import Payload
from runs.models import Run, RunSource
from runs.recording.deriving.derive import derive
from runs.recording.deriving.summary import Summary, summarize
from runs.recording.records.payload_values import PayloadBatch, clean
from runs.recording.records.record import NodeRecord, Refused
from runs.recording.records.row import ExecutionRow
from runs.recording.storing import (
    bulk,
    log_merging,
    merge,
    notes,
    related_rows,
    row_io,
    search_queue,
)
from runs.recording.storing.identity import (
    FORMER,
    NO_IMPORTED_RUNS,
    ImportedRun,
    RunGroup,
    assign_runs,
    split_by_trace,
)

# So many traces are written in one transaction; more are taken in several.
TRACES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Origin:
    """Where records came from: `scope` and `app_name` of a key that is bound to an app; `told`, by
    trace, the runs that a file tells with their ids."""

    scope: int = 0
    app_name: str | None = None
    kind: str = "otlp"
    told: Mapping[str, ImportedRun] = field(default_factory=lambda: NO_IMPORTED_RUNS)


class SaveResult(NamedTuple):
    """What became of records: the runs touched and what could not be stored. For the inbox: how
    many told nothing new, how many came for a run that had ended, and of each run the number of
    steps whose parent is missing."""

    runs: set[UUID]
    refused: list[Refused]
    duplicates: int = 0
    late: int = 0
    orphans: Mapping[UUID, int] = {}

    def then(self, other: "SaveResult") -> "SaveResult":
        return SaveResult(
            self.runs | other.runs,
            self.refused + other.refused,
            self.duplicates + other.duplicates,
            self.late + other.late,
            {**self.orphans, **other.orphans},
        )


def save_records(records: Sequence[NodeRecord], origin: Origin = Origin()) -> SaveResult:
    """Write records. Committed when it returns. Raises DatabaseError when the database cannot take
    it now."""
    by_trace, nameless = split_by_trace(records)
    traces, saved = list(by_trace), SaveResult(set(), nameless)
    for start in range(0, len(traces), TRACES_AT_ONCE):
        part = [r for trace in traces[start : start + TRACES_AT_ONCE] for r in by_trace[trace]]
        saved = saved.then(_save_good(part, origin))
    return saved


def _save_good(records: Sequence[NodeRecord], origin: Origin) -> SaveResult:
    """Write what the database can hold. A value that only it refuses (its limits are checked where
    records are read, but one may have been missed) must not cost the records beside it: the halves
    are tried apart, down to the bad one."""
    try:
        apps = related_rows.apps_of(records, origin.app_name)
        with transaction.atomic():
            return _save(records, origin, apps)
    except DataError as problem:
        if len(records) == 1:
            reason = f"The database cannot hold this record: {problem}"
            return SaveResult(set(), [Refused(clean(reason), asdict(records[0]))])
        middle = len(records) // 2
        return _save_good(records[:middle], origin).then(_save_good(records[middle:], origin))


def _save(records: Sequence[NodeRecord], origin: Origin, apps: dict[str, int]) -> SaveResult:
    groups = assign_runs(records, origin.scope, origin.told)
    # Several traces may be one run: what is done for a run is done once.
    runs = {group.run_id: group for group in groups.values()}
    payloads = PayloadBatch()
    stored = row_io.load(run_id for group in runs.values() if group.known or group.absorbed
                          for run_id in (group.run_id, *group.absorbed))  # fmt: skip
    arrived: dict[UUID, list[ExecutionRow]] = {run_id: [] for run_id in runs}
    for trace, told in groupby(records, attrgetter("trace")):
        run_id = groups[trace].run_id
        arrived[run_id] += _rows_of(told, run_id, origin, apps, payloads)
    merge.complete(runs.values(), stored, arrived)
    changed: set[str] = set()
    rows = {run_id: merge.absorb(group, stored, changed) for run_id, group in runs.items()}
    news = Counter({id_: merge.take_in(rows[id_], told, changed) for id_, told in arrived.items()})
    log_merging.merge_logs(rows, payloads, lambda service: _app_id(service, apps))
    bulk.insert(Payload, PayloadBatch.COLUMNS, sorted(payloads.rows.values()), conflict=["id"])
    ended = _write(runs.values(), rows, changed, origin, apps)
    return SaveResult(
        set(runs),
        [],
        len(records) - news.total(),
        sum(news[run_id] for run_id in ended),
        {run_id: sum(row.orphan for row in of.values()) for run_id, of in rows.items()},
    )


def _rows_of(
    records: Iterable[NodeRecord],
    run_id: UUID,
    origin: Origin,
    apps: dict[str, int],
    payloads: PayloadBatch,
) -> Iterator[ExecutionRow]:
    for record in records:
        service = origin.app_name or record.service
        row = row_io.row_of(record, run_id, clean(service, 200), apps[service], payloads)
        if record.logs:
            log_merging.attach_logs(row, record, payloads, apps[service])
        yield row


def _write(
    groups: Collection[RunGroup],
    rows: dict[UUID, dict[str, ExecutionRow]],
    changed: set[str],
    origin: Origin,
    apps: dict[str, int],
) -> set[UUID]:
    """Returns the runs that had ended before."""
    absorbed = [former for group in groups for former in group.absorbed]
    known = [group.run_id for group in groups if group.known]
    before = related_rows.stored_runs([*known, *absorbed])
    summaries: dict[UUID, Summary] = {}
    for run_id, by_source in rows.items():
        members = list(by_source.values())
        row_io.set_prices(members, changed)
        summaries[run_id] = summarize(*derive(run_id, members))
    app_of = {run_id: _app_id(summary.service, apps) for run_id, summary in summaries.items()}
    doors = _doors(groups, before, origin)
    held = _write_runs(summaries, app_of, _seen(groups, before), doors)
    writer = row_io.Writer(changed)
    for run_id, by_source in rows.items():
        moved = run_id in before and before[run_id].held.app_id != app_of[run_id]
        writer.add(run_id, app_of[run_id], by_source.values(), rewrite=moved)
    writer.write()
    _write_sources(groups, origin.scope)
    merge.remove_absorbed(groups)
    held_before = {id_: links.held for id_, links in before.items()}
    related_rows.refresh_conversations([*held.values(), *held_before.values()])
    related_rows.remove_unused([was for id_, was in held_before.items() if was != held.get(id_)])
    return {id_ for id_, links in before.items() if links.status not in ("running", "paused")}


def _app_id(service: str, apps: dict[str, int]) -> int:
    if service not in apps:
        apps.update(related_rows.app_ids([service]))
    return apps[service]


def _write_runs(
    summaries: dict[UUID, Summary],
    app_of: dict[UUID, int],
    seen: dict[UUID, int],
    doors: dict[UUID, str],
) -> dict[UUID, related_rows.RunRelations]:
    """Write the runs' own rows; returns what each holds up. `seen`: of runs that a file tells, when
    the last news of them arrived."""
    arrived = to_us(timezone.now())
    held = related_rows.relate_runs(
        {run_id: (app_of[run_id], summary) for run_id, summary in summaries.items()}
    )
    groups = related_rows.error_groups(app_of, summaries)
    written: list[tuple[Any, ...]] = []
    columns: list[str] = []
    for run_id, summary in summaries.items():
        values, now = dict(summary.columns), seen.get(run_id, arrived)
        started, ended = values.pop("started_us"), values.pop("ended_us")
        talk = held[run_id].conversation_id
        row = {
            "id": run_id.hex,
            "app_id": app_of[run_id],
            "version_id": held[run_id].version_id,
            "conversation_id": talk.hex if talk else None,
            "error_group_id": groups.get(run_id),
            **values,
            "cost": _text(values["cost"]),
            "reported_cost": _text(values["reported_cost"]),
            "started_at": bulk.time_text(now if started is None else started),
            "ended_at": bulk.time_text(ended),
            "tags": row_io.as_json(values["tags"]),
            "last_seen_at": bulk.time_text(now),
            "source_kind": f"dify-{doors[run_id]}" if summary.of_dify else doors[run_id],
        }
        columns = list(row)
        written.append(tuple(row.values()))
    bulk.insert(Run, columns, written, conflict=["id"], update=[c for c in columns if c != "id"])
    search_queue.enqueue((row[0], row[columns.index("started_at")]) for row in written)
    return held


def _doors(
    groups: Iterable[RunGroup], before: Mapping[UUID, related_rows.StoredRun], origin: Origin
) -> dict[UUID, str]:
    """By which door each run came: of several the greatest name, whichever was the last."""
    return {
        group.run_id: max([
            origin.kind,
            *(before[id_].source_kind.removeprefix("dify-")
              for id_ in (group.run_id, *group.absorbed) if id_ in before),
        ])
        for group in groups
    }  # fmt: skip


def _seen(
    groups: Iterable[RunGroup], before: Mapping[UUID, related_rows.StoredRun]
) -> dict[UUID, int]:
    """What a file tells of a run is no news of now."""
    told = {group.run_id: group.seen_us for group in groups if group.seen_us is not None}
    stored = {id_: to_us(before[id_].last_seen_at) or 0 for id_ in told if id_ in before}
    return {id_: max(seen, stored.get(id_, 0)) for id_, seen in told.items()}


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)


def _write_sources(groups: Collection[RunGroup], scope: int) -> None:
    rows = {
        (value, scope, kind, group.run_id.hex)
        for group in groups
        for kind, value in group.sources | {(FORMER, former.hex) for former in group.absorbed}
    }
    unique = ["source_id", "scope", "kind"]
    bulk.insert(RunSource, [*unique, "run_id"], sorted(rows), conflict=unique)
    if rows:
        notes.settle({value for value, *_ in rows}, scope)
