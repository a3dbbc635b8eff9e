"""The links of a run's spans in both directions: to steps that they name, and from steps that name
them, in this run and in others."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from django.urls import reverse

from nodes import formats
from nodes.models import NodeExecution
from runs.json.execution import SpanLinkJson
from runs.models import App, Run, RunSource, SpanLink
from runs.recording.deriving.tree import execution_id
from runs.recording.storing.identity import TRACE

# Ids of a run's that links name it by.
KINDS = (TRACE, "dify-run")
SHOWN = 50  # links in each direction


@dataclass(frozen=True, slots=True)
class LinkEnd:
    """One end of a link. `run` is None where it has not been received, `step` where the span is no
    step that is shown: the run itself, or a wrapper."""

    run: Run | None
    step: NodeExecution | None
    trace: str
    span: str

    @property
    def title(self) -> str:
        return formats.visible(self.step.title) if self.step else ""

    @property
    def url(self) -> str:
        if self.run is None:
            return ""
        if self.step is None:
            return self.run.get_absolute_url()
        return reverse("run-execution", args=[self.run.pk, self.step.pk])


@dataclass(frozen=True, slots=True)
class LinkOfSpan:
    """A link as seen from one of its ends: `own` is here, `other` there; "to": the own step names
    the other one, "from": the other way round."""

    direction: Literal["to", "from"]
    own: LinkEnd
    other: LinkEnd


def links_of_run(run: Run, only_app: App | None = None) -> list[LinkOfSpan]:
    """Return the links between a run and others. At most six queries, two where there is none."""
    links = _links(run, None, only_app)
    return [link for link in links if link.other.run is None or link.other.run.pk != run.pk]


def links_of_step(run: Run, step: NodeExecution, only_app: App | None = None) -> list[LinkOfSpan]:
    """Return the links of one step. Queries as for `links_of_run`."""
    return _links(run, step, only_app)


def _links(run: Run, step: NodeExecution | None, only_app: App | None) -> list[LinkOfSpan]:
    sources = [source for source in run.sources.all() if source.kind in KINDS]
    outgoing = SpanLink.objects.from_run(run)
    traces, scopes = {it.source_id for it in sources}, {it.scope for it in sources}
    incoming = SpanLink.objects.to_traces(traces, scopes)
    if step is not None:
        outgoing = outgoing.filter(execution=step.pk)
        incoming = incoming.filter(span__in=step.span_ids)
    to, back = list(outgoing[:SHOWN]), list(incoming[:SHOWN])
    if not to and not back:
        return []
    runs = _runs_of_traces({(link.trace, link.scope) for link in to})
    ids = {*runs.values(), *(link.run_id for link in back), run.pk}
    loaded = Run.objects.for_link().select_related("app").for_app(only_app).in_bulk(ids)
    own = {(trace, scope): run.pk for trace in traces for scope in scopes}
    ends = _LinkEnds(loaded, [*to, *back], runs | own)
    links = [LinkOfSpan("to", ends.source(link), ends.target(link)) for link in to]
    seen_from = [LinkOfSpan("from", ends.target(link), ends.source(link)) for link in back]
    return [*links, *(link for link in seen_from if link.other.run is not None)]


def _runs_of_traces(targets: Collection[tuple[str, int]]) -> dict[tuple[str, int], UUID]:
    sources = RunSource.objects.filter(
        kind__in=KINDS, source_id__in={trace for trace, _ in targets}
    )
    rows = sources.values_list("source_id", "scope", "run_id")
    return {(trace, scope): run_id for trace, scope, run_id in rows if (trace, scope) in targets}


class _LinkEnds:
    """Finds both ends of links. One query."""

    def __init__(
        self,
        runs: dict[UUID, Run],
        links: Iterable[SpanLink],
        run_ids: dict[tuple[str, int], UUID],
    ) -> None:
        self.runs, self.run_ids = runs, run_ids
        ids = {link.execution for link in links}
        ids |= {target for link in links if (target := self._target_id(link))}
        steps = NodeExecution.objects.visible().filter(run_id__in=runs, id__in=ids)
        self.steps = {step.pk: step for step in steps.only("id", "run_id", "title")}

    def source(self, link: SpanLink) -> LinkEnd:
        return LinkEnd(self.runs.get(link.run_id), self.steps.get(link.execution), "", "")

    def target(self, link: SpanLink) -> LinkEnd:
        run_id = self.run_ids.get((link.trace, link.scope))
        run = self.runs.get(run_id) if run_id else None
        target_id = self._target_id(link)
        step = self.steps.get(target_id) if target_id else None
        return LinkEnd(run, step, link.trace, link.span)

    def _target_id(self, link: SpanLink) -> UUID | None:
        """Return the id that the step has whose span the link names, unless it is known by another
        id of its producer's."""
        run_id = self.run_ids.get((link.trace, link.scope))
        return UUID(execution_id(run_id, link.span)) if run_id and link.span else None


def span_links_json(links: Iterable[LinkOfSpan], base_url: str = "") -> list[SpanLinkJson]:
    return [
        {
            "direction": link.direction,
            "step": str(link.own.step.pk) if link.own.step else None,
            "run": str(link.other.run.pk) if link.other.run else None,
            "execution": str(link.other.step.pk) if link.other.step else None,
            "title": link.other.title or None,
            "trace": link.other.trace or None,
            "span": link.other.span or None,
            "url": base_url + link.other.url if link.other.url else None,
        }
        for link in links
    ]
