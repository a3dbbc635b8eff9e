"""Turns variables into rows for the page, with words and addresses."""

from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse

from nodes import formats
from nodes.lineage.steps import LineageStep
from nodes.lineage.values import MISSING, equality_key, to_pointer
from nodes.lineage.variables import Variable, VariableWrite
from runs.models import Run
from runs.pages.lineage.rows import iteration_and_attempt, redacted_preview
from runs.pages.variables.variables import MAX_NODES, RunVariables, VariablesQuery


@dataclass(slots=True)
class WriteCell:
    """One write: the beginning of the value, who wrote it, and whether it changed anything.
    `chain` is the address of the value's trace, `as_of` that of all variables at its time; `whole`
    that of the page with the whole value, where `text` is cut."""

    text: str
    title: str = ""
    iteration: str = ""  # and attempt
    url: str = ""
    chain: str = ""
    as_of: str = ""
    whole: str = ""
    redacted: bool = False
    same: bool = False


@dataclass(slots=True)
class VariableRow:
    name: str
    last: WriteCell
    node: str = ""  # its id, where several nodes have its name
    before: list[WriteCell] = field(default_factory=list)
    more: str = ""  # address of all its writes
    earlier: int = 0


@dataclass(slots=True)
class StepLinks:
    """Addresses of the variables as of the steps around the one that they are listed for."""

    title: str = ""
    url: str = ""
    before: str = ""
    before_title: str = ""
    next: str = ""
    next_title: str = ""
    now: str = ""
    more: str = ""
    json: str = ""


class VariableRows:
    """Makes the rows and links of one page of variables."""

    def __init__(self, run: Run, variables: RunVariables, query: VariablesQuery) -> None:
        self.run = run
        self.variables = variables
        self.query = query
        self.url = reverse("run-variables", args=[run.pk])

    def groups(self) -> list[tuple[str, list[VariableRow]]]:
        """Return (label, rows) of each group."""
        groups = self.variables.groups
        names = Counter(variable.name for _, variables in groups for variable in variables)
        return [
            (label, [self._row(variable, names[variable.name] > 1) for variable in variables])
            for label, variables in groups
        ]

    def step_links(self) -> StepLinks:
        variables, pk = self.variables, self.run.pk
        links = StepLinks(now=self._address(self.url, after="") if variables.after else "")
        links.json = self._address(reverse("run-variables-json", args=[pk]))
        if variables.after:
            links.title = _step_name(variables.after)
            links.url = reverse("run-execution", args=[pk, UUID(variables.after.id)])
        if variables.before:
            links.before = self._address(self.url, after=str(UUID(variables.before.id)))
            links.before_title = _step_name(variables.before)
        if variables.next:
            links.next = self._address(self.url, after=str(UUID(variables.next.id)))
            links.next_title = _step_name(variables.next)
        if variables.more:
            links.more = self._address(self.url, first=self.query.first + MAX_NODES)
        return links

    def _address(self, url: str, **changes: object) -> str:
        """Return the address of what is listed with some `changes` of the query."""
        parameters = {
            "q": self.query.q,
            "after": self.query.after or "",
            "name": self.query.name,
            "from": changes.pop("first", ""),
        }
        parameters |= changes
        query = urlencode({name: value for name, value in parameters.items() if value})
        return f"{url}?{query}" if query else url

    def _row(self, variable: Variable, is_ambiguous: bool) -> VariableRow:
        cells: list[WriteCell] = []
        previous: VariableWrite | None = None
        for write in variable.writes:
            cells.append(self._cell(variable, write, previous))
            previous = write
        return VariableRow(
            formats.visible(variable.name),
            cells[-1],
            formats.visible(variable.node_id) if is_ambiguous else "",
            cells[-2::-1],
            self._address(self.url, name=variable.key) if variable.earlier else "",
            variable.earlier,
        )

    def _cell(
        self, variable: Variable, write: VariableWrite, previous: VariableWrite | None
    ) -> WriteCell:
        step = write.step
        cell = WriteCell(_write_text(write), redacted=write.redacted)
        cell.same = previous is not None and _same_value(previous.value, write.value)
        if step:
            cell.title = formats.visible(step.title) or "(no name)"
            cell.iteration = iteration_and_attempt(step)
            cell.url = reverse("run-execution", args=[self.run.pk, UUID(step.id)])
            cell.as_of = self._address(self.url, after=str(UUID(step.id)))
            path = write.path
            if not step.assigns_variables:
                key = variable.output_key
                path = ("outputs",) if key is None else ("outputs", key)
            if path:
                cell.chain = f"{cell.url}lineage/?{urlencode({'path': to_pointer(path)})}"
        elif write.turn:
            cell.title = "an earlier turn"
            cell.url = write.turn.get_absolute_url()
        elif variable.group in ("environment", "conversation"):
            cell.title = "as declared"
        else:
            cell.title = "input of the run"
        if cell.text.endswith("…"):
            cell.whole = cell.url or reverse("run-detail", args=[self.run.pk])
        return cell


def _write_text(write: VariableWrite) -> str:
    if write.value is MISSING:
        return "" if write.redacted else "not read, because it is too large or there are too many"
    if write.value is None:
        return "null"
    return redacted_preview(write.value) or "empty"


def _same_value(first: object, second: object) -> bool:
    if first is MISSING or second is MISSING:
        return False
    key = equality_key(first)
    return key == equality_key(second) if key is not None else first == second


def _step_name(step: LineageStep) -> str:
    title = formats.visible(step.title) or "(no name)"
    return " ".join(filter(None, (title, iteration_and_attempt(step))))
