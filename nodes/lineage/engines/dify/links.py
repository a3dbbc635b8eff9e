"""The links that Dify's settings declare: what a node reads, what an assigner writes, and what
aggregators, ends and containers output. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from nodes.lineage.engine import AssignedVariable
from nodes.lineage.engines.dify.assigners import assigner_targets, written_variables
from nodes.lineage.engines.dify.placement import placements
from nodes.lineage.engines.dify.references import VariableReference
from nodes.lineage.engines.dify.sources import MAX_WRITERS, SYSTEM_PREFIX, DifySources
from nodes.lineage.links import LineageLink, ValueSource
from nodes.lineage.run_index import RunIndex
from nodes.lineage.steps import PARTS, LineageStep
from nodes.lineage.values import MISSING

AGGREGATORS = frozenset({"variable-aggregator", "variable-assigner"})
# The outputs of these are what their settings refer to.
GATHERING = AGGREGATORS | {"end", "answer"}
# Each branch of the graph gives these its part: they take what there is.
_TAKE_WHAT_EXISTS = AGGREGATORS | {"answer"}
# Settings that say what a container outputs at its end.
_END_SETTINGS = ("output_selector", "break_conditions")
# What Dify logs in the process data alone: what a model was prompted with, what was requested.
_LOGGED_BESIDE_INPUTS = ("prompts", "request")


class DifyEngine:
    """Dify, as `nodes.lineage.engine.Engine` asks."""

    def __init__(self, run: RunIndex) -> None:
        self.run = run
        self.sources = DifySources(run)

    # -- Engine --

    def input_links(self, step: LineageStep) -> list[LineageLink]:
        inputs, logged = self.run.value(step.inputs), self.run.value(step.process_data)
        if isinstance(logged, dict):
            logged = {key: logged[key] for key in _LOGGED_BESIDE_INPUTS if key in logged}
            logged = logged or MISSING
        if step.assigns_variables and isinstance(inputs, dict) and "items" in inputs:
            inputs = MISSING  # they are its settings
        read = list(self._links_of_settings(step, ("inputs", inputs), ("process_data", logged)))
        written = list(self._links_of_assigner(step)) if step.assigns_variables else []
        settings = {link.why for link in written}
        return written + [
            link for link in read if link.path is not None or link.why not in settings
        ]

    def output_links(self, step: LineageStep) -> Iterator[LineageLink]:
        outputs = self.run.value(step.outputs)
        if self.gathers(step):
            yield from self._links_of_settings(step, ("outputs", outputs))
        elif step.kind == "iteration":
            yield from self._links_of_iteration(step, outputs)
        elif step.kind == "loop":
            yield from self._links_of_loop(step, outputs)

    def gathers(self, step: LineageStep) -> bool:
        return step.kind in GATHERING

    def referenced_values(self, step: LineageStep) -> Iterator[str]:
        sources, run = self.sources, self.run
        for reference in sources.references_of(step):
            variable = (reference.node, str(reference.path[0]))
            if writer := next(sources.writers_before(variable, step), None):
                yield from (writer.digest(part) for part in PARTS)
            elif giver := run.steps.visible_from(step, list(run.node_ids(reference.node))):
                yield giver.outputs

    def readers(self, step: LineageStep) -> Collection[str]:
        """Return the nodes that refer to a step's node, or to a variable that it writes."""
        graph_id = self.run.graph_id(step)
        written = self.sources.targets_of(step)
        return {
            reader
            for reader, references in (self.sources.references.items() if graph_id else ())
            for reference in references
            if reference.node == graph_id or (reference.node, str(reference.path[0])) in written
        }

    def assigned_variables(
        self, step: LineageStep | None, values: Mapping[str, Any]
    ) -> list[AssignedVariable]:
        node = self.run.nodes.get(self.run.graph_id(step)) if step else None
        return written_variables(
            values, list(assigner_targets("assigner", node.config if node else None))
        )

    def is_system_variable(self, name: str) -> bool:
        return name.startswith(SYSTEM_PREFIX)

    # -- what a node reads --

    def _links_of_settings(
        self, step: LineageStep, *targets: tuple[str, Any]
    ) -> Iterator[LineageLink]:
        """Yield a link for all that the settings refer to. It stands in the first of `targets` (a
        part of the step, and its value) that has what is referred to; where none has it, the link
        has no path."""
        for reference, source, value in self._read_variables(step):
            if source.form == "nothing" and step.kind in _TAKE_WHAT_EXISTS:
                continue
            places: list[LineageLink] = []
            for part, target in targets:
                places = places or [
                    replace(link, part=part) for link in placements(reference, value, target)
                ]
            no_place = LineageLink(None, ValueSource(""), "", value=value, part=targets[0][0])
            for link in places or [no_place]:
                at_source = replace(source, path=source.path + link.source.path)
                yield replace(link, source=at_source, certain=True, why=_setting_of(reference))

    def _read_variables(
        self, step: LineageStep
    ) -> Iterator[tuple[VariableReference, ValueSource, Any]]:
        """Yield what a step read, with its source and value. An aggregator takes of each group the
        first variable that is there."""
        filled_groups: set[str] = set()
        for reference in self.sources.references_of(step):
            if reference.field.startswith(_END_SETTINGS):
                continue
            source, value = self.sources.resolve(reference, step)
            if step.kind in AGGREGATORS:
                group = reference.field.rpartition("[")[0]
                if group in filled_groups or not self._exists(source, value):
                    continue
                filled_groups.add(group)
                reference = replace(reference, name=".".join(map(str, reference.path)))
            yield reference, source, value

    def _exists(self, source: ValueSource, value: Any) -> bool:
        """Return whether a variable has a value: assumed if the values of its step are not
        loaded."""
        if value is not MISSING or source.step is None:
            return source.form != "nothing"
        return self.run.value(source.step.digest(source.part)) is MISSING

    # -- what assigners write, and containers output --

    def _links_of_assigner(self, step: LineageStep) -> Iterator[LineageLink]:
        """Yield links of what an assigner wrote to what the settings of each variable refer to."""
        written_variables = self.sources.written_by(step)
        references = self.sources.references_of(step)
        for selector, settings in self.sources.targets_of(step).items():
            written, name = written_variables.get(selector), ".".join(selector)
            if not written or not written.part:
                continue
            for reference in references:
                if reference.field in settings:
                    source, value = self.sources.resolve(reference, step)
                    yield LineageLink(
                        written.path,
                        source,
                        "same" if value == written.value else "",
                        True,
                        _setting_of(reference),
                        written.value,
                        written.part,
                        name,
                    )

    def _links_of_iteration(self, step: LineageStep, outputs: Any) -> Iterator[LineageLink]:
        """Yield links of an iteration's list to the outputs of the node that it selects, one for
        each iteration."""
        items = outputs.get("output") if isinstance(outputs, dict) else None
        selectors = (r for r in self._end_references(step) if r.field == "output_selector")
        selector = next(selectors, None)
        if selector is None or not isinstance(items, list):
            return
        depth = len(step.iteration_path)
        last = {
            inner.iteration_path[depth]: inner
            for inner in self.sources.executions_inside(step, selector.node)
            if len(inner.iteration_path) > depth
        }
        # Where items were left out (failed ones, an item that is a list laid flat), numbers differ.
        if len(items) != len(last):
            return
        for number, item in enumerate(items):  # of thousands only what was loaded is compared
            inner = last.get(number)
            if inner and self.run.values.value_at(inner.outputs, selector.path) in (item, MISSING):
                source = _output_source(inner, selector)
                why = _setting_of(selector)
                yield LineageLink(("output", number), source, "same", True, why, item)

    def _links_of_loop(self, step: LineageStep, outputs: Any) -> Iterator[LineageLink]:
        """Yield links of a loop's variables to what was written to them last in it, and of its
        count of rounds to what decided its end."""
        for name, value in outputs.items() if isinstance(outputs, dict) else ():
            variable = (self.run.graph_id(step), str(name))
            for writer in islice(self.sources.writers_inside(variable, step), MAX_WRITERS):
                written = self.sources.written_by(writer).get(variable)
                if written and written.part:
                    source = ValueSource(
                        "step", writer, written.part, written.path, ".".join(variable)
                    )
                    change = "same" if written.value == value else ""
                    why = "its loop variable"
                    yield LineageLink((str(name),), source, change, True, why, value)
                    break
        for reference in self._end_references(step):
            inside = self.sources.executions_inside(step, reference.node)
            if inside and isinstance(outputs, dict) and "loop_round" in outputs:
                source, why = _output_source(inside[-1], reference), _setting_of(reference)
                yield LineageLink(("loop_round",), source, "", True, why, outputs["loop_round"])

    def _end_references(self, step: LineageStep) -> list[VariableReference]:
        """Return the references that say what a container outputs at its end."""
        references = self.sources.references_of(step)
        return [reference for reference in references if reference.field.startswith(_END_SETTINGS)]


def _output_source(step: LineageStep, reference: VariableReference) -> ValueSource:
    return ValueSource("step", step, "outputs", reference.path, reference.variable)


def _setting_of(reference: VariableReference) -> str:
    return f"{reference.variable} in its setting {reference.field}"
