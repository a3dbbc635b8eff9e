"""The steps, graph and loaded values of one run, which lineage searches. Pure; values come through
`load`, which stops at a limit."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nodes.graph.alignment import nodes_by_name
from nodes.graph.graph import Graph, GraphNode
from nodes.lineage.engine import Engine
from nodes.lineage.links import LineageLink, ValueSource
from nodes.lineage.steps import LineageStep, StepIndex, end_order, precedes
from nodes.lineage.value_search import ValueHolder, ValueIndex, ValueSearch
from nodes.lineage.values import MISSING

# Steps whose values are looked at: before a step, after it, and at the beginning of the run.
MAX_BEFORE, MAX_AFTER, MAX_FIRST = 120, 60, 30
MAX_CONTAINERS = 10
AddValue = Callable[[str, Any], object]
LoadValues = Callable[[list[str], AddValue], None]  # hands over the values of digests, in order


@dataclass(slots=True)
class RunValues:
    """What belongs to the run itself: the digests of its inputs and outputs, and the variables that
    its version declares, by name."""

    inputs: str = ""
    outputs: str = ""
    environment: Mapping[str, Any] = field(default_factory=dict)
    conversation: Mapping[str, Any] = field(default_factory=dict)


class RunIndex:
    """`truncated`: there was more to look at than was looked at. `engines` read what the settings
    of the graph's nodes declare."""

    def __init__(
        self,
        steps: Iterable[LineageStep],
        run_values: RunValues,
        graph: Graph | None,
        load: LoadValues,
        engines: Iterable[Callable[["RunIndex"], Engine]] = (),
    ) -> None:
        self.steps = StepIndex(steps)
        self.run_values = run_values
        self.values = ValueIndex()
        self.truncated = False
        self._load = load
        self._holders: dict[str, list[tuple[LineageStep, str]]] = defaultdict(list)
        for step in self.steps.by_id.values():
            self._holders[step.inputs].append((step, "inputs"))
            self._holders[step.outputs].append((step, "outputs"))
        self.nodes: dict[str, GraphNode] = {n.id: n for n in graph.nodes} if graph else {}
        named = nodes_by_name(self.nodes.values())
        self._graph_ids = {name: node.id for name, node in named.items()}
        self._node_ids: dict[str, set[str]] = defaultdict(set)
        for step in self.steps.by_id.values() if graph else ():
            self._node_ids[self.graph_id(step)].add(step.node_id)
        self.engines = [engine(self) for engine in engines]

    # -- the graph --

    def graph_id(self, step: LineageStep) -> str:
        """Return the id of the node in the graph that a step is an execution of; "" for none."""
        if step.node_id in self.nodes:
            return step.node_id
        return self._graph_ids.get((step.kind, step.title), "")

    def node_ids(self, graph_id: str) -> Collection[str]:
        """Return what the steps of a node of the graph call it."""
        return self._node_ids.get(graph_id, ())

    def gathers(self, step: LineageStep) -> bool:
        """Return whether a step gathers what its settings refer to into its outputs."""
        return any(engine.gathers(step) for engine in self.engines)

    # -- values --

    def load(self, digests: Iterable[str]) -> None:
        """Load these values, as far as there is room."""
        wanted = dict.fromkeys(d for d in digests if d and d not in self.values.values)
        if wanted:
            self._load(list(wanted), self.values.add)

    def value(self, digest: str) -> Any:
        """Return one value; MISSING where there is none or no room for it."""
        self.load([digest])
        return self.values.value_at(digest) if digest else MISSING

    def value_at_source(self, source: ValueSource) -> Any:
        """Return the value at a source, as far as it is loaded; MISSING where it is not known."""
        if source.form == "step" and source.step:
            return self.values.value_at(source.step.digest(source.part), source.path)
        if not source.path:
            return MISSING
        return self.values.value_at(self.run_values.inputs, source.path)

    def load_possible_sources(self, step: LineageStep) -> None:
        """Load what a step's inputs may have come from, the nearest first."""
        preceding = self.steps.preceding(step)
        containers = [container.inputs for container in self.steps.containers(step)]
        first = [other.outputs for other in preceding[MAX_BEFORE:][-MAX_FIRST:]]
        self.load([
            step.inputs, *self.referenced_values(step), *containers[:MAX_CONTAINERS],
            self.run_values.inputs, *(other.outputs for other in preceding[:MAX_BEFORE]), *first,
        ])  # fmt: skip
        self.truncated = self.truncated or len(preceding) > MAX_BEFORE + MAX_FIRST

    def referenced_values(self, step: LineageStep) -> list[str]:
        """Return the digests of what a step's settings refer to, and of its process data."""
        referenced = [step.process_data]
        for engine in self.engines:
            referenced += engine.referenced_values(step)
        return referenced

    # -- who may be the source of an equal value --

    def steps_with_output(self, digest: str) -> list[LineageStep]:
        """Return the steps that output the value with this digest."""
        return [step for step, part in self._holders.get(digest, ()) if part == "outputs"]

    def search_before(self, step: LineageStep) -> ValueSearch:
        """Search what was known when a step started: the outputs of steps before it, and the inputs
        of the containers around it and of the run."""
        containers = {container.id for container in self.steps.containers(step)}

        def find_holder(digest: str) -> ValueHolder | None:
            holders = []
            for other, part in self._holders.get(digest, ()):
                if part == "outputs" and precedes(other, step):
                    holders.append(_output_holder(other))
                elif part == "inputs" and other.id in containers:
                    holders.append(ValueHolder(other.start_order, ValueSource("step", other, part)))
            if digest == self.run_values.inputs:
                holders.append(ValueHolder((-1, 0), ValueSource("input")))
            return _latest_holder(holders)

        return ValueSearch(self.values, find_holder)

    def search_inside(self, step: LineageStep) -> ValueSearch:
        """Search what a step's own outputs may have come from: its inputs, the steps inside."""
        descendants = {inner.id for inner in self.steps.descendants(step)}

        def find_holder(digest: str) -> ValueHolder | None:
            holders = [
                _output_holder(other)
                for other in self.steps_with_output(digest)
                if other.id in descendants and other.status != "retry"
            ]
            if digest == step.inputs:
                holders.append(ValueHolder(step.start_order, ValueSource("step", step, "inputs")))
            return _latest_holder(holders)

        return ValueSearch(self.values, find_holder)

    def search_outputs(self) -> ValueSearch:
        """Search what the run's output may have come from: the outputs of all steps."""

        def find_holder(digest: str) -> ValueHolder | None:
            return _latest_holder([_output_holder(step) for step in self.steps_with_output(digest)])

        return ValueSearch(self.values, find_holder)

    def links_inside(self, step: LineageStep) -> list[LineageLink]:
        """Return links of a step's outputs to its inputs and to the outputs of the steps inside."""
        descendants = self.steps.descendants(step, MAX_BEFORE)
        self.load([step.outputs, step.inputs, *(inner.outputs for inner in descendants)])
        outputs = self.value(step.outputs)
        return [] if outputs is MISSING else self.find_links(self.search_inside(step), outputs)

    def find_links(self, search: ValueSearch, value: Any) -> list[LineageLink]:
        links = search.links_of(value)
        self.truncated = self.truncated or search.truncated or self.values.truncated
        return links


def _output_holder(step: LineageStep) -> ValueHolder:
    return ValueHolder(
        end_order(step), ValueSource("step", step, "outputs"), frozenset([step.node_id])
    )


def _latest_holder(holders: list[ValueHolder]) -> ValueHolder | None:
    """Return the nearest of those that had one value, with the nodes of them all."""
    if len(holders) < 2:
        return holders[0] if holders else None
    node_ids = frozenset[str]().union(*(holder.node_ids for holder in holders))
    return max(holders, key=lambda holder: holder.when)._replace(node_ids=node_ids)
