"""Write lineage for the page and its JSON twin: links and hops as rows with words and addresses."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse

from nodes import formats
from nodes.content.previews import preview, single_line
from nodes.lineage.links import CHANGES, LineageLink, ValueSource
from nodes.lineage.steps import PARTS, LineageStep
from nodes.lineage.trace import Hop
from nodes.lineage.uses import OutputUse
from nodes.lineage.values import MISSING, ValuePath, display_path, to_pointer
from runs.json.lineage import LineageLinkJson, LineagePlaceJson
from runs.json.values import writable
from runs.redaction.secrets import is_secret_name, redact_value

PREVIEW = 160  # characters of a value shown on one line
PREVIEW_TEXT, PREVIEW_ITEMS = 5_000, 40  # of a value that a preview is made from
# ValueSource.form → the title of a place that is not a step
FORM_TITLES = {
    "input": "The run's input",
    "system": "System variable",
    "environment": "Environment variable",
    "conversation": "Conversation variable, from before this run",
    "nothing": "A step that has not run yet",
    "answer": "The run's output",
}


@dataclass(slots=True)
class ValuePlace:
    """A value at a step or at the edge of the run. `url` is the page of the step or the variable,
    `chain` the address of the value's trace; "" where there is none."""

    title: str
    name: str = ""  # of the variable or path: text, messages[0].content
    iteration: str = ""  # and attempt: #3 attempt 2
    url: str = ""
    chain: str = ""
    kind: str = ""
    form: str = "step"
    data: LineagePlaceJson = field(default_factory=lambda: LineagePlaceJson(form="step"))


@dataclass(slots=True)
class LinkRow:
    """One link: the place in this step (`here`), the other place, and how they are linked
    (`change`: a key of CHANGES). `times`: so many places of the same kind in all."""

    here: ValuePlace
    there: ValuePlace
    change: str
    certain: bool
    why: str
    preview: str
    times: int = 1
    level: int = 0
    others: int = 0

    @property
    def words(self) -> str:
        """Return how the value was changed from one place to the other, in words."""
        return CHANGES.get(self.change, "")

    @property
    def data(self) -> LineageLinkJson:
        return {
            "place": self.here.data,
            "other": self.there.data,
            "change": self.change or None,
            "certain": self.certain,
            "why": self.why,
            "preview": self.preview or None,
        }


