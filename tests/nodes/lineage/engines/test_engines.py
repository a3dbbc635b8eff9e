"""The seam between lineage and the engines whose settings it reads."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nodes.lineage
from nodes.graph.graph import Graph, GraphNode
from nodes.lineage.engine import AssignedVariable, Engine
from nodes.lineage.links import LineageLink, ValueSource
from nodes.lineage.origins import origins_of_inputs
from nodes.lineage.run_index import RunIndex, RunValues
from nodes.lineage.steps import LineageStep
from nodes.lineage.uses import uses_of_outputs


class WireEngine:
    """Knows one setting: `{"wire": id}` of a node whose output "n" becomes the input "x"."""

    def __init__(self, run: RunIndex) -> None:
        self.run = run

    def input_links(self, step: LineageStep) -> Iterator[LineageLink]:
        for other in self.run.steps.by_id.values():
            if other.node_id == WIRES.get(step.node_id):
                source = ValueSource("step", other, "outputs", ("n",))
                yield LineageLink(("x",), source, certain=True, why="wired")

    def output_links(self, step: LineageStep) -> list[LineageLink]:
        return []

    def gathers(self, step: LineageStep) -> bool:
        return False

    def referenced_values(self, step: LineageStep) -> list[str]:
        return []

    def readers(self, step: LineageStep) -> set[str]:
        return {reader for reader, node_id in WIRES.items() if node_id == step.node_id}

    def assigned_variables(
        self, step: LineageStep | None, values: Mapping[str, Any]
    ) -> list[AssignedVariable]:
        return []

    def is_system_variable(self, name: str) -> bool:
        return False


WIRES = {"b": "a"}


def test_what_an_engine_declares_is_certain_in_both_directions() -> None:
    engine: type[Engine] = WireEngine
    values: dict[str, Any] = {"a-out": {"n": 7}, "b-in": {"x": 7}}
    first = LineageStep("a0", node_id="a", index=0, start=1, end=9, outputs="a-out")
    second = LineageStep("b0", node_id="b", index=1, start=11, end=19, inputs="b-in")

    def load(digests: list[str], add: Any) -> None:
        for digest in digests:
            add(digest, values[digest])

    graph = Graph((GraphNode("a", "code", "a"), GraphNode("b", "code", "b")))
    run = RunIndex([first, second], RunValues(), graph, load, [engine])
    [link] = origins_of_inputs(run, second)
    assert (link.source.step, link.certain, link.why) == (first, True, "wired")
    [use] = uses_of_outputs(run, first)
    assert (use.user, use.link) == (second, link)


def test_only_the_engines_know_of_engines() -> None:
    package = Path(nodes.lineage.__path__[0])
    outside = [path for path in package.glob("*.py") if "dify" in path.read_text().lower()]
    assert outside == []
