"""Resolves the references in Dify's settings to the values that they had when a step started.
Pure."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import Any

from nodes.lineage.engine import AssignedVariable, VariableSelector
from nodes.lineage.engines.dify.assigners import assigner_targets, written_variables
from nodes.lineage.engines.dify.references import VariableReference, references_of
from nodes.lineage.links import ValueSource
from nodes.lineage.run_index import RunIndex
from nodes.lineage.steps import PARTS, LineageStep, end_order
from nodes.lineage.values import MISSING, ValuePath, value_at

SYSTEM_PREFIX = "sys."
MAX_WRITERS = 5  # assigners that are asked what they wrote to a variable
SourceAndValue = tuple[ValueSource, Any]


class DifySources:
    """References and assigners of one run's graph, and the sources that they resolve to."""

    def __init__(self, run: RunIndex) -> None:
        self.run = run
        self._writers: dict[VariableSelector, list[LineageStep]] = {}

    # -- what the graph declares --

    @cached_property
    def references(self) -> dict[str, list[VariableReference]]:
        """Return what the settings of each node of the graph refer to, by the node's id."""
        nodes = self.run.nodes
        return {node.id: references_of(node.kind, node.config, nodes) for node in nodes.values()}

    @cached_property
    def targets(self) -> dict[str, dict[VariableSelector, list[str]]]:
        """Return the variables that each assigner of the graph writes, with the settings that name
        their new values."""
        targets = {
            node.id: assigner_targets(node.kind, node.config) for node in self.run.nodes.values()
        }
        return {graph_id: variables for graph_id, variables in targets.items() if variables}

    def references_of(self, step: LineageStep) -> list[VariableReference]:
        return self.references.get(self.run.graph_id(step), [])

    def targets_of(self, step: LineageStep) -> dict[VariableSelector, list[str]]:
        return self.targets.get(self.run.graph_id(step), {})

    # -- which steps ran --

    def writers_before(
        self, variable: VariableSelector, step: LineageStep
    ) -> Iterator[LineageStep]:
        """Yield the assigners that had written a variable when a step started, newest first."""
        sees = self.run.steps.sees_write
        yield from (writer for writer in self._writers_of(variable) if sees(step, writer))

    def writers_inside(
        self, variable: VariableSelector, container: LineageStep
    ) -> Iterator[LineageStep]:
        """Yield the assigners of a variable that ran inside of a loop, newest first."""
        containers = self.run.steps.containers
        for writer in self._writers_of(variable):
            if container in containers(writer):
                yield writer

    def _writers_of(self, variable: VariableSelector) -> list[LineageStep]:
        """Return the newest first. One that failed wrote nothing."""
        if variable not in self._writers:
            writers = [
                step
                for graph_id, targets in self.targets.items()
                for step in (self._executions(graph_id) if variable in targets else ())
                if step.status == "succeeded"
            ]
            self._writers[variable] = sorted(writers, key=end_order, reverse=True)
        return self._writers[variable]

    def _executions(self, graph_id: str) -> Iterator[LineageStep]:
        for node_id in self.run.node_ids(graph_id):
            yield from self.run.steps.by_node[node_id]

    def executions_inside(self, container: LineageStep, graph_id: str) -> list[LineageStep]:
        """Return the executions of a node inside of a container, the newest last."""
        steps = [
            step
            for step in self._executions(graph_id)
            if step.status != "retry" and container in self.run.steps.containers(step)
        ]
        return sorted(steps, key=end_order)

    def written_by(self, writer: LineageStep) -> dict[VariableSelector, AssignedVariable]:
        """Return what an assigner wrote, by variable."""
        self.run.load(writer.digest(part) for part in PARTS)
        values = {part: self.run.value(writer.digest(part)) for part in PARTS}
        written = written_variables(values, list(self.targets_of(writer)))
        return {variable.selector: variable for variable in written}

    # -- what a reference means --

    def resolve(self, reference: VariableReference, step: LineageStep) -> SourceAndValue:
        """Return the source that a reference of `step` meant when it started, and its value."""
        run, name = self.run, reference.variable
        first, *rest = map(str, reference.path)
        path: ValuePath
        if reference.node == "sys":
            path = (f"{SYSTEM_PREFIX}{first}", *rest)
            return ValueSource("system", path=path, name=name), self._run_input(path)
        if reference.node == "rag":  # a pipeline's variable is named with its node: rag.shared.url
            path = reference.path[-1:]
            return ValueSource("input", path=path, name=str(path[-1])), self._run_input(path)
        if reference.node == "env":
            value = _declared_value(run.run_values.environment, first, rest)
            return ValueSource("environment", name=name), value
        if written := self._last_written(reference, step):
            return written
        if reference.node == "conversation":
            value = _declared_value(run.run_values.conversation, first, rest)
            return ValueSource("conversation", name=name), value
        giver = run.steps.visible_from(step, list(run.node_ids(reference.node)))
        if giver is None:
            missing_name = ".".join([run.nodes[reference.node].title, first, *rest])
            return ValueSource("nothing", name=missing_name), MISSING
        if any(giver is container for container in run.steps.containers(step)):
            return self._value_of_container(giver, reference.path, step)
        source = ValueSource("step", giver, "outputs", reference.path, name)
        return source, value_at(run.value(giver.outputs), reference.path)

    def _run_input(self, path: ValuePath) -> Any:
        return value_at(self.run.value(self.run.run_values.inputs), path)

    def _last_written(
        self, reference: VariableReference, step: LineageStep
    ) -> SourceAndValue | None:
        """Return what an assigner wrote last to a variable; one that reports what it wrote without
        this variable left it as it was."""
        first, *rest = map(str, reference.path)
        selector = (reference.node, first)
        for writer in islice(self.writers_before(selector, step), MAX_WRITERS):
            if written := self.written_by(writer).get(selector):
                path = (*written.path, *rest) if written.part else ()
                part = written.part or "outputs"
                source = ValueSource("step", writer, part, path, reference.variable)
                return source, value_at(written.value, tuple(rest))
        return None

    def _value_of_container(
        self, container: LineageStep, path: ValuePath, step: LineageStep
    ) -> SourceAndValue:
        """Return the item of an iteration, or a loop variable at its beginning."""
        inputs = self.run.value(container.inputs)
        depth = len(container.iteration_path)
        number = step.iteration_path[depth] if len(step.iteration_path) > depth else None
        if path == ("index",) and number is not None:
            return ValueSource("step", container, "inputs", name="index"), number
        if path[:1] == ("item",) and isinstance(inputs, dict) and number is not None:
            lists = [key for key, value in inputs.items() if isinstance(value, list)]
            key = "iterator_selector" if "iterator_selector" in lists else next(iter(lists), "")
            path = (key, number, *path[1:])
        return ValueSource("step", container, "inputs", path), value_at(inputs, path)


def _declared_value(declared: Mapping[str, Any], name: str, rest: list[str]) -> Any:
    return value_at(declared.get(name, MISSING), tuple(rest))
