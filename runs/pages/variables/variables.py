"""The variables of a run for its page and its twin: loaded within bounds, secrets redacted."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from nodes.lineage.declared import assigned_variables, is_system_variable
from nodes.lineage.engine import AssignedVariable, VariableSelector
from nodes.lineage.run_index import RunIndex
from nodes.lineage.steps import LineageStep, end_order
from nodes.lineage.values import MISSING
from nodes.lineage.variables import (
    VARIABLE_GROUPS,
    Variable,
    VariableWrite,
    declared_variables,
    input_variables,
    merge_by_name,
    node_variables,
    nodes_that_write_state,
    steps_by_node,
)
from runs.models import Run
from runs.pages.lineage.loading import PayloadLoader, load_run_index
from runs.pages.variables.turns import assigners_of, turns_before
from runs.recording.records.json_text import deeper_than
from runs.redaction.secrets import redact_value

MAX_NODES, MAX_VARIABLES = 60, 400  # of one page
KEPT_WRITES = 5  # newest writes of each variable
MAX_WRITES = 100  # of one variable on its own
MAX_DEPTH = 60  # of a value that is shown
SEARCHED = 20_000  # characters of a value in which a filter looks


@dataclass(slots=True)
class RunVariables:
    """`groups`: (label, variables). `after` is the step as of whose end they are listed, `before`
    and `next` the ones that wrote before and after it. `more`: there are nodes after these;
    `left_out`: values that were not loaded; `cut`: variables beyond those of one page;
    `older_turns`: there are turns before those looked at."""

    groups: list[tuple[str, list[Variable]]]
    after: LineageStep | None = None
    before: LineageStep | None = None
    next: LineageStep | None = None
    more: bool = False
    left_out: int = 0
    cut: int = 0
    older_turns: bool = False


@dataclass(slots=True)
class VariablesQuery:
    """Which variables to list, as the address has it: as of the end of the step `after`, with `q`
    in name or value, one variable by `name`, nodes from number `first` on."""

    after: UUID | None = None
    q: str = ""
    name: str = ""
    first: int = 0

    @property
    def kept_writes(self) -> int:
        """Return how many writes of each variable have their values loaded."""
        return MAX_WRITES if self.name else KEPT_WRITES


def variables_of(run: Run, query: VariablesQuery) -> RunVariables | None:
    """Return the variables that the query lists; None where the run has no step `query.after`."""
    run_index, loader = load_run_index(run)
    after = run_index.steps.by_id.get(query.after.hex) if query.after else None
    if query.after and after is None:
        return None
    reader = _VariableReader(run, run_index, loader)
    nodes = steps_by_node(run_index.steps.by_id.values(), after)
    named = {node: steps for node, steps in nodes.items() if query.name.startswith(f"{node}.")}
    nodes = named or nodes
    page = dict(list(nodes.items())[query.first : query.first + MAX_NODES])
    variables = reader.variables_of_nodes(page, query.kept_writes)
    if not query.first:
        variables = reader.with_run_variables(variables, after)
    inputs = {variable.name for variable in variables if variable.group in ("input", "system")}
    for variable in variables:
        _redact_writes(variable)
    variables = [
        variable
        for variable in variables
        if _matches(variable, query)
        and not (variable.is_written_by_start and variable.output_key in inputs)
    ]
    listed = variables[:MAX_VARIABLES]
    groups = [
        (label, [variable for variable in listed if variable.group == group])
        for group, label in VARIABLE_GROUPS.items()
    ]
    before, following = _neighbours(run_index, after)
    return RunVariables(
        [(label, members) for label, members in groups if members],
        after,
        before,
        following,
        len(nodes) > query.first + MAX_NODES,
        loader.left_out,
        len(variables) - len(listed),
        reader.older_turns,
    )


def _neighbours(
    run_index: RunIndex, after: LineageStep | None
) -> tuple[LineageStep | None, LineageStep | None]:
    """Return the steps with outputs before and after the step `after`; without it the last one."""
    writers = sorted((s for s in run_index.steps.by_id.values() if s.outputs), key=end_order)
    position = next((number for number, step in enumerate(writers) if step is after), None)
    if position is None:
        return (writers[-1] if writers else None), None
    before = writers[position - 1] if position else None
    return before, writers[position + 1] if position + 1 < len(writers) else None


class _VariableReader:
    def __init__(self, run: Run, run_index: RunIndex, loader: PayloadLoader) -> None:
        self.run = run
        self.run_index = run_index
        self.loader = loader
        self.values: dict[str, Any] = {}
        self.older_turns = False

    def value(self, digest: str) -> Any:
        return self.values.get(digest, MISSING)

    def load(self, digests: Iterable[str]) -> None:
        self.loader.load(list(dict.fromkeys(d for d in digests if d)), self.values.__setitem__)

    def variables_of_nodes(self, nodes: dict[str, list[LineageStep]], kept: int) -> list[Variable]:
        """Return the variables of these nodes. The newest value of each node is loaded first."""
        run_values = self.run_index.run_values
        parents = {step.parent_id for steps in nodes.values() for step in steps[:1]}
        containers = [step for step in self.run_index.steps.by_id.values() if step.id in parents]
        self.load([
            run_values.inputs, run_values.outputs, *(step.outputs for step in containers),
            *(steps[number].outputs for number in range(kept) for steps in nodes.values()
              if number < len(steps)),
        ])  # fmt: skip
        newest = [step for steps in nodes.values() for step in steps[:1]]
        outputs = {step.id: self.value(step.outputs) for step in [*newest, *containers]}
        outputs[""] = self.value(run_values.outputs)
        is_dify = self.run.source_kind.startswith("dify")
        writing_state = set() if is_dify else nodes_that_write_state(nodes, outputs)
        variables: list[Variable] = []
        channels: dict[str, list[Variable]] = {}
        for node, steps in nodes.items():
            if steps[0].assigns_variables:
                continue
            if node in writing_state:
                of_state = node_variables(steps, self.value, kept, state=True)
                channels.setdefault(steps[0].parent_id, []).extend(of_state)
            else:
                variables += node_variables(steps, self.value, kept)
        for of_state in channels.values():
            variables += merge_by_name(of_state)
        return variables

    def with_run_variables(
        self, variables: list[Variable], after: LineageStep | None
    ) -> list[Variable]:
        """Return `variables` and what came with the run or is declared by its version, with what
        assigners wrote."""
        inputs = self.value(self.run_index.run_values.inputs)
        run_variables = input_variables(
            inputs, lambda name: is_system_variable(self.run_index, name)
        )
        configuration = (self.run.version.configuration if self.run.version else None) or {}
        environment = configuration.get("environment_variables")
        run_variables += declared_variables("environment", environment)
        declared = configuration.get("conversation_variables")
        conversation = declared_variables("conversation", declared)
        return variables + run_variables + self._add_assigned(variables, conversation, after)

    def _add_assigned(
        self, variables: list[Variable], conversation: list[Variable], after: LineageStep | None
    ) -> list[Variable]:
        """Add what assigners of this run and of the turns before wrote to the loop variables among
        `variables` and to those of the conversation. Return the variables that are not among
        `variables`. The outputs of a loop are the last values of its variables."""
        by_key = {variable.key: variable for variable in variables + conversation}
        for run, step, assigned in self._assignments(after):
            if run is not self.run and assigned.selector[0] != "conversation":
                continue  # a loop's variable ends with the loop
            variable = self._named_variable(assigned.selector)
            variable = by_key.setdefault(variable.key, variable)
            turn = run if run is not self.run else None
            path = (assigned.part, *assigned.path) if assigned.part else ()
            variable.writes.append(VariableWrite(assigned.value, step, turn, path=path))
            variable.writes.sort(key=lambda write: end_order(write.step) if write.step else (0,))
        known = {id(variable) for variable in variables}
        return [variable for variable in by_key.values() if id(variable) not in known]

    def _assignments(
        self, after: LineageStep | None
    ) -> Iterator[tuple[Run, LineageStep | None, AssignedVariable]]:
        """Yield what assigners wrote, the oldest first: run, step (None in another run), and the
        variable."""
        turns, self.older_turns = turns_before(self.run)
        steps = self.run_index.steps.by_id
        if not turns and not any(step.assigns_variables for step in steps.values()):
            return
        runs = {run.id: run for run in [*turns, self.run]}
        rows, more = assigners_of(runs.values())
        self.loader.left_out += more
        for row in rows:
            row.digests = {
                part: self.loader.register(str(payload_id or ""))
                for part, payload_id in row.payload_ids.items()
            }
        self.load(digest for row in rows for digest in row.digests.values())
        for row in reversed(rows):
            step = steps.get(row.step_id.hex)
            if not (step and after and end_order(step) > end_order(after)):
                values = {part: self.value(digest) for part, digest in row.digests.items()}
                for assigned in assigned_variables(self.run_index, step, values):
                    yield runs[row.run_id], step, assigned

    def _named_variable(self, selector: VariableSelector) -> Variable:
        if selector[0] == "conversation":
            return Variable("conversation", ".".join(selector))
        node = self.run_index.nodes.get(selector[0])
        title = node.title if node else selector[0]
        return Variable("node", f"{title}.{selector[-1]}", title, selector[0], selector[-1])


def _matches(variable: Variable, query: VariablesQuery) -> bool:
    if query.name and variable.key != query.name:
        return False
    if not query.q:
        return True
    wanted = query.q.casefold()
    return wanted in variable.name.casefold() or any(
        wanted in _searched_text(write.value).casefold() for write in variable.writes
    )


def _searched_text(value: Any) -> str:
    if isinstance(value, str):
        return value[:SEARCHED]
    try:
        return "" if value is MISSING else orjson.dumps(value).decode()[:SEARCHED]
    except TypeError:
        return ""


def _redact_writes(variable: Variable) -> None:
    """Redact secrets by name and by form; leave out what is nested too deeply to be looked at."""
    name = variable.name.rpartition(".")[2]
    for write in variable.writes:
        if write.value is MISSING:
            continue
        if deeper_than(write.value, MAX_DEPTH):
            write.value = MISSING
            continue
        redacted = redact_value(write.value, name)
        if redacted != write.value:
            write.value, write.redacted = redacted, True
