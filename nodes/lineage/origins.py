"""Where the values of one step came from. Pure."""

from dataclasses import replace
from typing import Any

from nodes.lineage.declared import told, told_of_outputs
from nodes.lineage.executions import Visit
from nodes.lineage.links import Link, Search, Source
from nodes.lineage.run_index import Story
from nodes.lineage.settings import GATHERING
from nodes.lineage.values import MISSING, Path, Piece, key_of


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
    rest = [one for one in likely if not any(covers(story, known, one) for known in certain)]
    return certain + rest


def covers(story: Story, known: Link, other: Link) -> bool:
    """Whether what is known says already what was found by looking."""
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
        return story.index.get(source.visit.payload(source.part), source.path)
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
