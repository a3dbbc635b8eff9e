"""The variables of a run, each with what was written to it and by which step. Pure.

A variable is what a producer calls one: a key of a node's outputs (Dify's node.text), sys., env.
and conversation. variables, a channel of a graph's state (LangGraph). Where steps below one
container, or below the run, all give out keys of what the whole gives out, these keys are its
state.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nodes.lineage.declared import STARTS
from nodes.lineage.executions import Visit, newest
from nodes.lineage.values import MISSING, Path

GROUPS = {
    "input": "Inputs of the run",
    "system": "System",
    "environment": "Environment",
    "conversation": "Conversation",
    "state": "State",
    "node": "Steps",
}
MAX_KEYS = 50  # of one output


@dataclass(slots=True)
class Write:
    """A value given to a variable. `visit` is None where it came with the run or is declared;
    `value` MISSING where it was not looked at; `turn`: the other run of the conversation that wrote
    it; `masked`: a part of the value is hidden; `place`: where an assigner tells it, the part of
    the step first."""

    value: Any
    visit: Visit | None = None
    turn: Any = None
    masked: bool = False
    place: Path = ()


@dataclass(slots=True)
class Variable:
    """`writes` from the oldest to the newest; `earlier`: how many before them are not listed.
    `place` is where the step that wrote it has it: a key of its outputs, None for the whole."""

    group: str
    name: str
    title: str = ""
    node_id: str = ""
    place: str | None = None
    writes: list[Write] = field(default_factory=list)
    earlier: int = 0

    @property
    def last(self) -> Write:
        return self.writes[-1]

    @property
    def starts(self) -> bool:
        """Whether a node wrote it that only passes on what the run was given."""
        visit = self.last.visit
        return visit is not None and visit.kind in STARTS

    @property
    def key(self) -> str:
        """What names it in an address."""
        return f"{self.node_id}.{self.place}" if self.node_id and self.place else self.name


Values = Callable[[str], Any]  # by digest; MISSING for one that was not looked at


def by_node(visits: Iterable[Visit], after: Visit | None = None) -> dict[str, list[Visit]]:
    """The visits of each node that gave something out, the newest first; nodes in the order in
    which they first did. `after`: as of the end of this step."""
    found: dict[str, list[Visit]] = defaultdict(list)
    for visit in sorted(visits, key=newest):
        if visit.outputs and (after is None or newest(visit) <= newest(after)):
            found[visit.node_id or visit.title].append(visit)
    return {node: list(reversed(group)) for node, group in found.items()}


def of_run(given: Any) -> list[Variable]:
    """What the run was given: its inputs and, of Dify, the system's variables."""
    if not isinstance(given, dict):
        known = given is not MISSING and given not in (None, "")
        return [Variable("input", "input", writes=[Write(given)])] if known else []
    return [
        Variable("system" if str(name).startswith("sys.") else "input", str(name),
                 writes=[Write(value)])
        for name, value in list(given.items())[:MAX_KEYS]
    ]  # fmt: skip


def declared(group: str, items: Any) -> list[Variable]:
    """Variables as a version declares them: [{"name", "type", "value"}]. A secret has no value."""
    found = []
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and item.get("name"):
            secret = item.get("type") == "secret"
            empty = MISSING if secret else "" if item.get("type") == "string" else None
            write = Write(item.get("value", empty), masked=secret)
            prefix = "env" if group == "environment" else group
            found.append(Variable(group, f"{prefix}.{item['name']}", writes=[write]))
    return found


def of_node(
    visits: Sequence[Visit], values: Values, kept: int, state: bool = False
) -> list[Variable]:
    """The variables of one node from its visits, the newest first; of the newest `kept` visits the
    values. With `state` they are channels of a state."""
    found: dict[str | None, Variable] = {}
    node = visits[0]
    for visit in visits[:kept]:
        value = values(visit.outputs)
        parts: Mapping[str | None, Any] = {None: value}
        if isinstance(value, dict) and value:
            parts = {str(key): inner for key, inner in list(value.items())[:MAX_KEYS]}
        for key, inner in parts.items():
            if key not in found:
                name = key or node.title
                if not state and key is not None:
                    name = f"{node.title}.{key}"
                found[key] = Variable(
                    "state" if state else "node", name, node.title, node.node_id, key
                )
            found[key].writes.insert(0, Write(inner, visit))
    for variable in found.values():
        variable.earlier = max(0, len(visits) - kept)
    return list(found.values())


def stateful(nodes: Mapping[str, Sequence[Visit]], whole: Mapping[str, Any]) -> set[str]:
    """Nodes that write the state of what they run in. `whole`: what the containers (by id) and the
    run ("") gave out. Keys decide: see above."""
    inside: dict[str, list[tuple[str, set[str]]]] = defaultdict(list)
    for node, visits in nodes.items():
        gave = whole.get(visits[0].id)
        above = whole.get(visits[0].parent)
        if isinstance(gave, dict) and isinstance(above, dict) and gave.keys() <= above.keys():
            inside[visits[0].parent].append((node, set(map(str, gave))))
    found: set[str] = set()
    for parent, writers in inside.items():
        if len(writers) > 1 and len(whole[parent]) > 1:
            found.update(node for node, _ in writers)
    return found


def joined(variables: Iterable[Variable]) -> list[Variable]:
    """Channels of a state that several nodes write, as one variable each."""
    found: dict[str, Variable] = {}
    for variable in variables:
        first = found.setdefault(variable.name, variable)
        if first is not variable:
            first.writes += variable.writes
            first.earlier += variable.earlier
    for variable in found.values():
        variable.writes.sort(key=lambda write: newest(write.visit) if write.visit else (0, 0))
        variable.title = variable.node_id = ""
    return list(found.values())
