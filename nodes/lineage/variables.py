"""Lists the variables of a run with their values and the steps that wrote them. Pure.

A variable is what a producer calls one: a key of a node's outputs (node.text), an input of the run,
a variable that a version declares, a channel of a graph's state (LangGraph). Where the outputs of
several nodes in one container, or in the run, have only keys that its own outputs have, these keys
are its state.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nodes.lineage.declared import STARTS
from nodes.lineage.steps import LineageStep, end_order
from nodes.lineage.values import MISSING, ValuePath

VARIABLE_GROUPS = {
    "input": "Inputs of the run",
    "system": "System",
    "environment": "Environment",
    "conversation": "Conversation",
    "state": "State",
    "node": "Steps",
}
# The first part of the name of a variable that a version declares, as producers write it.
_SCOPES = {"environment": "env", "conversation": "conversation"}
MAX_KEYS = 50  # of one output


@dataclass(slots=True)
class VariableWrite:
    """A value given to a variable. `step` is None where it came with the run or is declared;
    `value` MISSING where it was not looked at; `turn`: the other run of the conversation that wrote
    it; `redacted`: a part of the value is hidden; `path`: where an assigner has it, the part of the
    step first."""

    value: Any
    step: LineageStep | None = None
    turn: Any = None
    redacted: bool = False
    path: ValuePath = ()


@dataclass(slots=True)
class Variable:
    """`writes` from the oldest to the newest; `earlier`: how many before them are not listed.
    `output_key` is where the step that wrote it has it: a key of its outputs, None for the
    whole."""

    group: str
    name: str
    title: str = ""
    node_id: str = ""
    output_key: str | None = None
    writes: list[VariableWrite] = field(default_factory=list)
    earlier: int = 0

    @property
    def last(self) -> VariableWrite:
        return self.writes[-1]

    @property
    def is_written_by_start(self) -> bool:
        """Return whether the node that wrote it last only passes on the inputs of the run."""
        step = self.last.step
        return step is not None and step.kind in STARTS

    @property
    def key(self) -> str:
        """Return what names the variable in an address."""
        return (
            f"{self.node_id}.{self.output_key}" if self.node_id and self.output_key else self.name
        )


ValueOfDigest = Callable[[str], Any]  # MISSING for a value that was not looked at


def steps_by_node(
    steps: Iterable[LineageStep], after: LineageStep | None = None
) -> dict[str, list[LineageStep]]:
    """Return the steps of each node that have outputs, the newest first; nodes in the order in
    which they first had some. `after`: as of the end of this step."""
    groups: dict[str, list[LineageStep]] = defaultdict(list)
    for step in sorted(steps, key=end_order):
        if step.outputs and (after is None or end_order(step) <= end_order(after)):
            groups[step.node_id or step.title].append(step)
    return {node: list(reversed(group)) for node, group in groups.items()}


def input_variables(inputs: Any, is_system: Callable[[str], bool]) -> list[Variable]:
    """Return the inputs of the run as variables. `is_system` tells which names are the engine's."""
    if not isinstance(inputs, dict):
        known = inputs is not MISSING and inputs not in (None, "")
        return [Variable("input", "input", writes=[VariableWrite(inputs)])] if known else []
    return [
        Variable("system" if is_system(str(name)) else "input", str(name),
                 writes=[VariableWrite(value)])
        for name, value in list(inputs.items())[:MAX_KEYS]
    ]  # fmt: skip


def declared_variables(group: str, declarations: Any) -> list[Variable]:
    """Return the variables that a version declares: [{"name", "type", "value"}]. `group`:
    environment or conversation. A secret has no value."""
    variables = []
    for item in declarations if isinstance(declarations, list) else ():
        if isinstance(item, dict) and item.get("name"):
            secret = item.get("type") == "secret"
            empty = MISSING if secret else "" if item.get("type") == "string" else None
            write = VariableWrite(item.get("value", empty), redacted=secret)
            name = f"{_SCOPES[group]}.{item['name']}"
            variables.append(Variable(group, name, writes=[write]))
    return variables


def node_variables(
    steps: Sequence[LineageStep], value_of: ValueOfDigest, kept: int, state: bool = False
) -> list[Variable]:
    """Return the variables of one node from its steps, the newest first; of the newest `kept` steps
    the values. With `state` they are channels of a state."""
    variables: dict[str | None, Variable] = {}
    node = steps[0]
    for step in steps[:kept]:
        value = value_of(step.outputs)
        parts: Mapping[str | None, Any] = {None: value}
        if isinstance(value, dict) and value:
            parts = {str(key): inner for key, inner in list(value.items())[:MAX_KEYS]}
        for key, inner in parts.items():
            if key not in variables:
                name = key or node.title
                if not state and key is not None:
                    name = f"{node.title}.{key}"
                variables[key] = Variable(
                    "state" if state else "node", name, node.title, node.node_id, key
                )
            variables[key].writes.insert(0, VariableWrite(inner, step))
    for variable in variables.values():
        variable.earlier = max(0, len(steps) - kept)
    return list(variables.values())


def nodes_that_write_state(
    nodes: Mapping[str, Sequence[LineageStep]], outputs: Mapping[str, Any]
) -> set[str]:
    """Return the nodes that write the state of what they run in. `outputs`: those of the
    steps and their containers (by id) and of the run (""). Keys decide: see above."""
    by_parent: dict[str, list[tuple[str, set[str]]]] = defaultdict(list)
    for node, steps in nodes.items():
        own, parent = outputs.get(steps[0].id), outputs.get(steps[0].parent_id)
        if isinstance(own, dict) and isinstance(parent, dict) and own.keys() <= parent.keys():
            by_parent[steps[0].parent_id].append((node, set(map(str, own))))
    writing: set[str] = set()
    for parent_id, writers in by_parent.items():
        if len(writers) > 1 and len(outputs[parent_id]) > 1:
            writing.update(node for node, _ in writers)
    return writing


def merge_by_name(variables: Iterable[Variable]) -> list[Variable]:
    """Merge channels of a state that several nodes write into one variable each."""
    by_name: dict[str, Variable] = {}
    for variable in variables:
        first = by_name.setdefault(variable.name, variable)
        if first is not variable:
            first.writes += variable.writes
            first.earlier += variable.earlier
    for variable in by_name.values():
        variable.writes.sort(key=lambda write: end_order(write.step) if write.step else (0, 0))
        variable.title = variable.node_id = ""
    return list(by_name.values())
