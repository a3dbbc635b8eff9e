"""What producers tell of where a step's values came from: its node's settings, who sends to it,
the ids of tool calls. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from nodes.kinds import kind_of
from nodes.lineage.calls import asked_by, results
from nodes.lineage.executions import Visit
from nodes.lineage.links import Link, Source
from nodes.lineage.run_index import Story
from nodes.lineage.settings import (
    GATHERING,
    from_passes,
    from_rounds,
    from_settings,
    of_assigner,
)
from nodes.lineage.values import MISSING, Path, at, key_of

STARTS = frozenset({"start", "trigger-webhook", "trigger-schedule", "trigger-plugin", "datasource"})
# What Dify tells of these only in the process data: what a model was told, what a tool was asked.
_TOLD_BESIDE = ("prompts", "request")


def told(story: Story, visit: Visit, call_id: str = "") -> list[Link]:
    """Links of a step's inputs that are certain; of a tool without the id of its call the likely
    one to that call. `call_id`: of the tool call that the step is."""
    story.load([visit.inputs, visit.process])
    given = story.value(visit.inputs)
    found = [*_settled(story, visit, given), *_from_start(story, visit, given)]
    found += _from_senders(story, visit, given)
    kind = kind_of(visit.kind)
    if kind.group == "tool":
        asked = asked_by(story, visit, call_id)
        found += [asked] if asked else []
    elif kind.call == "model":
        found += results(story, visit, given)
    return found


def _settled(story: Story, visit: Visit, given: Any) -> list[Link]:
    """What the settings say of its inputs, and of what it was told or wrote beside them."""
    beside = story.value(visit.process)
    if isinstance(beside, dict):
        beside = {key: beside[key] for key in _TOLD_BESIDE if key in beside} or MISSING
    if visit.kind == "assigner" and isinstance(given, dict) and "items" in given:
        given = MISSING  # they are its settings
    found = list(from_settings(story, visit, ("inputs", given), ("process_data", beside)))
    wrote = list(of_assigner(story, visit)) if visit.kind == "assigner" else []
    known = {link.why for link in wrote}
    return wrote + [link for link in found if link.path is not None or link.why not in known]


def told_of_outputs(story: Story, visit: Visit) -> list[Link]:
    """Links of what a step gives out that are certain: where its settings say what that is."""
    gave = story.value(visit.outputs)
    if gave is MISSING:
        return []
    if visit.kind in GATHERING:
        found = from_settings(story, visit, ("outputs", gave))
    elif visit.kind == "iteration":
        found = from_passes(story, visit, gave)
    elif visit.kind == "loop":
        found = from_rounds(story, visit, gave)
    else:
        return []
    return [replace(link, part="outputs") for link in found if link.path is not None]


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
