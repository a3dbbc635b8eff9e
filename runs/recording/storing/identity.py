"""Finds the run that a trace belongs to.

A run's id is derived from its trace's; where several traces turn out to be one run (they share one
of Dify's ids), the smallest of their ids is the run's, whatever arrived first, and what was stored
under another id moves there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid5

from runs.models import Run, RunSource
from runs.recording.records.payload_values import clean
from runs.recording.records.record import NodeRecord, Refused
from runs.recording.storing import bulk

NAMESPACE = UUID("6f0c7c1e-0d0f-5b5e-9a53-7d1d6f3c2a11")
TRACE = "trace"
FORMER = "former"
ITSELF = "run"  # links a run that a file names with its id to the stored one; never written

Source = tuple[str, str]  # kind, the producer's id
NO_IMPORTED_RUNS: Mapping[str, "ImportedRun"] = {}


@dataclass(slots=True)
class RunGroup:
    """Traces of one run: its id, its sources, and runs that are to be taken into it."""

    run_id: UUID
    sources: set[Source] = field(default_factory=set)
    known: bool = False
    absorbed: set[UUID] = field(default_factory=set)
    seen_us: int | None = None  # when news of it last arrived, where a file says it


@dataclass(frozen=True, slots=True)
class ImportedRun:
    """A run as a file describes it: its id, all its sources, and when news of it last arrived."""

    run_id: UUID
    sources: frozenset[Source]
    seen_us: int


def split_by_trace(
    records: Iterable[NodeRecord],
) -> tuple[dict[str, list[NodeRecord]], list[Refused]]:
    """Return records by their trace, whose id is cut to what can be stored; and, refused, those
    that name no run or no step, which nothing could find again."""
    by_trace: dict[str, list[NodeRecord]] = {}
    nameless: list[Refused] = []
    for record in records:
        trace = clean(record.trace, 128)
        if not trace or not record.source_id:
            raw = {"trace": trace, "title": record.title, "service": record.service}
            nameless.append(Refused("The record names no run or no step.", raw))
            continue
        if trace != record.trace:
            record = replace(record, trace=trace)
        by_trace.setdefault(trace, []).append(record)
    return by_trace, nameless


def derived_run_id(scope: int, trace: str) -> UUID:
    return uuid5(NAMESPACE, f"{scope}:{trace}" if scope else trace)


def assign_runs(
    records: Iterable[NodeRecord],
    scope: int,
    imported_runs: Mapping[str, ImportedRun] = NO_IMPORTED_RUNS,
) -> dict[str, RunGroup]:
    """Return trace id → group. Call inside the transaction; holds the sources until it ends.
    `imported_runs`: by trace, runs whose id is not derived but given by a file."""
    sources: dict[str, set[Source]] = {}
    for record in records:
        own = sources.setdefault(record.trace, {(TRACE, record.trace)})
        own.update((kind, clean(value, 128)) for kind, value in record.run.source_ids)
        if run := imported_runs.get(record.trace):
            own.update(run.sources, {(ITSELF, run.run_id.hex)})
    all_sources = {source for own in sources.values() for source in own}
    bulk.lock(bulk.Stage.SOURCES, (f"{scope}:{value}" for _, value in all_sources))
    runs = _stored_runs(all_sources, scope)
    while True:
        groups = [
            _group_of(members, sources, runs, scope, imported_runs)
            for members in _connected(sources, runs)
        ]
        bulk.lock(
            bulk.Stage.RUNS,
            (run_id.hex for _, group in groups for run_id in (group.run_id, *group.absorbed)),
        )
        # While we waited for a run, another process may have taken it into a third one.
        again = _stored_runs(all_sources, scope) if bulk.concurrent() else runs
        if again == runs:
            return {trace: group for members, group in groups for trace in members}
        runs = again


def _stored_runs(sources: Iterable[Source], scope: int) -> dict[Source, UUID]:
    ids = [value for _, value in sources]
    stored = RunSource.objects.filter(scope=scope, source_id__in=ids)
    runs = {
        (kind, value): run for kind, value, run in stored.values_list("kind", "source_id", "run_id")
    }
    if run_ids := [value for kind, value in sources if kind == ITSELF]:
        existing = Run.objects.filter(id__in=run_ids).values_list("id", flat=True)
        runs |= {(ITSELF, run_id.hex): run_id for run_id in existing}
    return runs


def _connected(sources: dict[str, set[Source]], runs: dict[Source, UUID]) -> list[list[str]]:
    """Return groups of traces that share a source, or a run that is already stored."""
    by_link: dict[object, list[str]] = {}
    for trace, own in sources.items():
        for source in own:
            by_link.setdefault(source, []).append(trace)
            if source in runs:
                by_link.setdefault(runs[source], []).append(trace)
    leader = {trace: trace for trace in sources}

    def leader_of(trace: str) -> str:
        while leader[trace] != trace:
            leader[trace] = leader[leader[trace]]
            trace = leader[trace]
        return trace

    for linked in by_link.values():
        for other in linked[1:]:
            leader[leader_of(other)] = leader_of(linked[0])
    groups: dict[str, list[str]] = {}
    for trace in sources:
        groups.setdefault(leader_of(trace), []).append(trace)
    return list(groups.values())


def _group_of(
    members: list[str],
    sources: dict[str, set[Source]],
    runs: dict[Source, UUID],
    scope: int,
    imported_runs: Mapping[str, ImportedRun],
) -> tuple[list[str], RunGroup]:
    own = {source for trace in members for source in sources[trace]}
    stored = {runs[source] for source in own if source in runs}
    ids = {
        imported_runs[trace].run_id if trace in imported_runs else derived_run_id(scope, trace)
        for trace in members
    }
    run_id = min([*stored, *ids])
    fresh = {source for source in own if source not in runs and source[0] != ITSELF}
    seen = [imported_runs[trace].seen_us for trace in members if trace in imported_runs]
    absorbed = stored - {run_id}
    return members, RunGroup(run_id, fresh, run_id in stored, absorbed, max(seen, default=None))
