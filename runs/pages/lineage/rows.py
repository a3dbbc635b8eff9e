"""What a step's lineage is to a page and to its JSON twin: lines with words and addresses."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse

from nodes import formats
from nodes.clock import iteration_text
from nodes.content.previews import preview
from nodes.lineage.assigners import PARTS
from nodes.lineage.executions import Visit
from nodes.lineage.links import CHANGES, Link, Source
from nodes.lineage.trace import Hop
from nodes.lineage.uses import Use
from nodes.lineage.values import MISSING, Path, pointer, spoken
from runs.json.execution import writable
from runs.redaction.secrets import is_secret_name, redact_value

PREVIEW = 160  # characters of a value shown on one line
PREVIEW_TEXT, PREVIEW_ITEMS = 5_000, 40  # of a value that a preview is made from
FORMS = {
    "input": "The run's input",
    "system": "System variable",
    "environment": "Environment variable",
    "conversation": "Conversation variable, from before this run",
    "nothing": "Had not run before",
    "answer": "The run's output",
}


@dataclass(slots=True)
class Place:
    """A value at a step or at the edge of the run. `url` is the page of the step or the variable,
    `chain` the address of the value's way back and forwards; "" where there is none."""

    title: str
    name: str = ""  # of the variable or place: text, messages[0].content
    visit: str = ""  # which pass and attempt: #3, attempt 2
    url: str = ""
    chain: str = ""
    kind: str = ""
    form: str = "step"
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Line:
    """One link: the place in this step (`here`), the other place, and how they are linked
    (`change`: a key of CHANGES). `times`: so many places of the same kind in all."""

    here: Place
    there: Place
    change: str
    certain: bool
    why: str
    preview: str
    times: int = 1
    level: int = 0
    others: int = 0

    @property
    def words(self) -> str:
        """How it was changed on the way."""
        return CHANGES.get(self.change, "")

    @property
    def data(self) -> dict[str, Any]:
        return {
            "place": self.here.data,
            "other": self.there.data,
            "change": self.change or None,
            "certain": self.certain,
            "why": self.why,
            "preview": self.preview or None,
        }


class Lines:
    """Makes the lines of one run's page."""

    def __init__(self, run_id: UUID) -> None:
        self.base = reverse("run-tracing", args=[run_id])
        self.variables = reverse("run-variables", args=[run_id])

    def came_from(self, visit: Visit, links: Iterable[Link]) -> list[Line]:
        return [
            Line(
                self.here(visit, link),
                self.place(link.source),
                link.change,
                link.certain,
                link.why,
                said(link.value, *_names(link, link.source)),
            )
            for link in links
        ]

    def here(self, visit: Visit, link: Link) -> Place:
        """The place of a link in its step; of one that only the settings tell, no place in it."""
        place = self.place(Source("step", visit, link.part, link.path or (), link.name))
        if link.path is None:
            place.name, place.chain, place.data["path"] = "its settings", "", None
        return place

    def used_by(self, visit: Visit, uses: Iterable[Use]) -> list[Line]:
        """The same place in the same node, pass after pass, is one line."""
        found: dict[tuple[Any, ...], Line] = {}
        for use in uses:
            key = (use.user.node_id if use.user else "", use.link.source.path, use.link.change)
            if key in found:
                found[key].times += 1
                continue
            path = use.link.path or ()
            user = self.here(use.user, use.link) if use.user else None
            found[key] = Line(
                self.place(use.link.source),
                user or self.place(Source("answer", path=path)),
                use.link.change,
                use.link.certain,
                use.link.why,
                said(use.link.value, *_names(use.link, use.link.source)),
            )
        return list(found.values())

    def way(self, *ways: Sequence[Hop]) -> Iterator[list[Line]]:
        """Lines of the ways of one value. A secret by its name at one place is one everywhere."""
        names = [name for way in ways for hop in way for name in _names(hop.link, hop.source)]
        for way in ways:
            yield list(self.chain(way, names))

    def chain(self, hops: Iterable[Hop], names: Sequence[str]) -> Iterator[Line]:
        for hop in hops:
            link = hop.link
            place = self.place(hop.source)
            yield Line(
                place,
                place,
                link.change if link else "",
                bool(link and link.certain),
                link.why if link else "",
                said(hop.value, *names),
                level=hop.level,
                others=hop.others,
            )

    def place(self, source: Source) -> Place:
        visit = source.visit
        if visit is None:
            name = formats.visible(source.name or spoken(source.path))
            data = {"form": source.form, "name": source.name or spoken(source.path) or None}
            title, url = FORMS.get(source.form, source.form), ""
            if source.form in ("system", "environment", "conversation"):
                url = f"{self.variables}?{urlencode({'q': source.name})}"
            return Place(title, name, url=url, form=source.form, data=data)
        number = formats.iteration(iteration_text(visit.iteration))
        attempt = f"attempt {visit.attempt}" if visit.attempt > 1 else ""
        path = (source.part, *source.path)
        execution = UUID(visit.id)
        url = f"{self.base}{execution}/"
        # What an assigner wrote is its variable to a reader.
        name = source.name if source.part == "process_data" else ""
        return Place(
            formats.visible(visit.title) or "(no name)",
            formats.visible(name or spoken(path)),
            " ".join(filter(None, (number, attempt))),
            url,
            f"{url}lineage/?{urlencode({'path': pointer(path)})}",
            visit.kind,
            data={
                "form": "step",
                "execution": str(execution),
                "node_id": visit.node_id,
                "title": visit.title,
                "iteration": list(visit.iteration),
                "attempt": visit.attempt,
                "path": pointer(path),
            },
        )


def said(value: Any, *names: str) -> str:
    """The beginning of a value on one line, without what its form or one of its `names` (those of
    all places where it stands) shows to be secret."""
    if value is MISSING or writable(value) is None:
        return ""
    if value in ("", [], {}):
        return "empty"
    secret = next(filter(is_secret_name, names), "")
    return formats.visible(preview(redact_value(_beginning_of_value(value), secret))[:PREVIEW])


def _beginning_of_value(value: Any) -> Any:
    """Return enough of a value for a preview on one line."""
    if isinstance(value, dict):
        items = islice(value.items(), PREVIEW_ITEMS)
        return {key: _beginning_of_value(inner) for key, inner in items}
    if isinstance(value, list):
        return [_beginning_of_value(item) for item in value[:PREVIEW_ITEMS]]
    return value[:PREVIEW_TEXT] if isinstance(value, str) else value


def _names(link: Link | None, *sources: Source) -> list[str]:
    """The names of a value at both ends of a link."""
    paths = [source.path for source in sources]
    paths += [link.path] if link and link.path else []
    told = [source.name for source in sources] + [link.name if link else ""]
    return [name.rpartition(".")[2] for name in told] + [str(path[-1]) for path in paths if path]


def path_of(pointer_path: Path) -> tuple[str, Path]:
    """Part and path of a pointer: ("inputs", ("messages", "0"))."""
    part = str(pointer_path[0]) if pointer_path else ""
    return (part, pointer_path[1:]) if part in PARTS else ("", ())
