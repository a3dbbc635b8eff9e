"""The only code that writes runs and executions.

One transaction for one request, which is a `UnitOfWork`: find the run of each trace, merge what
arrived with what is stored, derive each touched run again from all its steps, write what changed.
`records.row` says why order and repetition do not matter, `identity` which run a trace belongs to.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from django.db import DataError, transaction
from django.utils import timezone

from nodes.clock import to_us
from nodes.content.payloads import load_value
from nodes.digests import digest_of
from nodes.models import OwnPrice, Payload
from runs.models import Run, RunSource, SpanLink
from runs.recording.deriving.clocks import Clock, clock_of
from runs.recording.deriving.derive import derive
from runs.recording.deriving.summary import Summary, summarize
from runs.recording.deriving.tree import execution_id
from runs.recording.records.payload_values import PayloadBatch, clean
from runs.recording.records.record import NodeRecord, Refused
from runs.recording.records.row import ExecutionRow, merge_row
from runs.recording.storing import (
    bulk,
    definitions,
    execution_rows,
    log_merging,
    notes,
    related_rows,
    repeated_calls,
    resumptions,
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

DATABASE = "database"  # the kind of Origin of what is read from Dify's database
# So many traces are written in one transaction; more are written in several.
TRACES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Origin:
    """Where records came from: `scope` and `app_name` of a key that is bound to an app; `kind`, the
    receiver or import; `imported_runs`, by trace, the runs that a file names with their ids."""

    scope: int = 0
    app_name: str | None = None
    kind: str = "otlp"
    imported_runs: Mapping[str, ImportedRun] = field(default_factory=lambda: NO_IMPORTED_RUNS)


class SaveResult(NamedTuple):
    """What became of records: the runs touched and what could not be stored. For the inbox: how
    many said nothing new, how many came for a run that had ended, and of each run the number of
    steps whose parent is missing."""

    runs: set[UUID]
    refused: list[Refused]
    duplicates: int = 0
    late: int = 0
    orphans: Mapping[UUID, int] = {}

    def then(self, other: "SaveResult") -> "SaveResult":
        """Return both together."""
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
    traces, result = list(by_trace), SaveResult(set(), nameless)
    for start in range(0, len(traces), TRACES_AT_ONCE):
        part = [r for trace in traces[start : start + TRACES_AT_ONCE] for r in by_trace[trace]]
        result = result.then(_save_storable(part, origin))
    return result


def _save_storable(records: Sequence[NodeRecord], origin: Origin) -> SaveResult:
    """Write the records that the database can hold. A value that only the database refuses (its
    limits are checked where records are decoded, but one may have been missed) must not cost the
    records beside it: both halves are tried apart, down to the bad record."""
    try:
        app_ids = related_rows.apps_of(records, origin.app_name)
        with transaction.atomic():
            return UnitOfWork(records, origin, app_ids).save()
    except DataError as problem:
        if len(records) == 1:
            reason = f"The database cannot store this record: {problem}"
            return SaveResult(set(), [Refused(clean(reason), asdict(records[0]))])
        middle = len(records) // 2
        first = _save_storable(records[:middle], origin)
        return first.then(_save_storable(records[middle:], origin))


def reprice(run_ids: Collection[UUID]) -> int:
    """Price the model calls of stored runs anew, and derive again those runs of which a price
    changed; return how many. Committed when it returns."""
    with transaction.atomic():
        bulk.lock(bulk.Stage.RUNS, (run_id.hex for run_id in run_ids))
        return UnitOfWork([], Origin(kind=""), {}).reprice(run_ids)


@dataclass(slots=True)
class TouchedRun:
    """A run that records arrived for. `derive` sets `summary` and `app_id`."""

    group: RunGroup
    arrived: list[ExecutionRow] = field(default_factory=list)
    # All steps by their source id, once what arrived is merged with what is stored.
    rows: dict[str, ExecutionRow] = field(default_factory=dict)
    news: int = 0  # how many of the arrived rows said something new
    summary: Summary = field(init=False)
    app_id: int = field(init=False)

    @property
    def stored_ids(self) -> list[UUID]:
        """Return the ids under which parts of the run are stored: its own, and those it absorbs."""
        own = [self.group.run_id] if self.group.known else []
        return [*own, *self.group.absorbed]

    def merge_stored(self, stored: Mapping[UUID, Sequence[ExecutionRow]]) -> None:
        """Take the stored rows of the run, and those of absorbed runs under their new ids."""
        run_id = self.group.run_id
        self.rows = {row.source_id: row for row in stored.get(run_id, ())}
        for former in sorted(self.group.absorbed):
            for row in stored.get(former, ()):
                row.id, row.stored = execution_id(run_id, row.source_id), None
                self._merge(row)

    def merge_arrived(self) -> None:
        self.news = sum(self._merge(row) for row in self.arrived)

    def _merge(self, row: ExecutionRow) -> bool:
        """Add a row, or merge it into the one of the same step; return whether that said anything
        new."""
        known = self.rows.setdefault(row.source_id, row)
        if known is row:
            return True
        if not merge_row(known, row):
            return False
        known.changed = True
        return True


class UnitOfWork:
    """What one transaction reads and writes: `load`, `merge`, `derive` and `write`, in this order.

    records    what arrived, records of one trace beside each other
    app_ids    service name → app id
    payloads   values that are to be stored
    runs       run id → the touched run
    stored     run id → its stored rows, also of runs that are absorbed
    before     run id → the stored run as it was before, also of runs that are absorbed
    """

    def __init__(
        self, records: Sequence[NodeRecord], origin: Origin, app_ids: dict[str, int]
    ) -> None:
        self.records, self.origin, self.app_ids = records, origin, app_ids
        self.payloads = PayloadBatch()
        self.runs: dict[UUID, TouchedRun] = {}
        self.stored: dict[UUID, list[ExecutionRow]] = {}
        self.before: dict[UUID, related_rows.StoredRun] = {}
        # Asked for once, and only where there is something to price.
        self.own_rates = cache(OwnPrice.objects.rates)

    def save(self) -> SaveResult:
        self.load()
        self.merge()
        self.derive()
        self.write()
        return SaveResult(
            set(self.runs),
            [],
            len(self.records) - sum(run.news for run in self.runs.values()),
            sum(run.news for run_id, run in self.runs.items() if self._had_ended(run_id)),
            {
                run_id: sum(row.orphan for row in run.rows.values())
                for run_id, run in self.runs.items()
            },
        )

    def reprice(self, run_ids: Collection[UUID]) -> int:
        """Do as `store.reprice` within its transaction."""
        self.stored = execution_rows.load(run_ids)
        self.before = related_rows.stored_runs(list(self.stored))
        for run_id, rows in self.stored.items():
            execution_rows.set_prices(rows, self.own_rates, anew=True)
            if any(row.changed for row in rows):
                seen_us = to_us(self.before[run_id].last_seen_at)
                run = TouchedRun(RunGroup(run_id, known=True, seen_us=seen_us))
                run.merge_stored(self.stored)
                self.runs[run_id] = run
        self.derive()
        self.write()
        return len(self.runs)

    def load(self) -> None:
        """Find the run of each record, and read what is stored of these runs."""
        groups = assign_runs(self.records, self.origin.scope, self.origin.imported_runs)
        # Several traces may be one run: what is done for a run is done once.
        self.runs = {group.run_id: TouchedRun(group) for group in groups.values()}
        for trace, records in groupby(self.records, attrgetter("trace")):
            run_id = groups[trace].run_id
            self.runs[run_id].arrived += [self._row_of(record, run_id) for record in records]
        stored_ids = [id_ for run in self.runs.values() for id_ in run.stored_ids]
        self.stored = execution_rows.load(stored_ids)
        self._load_received()
        self.before = related_rows.stored_runs(stored_ids)

    def _row_of(self, record: NodeRecord, run_id: UUID) -> ExecutionRow:
        service = self.origin.app_name or record.service
        app_id = self.app_ids[service]
        row = execution_rows.row_from_record(
            record, run_id, clean(service, 200), app_id, self.payloads
        )
        if record.logs:
            log_merging.attach_logs(row, record, self.payloads, app_id)
        return row

    def _load_received(self) -> None:
        """Complete those stored rows that will be merged with others, or that move to another run:
        only they need what was received."""
        incomplete: list[ExecutionRow] = []
        moving = {
            id_
            for run in self.runs.values()
            if run.group.absorbed
            for id_ in (run.group.run_id, *run.group.absorbed)
        }
        for run_id, rows in self.stored.items():
            arrived = self.runs[run_id].arrived if run_id in self.runs else ()
            source_ids = {row.source_id for row in arrived}
            incomplete += (row for row in rows if run_id in moving or row.source_id in source_ids)
        execution_rows.load_received(self.stored, incomplete)

    def merge(self) -> None:
        """Merge what arrived with what is stored, and read the logs of the steps that changed."""
        for run in self.runs.values():
            run.merge_stored(self.stored)
            run.merge_arrived()
        steps = ((run_id, row) for run_id, run in self.runs.items() for row in run.rows.values())
        log_merging.merge_logs(steps, self.payloads, self._app_id)

    def derive(self) -> None:
        """Derive tree, statuses, totals and summary of each run from all its steps."""
        clocks = self._clocks()
        for run_id, run in self.runs.items():
            rows = list(run.rows.values())
            execution_rows.set_prices(rows, self.own_rates)
            run.summary = summarize(*derive(run_id, rows, clocks))
            run.app_id = self._app_id(run.summary.service)

    def _clocks(self) -> dict[str, Clock]:
        """Return the clocks of the resources of those runs that have several, by resource id. No
        query but where some came before."""
        ids: set[str] = set()
        for run in self.runs.values():
            own = {row.resource_id for row in run.rows.values() if row.resource_id}
            if len({digest_of(id_) for id_ in own}) > 1:
                ids |= own
        resources = {id_: value for value, id_ in self.payloads.shared.values() if id_ in ids}
        if missing := [UUID(id_) for id_ in ids - resources.keys()]:
            stored = Payload.objects.in_bulk(missing)
            resources |= {id_.hex: load_value(payload) for id_, payload in stored.items()}
        clocks = {id_: clock_of(value) for id_, value in resources.items()}
        return {id_: clock for id_, clock in clocks.items() if clock is not None}

    def _app_id(self, service: str) -> int:
        if service not in self.app_ids:
            self.app_ids.update(related_rows.app_ids([service]))
        return self.app_ids[service]

    def _had_ended(self, run_id: UUID) -> bool:
        stored = self.before.get(run_id)
        return stored is not None and stored.status not in ("running", "paused")

    def write(self) -> None:
        """Write what is new or changed, and tidy up around it."""
        payloads = sorted(self.payloads.rows.values())
        bulk.insert(Payload, PayloadBatch.COLUMNS, payloads, conflict=["id"])
        summaries = {run_id: (run.app_id, run.summary) for run_id, run in self.runs.items()}
        relations, maybe_defined = related_rows.relate_runs(summaries)
        error_groups = related_rows.error_groups(summaries)
        self._write_runs(relations, error_groups)
        self._write_steps()
        self._write_sources()
        self._write_links()
        self._remove_absorbed()
        former = {run_id: stored.relations for run_id, stored in self.before.items()}
        definitions.adopt(maybe_defined)
        related_rows.refresh_conversations([*relations.values(), *former.values()])
        resumptions.settle(self._conversations_with_tasks(relations))
        repeated_calls.settle(*self._runs_with_claude())
        related_rows.remove_unused(
            [was for run_id, was in former.items() if was != relations.get(run_id)]
        )

    def _conversations_with_tasks(
        self, relations: Mapping[UUID, related_rows.RunRelations]
    ) -> set[UUID]:
        """Return the conversations of touched runs whose steps name tasks."""
        return {
            conversation_id
            for run_id, run in self.runs.items()
            if (conversation_id := relations[run_id].conversation_id)
            and any("task" in row.hints for row in run.rows.values())
        }

    def _runs_with_claude(self) -> tuple[list[UUID], list[UUID]]:
        """Return the touched runs that are one call as Anthropic's SDK reports it, and those that
        have calls of its models by others."""
        alone: list[UUID] = []
        others: list[UUID] = []
        for run_id, run in self.runs.items():
            calls = [row for row in run.rows.values() if "claude" in row.model]
            if calls and all(row.hints.get("sdk_call") for row in run.rows.values()):
                alone.append(run_id)
            elif calls:
                others.append(run_id)
        return alone, others

    def _write_runs(
        self,
        relations: Mapping[UUID, related_rows.RunRelations],
        error_groups: Mapping[UUID, str],
    ) -> None:
        now = to_us(timezone.now())
        written: list[tuple[Any, ...]] = []
        columns: list[str] = []
        for run_id, run in self.runs.items():
            summary, values = run.summary, dict(run.summary.columns)
            started_us, ended_us = values.pop("started_us"), values.pop("ended_us")
            seen_us, kind = self._last_seen_us(run, now), self._source_kind(run)
            conversation_id = relations[run_id].conversation_id
            row = {
                "id": run_id.hex,
                "app_id": run.app_id,
                "version_id": relations[run_id].version_id,
                "conversation_id": conversation_id.hex if conversation_id else None,
                "error_group_id": error_groups.get(run_id),
                **values,
                "cost": bulk.decimal_text(values["cost"]),
                "reported_cost": bulk.decimal_text(values["reported_cost"]),
                "started_at": bulk.time_text(seen_us if started_us is None else started_us),
                "ended_at": bulk.time_text(ended_us),
                "tags": bulk.json_text(values["tags"]),
                "last_seen_at": bulk.time_text(seen_us),
                "source_kind": f"dify-{kind}" if summary.of_dify else kind,
            }
            columns = list(row)
            written.append(tuple(row.values()))
        bulk.insert(
            Run, columns, written, conflict=["id"], update=[c for c in columns if c != "id"]
        )
        search_queue.enqueue((row[0], row[columns.index("started_at")]) for row in written)

    def _last_seen_us(self, run: TouchedRun, now: int) -> int:
        """Return when news of a run last arrived. What a file says of a run is no news of now, nor
        is a database: its newest time is."""
        seen_us = run.group.seen_us
        if seen_us is None and self.origin.kind == DATABASE:
            times = (us for row in run.rows.values() for us in (row.started_us, row.ended_us))
            seen_us = min(max((us for us in times if us is not None), default=now), now)
        if seen_us is None:
            return now
        stored = [to_us(self.before[id_].last_seen_at) for id_ in run.stored_ids
                  if id_ in self.before]  # fmt: skip
        return max([seen_us, *stored])

    def _source_kind(self, run: TouchedRun) -> str:
        """Return by which receiver or import the run came: of several the greatest name, so that
        the order does not matter."""
        stored = (self.before[id_] for id_ in run.stored_ids if id_ in self.before)
        return max([self.origin.kind, *(it.source_kind.removeprefix("dify-") for it in stored)])

    def _write_steps(self) -> None:
        new: list[tuple[Any, ...]] = []
        again: list[tuple[Any, ...]] = []
        for run_id, run in self.runs.items():
            stored = self.before.get(run_id)
            moved = stored is not None and stored.relations.app_id != run.app_id
            for row in run.rows.values():
                if row.stored is None:
                    new.append(execution_rows.column_values(row, run_id.hex, run.app_id))
                elif moved or row.changed or row.derived() != row.stored:
                    again.append(execution_rows.column_values(row, run_id.hex, run.app_id))
        execution_rows.write(new, again)

    def _write_sources(self) -> None:
        scope, groups = self.origin.scope, [run.group for run in self.runs.values()]
        rows = {
            (source_id, scope, kind, group.run_id.hex)
            for group in groups
            for kind, source_id in group.sources | {(FORMER, id_.hex) for id_ in group.absorbed}
        }
        unique = ["source_id", "scope", "kind"]
        bulk.insert(RunSource, [*unique, "run_id"], sorted(rows), conflict=unique)
        if rows:
            notes.settle({source_id for source_id, *_ in rows}, scope)

    def _write_links(self) -> None:
        columns = ["run_id", "execution", "trace", "span"]
        links = [
            (run_id.hex, row.id, *target.rsplit(":", 1), self.origin.scope)
            for run_id, run in self.runs.items()
            for row in run.rows.values()
            if row.stored is None or row.changed
            for target in row.hints.get("links", ())
        ]
        bulk.insert(SpanLink, [*columns, "scope"], links, conflict=columns)

    def _remove_absorbed(self) -> None:
        """Point what refers to absorbed runs to the run that took them in, and drop the rest."""
        for run_id, run in self.runs.items():
            if absorbed := run.group.absorbed:
                Run.objects.filter(id__in=absorbed).remove(heir=run_id)
                search_queue.enqueue_removed(former.hex for former in absorbed)
