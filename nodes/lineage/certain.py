"""What producers tell of where a step's inputs came from: its node's settings, who sends to it,
the ids of tool calls. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from nodes.kinds import kind_of
from nodes.lineage.calls import asked_by, results
from nodes.lineage.links import Link, Source, land
from nodes.lineage.references import Reference
from nodes.lineage.story import Story
from nodes.lineage.values import MISSING, Path, at, key_of, pieces
from nodes.lineage.visits import Visit

STARTS = frozenset({"start", "trigger-webhook", "trigger-schedule", "trigger-plugin", "datasource"})
# What these give out is what their settings refer to.
GATHERING = frozenset({"end", "answer", "variable-aggregator", "variable-assigner"})
# Of these each branch of the graph gives its part: they take what there is.
TAKING = GATHERING - {"end"}
Resolved = tuple[Source, Any]


def told(story: Story, visit: Visit, call_id: str = "") -> list[Link]:
    """Links of a step's inputs that are certain; of a tool without the id of its call the likely
    one to that call. `call_id`: of the tool call that the step is."""
    story.load([visit.inputs])
    given = story.value(visit.inputs)
    found = [*_from_settings(story, visit, given), *_from_start(story, visit, given)]
    found += _from_senders(story, visit, given)
    kind = kind_of(visit.kind)
    if kind.group == "tool":
        asked = asked_by(story, visit, call_id)
        found += [asked] if asked else []
    elif kind.call == "model":
        found += results(story, visit, given)
    return found


# -- the settings of a node --


def told_of_outputs(story: Story, visit: Visit) -> list[Link]:
    """Links of what a step gives out that are certain: where its settings say what that is."""
    gave = story.value(visit.outputs)
    if gave is MISSING:
        return []
    if visit.kind in GATHERING:
        found = _from_settings(story, visit, gave)
    elif visit.kind == "iteration":
        found = _from_passes(story, visit, gave)
    else:
        return []
    return [replace(link, part="outputs") for link in found if link.path is not None]


def _from_passes(story: Story, visit: Visit, gave: Any) -> Iterator[Link]:
    """An iteration's list: what the node that it selects gave out in each pass."""
    read = story.references.get(story.graph_id(visit), [])
    selected = [one for one in read if one.field == "output_selector"]
    items = gave.get("output") if isinstance(gave, dict) else None
    if not selected or not isinstance(items, list):
        return
    [one], depth = selected[:1], len(visit.iteration)
    node_ids = story.node_ids(one.node)
    last = {
        inner.iteration[depth]: inner
        for inner in reversed(story.visits.below(visit))
        if inner.node_id in node_ids and len(inner.iteration) > depth and inner.status != "retry"
    }
    # Where passes were left out (failed ones, an item that is a list laid flat), numbers differ.
    for number, item in enumerate(items) if len(items) == len(last) else ():
        inner = last.get(number)
        if inner and at(story.value(inner.outputs), one.path) in (item, MISSING):
            source = Source("step", inner, "outputs", one.path, one.variable)
            why = f"{one.variable} in its setting {one.field}"
            yield Link(("output", number), source, "same", True, why, item)


def _from_settings(story: Story, visit: Visit, given: Any) -> Iterator[Link]:
    for one in story.references.get(story.graph_id(visit), []):
        if one.field == "output_selector":
            continue  # what it gives out at its end
        source, value = resolve(story, one, visit)
        if source.form == "nothing" and visit.kind in TAKING:
            continue
        why = f"{one.variable} in its setting {one.field}"
        landed = _landing(one, value, given)
        for link in landed or [Link(None, Source(""), "", value=value)]:
            at_source = replace(source, path=source.path + link.source.path)
            yield replace(link, source=at_source, certain=True, why=why)


