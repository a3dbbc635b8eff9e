"""Traces one value back to its first origin and forward to the run's output. Pure."""

from dataclasses import dataclass, replace
from typing import Any

from nodes.kinds import kind_of
from nodes.lineage.links import LineageLink, ValueSource
from nodes.lineage.origins import origins_of_inputs, origins_of_outputs
from nodes.lineage.run_index import RunIndex
from nodes.lineage.steps import LineageStep
from nodes.lineage.uses import OutputUse, uses_of_outputs
from nodes.lineage.values import MISSING, ValuePath, paths_overlap, value_at

MAX_HOPS = 40
MAX_TRACED_USES = 40  # places that a value went to
MAX_TRACED_STEPS = 12  # steps whose uses are looked for
# After these changes the path inside of a value is still the same.
_KEEPS_PATH = frozenset({"same", "parsed", "as text", "trimmed"})


@dataclass(frozen=True, slots=True)
class Hop:
    """A place where the value was. `link` says how it came from here to the hop before it in the
    list (None: the place that the trace starts at); `other_sources`: how many more sources it was
    made of there; `level` indents the branches of a trace forward."""

    source: ValueSource
    value: Any = MISSING
    link: LineageLink | None = None
    other_sources: int = 0
    level: int = 0


def trace_back(
    run: RunIndex, step: LineageStep, part: str, path: ValuePath, call_id: str = ""
) -> list[Hop]:
    """Return the hops from the value at `path` in a `part` of a step to its first origin.
    `call_id`: of the tool call that the step is."""
    hop = _hop(run, ValueSource("step", step, part, path))
    hops, seen = [hop], set()
    while source_step := hop.source.step:
        if len(hops) >= MAX_HOPS:
            run.truncated = True
            break
        source = hop.source
        place = (source_step.id, source.part, tuple(map(str, source.path)))
        if place in seen:
            break
        seen.add(place)
        links = (
            origins_of_outputs(run, source_step)
            if source.part == "outputs"
            else origins_of_inputs(run, source_step, call_id if source_step is step else "")
        )
        best = _best_link([link for link in links if link.part == source.part], source.path)
        if best is None:
            break
        link, rest, other_sources = best
        if source.part == "outputs" and _is_written_by_model(source_step, link):
            break
        next_source = replace(link.source, path=(*link.source.path, *rest))
        hop = _hop(run, next_source, link, other_sources)
        hops.append(hop)
    return hops


def _is_written_by_model(step: LineageStep, link: LineageLink) -> bool:
    """Return whether a value is a model's own, which it also is where it quotes its inputs."""
    return (
        kind_of(step.kind).call == "model"
        and link.source.step is step
        and link.change not in ("same", "trimmed")
    )


def _hop(
    run: RunIndex, source: ValueSource, link: LineageLink | None = None, other_sources: int = 0
) -> Hop:
    if source.step:
        run.load([source.step.digest(source.part)])
    value = run.value_at_source(source)
    if value is MISSING and link is not None and link.change == "same":
        value = link.value
    return Hop(source, value, link, other_sources)


def _best_link(
    links: list[LineageLink], path: ValuePath
) -> tuple[LineageLink, ValuePath, int] | None:
    """Return the link of the value at `path`: of that place itself, else of what it is a part of,
    else the one that says most of what stands in it; what remains of the path; and how many more
    links there are."""
    wanted = tuple(map(str, path))
    placed = [(tuple(map(str, link.path)), link) for link in links if link.path is not None]
    at_path = [link for place, link in placed if place == wanted]
    if at_path:
        return max(at_path, key=_certain_and_long), (), len(at_path) - 1
    around = [
        (place, link)
        for place, link in placed
        if wanted[: len(place)] == place and link.change in _KEEPS_PATH
    ]
    if around:
        place, link = max(around, key=lambda pair: len(pair[0]))
        return link, path[len(place) :], 0
    inside = [link for place, link in placed if place[: len(wanted)] == wanted]
    if inside:
        return max(inside, key=_certain_and_long), (), len(inside) - 1
    return None


def _certain_and_long(link: LineageLink) -> tuple[bool, int]:
    return link.certain, len(str(link.value))


def trace_forward(run: RunIndex, step: LineageStep, part: str, path: ValuePath) -> list[Hop]:
    """Return where the value at `path` in a `part` of a step went: who used it, and where those
    that output it again sent it."""
    hops: list[Hop] = []
    waiting: list[tuple[LineageStep, ValuePath, int]] = []
    if part != "inputs":
        waiting.append((step, path, 0))
    else:
        waiting += [(step, output_path, 0) for output_path in _output_paths(run, step, path)]
    followed: set[tuple[str, ValuePath]] = set()
    places: set[tuple[LineageStep | None, str, ValuePath]] = set()
    while waiting and len(followed) < MAX_TRACED_STEPS and len(hops) < MAX_TRACED_USES:
        giver, output_path, level = waiting.pop()
        if (giver.id, output_path) in followed:
            continue
        followed.add((giver.id, output_path))
        further: list[tuple[LineageStep, ValuePath, int]] = []
        for use in uses_of_outputs(run, giver):
            link_path = use.link.path or ()
            place = (use.user, use.link.part, link_path)
            if (
                not paths_overlap(use.link.source.path, output_path)
                or len(hops) >= MAX_TRACED_USES
                or place in places
            ):
                continue
            places.add(place)
            hops.append(_hop_of_use(run, use, level))
            if use.user and (use.link.part == "outputs" or use.user.assigns_variables):
                further.append((use.user, link_path, level + 1))
            elif use.user and use.link.path is not None:
                further += [
                    (use.user, sent, level + 1)
                    for sent in _output_paths(run, use.user, use.link.path)
                ]
        waiting += reversed(further)
    run.truncated = run.truncated or bool(waiting)
    return hops


def _hop_of_use(run: RunIndex, use: OutputUse, level: int) -> Hop:
    path = use.link.path or ()
    if use.user is None:
        value = value_at(run.value(run.run_values.outputs), path)
        return Hop(ValueSource("answer", path=path), value, use.link, level=level)
    source = ValueSource("step", use.user, use.link.part, path)
    return Hop(source, run.value_at_source(source), use.link, level=level)


def _output_paths(run: RunIndex, step: LineageStep, path: ValuePath) -> list[ValuePath]:
    """Return up to three paths in a step's outputs where something of its inputs at `path` stands
    again."""
    return [
        link.path
        for link in origins_of_outputs(run, step)
        if link.path is not None
        and link.source.step is step
        and link.source.part == "inputs"
        and paths_overlap(link.source.path, path)
    ][:3]
