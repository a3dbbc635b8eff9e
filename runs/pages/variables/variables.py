"""The variables of a run for its page and its twin: loaded within bounds, secrets masked."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from nodes.lineage.assigners import PARTS, Selector, assigned, targets
from nodes.lineage.executions import Visit, newest
from nodes.lineage.run_index import Story
from nodes.lineage.values import MISSING
from nodes.lineage.variables import (
    GROUPS,
    Variable,
    Write,
    by_node,
    declared,
    joined,
    of_node,
    of_run,
    stateful,
)
from runs.models import Run
from runs.pages.lineage.loading import Bodies, story_of
from runs.pages.variables.turns import assigners_of, turns_before
from runs.recording.records.json_text import deeper_than
from runs.redaction.secrets import redact_value

NODES, MAX_VARIABLES = 60, 400  # of one page
KEPT = 5  # newest writes of each variable
MAX_WRITES = 100  # of one variable on its own
MAX_DEPTH = 60  # of a value that is shown
SEARCHED = 20_000  # characters of a value in which a filter looks


@dataclass(slots=True)
class RunVariables:
    """`groups`: (label, variables). `after` is the step as of whose end they are told, `before` and
    `next` the ones that wrote before and after it. `more`: there are nodes after these; `cut`:
    variables beyond those of one page; `older_turns`: there are turns before those looked at."""

    groups: list[tuple[str, list[Variable]]]
    after: Visit | None = None
    before: Visit | None = None
    next: Visit | None = None
    more: bool = False
    left_out: int = 0
    cut: int = 0
    older_turns: bool = False


@dataclass(slots=True)
class Asked:
    """What of the variables is asked for, as the address has it."""

    after: UUID | None = None
    q: str = ""
    name: str = ""
    first: int = 0

    @property
    def kept(self) -> int:
        """Writes of each variable whose values are looked at."""
        return MAX_WRITES if self.name else KEPT


def variables_of(run: Run, asked: Asked) -> RunVariables | None:
    """None where the run has no step `asked.after`."""
    story, bodies = story_of(run)
    after = story.visits.by_id.get(asked.after.hex) if asked.after else None
    if asked.after and after is None:
        return None
    loader = _Loader(run, story, bodies)
    nodes = by_node(story.visits.by_id.values(), after)
    of_name = {node: visits for node, visits in nodes.items() if asked.name.startswith(f"{node}.")}
    nodes = of_name or nodes
    page = dict(list(nodes.items())[asked.first : asked.first + NODES])
    found = loader.nodes(page, asked.kept)
    if not asked.first:
        found = loader.whole(found, after)
    given = {variable.name for variable in found if variable.group in ("input", "system")}
    for variable in found:
        _hide(variable)
    found = [
        variable
        for variable in found
        if _matches(variable, asked) and not (variable.starts and variable.place in given)
    ]
    shown = found[:MAX_VARIABLES]
    groups = [
        (label, [variable for variable in shown if variable.group == group])
        for group, label in GROUPS.items()
    ]
    writers = sorted((v for v in story.visits.by_id.values() if v.outputs), key=newest)
    place = next((n for n, v in enumerate(writers) if v is after), None)
    return RunVariables(
        [(label, variables) for label, variables in groups if variables],
        after,
        writers[place - 1] if place else (writers[-1] if place is None and writers else None),
        writers[place + 1] if place is not None and place + 1 < len(writers) else None,
        len(nodes) > asked.first + NODES,
        bodies.left_out,
        len(found) - len(shown),
        loader.older_turns,
    )


class _Loader:
    def __init__(self, run: Run, story: Story, bodies: Bodies) -> None:
        self.run = run
        self.story = story
        self.bodies = bodies
        self.values: dict[str, Any] = {}
        self.older_turns = False

    def value(self, digest: str) -> Any:
        return self.values.get(digest, MISSING)

    def load(self, digests: Iterable[str]) -> None:
        self.bodies.load(list(dict.fromkeys(d for d in digests if d)), self.values.__setitem__)

    def nodes(self, nodes: dict[str, list[Visit]], kept: int) -> list[Variable]:
        """Variables of these nodes. The newest value of each node is looked at first."""
        whole = self.story.whole
        above = {v.parent for visits in nodes.values() for v in visits[:1]}
        containers = [v for v in self.story.visits.by_id.values() if v.id in above]
        self.load([
            whole.inputs, whole.outputs, *(v.outputs for v in containers),
            *(visits[n].outputs for n in range(kept) for visits in nodes.values()
              if n < len(visits)),
        ])  # fmt: skip
        gave = {v.id: self.value(v.outputs) for visits in nodes.values() for v in visits[:1]}
        gave |= {v.id: self.value(v.outputs) for v in containers}
        gave[""] = self.value(whole.outputs)
        states = set() if self.run.source_kind.startswith("dify") else stateful(nodes, gave)
        found: list[Variable] = []
        channels: dict[str, list[Variable]] = {}
        for node, visits in nodes.items():
            if visits[0].kind == "assigner":
                continue
            if node in states:
                of_state = of_node(visits, self.value, kept, state=True)
                channels.setdefault(visits[0].parent, []).extend(of_state)
            else:
                found += of_node(visits, self.value, kept)
        for variables in channels.values():
            found += joined(variables)
        return found

    def whole(self, nodes: list[Variable], after: Visit | None) -> list[Variable]:
        """What came with the run or is declared by its version, and what assigners wrote, beside
        what `nodes` have."""
        found = of_run(self.value(self.story.whole.inputs))
        told = self.run.version.configuration if self.run.version else None
        told = told or {}
        found += declared("environment", told.get("environment_variables"))
        conversation = declared("conversation", told.get("conversation_variables"))
        return nodes + found + self.assigned(nodes, conversation, after)

    def assigned(
        self, nodes: list[Variable], known: list[Variable], after: Visit | None
    ) -> list[Variable]:
        """Conversation and loop variables with what this run and the turns before wrote. What a
        loop gives out is the last value of its variables."""
        variables = {variable.key: variable for variable in nodes + known}
        for run, visit, told, written in self._assigners(after):
            for one in assigned(told, written):
                if run is not self.run and one.selector[0] != "conversation":
                    continue  # a loop's variable ends with the loop
                variable = self._named(one.selector)
                variable = variables.setdefault(variable.key, variable)
                turn = run if run is not self.run else None
                place = (one.part, *one.path) if one.part else ()
                variable.writes.append(Write(one.value, visit, turn, place=place))
                variable.writes.sort(key=lambda write: newest(write.visit) if write.visit else (0,))
        shown = {id(variable) for variable in nodes}
        return [variable for variable in variables.values() if id(variable) not in shown]

    def _assigners(
        self, after: Visit | None
    ) -> Iterator[tuple[Run, Visit | None, dict[str, Any], list[Selector]]]:
        """Those that wrote, the oldest first: run, step (None in another run), values by part,
        variables that their settings name."""
        turns, self.older_turns = turns_before(self.run)
        if not turns and not any(v.kind == "assigner" for v in self.story.visits.by_id.values()):
            return
        runs = {run.id: run for run in [*turns, self.run]}
        rows, more = assigners_of(runs.values())
        self.bodies.left_out += more
        steps = [
            (row[0], runs[row[1]], [self.bodies.know(str(one or "")) for one in row[2:]])
            for row in rows
        ]
        self.load(digest for _, _, digests in steps for digest in digests)
        for step_id, run, digests in reversed(steps):
            visit = self.story.visits.by_id.get(step_id.hex)
            if not (visit and after and newest(visit) > newest(after)):
                written = targets("assigner", self.story.config(visit)) if visit else {}
                told = {part: self.value(d) for part, d in zip(PARTS, digests, strict=True)}
                yield run, visit, told, list(written)

    def _named(self, selector: Selector) -> Variable:
        name = ".".join(selector)
        if selector[0] == "conversation":
            return Variable("conversation", name)
        node = self.story.nodes.get(selector[0])
        title = node.title if node else selector[0]
        return Variable("node", f"{title}.{selector[-1]}", title, selector[0], selector[-1])


def _matches(variable: Variable, asked: Asked) -> bool:
    if asked.name and variable.key != asked.name:
        return False
    if not asked.q:
        return True
    wanted = asked.q.casefold()
    return wanted in variable.name.casefold() or any(
        wanted in _text(write.value).casefold() for write in variable.writes
    )


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value[:SEARCHED]
    try:
        return "" if value is MISSING else orjson.dumps(value).decode()[:SEARCHED]
    except TypeError:
        return ""


def _hide(variable: Variable) -> None:
    """Secrets by name and by form."""
    name = variable.name.rpartition(".")[2]
    for write in variable.writes:
        if write.value is MISSING:
            continue
        if deeper_than(write.value, MAX_DEPTH):
            write.value = MISSING
            continue
        shown = redact_value(write.value, name)
        if shown != write.value:
            write.value, write.masked = shown, True
