"""Variables as the page writes them: one row each, with words and addresses."""

from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse

from nodes import formats
from nodes.clock import iteration_text
from nodes.lineage.executions import Visit
from nodes.lineage.values import MISSING, key_of, pointer
from nodes.lineage.variables import Variable, Write
from runs.models import Run
from runs.pages.lineage.rows import said
from runs.pages.variables.variables import NODES, Asked, RunVariables


@dataclass(slots=True)
class Written:
    """One write: the beginning of the value, who wrote it, and whether it changed anything."""

    text: str
    title: str = ""
    visit: str = ""
    url: str = ""
    chain: str = ""
    as_of: str = ""
    masked: bool = False
    same: bool = False


@dataclass(slots=True)
class Row:
    name: str
    last: Written
    node: str = ""  # its id, where several nodes have its name
    before: list[Written] = field(default_factory=list)
    more: str = ""  # address of all its writes
    earlier: int = 0


@dataclass(slots=True)
class Steps:
    """Addresses of the states around the one shown."""

    title: str = ""
    url: str = ""
    before: str = ""
    before_title: str = ""
    next: str = ""
    next_title: str = ""
    now: str = ""
    more: str = ""
    json: str = ""


def rows(run: Run, found: RunVariables, asked: Asked) -> list[tuple[str, list[Row]]]:
    base = reverse("run-variables", args=[run.pk])
    names = Counter(variable.name for _, variables in found.groups for variable in variables)
    return [
        (label, [_row(run, variable, base, asked, names) for variable in variables])
        for label, variables in found.groups
    ]


def steps(run: Run, found: RunVariables, asked: Asked) -> Steps:
    base = reverse("run-variables", args=[run.pk])
    shown = Steps(now=_address(base, asked, after="") if found.after else "")
    shown.json = _address(reverse("run-variables-json", args=[run.pk]), asked)
    if found.after:
        shown.title = _named(found.after)
        shown.url = reverse("run-execution", args=[run.pk, UUID(found.after.id)])
    if found.before:
        shown.before = _address(base, asked, after=str(UUID(found.before.id)))
        shown.before_title = _named(found.before)
    if found.next:
        shown.next = _address(base, asked, after=str(UUID(found.next.id)))
        shown.next_title = _named(found.next)
    if found.more:
        shown.more = _address(base, asked, first=asked.first + NODES)
    return shown


def _address(base: str, asked: Asked, **changes: object) -> str:
    told = {
        "q": asked.q,
        "after": asked.after or "",
        "name": asked.name,
        "from": changes.pop("first", ""),
    }
    query = urlencode({name: value for name, value in (told | changes).items() if value})
    return f"{base}?{query}" if query else base


def _row(run: Run, variable: Variable, base: str, asked: Asked, names: Counter[str]) -> Row:
    written: list[Written] = []
    previous: Write | None = None
    for write in variable.writes:
        written.append(_written(run, variable, write, previous, base, asked))
        previous = write
    more = _address(base, asked, name=variable.key) if variable.earlier else ""
    return Row(
        formats.visible(variable.name),
        written[-1],
        formats.visible(variable.node_id) if names[variable.name] > 1 else "",
        written[-2::-1],
        more,
        variable.earlier,
    )


def _written(
    run: Run, variable: Variable, write: Write, previous: Write | None, base: str, asked: Asked
) -> Written:
    visit = write.visit
    shown = Written(_text(write), masked=write.masked)
    shown.same = previous is not None and _same(previous.value, write.value)
    if visit:
        shown.title, shown.visit = formats.visible(visit.title) or "(no name)", _pass(visit)
        shown.url = reverse("run-execution", args=[run.pk, UUID(visit.id)])
        shown.as_of = _address(base, asked, after=str(UUID(visit.id)))
        path = write.place
        if visit.kind != "assigner":
            path = ("outputs",) if variable.place is None else ("outputs", variable.place)
        if path:
            shown.chain = f"{shown.url}lineage/?{urlencode({'path': pointer(path)})}"
    elif write.turn:
        shown.title = "an earlier turn"
        shown.url = write.turn.get_absolute_url()
    elif variable.group in ("environment", "conversation"):
        shown.title = "as declared"
    else:
        shown.title = "given to the run"
    return shown


def _text(write: Write) -> str:
    if write.value is MISSING:
        return "" if write.masked else "not looked at: too large, or too many"
    if write.value is None:
        return "null"
    return said(write.value) or "empty"


def _same(one: object, other: object) -> bool:
    if one is MISSING or other is MISSING:
        return False
    key = key_of(one)
    return key == key_of(other) if key is not None else one == other


def _pass(visit: Visit) -> str:
    number = formats.iteration(iteration_text(visit.iteration))
    attempt = f"attempt {visit.attempt}" if visit.attempt > 1 else ""
    return " ".join(filter(None, (number, attempt)))


def _named(visit: Visit) -> str:
    return " ".join(filter(None, (formats.visible(visit.title) or "(no name)", _pass(visit))))
