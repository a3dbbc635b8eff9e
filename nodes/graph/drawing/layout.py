"""Lays out a graph as cards, containers around their steps, and lines. Pure; sizes in pixels.

A step with few inner steps is a card that lists them (an LLM call and a router inside a node); a
container with a flow of its own is a box with that flow inside.
"""

from collections import defaultdict
from dataclasses import replace

from nodes.graph.drawing.layers import arrange
from nodes.graph.drawing.shapes import Card, Drawing, EdgeLine, clip_text, columns_of
from nodes.graph.graph import Graph, GraphEdge
from nodes.graph.taken_edges import END
from nodes.kinds import kind_of

MAX_NODES = 400
MAX_LINES = 1000
MAX_CHIPS = 8
DEEPEST = 6
MAX_CASE, MAX_LABEL = 26, 40  # columns of the name of a case, and of a label
CARD = (200, 60)
END_CARD = (64, 30)
CHIP = 25
HEAD = 60
PAD = 18
ALWAYS_BOXES = frozenset({"iteration", "loop", "workflow"})


def layout(graph: Graph) -> Drawing:
    """Draw the graph. The same graph gives the same drawing; of a huge one its first nodes and
    edges."""
    tree = _DrawingTree(graph)
    drawing = tree.draw(None)
    drawing.hidden = max(0, len(graph.nodes) - MAX_NODES)
    drawing.hidden_edges = tree.hidden_edges
    return drawing


