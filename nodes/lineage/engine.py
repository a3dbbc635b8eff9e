"""The interface of a workflow engine whose settings declare where values come from. Pure.

Each engine is one module in `engines/` and one entry in `engines.ENGINES`. An engine is created
once for each run, from its RunIndex; for a run of another engine its answers are empty.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from nodes.lineage.links import LineageLink
from nodes.lineage.steps import LineageStep
from nodes.lineage.values import ValuePath

# A variable that assigners write, by the names that lead to it: ("conversation", "language").
VariableSelector = tuple[str, ...]


class AssignedVariable(NamedTuple):
    """What a step wrote to a variable. `part` and `path` are where the step has it among its
    values; `value` is MISSING, `part` "", where it has it nowhere."""

    selector: VariableSelector
    value: Any
    part: str = ""
    path: ValuePath = ()


class Engine(Protocol):
    """Reads the settings of one engine's nodes."""

    def input_links(self, step: LineageStep) -> Iterable[LineageLink]:
        """Yield the certain links of what a step read, its `part` being inputs or process data."""

    def output_links(self, step: LineageStep) -> Iterable[LineageLink]:
        """Yield the certain links of a step's outputs, where settings say what these are."""

    def gathers(self, step: LineageStep) -> bool:
        """Return whether a step's outputs are what its settings refer to, as those of an end
        are."""

    def referenced_values(self, step: LineageStep) -> Iterable[str]:
        """Yield the digests of what the settings of a step refer to, however far away."""

    def readers(self, step: LineageStep) -> Collection[str]:
        """Return the ids (in the graph) of nodes whose settings refer to a step's outputs."""

    def assigned_variables(
        self, step: LineageStep | None, values: Mapping[str, Any]
    ) -> list[AssignedVariable]:
        """Return what a variable assigner wrote. `values` are its values by part; `step` is None
        for a step of another run, whose settings are not known."""

    def is_system_variable(self, name: str) -> bool:
        """Return whether an input of the run came from the engine, not from who started the run."""
