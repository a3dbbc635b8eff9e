"""Builds runs as lineage reads them, without a database, and reads the links of their steps."""

from typing import Any

from nodes.graph.graph import Graph, GraphNode
from nodes.lineage.engines import ENGINES
from nodes.lineage.links import ValueSource
from nodes.lineage.origins import origins_of_inputs
from nodes.lineage.run_index import LoadValues, RunIndex, RunValues
from nodes.lineage.steps import LineageStep
from nodes.lineage.trace import Hop
from nodes.lineage.values import display_path, to_pointer


def run_of_graph(
    nodes: dict[str, tuple[str, dict[str, Any]]],
    *steps: tuple[Any, ...],
    run_values: RunValues | None = None,
) -> RunIndex:
    """Return a run of a graph {node id: (kind, settings)}. `steps` are (step, inputs, outputs) and
    perhaps process data."""
    values: dict[str, Any] = {}
    for number, (step, inputs, outputs, *process_data) in enumerate(steps):
        step.kind = nodes[step.node_id][0] if step.node_id in nodes else step.kind
        step.title = step.title or step.node_id
        step.index = number
        step.inputs, step.outputs = f"{step.id}-in", f"{step.id}-out"
        values |= {step.inputs: inputs, step.outputs: outputs}
        if process_data:
            step.process_data = f"{step.id}-process"
            values[step.process_data] = process_data[0]
    graph = Graph(
        tuple(GraphNode(node_id, kind, node_id, config=config)
              for node_id, (kind, config) in nodes.items())
    )  # fmt: skip
    lineage_steps = [step for step, *_ in steps]
    return RunIndex(lineage_steps, run_values or RunValues(), graph, _load_from(values), ENGINES)


def run_in_order(*steps: tuple[str, Any, Any], inputs: Any = None, outputs: Any = None) -> RunIndex:
    """Return a run of steps (name, inputs, outputs), one after the other, without a graph."""
    values: dict[str, Any] = {"run-in": inputs, "run-out": outputs}
    lineage_steps = []
    for number, (name, step_inputs, step_outputs) in enumerate(steps):
        values[f"{name}-in"], values[f"{name}-out"] = step_inputs, step_outputs
        lineage_steps.append(
            LineageStep(name, node_id=name, title=name, index=number, start=number * 10 + 1,
                        end=number * 10 + 9, inputs=f"{name}-in", outputs=f"{name}-out")
        )  # fmt: skip
    return RunIndex(lineage_steps, RunValues("run-in", "run-out"), None, _load_from(values))


def _load_from(values: dict[str, Any]) -> LoadValues:
    def load(digests: list[str], add: Any) -> None:
        for digest in digests:
            if values.get(digest) is not None:
                add(digest, values[digest])

    return load


def step_at(name: str, node_id: str, start: int, **fields: Any) -> LineageStep:
    return LineageStep(name, node_id=node_id, start=start + 1, end=start + 9, **fields)


def source_id(source: ValueSource) -> str:
    """Return the id of the step that a value came from, else the form of its source."""
    return source.step.id if source.step else source.form


def certain_links(run: RunIndex, name: str) -> list[tuple[str, str, str, str]]:
    """Return (place, source, path in the source, change) of a step's certain links."""
    return [
        (link.part + to_pointer(link.path) if link.path is not None else "-",
         source_id(link.source), to_pointer(link.source.path), link.change)
        for link in origins_of_inputs(run, run.steps.by_id[name])
        if link.certain
    ]  # fmt: skip


def certain_sources(run: RunIndex, name: str) -> list[str]:
    return [source for _, source, *_ in certain_links(run, name)]


def links(run: RunIndex, name: str) -> list[tuple[str, str, str]]:
    """Return (place, source and path in it, change) of all links of a step's inputs."""
    return [
        (
            display_path(link.path or ()),
            f"{source_id(link.source)}.{display_path(link.source.path)}",
            link.change,
        )
        for link in origins_of_inputs(run, run.steps.by_id[name])
    ]


def sources_of(hops: list[Hop]) -> list[str]:
    return [source_id(hop.source) for hop in hops]