def resolve(story: Story, one: Reference, visit: Visit) -> Resolved:
    """The source that a reference meant when the step began, and its value."""
    whole, name = story.whole, ".".join(map(str, one.path))
    if one.node == "sys":
        value = at(story.value(whole.inputs), (f"sys.{name}",))
        return Source("system", path=(f"sys.{name}",), name=f"sys.{name}"), value
    if one.node == "env":
        return Source("environment", name=f"env.{name}"), whole.environment.get(name, MISSING)
    if written := next(story.writers((one.node, *map(str, one.path)), visit), None):
        return Source("step", written, "outputs", name=one.variable), MISSING
    if one.node == "conversation":
        kept = whole.conversation.get(name, MISSING)
        return Source("conversation", name=f"conversation.{name}"), kept
    found = story.visits.in_force(list(story.node_ids(one.node)), visit)
    if found is None:
        title = story.nodes[one.node].title
        return Source("nothing", name=f"{title}.{name}"), MISSING
    if any(found is container for container in story.visits.above(visit)):
        return _of_container(story, found, one.path, visit)
    source = Source("step", found, "outputs", one.path, one.variable)
    return source, at(story.value(found.outputs), one.path)


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


def _landing(one: Reference, value: Any, given: Any) -> list[Link]:
    """Where in the step's inputs it stands, and how; [] where that cannot be told."""
    if value is MISSING or given is MISSING:
        return _by_name(one, given) if value is MISSING else []
    found = _by_name(one, given)
    if found and at(given, found[0].path or ()) == value:
        return [replace(found[0], change="same", value=value)]
    if found and not one.in_text:
        return [replace(found[0], change="", value=value)]
    if key_of(value) is not None:
        # All that stands in the text came from it, also where it is in several places.
        return land(value, given)
    if one.in_text:
        around = [
            piece.path
            for piece in pieces(given)
            if isinstance(piece.value, str) and value != "" and str(value) in piece.value
        ]
        return [Link(around[0], Source(""), "inserted", value=value)] if len(around) == 1 else []
    places = [piece.path for piece in pieces(given) if piece.value == value]
    short = value in (None, "", [], {}) or isinstance(value, bool)
    return [Link(places[0], Source(""), value=value)] if len(places) == 1 and not short else []


def _by_name(one: Reference, given: Any) -> list[Link]:
    """An input that is called as the setting says."""
    if not isinstance(given, dict):
        return []
    last = one.field.rpartition(".")[2]
    for name in (f"#{one.variable}#", one.name, last):
        if name and name in given:
            change = "inserted" if one.in_text else ""
            return [Link((name,), Source(""), change, value=given[name])]
    return []


# -- what starts a run --


def _from_start(story: Story, visit: Visit, given: Any) -> Iterator[Link]:
    asked = story.value(story.whole.inputs)
    if visit.kind not in STARTS or not isinstance(given, dict) or not isinstance(asked, dict):
        return
    for name, value in given.items():
        if name in asked and asked[name] == value:
            form = "system" if name.startswith("sys.") else "input"
            source = Source(form, path=(name,), name=name)
            yield Link((name,), source, "same", True, "given to the run", value)


# -- who sends --


def _from_senders(story: Story, visit: Visit, given: Any) -> Iterator[Link]:
    """Inputs that are the one equal thing that those who send to the step gave out."""
    came = [sent for name in visit.senders if (sent := story.visits.in_force([name], visit))]
    story.load(sender.outputs for sender in came)
    for name, value in given.items() if isinstance(given, dict) else ():
        alone = value[0] if isinstance(value, list) and len(value) == 1 else value
        found = [
            (sender, socket)
            for sender in came
            for socket, sent in _items(story.value(sender.outputs))
            if sent in (value, alone) and (name == socket or key_of(alone) is not None)
        ]
        if len(found) == 1 and alone not in (None, "", [], {}):
            sender, socket = found[0]
            same = at(story.value(sender.outputs), (socket,)) == value
            path: Path = (name,) if same else (name, 0)
            source = Source("step", sender, "outputs", (socket,))
            yield Link(path, source, "same", True, f"{sender.title} sends to this step", value)


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []
