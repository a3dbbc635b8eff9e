"""Where the values of one step came from, and who used what it gave out. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from nodes.kinds import kind_of
from nodes.lineage.certain import GATHERING, told, told_of_outputs
from nodes.lineage.index import Index
from nodes.lineage.links import Holder, Link, Search, Source
from nodes.lineage.story import NEXT, Story
from nodes.lineage.values import MISSING, Path, Piece, key_of
from nodes.lineage.visits import Visit

MAX_TOLD = 60  # later steps whose settings and messages are read
MAX_USES = 60


@dataclass(frozen=True, slots=True)
class Use:
    """Who used an output: a step, which has it in its inputs (`link.part`) or gave it out again as
    the container around; None: the run's answer. `link.source.path` is the place in the output."""

    user: Visit | None
    link: Link


def came_from(story: Story, visit: Visit, call_id: str = "") -> list[Link]:
    """Links of a step's inputs, in their order; of what it gathered without inputs, its outputs."""
    story.load_before(visit)
    certain = told(story, visit, call_id)
    given = story.value(visit.inputs)
    search = story.before(visit)
    likely = _as_whole(search, visit) if given is MISSING else story.search(search, given)
    found = _ordered(_merged(story, certain, likely), story.index.pieces.get(visit.inputs, []))
    if visit.kind in GATHERING and visit.outputs != visit.inputs:
        gathered = _gathered(story, visit)
        found = [one for one in found if one.path is not None or not gathered]
        found += [
            link
            for link in gathered
            if not any(_same_source(link.source, other.source) for other in found)
        ]
    return found


def _as_whole(search: Search, visit: Visit) -> list[Link]:
    """The source of a value that is too large to look at: it is equal to another as a whole."""
    held = search.holder(visit.inputs) if visit.inputs else None
    return [Link((), held.source)] if held else []


def _gathered(story: Story, visit: Visit) -> list[Link]:
    """What a step that has no inputs worth the name gathered from the steps before."""
    gave = story.value(visit.outputs)
    likely = [] if gave is MISSING else story.search(story.before(visit), gave)
    certain = told_of_outputs(story, visit)
    return _merged(story, certain, [replace(link, part="outputs") for link in likely])


def made_from(story: Story, visit: Visit) -> list[Link]:
    """Links of a step's outputs: to its own inputs, to the steps inside it, and where its settings
    say what it gathers, to those."""
    made = [replace(link, part="outputs") for link in story.made_of(visit)]
    if visit.kind in GATHERING and not made:
        story.load_before(visit)
        found = _gathered(story, visit)
    else:
        found = _merged(story, told_of_outputs(story, visit), made)
    return _ordered(found, story.index.pieces.get(visit.outputs, []))


def _merged(story: Story, certain: list[Link], likely: list[Link]) -> list[Link]:
    """What is certain, and what is likely beside it. Several texts may stand in one."""
    rest = [one for one in likely if not any(_covers(story, known, one) for known in certain)]
    return certain + rest


def _covers(story: Story, known: Link, other: Link) -> bool:
    if known.path is None or other.path is None:
        return _same_source(known.source, other.source)
    if known.path[: len(other.path)] == other.path and known.path != other.path:
        return _same_source(known.source, other.source)
    if known.path != other.path or known.change != "inserted":
        return other.path[: len(known.path)] == known.path
    return (
        _same_source(known.source, other.source)
        or other.change != "inserted"
        or key_of(at_source(story, known.source)) == key_of(at_source(story, other.source))
    )


def at_source(story: Story, source: Source) -> Any:
    """The value at a source; MISSING where it is not known."""
    if source.form == "step" and source.visit:
        digest = source.visit.outputs if source.part == "outputs" else source.visit.inputs
        return story.index.get(digest, source.path)
    return story.index.get(story.whole.inputs, source.path) if source.path else MISSING


def _same_source(one: Source, other: Source) -> bool:
    shorter = min(len(one.path), len(other.path))
    return (one.form, one.visit, one.part) == (other.form, other.visit, other.part) and (
        one.path[:shorter] == other.path[:shorter]
    )


def _ordered(links: list[Link], pieces: list[Piece]) -> list[Link]:
    places: dict[Path, int] = {}
    for number, piece in enumerate(pieces):
        places.setdefault(piece.path, number)
    last = len(places)
    return sorted(
        links, key=lambda one: last + 1 if one.path is None else places.get(one.path, last)
    )


# -- who used it --


def used_by(story: Story, visit: Visit) -> list[Use]:
    """The steps that used what a step gave out, in their order; the containers around it and the
    run that gave it out again come last."""
    after = story.visits.after(visit)[:NEXT]
    above = list(story.visits.above(visit))
    story.load([
        visit.outputs, story.whole.outputs, *(container.outputs for container in above),
        *(user.inputs for user in after), *(user.outputs for user in after),
    ])  # fmt: skip
    gave = story.value(visit.outputs)
    if gave is MISSING:
        return []
    mine = _Mine(story, visit, gave)
    found: list[Use] = []
    asking = _asking(story, visit, after)
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
    answered = mine.hits(story.whole.outputs, story.at_end)
    return found + [Use(None, replace(link, part="outputs")) for link in answered]


def _known(story: Story, visit: Visit, certain: list[Link], hits: list[Link]) -> list[Link]:
    """What is told of uses of `visit`, and beside it what was found."""
    rest = [hit for hit in hits if not any(_covers(story, one, hit) for one in certain)]
    return [one for one in certain if _gave_it(visit, one)] + rest


def _gave_it(visit: Visit, link: Link) -> bool:
    return link.source.visit is visit and link.source.part == "outputs"


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
        links = Search(self.index, lambda payload: self.held).links_of(found)
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


def _asking(story: Story, visit: Visit, after: list[Visit]) -> set[str]:
    """Later steps of which producers may tell that they used this one: settings that refer to it,
    who sends, calls and results of tools."""
    group = kind_of(visit.kind).group
    readers = _readers(story, visit)
    asking = [
        user.id
        for user in after
        if story.graph_id(user) in readers
        or visit.node_id in user.senders
        or (group in ("model", "agent", "tool") and kind_of(user.kind).group in ("model", "tool"))
    ]
    return set(asking[:MAX_TOLD])


def _readers(story: Story, visit: Visit) -> set[str]:
    """Nodes of the graph whose settings refer to a step's node, or to a variable that it writes."""
    graph_id = story.graph_id(visit)
    written = story.written.get(graph_id, [])
    return {
        reader
        for reader, read in (story.references.items() if graph_id else ())
        for one in read
        if one.node == graph_id or (one.node, *map(str, one.path)) in written
    }