class LinkRows:
    """Makes the rows of one run's pages."""

    def __init__(self, run_id: UUID) -> None:
        self.tracing_url = reverse("run-tracing", args=[run_id])
        self.variables_url = reverse("run-variables", args=[run_id])

    def of_origins(self, step: LineageStep, links: Iterable[LineageLink]) -> list[LinkRow]:
        return [
            LinkRow(
                self._place_in_step(step, link),
                self._place(link.source),
                link.change,
                link.certain,
                link.why,
                redacted_preview(link.value, *_names_of_value(link, link.source)),
            )
            for link in links
        ]

    def of_uses(self, uses: Iterable[OutputUse]) -> list[LinkRow]:
        """Return one row for the same place in the same node, iteration after iteration."""
        rows: dict[tuple[Any, ...], LinkRow] = {}
        for use in uses:
            link = use.link
            key = (use.user.node_id if use.user else "", link.source.path, link.change)
            if key in rows:
                rows[key].times += 1
                continue
            user_place = self._place_in_step(use.user, link) if use.user else None
            rows[key] = LinkRow(
                self._place(link.source),
                user_place or self._place(ValueSource("answer", path=link.path or ())),
                link.change,
                link.certain,
                link.why,
                redacted_preview(link.value, *_names_of_value(link, link.source)),
            )
        return list(rows.values())

    def of_traces(self, *traces: Sequence[Hop]) -> Iterator[list[LinkRow]]:
        """Yield the rows of each trace of one value. A value that has the name of a secret at one
        place is redacted at all of them."""
        names = [
            name
            for trace in traces
            for hop in trace
            for name in _names_of_value(hop.link, hop.source)
        ]
        for trace in traces:
            yield [self._hop_row(hop, names) for hop in trace]

    def _hop_row(self, hop: Hop, names: Sequence[str]) -> LinkRow:
        link, place = hop.link, self._place(hop.source)
        return LinkRow(
            place,
            place,
            link.change if link else "",
            bool(link and link.certain),
            link.why if link else "",
            redacted_preview(hop.value, *names),
            level=hop.level,
            others=hop.other_sources,
        )

    def _place_in_step(self, step: LineageStep, link: LineageLink) -> ValuePlace:
        """Return where a link stands in its step; where only the settings are known, no place."""
        place = self._place(ValueSource("step", step, link.part, link.path or (), link.name))
        if link.path is None:
            place.name, place.chain, place.data["path"] = "its settings", "", None
        return place

    def _place(self, source: ValueSource) -> ValuePlace:
        step = source.step
        if step is None:
            return self._place_outside_steps(source)
        path = (source.part, *source.path)
        execution = UUID(step.id)
        url = f"{self.tracing_url}{execution}/"
        # What an assigner wrote is its variable to a reader.
        name = source.name if source.part == "process_data" else ""
        return ValuePlace(
            formats.visible(step.title) or "(no name)",
            formats.visible(name or display_path(path)),
            iteration_and_attempt(step),
            url,
            f"{url}lineage/?{urlencode({'path': to_pointer(path)})}",
            step.kind,
            data={
                "form": "step",
                "execution": str(execution),
                "node_id": step.node_id,
                "title": step.title,
                "iteration": list(step.iteration_path),
                "attempt": step.attempt,
                "path": to_pointer(path),
            },
        )

    def _place_outside_steps(self, source: ValueSource) -> ValuePlace:
        name = source.name or display_path(source.path)
        url = ""
        if source.form in ("system", "environment", "conversation"):
            url = f"{self.variables_url}?{urlencode({'q': source.name})}"
        return ValuePlace(
            FORM_TITLES.get(source.form, source.form),
            formats.visible(name),
            url=url,
            form=source.form,
            data={"form": source.form, "name": name or None},
        )


def iteration_and_attempt(step: LineageStep) -> str:
    """Write the iteration and the attempt of a step: "#3 attempt 2"; "" for the only one."""
    number = formats.iteration_label(step.iteration)
    attempt = f"attempt {step.attempt}" if step.attempt > 1 else ""
    return " ".join(filter(None, (number, attempt)))


def redacted_preview(value: Any, *names: str) -> str:
    """Return the beginning of a value on one line, without what its form or one of its `names`
    (those of all places where it stands) shows to be secret."""
    if value is MISSING or writable(value) is None:
        return ""
    if value in ("", [], {}):
        return "empty"
    secret_name = next(filter(is_secret_name, names), "")
    redacted = redact_value(_beginning_of_value(value), secret_name)
    return formats.visible(single_line(preview(redacted), PREVIEW))


def _beginning_of_value(value: Any) -> Any:
    """Return enough of a value for a preview on one line."""
    if isinstance(value, dict):
        items = islice(value.items(), PREVIEW_ITEMS)
        return {key: _beginning_of_value(inner) for key, inner in items}
    if isinstance(value, list):
        return [_beginning_of_value(item) for item in value[:PREVIEW_ITEMS]]
    return value[:PREVIEW_TEXT] if isinstance(value, str) else value


def _names_of_value(link: LineageLink | None, source: ValueSource) -> list[str]:
    """Return the names of a value at both ends of a link."""
    paths = [source.path]
    paths += [link.path] if link and link.path else []
    names = [source.name, link.name if link else ""]
    return [name.rpartition(".")[2] for name in names] + [str(path[-1]) for path in paths if path]


def part_and_path(pointer_path: ValuePath) -> tuple[str, ValuePath]:
    """Split the path of a pointer: ("inputs", ("messages", "0")); ("", ()) where it names no part
    of a step."""
    part = str(pointer_path[0]) if pointer_path else ""
    return (part, pointer_path[1:]) if part in PARTS else ("", ())
