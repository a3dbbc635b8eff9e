"""A drawing with its annotations: the path of one run, and a legend. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nodes.choices import NodeStatus
from nodes.formats import duration
from nodes.graph.canvas_notes import CanvasNote
from nodes.graph.drawing.layout import layout
from nodes.graph.drawing.notes import add_notes
from nodes.graph.drawing.shapes import Card, Drawing
from nodes.graph.graph import Graph, GraphNode, edges_taken
from nodes.graph.steps import GraphStep
from nodes.graph.taken_edges import END
from nodes.kinds import NodeKind, kind_of

GROUPS = {
    "model": "Model", "agent": "Agent", "tool": "Tool", "retrieval": "Retrieval",
    "branch": "Branch", "loop": "Loop", "flow": "Flow", "data": "Data", "human": "Person or check",
    "other": "Other",
}  # fmt: skip
MARGIN = 16
MAX_LISTED = 1000


@dataclass(slots=True)
class Picture:
    """`selected` is the id of the node whose panel is open."""

    graph: Graph
    drawing: Drawing
    selected: str = ""

    @property
    def width(self) -> int:
        return self.drawing.width + 2 * MARGIN

    @property
    def height(self) -> int:
        return self.drawing.height + 2 * MARGIN

    @property
    def legend(self) -> list[tuple[str, str]]:
        """Return (group, its name) of the kinds that are drawn."""
        drawn = {card.group for card in self.cards() if card.shape not in ("start", "end")}
        return [(group, name) for group, name in GROUPS.items() if group in drawn]

    @property
    def has_unused(self) -> bool:
        states = [line.state for line in self.drawing.lines] + [card.state for card in self.cards()]
        return "unused" in states

    def cards(self) -> Iterator[Card]:
        for card in self.drawing.cards:
            yield card
            yield from card.chips

    @property
    def unlisted(self) -> int:
        """Return how many nodes the list leaves out: TRACING leads to them."""
        return max(0, len(self.graph.nodes) - MAX_LISTED)

    def in_order(self) -> list[tuple[GraphNode, NodeKind, int]]:
        """Return the nodes that are steps as a list, each with its kind and how deep it lies; of a
        huge graph the first ones."""
        depth: dict[str, int] = {}
        below: dict[str | None, list[GraphNode]] = defaultdict(list)
        known = {node.id for node in self.graph.nodes}
        for node in self.graph.nodes:
            if node.id != END and not node.is_marker:
                below[node.parent if node.parent in known else None].append(node)
        listed: list[tuple[GraphNode, NodeKind, int]] = []
        waiting = below.pop(None, [])[::-1]
        while waiting and len(listed) < MAX_LISTED:
            node = waiting.pop()
            depth[node.id] = depth.get(node.parent or "", -1) + 1
            listed.append((node, kind_of(node.kind), min(depth[node.id], 6)))
            waiting.extend(below.pop(node.id, [])[::-1])
        return listed


def draw_picture(
    graph: Graph,
    selected: str = "",
    steps: Sequence[GraphStep] | None = None,
    notes: Sequence[CanvasNote] = (),
) -> Picture:
    """Draw `graph`, with notes around it; with `steps`, as one run went through it."""
    picture = Picture(graph, layout(graph), selected)
    add_notes(picture.drawing, notes)
    if steps is not None:
        _mark_run(picture, steps)
    return picture


def _mark_run(picture: Picture, steps: Sequence[GraphStep]) -> None:
    by_node: dict[str, list[GraphStep]] = defaultdict(list)
    for step in steps:
        by_node[step.key].append(step)
    taken = edges_taken(picture.graph, steps)
    targets = {target for _, target, _ in taken}
    for card in picture.cards():
        own = by_node.get(card.node.id, [])
        newest = max(own, key=lambda step: (step.started_us or 0, step.index), default=None)
        card.status = newest.status if newest else "skipped"
        _note_run(card, own)
        # A marker is where the inside of its container begins, whether or not a step ran in it.
        came = (
            own
            or card.node.id in targets
            or (card.shape == "start" and card.node.parent in by_node)
        )
        card.state = "" if came else "skipped"
    for line in picture.drawing.lines:
        line.state = "" if any(edge.key in taken for edge in line.edges) else "skipped"


def _note_run(card: Card, own: Sequence[GraphStep]) -> None:
    """Say how often and how long a node ran in a run, and what went wrong."""
    statuses = Counter(step.status for step in own)
    times = f"{len(own)} times" if len(own) > 1 else ""
    card.alarm, card.note = "", times if own else "not reached"
    card.warn(
        statuses[NodeStatus.FAILED], statuses[NodeStatus.EXCEPTION], statuses[NodeStatus.RETRY],
        len(own),
    )  # fmt: skip
    lengths = [step.lasted_us for step in own if step.lasted_us is not None]
    if lengths:
        card.note = " · ".join(filter(None, (card.note, duration(sum(lengths)))))
