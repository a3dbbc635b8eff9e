"""One run as lineage reads it: its steps, its values as far as they are looked at, and its graph.
Pure; values come through `load`, which says no when they are too many."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from nodes.graph.alignment import by_name
from nodes.graph.graph import Graph, GraphNode
from nodes.lineage.assigners import PARTS, Assigned, Selector, assigned, targets
from nodes.lineage.executions import Visit, Visits, is_before, newest
from nodes.lineage.index import Index
from nodes.lineage.links import Holder, Link, Search, Source
from nodes.lineage.references import Reference, references
from nodes.lineage.values import MISSING

# Values of steps looked at: before a step, after it, and of the run's beginning.
NEAREST, NEXT, FIRST = 120, 60, 30
MAX_ABOVE = 10
Add = Callable[[str, Any], object]
Load = Callable[[list[str], Add], None]  # hands over the values of these digests, in order


@dataclass(slots=True)
class Whole:
    """The run itself: digests of its values, and what its version tells of variables."""

    inputs: str = ""
    outputs: str = ""
    environment: Mapping[str, Any] = field(default_factory=dict)
    conversation: Mapping[str, Any] = field(default_factory=dict)


class Story:
    def __init__(
        self, visits: Iterable[Visit], whole: Whole, graph: Graph | None, load: Load
    ) -> None:
        self.visits = Visits(visits)
        self.whole = whole
        self.index = Index()
        self.stopped = False
        self._load = load
        self._wrote: dict[Selector, list[Visit]] = {}
        self.holders: dict[str, list[tuple[Visit, str]]] = defaultdict(list)
        for visit in self.visits.by_id.values():
            self.holders[visit.inputs].append((visit, "inputs"))
            self.holders[visit.outputs].append((visit, "outputs"))
        self.nodes: dict[str, GraphNode] = {n.id: n for n in graph.nodes} if graph else {}
        named = by_name(self.nodes.values())
        self._by_name = {name: node.id for name, node in named.items()}
        self._node_ids: dict[str, set[str]] = defaultdict(set)
        for visit in self.visits.by_id.values() if graph else ():
            self._node_ids[self.graph_id(visit)].add(visit.node_id)

    # -- the graph --

    def graph_id(self, visit: Visit) -> str:
        """The id of the node in the graph that a step is of; "" for none."""
        if visit.node_id in self.nodes:
            return visit.node_id
        return self._by_name.get((visit.kind, visit.title), "")

    def node_ids(self, graph_id: str) -> Collection[str]:
        """What the steps of a node of the graph call it."""
        return self._node_ids.get(graph_id, ())

    def config(self, visit: Visit) -> Mapping[str, Any]:
        node = self.nodes.get(self.graph_id(visit))
        return (node.config if node else None) or {}

    def writers(self, variable: Selector, visit: Visit) -> Iterator[Visit]:
        """Variable assigners that had written a variable when a step began, the newest first."""
        yield from (one for one in self._writers(variable) if self.visits.had_written(one, visit))

    def writers_inside(self, variable: Selector, container: Visit) -> Iterator[Visit]:
        """Those inside of a loop, the newest first."""
        yield from (one for one in self._writers(variable) if container in self.visits.above(one))

    def _writers(self, variable: Selector) -> list[Visit]:
        """The newest first. One that failed wrote nothing."""
        if variable not in self._wrote:
            found = [
                visit
                for graph_id, written in self.written.items()
                for visit in (self._of(graph_id) if variable in written else ())
                if visit.status == "succeeded"
            ]
            self._wrote[variable] = sorted(found, key=newest, reverse=True)
        return self._wrote[variable]

    def _of(self, graph_id: str) -> Iterator[Visit]:
        for node_id in self.node_ids(graph_id):
            yield from self.visits.of_node[node_id]

    def inside(self, container: Visit, graph_id: str) -> list[Visit]:
        """The visits of a node inside of a container, the newest last."""
        found = [
            visit
            for visit in self._of(graph_id)
            if visit.status != "retry" and container in self.visits.above(visit)
        ]
        return sorted(found, key=newest)

    def assigned(self, writer: Visit) -> dict[Selector, Assigned]:
        """What an assigner wrote, by variable."""
        self.load(writer.payload(part) for part in PARTS)
        told = {part: self.value(writer.payload(part)) for part in PARTS}
        written = list(self.written.get(self.graph_id(writer), ()))
        return {one.selector: one for one in assigned(told, written)}

    @cached_property
    def written(self) -> dict[str, dict[Selector, list[str]]]:
        """The variables that each assigner of the graph writes, with the settings that say what."""
        found = {node.id: targets(node.kind, node.config) for node in self.nodes.values()}
        return {graph_id: variables for graph_id, variables in found.items() if variables}

    @cached_property
    def references(self) -> dict[str, list[Reference]]:
        """What the settings of each node of the graph refer to."""
        return {
            node.id: references(node.kind, node.config, self.nodes) for node in self.nodes.values()
        }

    # -- values --

    def load(self, digests: Iterable[str]) -> None:
        """Look at these values, as far as there is room."""
        wanted = dict.fromkeys(d for d in digests if d and d not in self.index.values)
        if wanted:
            self._load(list(wanted), self.index.add)

    def value(self, digest: str) -> Any:
        """One value; MISSING where there is none or no room for it."""
        self.load([digest])
        return self.index.get(digest) if digest else MISSING

    def load_before(self, visit: Visit) -> None:
        """What a step's inputs may have come from, the nearest first."""
        before = self.visits.before(visit)
        above = [container.inputs for container in self.visits.above(visit)][:MAX_ABOVE]
        first = [other.outputs for other in before[NEAREST:][-FIRST:]]
        self.load([
            visit.inputs, *self.told_by(visit), *above, self.whole.inputs,
            *(other.outputs for other in before[:NEAREST]), *first,
        ])  # fmt: skip
        self.stopped = self.stopped or len(before) > NEAREST + FIRST

    def told_by(self, visit: Visit) -> Iterator[str]:
        """Digests of what its settings refer to, however far away, and of what it was told."""
        yield visit.process
        for one in self.references.get(self.graph_id(visit), ()):
            written = next(self.writers((one.node, str(one.path[0])), visit), None)
            if written:
                yield from (written.payload(part) for part in PARTS)
            elif found := self.visits.in_force(list(self.node_ids(one.node)), visit):
                yield found.outputs

    # -- who may be the source --

    def before(self, visit: Visit) -> Search:
        """Searches what was known when a step began: what steps before gave out, what the
        containers around it and the run were given."""
        above = {container.id for container in self.visits.above(visit)}

        def holder(payload: str) -> Holder | None:
            found = []
            for other, part in self.holders.get(payload, ()):
                if part == "outputs" and is_before(other, visit):
                    found.append(_gave(other))
                elif part == "inputs" and other.id in above:
                    found.append(Holder(other.order, Source("step", other, part)))
            if payload == self.whole.inputs:
                found.append(Holder((-1, 0), Source("input")))
            return _latest(found)

        return Search(self.index, holder)

    def within(self, visit: Visit) -> Search:
        """Searches what a step's own outputs may have come from: its inputs, the steps inside."""
        inside = {inner.id for inner in self.visits.below(visit)}

        def holder(payload: str) -> Holder | None:
            found = [
                _gave(other)
                for other, part in self.holders.get(payload, ())
                if part == "outputs" and other.id in inside and other.status != "retry"
            ]
            if payload == visit.inputs:
                found.append(Holder(visit.order, Source("step", visit, "inputs")))
            return _latest(found)

        return Search(self.index, holder)

    def at_end(self) -> Search:
        """Searches what the run's answer may have come from."""

        def holder(payload: str) -> Holder | None:
            held = self.holders.get(payload, ())
            return _latest([_gave(visit) for visit, part in held if part == "outputs"])

        return Search(self.index, holder)

    def made_of(self, visit: Visit) -> list[Link]:
        """Where a step's outputs came from: what it was given, or what ran inside it gave out."""
        inside = self.visits.below(visit, NEAREST)
        self.load([visit.outputs, visit.inputs, *(inner.outputs for inner in inside)])
        value = self.value(visit.outputs)
        return [] if value is MISSING else self.search(self.within(visit), value)

    def search(self, search: Search, value: Any) -> list[Link]:
        found = search.links(value)
        self.stopped = self.stopped or search.stopped or self.index.cut
        return found


def _gave(visit: Visit) -> Holder:
    return Holder(newest(visit), Source("step", visit, "outputs"), frozenset([visit.node_id]))


def _latest(found: list[Holder]) -> Holder | None:
    """The nearest of those that had one value, with the nodes of them all."""
    if len(found) < 2:
        return found[0] if found else None
    gave = frozenset[str]().union(*(one.gave for one in found))
    return max(found, key=lambda one: one.when)._replace(gave=gave)
