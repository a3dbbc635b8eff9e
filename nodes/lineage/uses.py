"""Who used what one step gave out. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from nodes.kinds import kind_of
from nodes.lineage.declared import told, told_of_outputs
from nodes.lineage.executions import Visit
from nodes.lineage.index import Index
from nodes.lineage.links import Holder, Link, Search, Source
from nodes.lineage.origins import covers
from nodes.lineage.run_index import NEXT, Story
from nodes.lineage.settings import GATHERING
from nodes.lineage.values import MISSING, Piece, key_of

MAX_TOLD = 60  # later steps whose settings and messages are read
MAX_USES = 60


@dataclass(frozen=True, slots=True)
class Use:
    """Who used an output: a step, which has it in its inputs (`link.part`) or gave it out again as
    the container around; None: the run's answer. `link.source.path` is the place in the output."""

    user: Visit | None
    link: Link


def used_by(story: Story, visit: Visit) -> list[Use]:
    """The steps that used what a step gave out, in their order; the containers around it and the
    run that gave it out again come last."""
    later = story.visits.after(visit)
    asking = _asking(story, visit, later)
    after = later[:NEXT] + [user for user in later[NEXT:] if user.id in asking]
    story.stopped = story.stopped or len(later) > NEXT
    above = list(story.visits.above(visit))
    story.load([
        visit.outputs, story.whole.outputs, *(container.outputs for container in above),
        *(user.inputs for user in after), *(user.outputs for user in after),
        *(digest for user in after if user.id in asking for digest in story.told_by(user)),
    ])  # fmt: skip
    gave = story.value(visit.outputs)
    if gave is MISSING and visit.kind != "assigner":
        return []
    mine = _Mine(story, visit, gave)
    found: list[Use] = []
    for user in after:
        if len(found) >= MAX_USES:
            story.stopped = True
            break
        hits = mine.hits(user.inputs, partial(story.before, user))
        certain: list[Link] = []
        if hits or user.id in asking:
            gathered = told_of_outputs(story, user)
            settled = [one for one in told(story, user) if one.path is not None or not gathered]
            certain = settled + gathered
        if user.kind in GATHERING and user.outputs != user.inputs:
            gathered = mine.hits(user.outputs, partial(story.before, user))
            hits += [replace(hit, part="outputs") for hit in gathered]
        found += [Use(user, link) for link in _known(story, visit, certain, hits)]
    for container in above:
        hits = mine.hits(container.outputs, partial(story.within, container))
        links = _known(story, visit, told_of_outputs(story, container), hits)
        found += [Use(container, replace(link, part="outputs")) for link in links]
    return found + [Use(None, link) for link in _answered(story, visit, gave, mine)]


def _answered(story: Story, visit: Visit, gave: Any, mine: "_Mine") -> list[Link]:
    """Where it is the run's answer: what an end gives out is that by its name."""
    answer = story.value(story.whole.outputs)
    found: list[Link] = []
    if visit.kind in ("end", "answer") and isinstance(gave, dict) and isinstance(answer, dict):
        for name, value in gave.items():
            if name in answer and answer[name] == value:
                source = Source("step", visit, "outputs", (name,))
                found.append(
                    Link((name,), source, "same", True, f"the run gives out {name}", value)
                )
    hits = [] if found else mine.hits(story.whole.outputs, story.at_end)
    return [replace(link, part="outputs") for link in found + hits]


def _known(story: Story, visit: Visit, certain: list[Link], hits: list[Link]) -> list[Link]:
    """What is told of uses of `visit`, and beside it what was found."""
    rest = [hit for hit in hits if not any(covers(story, one, hit) for one in certain)]
    return [one for one in certain if _gave_it(visit, one)] + rest


def _gave_it(visit: Visit, link: Link) -> bool:
    """What an assigner wrote stands in its process data."""
    return link.source.visit is visit and link.source.part != "inputs"


class _Mine:
    """Finds what one step gave out in the values of others."""

    def __init__(self, story: Story, visit: Visit, gave: Any) -> None:
        self.story = story
        self.visit = visit
        self.index = Index()
        self.index.add(visit.outputs, gave)
        self.held = Holder((0, 0), Source("step", visit, "outputs"))
        self.seen: dict[str, list[tuple[list[Piece], Link]]] = {}

    def hits(self, payload: str, nearest: Callable[[], Search]) -> list[Link]:
        """Pieces of a value that came from what the step gave out, and from nobody nearer."""
        if payload not in self.seen:
            self.seen[payload] = self.look(self.story.index.pieces.get(payload, []))
        found = self.seen[payload]
        search = nearest() if found else None
        return [link for around, link in found if search and self.is_nearest(search, around, link)]

    def look(self, found: list[Piece]) -> list[tuple[list[Piece], Link]]:
        """Links to what the step gave out, each with the pieces around it and its own."""
        if not found:
            return []
        search = Search(self.index, lambda payload: self.held)
        links = search.links_of(found)
        self.story.stopped = self.story.stopped or search.stopped
        return [
            ([*(piece for piece in found[:number] if piece.end > number), found[number]], link)
            for number, link in links
        ]

    def is_nearest(self, search: Search, around: list[Piece], link: Link) -> bool:
        whole = around[:-1]
        if link.change in ("inserted", "cut out"):
            whole = around
            text = self.index.get(self.visit.outputs, link.source.path)
            if self.giver(search, key_of(text), text) is not self.visit:
                return False
        elif self.giver(search, around[-1].key, link.value) is not self.visit:
            return False
        return all(self.giver(search, p.key, p.value) in (self.visit, None) for p in whole)

    def giver(self, search: Search, key: int | None, value: Any) -> Visit | None:
        """The step that a value as a whole came from, where it came from one."""
        spots = self.story.index.equal.get(key) if key is not None else None
        best = search.best(spots, value) if spots else None
        return best[0].source.visit if best else None


def _asking(story: Story, visit: Visit, later: list[Visit]) -> set[str]:
    """Later steps that may tell for certain that they used this one: those whose settings refer to
    it or whose senders name it; of the next ones also those with calls and results of tools."""
    group = kind_of(visit.kind).group
    readers = _readers(story, visit)
    reading = [
        user for user in later
        if story.graph_id(user) in readers or visit.node_id in user.senders
    ]  # fmt: skip
    # Of a node in many passes the first, then what there is room for.
    first = {user.node_id: user for user in reversed(reading)}
    asking = dict.fromkeys(user.id for user in [*first.values(), *reading])
    calling = [
        user.id for user in later[:NEXT]
        if group in ("model", "agent", "tool") and kind_of(user.kind).group in ("model", "tool")
    ]  # fmt: skip
    return {*list(asking)[:MAX_TOLD], *calling}


def _readers(story: Story, visit: Visit) -> set[str]:
    """Nodes of the graph whose settings refer to a step's node, or to a variable that it writes."""
    graph_id = story.graph_id(visit)
    written = story.written.get(graph_id, {})
    return {
        reader
        for reader, read in (story.references.items() if graph_id else ())
        for one in read
        if one.node == graph_id or (one.node, str(one.path[0])) in written
    }
