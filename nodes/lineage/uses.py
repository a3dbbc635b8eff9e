"""Finds the steps that used the outputs of one step. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from nodes.kinds import kind_of
from nodes.lineage.declared import declared_input_links, declared_output_links
from nodes.lineage.links import LineageLink, ValueSource
from nodes.lineage.origins import not_covered
from nodes.lineage.run_index import MAX_AFTER, RunIndex
from nodes.lineage.steps import LineageStep
from nodes.lineage.value_search import ValueHolder, ValueIndex, ValueSearch
from nodes.lineage.values import MISSING, ValuePiece, equality_key

MAX_DECLARED = 60  # later steps whose settings and messages are read
MAX_USES = 60


@dataclass(frozen=True, slots=True)
class OutputUse:
    """Who used an output: a step, which has it in its inputs (`link.part`) or, as the container
    around, in its outputs; None: the run's output. `link.source.path` is where the used value
    stands in the output."""

    user: LineageStep | None
    link: LineageLink


def uses_of_outputs(run: RunIndex, step: LineageStep) -> list[OutputUse]:
    """Return the uses of a step's outputs, in the order of the steps; the containers around it and
    the run, whose outputs have them again, come last."""
    following = run.steps.following(step)
    declaring = _ids_of_declaring_steps(run, step, following)
    users = following[:MAX_AFTER] + [user for user in following[MAX_AFTER:] if user.id in declaring]
    run.truncated = run.truncated or len(following) > MAX_AFTER
    containers = list(run.steps.containers(step))
    run.load([
        step.outputs, run.run_values.outputs, *(container.outputs for container in containers),
        *(user.inputs for user in users), *(user.outputs for user in users),
        *(digest for user in users if user.id in declaring
          for digest in run.referenced_values(user)),
    ])  # fmt: skip
    outputs = run.value(step.outputs)
    if outputs is MISSING and not step.assigns_variables:
        return []
    finder = _OutputFinder(run, step, outputs)
    uses: list[OutputUse] = []
    for user in users:
        if len(uses) >= MAX_USES:
            run.truncated = True
            break
        likely = finder.links_in(user.inputs, partial(run.search_before, user))
        certain: list[LineageLink] = []
        if likely or user.id in declaring:
            gathered = declared_output_links(run, user)
            certain = [
                link
                for link in declared_input_links(run, user)
                if link.path is not None or not gathered
            ] + gathered
        if run.gathers(user) and user.outputs != user.inputs:
            in_outputs = finder.links_in(user.outputs, partial(run.search_before, user))
            likely += [replace(link, part="outputs") for link in in_outputs]
        uses += [OutputUse(user, link) for link in _links_to(run, step, certain, likely)]
    for container in containers:
        likely = finder.links_in(container.outputs, partial(run.search_inside, container))
        links = _links_to(run, step, declared_output_links(run, container), likely)
        uses += [OutputUse(container, replace(link, part="outputs")) for link in links]
    return uses + [OutputUse(None, link) for link in _run_output_links(run, step, finder)]


def _run_output_links(
    run: RunIndex, step: LineageStep, finder: "_OutputFinder"
) -> list[LineageLink]:
    """Return links of the run's output to a step: the outputs of an end are that by name."""
    run_output, outputs = run.value(run.run_values.outputs), finder.outputs
    links: list[LineageLink] = []
    if (
        step.kind in ("end", "answer")
        and isinstance(outputs, dict)
        and isinstance(run_output, dict)
    ):
        for name, value in outputs.items():
            if name in run_output and run_output[name] == value:
                source = ValueSource("step", step, "outputs", (name,))
                why = f"output {name} of the run"
                links.append(LineageLink((name,), source, "same", True, why, value))
    likely = [] if links else finder.links_in(run.run_values.outputs, run.search_outputs)
    return [replace(link, part="outputs") for link in links + likely]


