"""What the settings of a node say of where its values came from. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from nodes.lineage.executions import Visit
from nodes.lineage.links import Link, Source, land
from nodes.lineage.references import Reference
from nodes.lineage.run_index import Story
from nodes.lineage.values import MISSING, Path, at, key_of, pieces

AGGREGATORS = frozenset({"variable-aggregator", "variable-assigner"})
# What these give out is what their settings refer to.
GATHERING = AGGREGATORS | {"end", "answer"}
# Of these each branch of the graph gives its part: they take what there is.
_TAKING = AGGREGATORS | {"answer"}
# Settings that say what a container gives out at its end.
_AT_END = ("output_selector", "break_conditions")
# What a condition has compared, by the setting that says with what.
_COMPARED = {"variable_selector": "actual_value", "value": "expected_value"}
MAX_PARTS = 20  # of a value that are looked for in a text
Resolved = tuple[Source, Any]


def from_settings(story: Story, visit: Visit, *places: tuple[str, Any]) -> Iterator[Link]:
    """A link for all that the settings refer to. It stands in the first of `places` (a part of the
    step, and its value) that has what is referred to; where none has it, the link has no path."""
    for one, source, value in _read(story, visit):
        if source.form == "nothing" and visit.kind in _TAKING:
            continue
        landed: list[Link] = []
        for part, given in places:
            landed = landed or [replace(link, part=part) for link in _landing(one, value, given)]
        for link in landed or [Link(None, Source(""), "", value=value, part=places[0][0])]:
            at_source = replace(source, path=source.path + link.source.path)
            yield replace(link, source=at_source, certain=True, why=_why(one))


def _why(one: Reference) -> str:
    return f"{one.variable} in its setting {one.field}"


def _read(story: Story, visit: Visit) -> Iterator[tuple[Reference, Source, Any]]:
    """What a step read, with its source and value. An aggregator takes of each group the first
    variable that is there."""
    taken: set[str] = set()
    for one in story.references.get(story.graph_id(visit), []):
        if one.field.startswith(_AT_END):
            continue
        source, value = resolve(story, one, visit)
        if visit.kind in AGGREGATORS:
            group = one.field.rpartition("[")[0]
            if group in taken or not _is_there(story, source, value):
                continue
            taken.add(group)
            one = replace(one, name=".".join(map(str, one.path)))
        yield one, source, value


def _is_there(story: Story, source: Source, value: Any) -> bool:
    """Whether a variable has a value: assumed if the values of its step were not read."""
    if value is not MISSING or source.visit is None:
        return source.form != "nothing"
    return story.value(source.visit.payload(source.part)) is MISSING


def resolve(story: Story, one: Reference, visit: Visit) -> Resolved:
    """The source that a reference meant when the step began, and its value."""
    whole, (first, *more) = story.whole, map(str, one.path)
    rest = tuple(more)
    if one.node == "sys":
        path: Path = (f"sys.{first}", *rest)
        return Source("system", path=path, name=one.variable), at(story.value(whole.inputs), path)
    if one.node == "rag":  # a pipeline's variable is named with its node: rag.shared.url
        path = one.path[-1:]
        return Source("input", path=path, name=str(path[-1])), at(story.value(whole.inputs), path)
    if one.node == "env":
        value = at(whole.environment.get(first, MISSING), rest)
        return Source("environment", name=one.variable), value
    if written := _written(story, one, visit, (one.node, first), rest):
        return written
    if one.node == "conversation":
        value = at(whole.conversation.get(first, MISSING), rest)
        return Source("conversation", name=one.variable), value
    found = story.visits.in_force(list(story.node_ids(one.node)), visit)
    if found is None:
        name = ".".join([story.nodes[one.node].title, first, *rest])
        return Source("nothing", name=name), MISSING
    if any(found is container for container in story.visits.above(visit)):
        return _of_container(story, found, one.path, visit)
    source = Source("step", found, "outputs", one.path, one.variable)
    return source, at(story.value(found.outputs), one.path)


def _written(
    story: Story, one: Reference, visit: Visit, variable: tuple[str, str], rest: Path
) -> Resolved | None:
    """What an assigner wrote last; one that tells what it wrote and not this left it as it was."""
    for writer in islice(story.writers(variable, visit), 5):
        if told := story.assigned(writer).get(variable):
            path = (*told.path, *rest) if told.part else ()
            source = Source("step", writer, told.part or "outputs", path, one.variable)
            return source, at(told.value, rest)
    return None


def _of_container(story: Story, container: Visit, path: Path, visit: Visit) -> Resolved:
    """The item of a pass, or a loop variable at its beginning."""
    given = story.value(container.inputs)
    depth = len(container.iteration)
    number = visit.iteration[depth] if len(visit.iteration) > depth else None
    if path == ("index",) and number is not None:
        return Source("step", container, "inputs", name="index"), number
    if path[:1] == ("item",) and isinstance(given, dict) and number is not None:
        lists = [key for key, value in given.items() if isinstance(value, list)]
        key = "iterator_selector" if "iterator_selector" in lists else next(iter(lists), "")
        place: Path = (key, number, *path[1:])
    else:
        place = path
    return Source("step", container, "inputs", place), at(given, place)


# -- where it stands --


def _landing(one: Reference, value: Any, given: Any) -> list[Link]:
    """Where in a value of the step it stands, and how; [] where that cannot be told."""
    if given is MISSING:
        return []
    named = _by_name(one, given)
    if named is None:
        return [] if value is MISSING else _within(one, value, given)
    if value is MISSING:
        return [named]
    there = at(given, named.path or ())
    if there == value:
        return [replace(named, change="same")]
    inside = [
        replace(link, path=(*(named.path or ()), *(link.path or ())))
        for link in _within(one, value, there)
    ]
    if one.in_text:
        return inside or _within(one, value, given)
    return inside or [replace(named, value=value)]


def _within(one: Reference, value: Any, given: Any) -> list[Link]:
    """All places where a telling value stands, however many there are; a value that tells nothing
    by itself has to stand in just one."""
    found = land(value, given) if key_of(value) is not None else []
    return found or _short(one, value, given)


def _short(one: Reference, value: Any, given: Any) -> list[Link]:
    """The one place of a short value, or the one text that has all its parts: Dify writes objects
    as JSON, lists as JSON, Python or bullets."""
    if one.in_text:
        parts = [str(p.value) for p in pieces(value, MAX_PARTS) if _is_part(p.value)]
        around = [
            piece.path
            for piece in pieces(given)
            if isinstance(piece.value, str) and parts and all(p in piece.value for p in parts)
        ]
        return [Link(around[0], Source(""), "inserted", value=value)] if len(around) == 1 else []
    if value in (None, "", [], {}) or isinstance(value, bool):
        return []
    places = [piece.path for piece in pieces(given) if piece.value == value]
    compared = _COMPARED.get(one.field.rpartition(".")[2])
    if len(places) > 1:
        places = [path for path in places if path[-1:] == (compared,)]
    return [Link(places[0], Source(""), value=value)] if len(places) == 1 else []


def _is_part(value: Any) -> bool:
    return value != "" and isinstance(value, (str, int, float)) and not isinstance(value, bool)


def _by_name(one: Reference, given: Any) -> Link | None:
    """An input that is called as the setting says."""
    if not isinstance(given, dict):
        return None
    last = one.field.rpartition(".")[2]
    for name in (f"#{one.variable}#", one.name, last):
        if name and name in given:
            change = "inserted" if one.in_text else ""
            return Link((name,), Source(""), change, value=given[name])
    return None


# -- what assigners write, and containers give out --


def of_assigner(story: Story, visit: Visit) -> Iterator[Link]:
    """What an assigner wrote came from what the settings of each variable refer to."""
    told = story.assigned(visit)
    graph_id = story.graph_id(visit)
    read = story.references.get(graph_id, [])
    for variable, settings in story.written.get(graph_id, {}).items():
        wrote, name = told.get(variable), ".".join(variable)
        if not wrote or not wrote.part:
            continue
        for one in (one for one in read if one.field in settings):
            source, value = resolve(story, one, visit)
            change = "same" if value == wrote.value else ""
            yield Link(wrote.path, source, change, True, _why(one), wrote.value, wrote.part, name)


def from_passes(story: Story, visit: Visit, gave: Any) -> Iterator[Link]:
    """An iteration's list: what the node that it selects gave out in each pass."""
    items = gave.get("output") if isinstance(gave, dict) else None
    one = next((one for one in _at_end(story, visit) if one.field == "output_selector"), None)
    if one is None or not isinstance(items, list):
        return
    depth = len(visit.iteration)
    inside = [v for v in story.inside(visit, one.node) if len(v.iteration) > depth]
    last = {inner.iteration[depth]: inner for inner in inside}
    # Where passes were left out (failed ones, an item that is a list laid flat), numbers differ.
    if len(items) != len(last):
        return
    for number, item in enumerate(items):  # of thousands only what was looked at is compared
        inner = last.get(number)
        if inner and story.index.get(inner.outputs, one.path) in (item, MISSING):
            source = Source("step", inner, "outputs", one.path, one.variable)
            yield Link(("output", number), source, "same", True, _why(one), item)


def from_rounds(story: Story, visit: Visit, gave: Any) -> Iterator[Link]:
    """A loop's variables: what was written to them last in it; and what its end was decided by."""
    for name, value in gave.items() if isinstance(gave, dict) else ():
        variable = (story.graph_id(visit), str(name))
        for writer in islice(story.writers_inside(variable, visit), 5):
            told = story.assigned(writer).get(variable)
            if told and told.part:
                source = Source("step", writer, told.part, told.path, ".".join(variable))
                change = "same" if told.value == value else ""
                yield Link((str(name),), source, change, True, "its loop variable", value)
                break
    for one in _at_end(story, visit):
        inside = story.inside(visit, one.node)
        if inside and isinstance(gave, dict) and "loop_round" in gave:
            source = Source("step", inside[-1], "outputs", one.path, one.variable)
            yield Link(("loop_round",), source, "", True, _why(one), gave["loop_round"])


def _at_end(story: Story, visit: Visit) -> list[Reference]:
    read = story.references.get(story.graph_id(visit), [])
    return [one for one in read if one.field.startswith(_AT_END)]
