"""Following one value back to its first origin, and forwards to the answer. Pure."""

from dataclasses import dataclass
from typing import Any

from nodes.kinds import kind_of
from nodes.lineage.executions import Visit
from nodes.lineage.links import Link, Source
from nodes.lineage.origins import at_source, came_from, made_from
from nodes.lineage.run_index import Story
from nodes.lineage.uses import Use, used_by
from nodes.lineage.values import MISSING, Path, at

MAX_HOPS = 40
MAX_USES = 40  # places a value went to
MAX_FOLLOWED = 12  # steps whose uses are looked for
# After these the place inside a value is still the same.
WHOLE = frozenset({"same", "parsed", "as text", "trimmed"})


@dataclass(frozen=True, slots=True)
class Hop:
    """A place where the value was. `link` says how it came from here to the hop before it in the
    list (None: the place asked for); `others`: how many more sources it was made of there; `level`
    indents the ways forwards."""

    source: Source
    value: Any = MISSING
    link: Link | None = None
    others: int = 0
    level: int = 0


def back(story: Story, visit: Visit, part: str, path: Path, call_id: str = "") -> list[Hop]:
    """From a value to its first origin."""
    hop = _hop(story, Source("step", visit, part, path))
    hops, seen = [hop], set()
    while hop.source.visit:
        if len(hops) >= MAX_HOPS:
            story.stopped = True
            break
        source = hop.source
        step = hop.source.visit
        place = (step.id, source.part, tuple(map(str, source.path)))
        if place in seen:
            break
        seen.add(place)
        links = (
            made_from(story, step)
            if source.part == "outputs"
            else came_from(story, step, call_id if step is visit else "")
        )
        chosen = _chosen([link for link in links if link.part == source.part], source.path)
        if chosen is None:
            break
        link, rest, others = chosen
        if source.part == "outputs" and _made_by_model(step, link):
            break
        found = link.source
        following = Source(found.form, found.visit, found.part, (*found.path, *rest), found.name)
        hop = _hop(story, following, link, others)
        hops.append(hop)
    return hops


def _made_by_model(visit: Visit, link: Link) -> bool:
    """What a model says is its own, also where it quotes what it was given."""
    return (
        kind_of(visit.kind).call == "model"
        and link.source.visit is visit
        and link.change not in ("same", "trimmed")
    )


def _hop(story: Story, source: Source, link: Link | None = None, others: int = 0) -> Hop:
    if source.visit:
        story.load([source.visit.payload(source.part)])
    value = at_source(story, source)
    if value is MISSING and link is not None and link.change == "same":
        value = link.value
    return Hop(source, value, link, others)


def _chosen(links: list[Link], path: Path) -> tuple[Link, Path, int] | None:
    """The link of a place: of the place itself, else of what it is a part of, else the one that
    says most of what stands in it; what remains of the path; and how many more there are."""
    wanted = tuple(map(str, path))
    told = [(tuple(map(str, link.path)), link) for link in links if link.path is not None]
    at_place = [link for place, link in told if place == wanted]
    if at_place:
        best = max(at_place, key=lambda link: (link.certain, len(str(link.value))))
        return best, (), len(at_place) - 1
    around = [
        (place, link)
        for place, link in told
        if wanted[: len(place)] == place and link.change in WHOLE
    ]
    if around:
        place, link = max(around, key=lambda one: len(one[0]))
        return link, path[len(place) :], 0
    inside = [link for place, link in told if place[: len(wanted)] == wanted]
    if inside:
        best = max(inside, key=lambda link: (link.certain, len(str(link.value))))
        return best, (), len(inside) - 1
    return None


def forward(story: Story, visit: Visit, part: str, path: Path) -> list[Hop]:
    """Where a value went: who used it, and where those who gave it out again sent it."""
    found: list[Hop] = []
    waiting: list[tuple[Visit, Path, int]] = []
    if part != "inputs":
        waiting.append((visit, path, 0))
    else:
        waiting += [(visit, sent, 0) for sent in _passed_on(story, visit, path)]
    seen: set[tuple[str, Path]] = set()
    told: set[tuple[Visit | None, str, Path]] = set()
    while waiting and len(seen) < MAX_FOLLOWED and len(found) < MAX_USES:
        giver, place, level = waiting.pop()
        if (giver.id, place) in seen:
            continue
        seen.add((giver.id, place))
        further: list[tuple[Visit, Path, int]] = []
        for use in used_by(story, giver):
            shown = (use.user, use.link.part, use.link.path or ())
            if not _overlap(use.link.source.path, place) or len(found) >= MAX_USES or shown in told:
                continue
            told.add(shown)
            found.append(_use_hop(story, use, level))
            if use.user and (use.link.part == "outputs" or use.user.kind == "assigner"):
                further.append((use.user, use.link.path or (), level + 1))
            elif use.user and use.link.path is not None:
                further += [
                    (use.user, sent, level + 1)
                    for sent in _passed_on(story, use.user, use.link.path)
                ]
        waiting += reversed(further)
    story.stopped = story.stopped or bool(waiting)
    return found


def _use_hop(story: Story, use: Use, level: int) -> Hop:
    path = use.link.path or ()
    if use.user is None:
        value = at(story.value(story.whole.outputs), path)
        return Hop(Source("answer", path=path), value, use.link, level=level)
    source = Source("step", use.user, use.link.part, path)
    return Hop(source, at_source(story, source), use.link, level=level)


def _passed_on(story: Story, visit: Visit, path: Path) -> list[Path]:
    """Places in a step's outputs where something of its inputs stands again."""
    return [
        link.path
        for link in made_from(story, visit)
        if link.path is not None
        and link.source.visit is visit
        and link.source.part == "inputs"
        and _overlap(link.source.path, path)
    ][:3]


def _overlap(one: Path, other: Path) -> bool:
    """Whether one place is the other or a part of it."""
    shorter = min(len(one), len(other))
    return tuple(map(str, one[:shorter])) == tuple(map(str, other[:shorter]))