def _links_to(
    run: RunIndex, step: LineageStep, certain: list[LineageLink], likely: list[LineageLink]
) -> list[LineageLink]:
    """Return the certain links to the outputs of `step`, and beside them the likely ones."""
    return [link for link in certain if _leads_to_output(step, link)] + not_covered(
        run, certain, likely
    )


def _leads_to_output(step: LineageStep, link: LineageLink) -> bool:
    """Return whether a link leads to the outputs of a step, or to what an assigner wrote, which is
    in its process data."""
    return link.source.step is step and link.source.part != "inputs"


class _OutputFinder:
    """Finds the outputs of one step in the values of others."""

    def __init__(self, run: RunIndex, step: LineageStep, outputs: Any) -> None:
        self.run = run
        self.step = step
        self.outputs = outputs
        self.index = ValueIndex()
        self.index.add(step.outputs, outputs)
        self.holder = ValueHolder((0, 0), ValueSource("step", step, "outputs"))
        self.links_by_digest: dict[str, list[tuple[list[ValuePiece], LineageLink]]] = {}

    def links_in(self, digest: str, make_search: Callable[[], ValueSearch]) -> list[LineageLink]:
        """Return links of the pieces of a value that came from the step and from none that is
        nearer, as the search that `make_search` returns finds out."""
        if digest not in self.links_by_digest:
            self.links_by_digest[digest] = self._links_with_pieces(
                self.run.values.pieces.get(digest, [])
            )
        links = self.links_by_digest[digest]
        search = make_search() if links else None
        return [link for around, link in links if search and self._is_nearest(search, around, link)]

    def _links_with_pieces(
        self, pieces: list[ValuePiece]
    ) -> list[tuple[list[ValuePiece], LineageLink]]:
        """Return links to the step's outputs, each with the pieces around it and its own."""
        if not pieces:
            return []
        search = ValueSearch(self.index, lambda digest: self.holder)
        links = search.links_of_pieces(pieces)
        self.run.truncated = self.run.truncated or search.truncated
        return [
            ([*(p for p in pieces[:number] if p.end > number), pieces[number]], link)
            for number, link in links
        ]

    def _is_nearest(self, search: ValueSearch, around: list[ValuePiece], link: LineageLink) -> bool:
        pieces = around[:-1]
        if link.change in ("inserted", "cut out"):
            pieces = around
            text = self.index.value_at(self.step.outputs, link.source.path)
            if self._origin(search, equality_key(text), text) is not self.step:
                return False
        elif self._origin(search, around[-1].key, link.value) is not self.step:
            return False
        return all(self._origin(search, p.key, p.value) in (self.step, None) for p in pieces)

    def _origin(self, search: ValueSearch, key: int | None, value: Any) -> LineageStep | None:
        """Return the step that a value as a whole came from, where it came from a step."""
        spots = self.run.values.equal.get(key) if key is not None else None
        nearest = search.nearest(spots, value) if spots else None
        return nearest[0].source.step if nearest else None


def _ids_of_declaring_steps(
    run: RunIndex, step: LineageStep, following: list[LineageStep]
) -> set[str]:
    """Return the ids of later steps that may declare that they used `step`: those whose settings
    refer to it or whose senders name it; of the next ones also those with calls and results of
    tools."""
    group = kind_of(step.kind).group
    readers = {reader for engine in run.engines for reader in engine.readers(step)}
    reading = [
        user for user in following
        if run.graph_id(user) in readers or step.node_id in user.senders
    ]  # fmt: skip
    # Of a node in many iterations the first, then what there is room for.
    first = {user.node_id: user for user in reversed(reading)}
    ids = dict.fromkeys(user.id for user in [*first.values(), *reading])
    calling = [
        user.id for user in following[:MAX_AFTER]
        if group in ("model", "agent", "tool") and kind_of(user.kind).group in ("model", "tool")
    ]  # fmt: skip
    return {*list(ids)[:MAX_DECLARED], *calling}