class _DrawingTree:
    def __init__(self, graph: Graph) -> None:
        self.has_runs = graph.runs > 0
        self.hidden_edges = 0
        nodes = graph.nodes[:MAX_NODES]
        self.nodes = {node.id: node for node in nodes}
        self.above: dict[str, str | None] = {}
        self.below: dict[str | None, list[str]] = defaultdict(list)
        for node in nodes:
            self.above[node.id] = node.parent if node.parent in self.nodes else None
        for node in nodes:
            chain = self._chain(node.id)
            if len(chain) > DEEPEST:
                self.above[node.id] = chain[-DEEPEST]
            self.below[self.above[node.id]].append(node.id)
        self.edges = self._lifted(graph.edges)

    def _chain(self, node_id: str) -> list[str]:
        """Return the node and its containers, innermost first. A cycle of containers is cut."""
        chain: list[str] = []
        here: str | None = node_id
        while here is not None and here not in chain:
            chain.append(here)
            here = self.above[here]
        if here is not None:
            self.above[chain[-1]] = None
        return chain

    def _lifted(
        self, edges: tuple[GraphEdge, ...]
    ) -> dict[str | None, dict[tuple[str, str], list[GraphEdge]]]:
        """Return edges between siblings, by their container: what joins steps of different
        containers is drawn between the containers. Nothing is drawn from a container to its own
        steps."""
        lifted: dict[str | None, dict[tuple[str, str], list[GraphEdge]]] = defaultdict(dict)
        drawn = [e for e in edges if e.source in self.nodes and e.target in self.nodes]
        self.hidden_edges = max(0, len(drawn) - MAX_LINES)
        for edge in drawn[:MAX_LINES]:
            source, target = (self._chain(end)[::-1] for end in (edge.source, edge.target))
            level = 0
            while source[level] == target[level]:
                if level + 1 >= min(len(source), len(target)):
                    break
                level += 1
            pair = (source[level], target[level])
            if pair[0] != pair[1] or edge.source == edge.target:
                lifted[self.above[pair[0]]].setdefault(pair, []).append(edge)
        return lifted

    def draw(self, parent: str | None) -> Drawing:
        """Draw the inside of a container, or all."""
        ids = self.below[parent]
        number = {node_id: i for i, node_id in enumerate(ids)}
        inside = {node_id: self.draw(node_id) for node_id in ids if self._is_box(node_id)}
        cards = [self._node_card(node_id, inside.get(node_id)) for node_id in ids]
        edges = {(number[a], number[b]): es for (a, b), es in self.edges.get(parent, {}).items()}
        labels = {pair: self._edge_label(es) for pair, es in edges.items()}
        widths = {pair: 14 + 7 * columns_of(text) if text else 0 for pair, text in labels.items()}
        level = arrange([(card.width, card.height) for card in cards], widths)
        drawing = Drawing(width=level.width, height=level.height)
        for i, card in enumerate(cards):
            x, y = level.spots[i]
            drawing.cards.append(card.move(x, y))
            if (sub := inside.get(ids[i])) is not None:
                x, y = x + PAD, y + HEAD
                drawing.cards += [inner.move(x, y) for inner in sub.cards]
                drawing.lines += [replace(line, route=line.route.moved(x, y)) for line in sub.lines]
        drawing.lines += [
            EdgeLine(tuple(edges[pair]), route, labels[pair], self._edge_description(edges[pair]))
            for pair, route in level.routes.items()
        ]
        return drawing

    def _listed(self, node_id: str) -> list[str]:
        """Return what a card lists of a container, in order: its innermost steps, and the agents
        that hold them; other containers show nothing of their own."""
        listed = []
        for child in self.below[node_id]:
            inner = self._listed(child)
            is_agent = kind_of(self.nodes[child].kind).group == "agent"
            listed += [child, *inner] if is_agent or not inner else inner
        return listed

    def _is_box(self, node_id: str) -> bool:
        """Return whether a container has a flow of its own. Few steps, or steps without edges
        between them, are listed on the card."""
        children, node = self.below[node_id], self.nodes[node_id]
        if not children:
            return False
        if node.kind in ALWAYS_BOXES:
            return True
        listed = self._listed(node_id)
        flows = any(a != b for a, b in self.edges.get(node_id, {}))
        if flows and any(self._holds_steps(child) for child in children):
            return True
        if len(listed) <= (2 if kind_of(node.kind).group == "agent" else 3):
            return False
        return flows or len(listed) > len(children)

    def _holds_steps(self, node_id: str) -> bool:
        group = kind_of(self.nodes[node_id].kind).group
        return bool(self.below[node_id]) and group in ("agent", "loop")

    def _node_card(self, node_id: str, inside: Drawing | None) -> Card:
        node = self.nodes[node_id]
        state = "unused" if self.has_runs and not node.runs else ""
        if inside is not None:
            width = max(CARD[0], inside.width + 2 * PAD)
            return Card(node, 0, 0, width, HEAD + inside.height + PAD, "box", state=state)
        if node_id == END:
            return Card(node, 0, 0, *END_CARD, "end", state=state)
        if node.is_marker:
            return Card(node, 0, 0, *END_CARD, "start", state=state)
        listed = self._listed(node_id)
        inner_ids = listed[:MAX_CHIPS]
        chips = [
            Card(self.nodes[inner], 12, CARD[1] + CHIP * i, CARD[0] - 20, CHIP - 4, "chip")
            for i, inner in enumerate(inner_ids)
        ]
        more = len(listed) - len(inner_ids)
        rows = len(inner_ids) + bool(more)
        height = CARD[1] + CHIP * rows + (6 if rows else 0)
        return Card(node, 0, 0, CARD[0], height, "card", chips, more, state=state)

    def _edge_label(self, edges: list[GraphEdge]) -> str:
        """Return the case of a branch and its share: "yes · 7 of 12"; "" where every run takes
        it."""
        names, shares = [], []
        for edge in edges:
            target, source = self.nodes[edge.target], self.nodes[edge.source]
            if edge.handle and edge.handle not in (target.id, target.title, "source"):
                names.append("end" if edge.handle == END else clip_text(edge.handle, MAX_CASE))
            if edge.runs < source.runs:
                shares.append(f"{edge.runs} of {source.runs}")
        parts = [" / ".join(dict.fromkeys(names))] if names else []
        return clip_text(" · ".join(parts + shares[:1]), MAX_LABEL)

    def _edge_description(self, edges: list[GraphEdge]) -> str:
        """Return what the line means: "agent → tools: 7 of 12 runs"."""
        return "; ".join(
            f"{self.nodes[edge.source].title} → {self.nodes[edge.target].title}"
            f"{f' ({edge.handle})' if edge.handle else ''}: "
            f"{edge.runs} of {max(edge.runs, self.nodes[edge.source].runs)} runs"
            for edge in edges
        )
