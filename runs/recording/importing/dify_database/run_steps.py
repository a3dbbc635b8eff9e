"""The steps of one run of Dify's database, in their order: containers, passes, who waited for whom.
Pure.

Facts: steps inside an iteration or a loop name the container's node and their pass in
`execution_metadata`; each pass becomes a folded step, as Dify's own exporter makes one. Which steps
came before follows from the graph that ran; `predecessor_node_id` names one of them at most.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from runs.recording.decoding.dify import agent_log
from runs.recording.decoding.dify.graphs import DifyGraph, label_of
from runs.recording.importing.dify_database.columns import NEAREST
from runs.recording.importing.dify_database.step_rows import Told, handle_of, step_record
from runs.recording.records.record import NodeRecord
from runs.recording.records.usage import to_count

CONTAINERS = frozenset({"iteration", "loop"})
ORDINARY = frozenset({"", "source", "success-branch"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step runs: source id of the container's execution (None: not known, or none), number
    of the pass, node id of the container."""

    above: str | None = None
    index: int | None = None
    container: str | None = None

    @property
    def key(self) -> str:
        """The source id of the step above; "" on the top level."""
        if self.above is None or self.index is None:
            return self.above or ""
        return f"{self.above}/{self.index}"


@dataclass(slots=True)
class RunSteps:
    """Reads rows in the order of `created_at` and `index`: later ones ask for earlier ones."""

    run: NodeRecord
    graph: DifyGraph
    ended: bool
    # (place, node id) → source id of its newest execution; source id → the way out that it took.
    latest: dict[tuple[str, str], str] = field(default_factory=dict)
    handles: dict[str, str] = field(default_factory=dict)
    # Node id of a container → source id of its newest execution, and the place of that.
    containers: dict[str, tuple[str, Place]] = field(default_factory=dict)
    passes: set[str] = field(default_factory=set)

    def read(self, told: Told) -> Iterator[NodeRecord]:
        """The records of one row: that of its pass, if it is new, the step, steps of its log."""
        source_id, node_id = str(told.row["id"]), str(told.row["node_id"])
        place = self._place(node_id, told)
        if place.index is not None and place.above is not None and place.key not in self.passes:
            self.passes.add(place.key)
            yield self._pass(place, place.above, place.index)
        handle = self._handle(node_id, told)
        before = self._before(place, node_id, told)
        self.latest[place.key, node_id] = source_id
        self.handles[source_id] = handle
        if told.row["node_type"] in CONTAINERS:
            self.containers[node_id] = (source_id, place)
        record = step_record(
            told,
            self.run,
            self.ended,
            # Of an unknown container nothing is told: it may still be read.
            parent_source_id=place.key or (None if place.container else self.run.source_id),
            iteration_index=place.index,
            container=place.container,
            taken=self._taken(node_id, handle),
            ran_after=before,
        )
        yield record
        if record.status not in ("running", "paused"):
            clock = agent_log.Clock(record.started_us)
            entries = agent_log.entries_of(told.metadata)
            yield from agent_log.steps(entries, source_id, record.trace, record.service, clock)

    def _place(self, node_id: str, told: Told) -> Place:
        """A node in an iteration in a loop tells both: the inner one counts."""
        inside = {
            str(told.metadata[f"{kind}_id"]): kind
            for kind in sorted(CONTAINERS)
            if told.metadata.get(f"{kind}_id")
        }
        if not inside:
            return Place()
        container = next(iter(inside))
        if len(inside) > 1:
            drawn = self.graph.parents.get(node_id)
            container = drawn if drawn in inside else self._innermost(list(inside))
        above = self.containers.get(container)
        index = to_count(told.metadata.get(f"{inside[container]}_index"))
        return Place(above[0] if above else None, index, container)

    def _innermost(self, containers: list[str]) -> str:
        """Of containers one in another the one inside; without news of them the first."""
        around = {self.containers[c][1].container for c in containers if c in self.containers}
        return next((c for c in containers if c not in around), containers[0])

    def _pass(self, place: Place, above: str, index: int) -> NodeRecord:
        return NodeRecord(
            trace=self.run.trace,
            source_id=place.key,
            service=self.run.service,
            title=f"Pass {index}",
            kind="chain",
            parent_source_id=above,
            status="succeeded",
            folded=True,
            pass_index=index,
            container=above,
            rank=NEAREST,
        )

    def _handle(self, node_id: str, told: Told) -> str:
        handle = handle_of(told)
        if handle and (node_id, handle) not in self.graph.cases:
            # A classifier may tell the name of the class alone.
            label = label_of(handle)
            own = {name: h for (node, h), name in self.graph.cases.items() if node == node_id}
            return own.get(label, handle)
        return handle

    def _taken(self, node_id: str, handle: str) -> str | None:
        """What people call the case that was chosen."""
        if handle in ORDINARY:
            return None
        return self.graph.cases.get((node_id, handle)) or label_of(handle)

    def _before(self, place: Place, node_id: str, told: Told) -> tuple[str, ...]:
        """Steps of the same pass that this one waited for."""
        found = set()
        for source, handle in self.graph.before.get(node_id, ()):
            executed = self.latest.get((place.key, source))
            if executed and self._went(source, self.handles[executed], handle):
                found.add(executed)
        predecessor = str(told.row["predecessor_node_id"] or "")
        if not found and (executed := self.latest.get((place.key, predecessor))):
            found.add(executed)
        return tuple(sorted(found))

    def _went(self, source: str, took: str, handle: str) -> bool:
        """Whether a step that took the way `took` came to an edge with this handle. A branch that
        does not tell its way may have come to any."""
        if took == handle or (took in ORDINARY and handle in ORDINARY):
            return True
        return took == "" and (source, "fail-branch") not in self.graph.cases
