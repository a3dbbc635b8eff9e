"""Which run a trace belongs to.

A run's id is derived from its trace's; where several traces turn out to be one run (they share one
of Dify's ids), the smallest of their ids is the run's, whatever arrived first, and what was stored
under another id moves there.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID, uuid5

from runs.models import RunSource
from runs.recording import bulk
from runs.recording.records import NodeRecord
from runs.recording.values import clean

NAMESPACE = UUID("6f0c7c1e-0d0f-5b5e-9a53-7d1d6f3c2a11")
TRACE = "trace"
FORMER = "former"

Source = tuple[str, str]  # kind, the producer's id


@dataclass(slots=True)
class Group:
    """Traces of one run: its id, its sources, and runs that are to be taken into it."""

    run_id: UUID
    sources: set[Source] = field(default_factory=set)
    known: bool = False
    absorbed: set[UUID] = field(default_factory=set)


def derived_run_id(scope: int, trace: str) -> UUID:
    return uuid5(NAMESPACE, f"{scope}:{trace}" if scope else trace)


def resolve(records: Iterable[NodeRecord], scope: int) -> dict[str, Group]:
    """Trace id → group. Call inside the transaction; holds the sources until it ends."""
    sources: dict[str, set[Source]] = {}
    for record in records:
        told = sources.setdefault(record.trace, {(TRACE, record.trace)})
        told.update((kind, clean(value, 128)) for kind, value in record.run.source_ids)
    every = {source for told in sources.values() for source in told}
    bulk.lock(bulk.Stage.SOURCES, (f"{scope}:{value}" for _, value in every))
    runs = _stored_runs(every, scope)
    while True:
        groups = [_group(members, sources, runs, scope) for members in _connected(sources, runs)]
        bulk.lock(
            bulk.Stage.RUNS,
            (run_id.hex for _, group in groups for run_id in (group.run_id, *group.absorbed)),
        )
        # While we waited for a run, another process may have taken it into a third one.
        again = _stored_runs(every, scope) if bulk.concurrent() else runs
        if again == runs:
            return {trace: group for members, group in groups for trace in members}
        runs = again


def _stored_runs(sources: Iterable[Source], scope: int) -> dict[Source, UUID]:
    ids = [value for _, value in sources]
    stored = RunSource.objects.filter(scope=scope, source_id__in=ids)
    return {
        (kind, value): run for kind, value, run in stored.values_list("kind", "source_id", "run_id")
    }


def _connected(sources: dict[str, set[Source]], runs: dict[Source, UUID]) -> list[list[str]]:
    """Traces that share a source, or a run that is already stored."""
    by_link: dict[object, list[str]] = {}
    for trace, told in sources.items():
        for source in told:
            by_link.setdefault(source, []).append(trace)
            if source in runs:
                by_link.setdefault(runs[source], []).append(trace)
    leader = {trace: trace for trace in sources}

    def find(trace: str) -> str:
        while leader[trace] != trace:
            leader[trace] = leader[leader[trace]]
            trace = leader[trace]
        return trace

    for linked in by_link.values():
        for other in linked[1:]:
            leader[find(other)] = find(linked[0])
    found: dict[str, list[str]] = {}
    for trace in sources:
        found.setdefault(find(trace), []).append(trace)
    return list(found.values())


def _group(
    members: list[str], sources: dict[str, set[Source]], runs: dict[Source, UUID], scope: int
) -> tuple[list[str], Group]:
    told = {source for trace in members for source in sources[trace]}
    stored = {runs[source] for source in told if source in runs}
    run_id = min([*stored, *(derived_run_id(scope, trace) for trace in members)])
    absorbed = stored - {run_id}
    return members, Group(run_id, {s for s in told if s not in runs}, run_id in stored, absorbed)
