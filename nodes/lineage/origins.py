"""Works out where the values of one step came from, by declared links and by equal values. Pure."""

from dataclasses import replace

from nodes.lineage.declared import declared_input_links, declared_output_links
from nodes.lineage.links import LineageLink, ValueSource
from nodes.lineage.run_index import RunIndex
from nodes.lineage.steps import LineageStep
from nodes.lineage.value_search import ValueSearch
from nodes.lineage.values import MISSING, ValuePath, ValuePiece, equality_key


def origins_of_inputs(run: RunIndex, step: LineageStep, call_id: str = "") -> list[LineageLink]:
    """Return the links of a step's inputs, in the inputs' order; where it gathers values without
    naming them as inputs, those of its outputs. `call_id`: of the tool call that the step is."""
    run.load_possible_sources(step)
    certain = declared_input_links(run, step, call_id)
    inputs = run.value(step.inputs)
    search = run.search_before(step)
    likely = (
        _link_of_whole_value(search, step) if inputs is MISSING else run.find_links(search, inputs)
    )
    links = certain + not_covered(run, certain, likely)
    links = _in_order(links, run.values.pieces.get(step.inputs, []))
    if run.gathers(step) and step.outputs != step.inputs:
        gathered = _links_of_gathered(run, step)
        links = [link for link in links if link.path is not None or not gathered]
        links += [
            link
            for link in gathered
            if not any(_same_source(link.source, other.source) for other in links)
        ]
    return links


def origins_of_outputs(run: RunIndex, step: LineageStep) -> list[LineageLink]:
    """Return the links of a step's outputs: to its own inputs, to the steps inside it, and where
    its settings say what it gathers, to those."""
    inside = [replace(link, part="outputs") for link in run.links_inside(step)]
    if run.gathers(step) and not inside:
        run.load_possible_sources(step)
        links = _links_of_gathered(run, step)
    else:
        certain = declared_output_links(run, step)
        links = certain + not_covered(run, certain, inside)
    return _in_order(links, run.values.pieces.get(step.outputs, []))


def _link_of_whole_value(search: ValueSearch, step: LineageStep) -> list[LineageLink]:
    """Return the link of inputs that are too large to be loaded: their digest is another's."""
    holder = search.find_holder(step.inputs) if step.inputs else None
    return [LineageLink((), holder.source)] if holder else []


def _links_of_gathered(run: RunIndex, step: LineageStep) -> list[LineageLink]:
    """Return the links of the outputs of a step that gathers them from the steps before."""
    outputs = run.value(step.outputs)
    likely = [] if outputs is MISSING else run.find_links(run.search_before(step), outputs)
    certain = declared_output_links(run, step)
    likely = [replace(link, part="outputs") for link in likely]
    return certain + not_covered(run, certain, likely)


def not_covered(
    run: RunIndex, certain: list[LineageLink], likely: list[LineageLink]
) -> list[LineageLink]:
    """Return the likely links that say more than the certain ones. Several texts may stand in
    one."""
    return [link for link in likely if not any(_covers(run, known, link) for known in certain)]


def _covers(run: RunIndex, certain: LineageLink, likely: LineageLink) -> bool:
    """Return whether a certain link says already what a likely one would."""
    if certain.path is None or likely.path is None:
        return _same_source(certain.source, likely.source)
    if certain.path[: len(likely.path)] == likely.path and certain.path != likely.path:
        return _same_source(certain.source, likely.source)
    if certain.path != likely.path or certain.change != "inserted":
        return likely.path[: len(certain.path)] == certain.path
    return (
        _same_source(certain.source, likely.source)
        or likely.change != "inserted"
        or equality_key(run.value_at_source(certain.source))
        == equality_key(run.value_at_source(likely.source))
    )


def _same_source(first: ValueSource, second: ValueSource) -> bool:
    """Return whether two sources are in the same value, one at or inside of the other."""
    shorter = min(len(first.path), len(second.path))
    return (first.form, first.step, first.part) == (second.form, second.step, second.part) and (
        first.path[:shorter] == second.path[:shorter]
    )


def _in_order(links: list[LineageLink], pieces: list[ValuePiece]) -> list[LineageLink]:
    """Sort links as the pieces that they stand at; those without a path come last."""
    positions: dict[ValuePath, int] = {}
    for number, piece in enumerate(pieces):
        positions.setdefault(piece.path, number)
    last = len(positions)
    return sorted(
        links,
        key=lambda link: last + 1 if link.path is None else positions.get(link.path, last),
    )
