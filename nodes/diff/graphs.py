"""What changed between two graphs of an app: nodes, their settings, the ways between them. Pure."""

from dataclasses import dataclass

from nodes.diff.difference import ValueDifference, value_difference
from nodes.graph.alignment import by_name
from nodes.graph.graph import Graph, GraphNode

MAX_NODES = 100
MAX_EDGES = 100


@dataclass(frozen=True, slots=True)
class GraphNodeChange:
    """`form`: added, removed, changed. `renamed` is the title before, `retyped` the kind before,
    where it is another now; `settings` is None where they are the same or nobody sent them."""

    form: str
    node: GraphNode
    renamed: str = ""
    retyped: str = ""
    settings: ValueDifference | None = None


@dataclass(frozen=True, slots=True)
class GraphDifference:
    """`nodes` and `edges` (form, title of the source, title of the target, case) are the first of
    `node_count` and `edge_count`. `inferred`: one of the graphs is only what runs showed, and what
    ran of it may be less than there is."""

    nodes: list[GraphNodeChange]
    edges: list[tuple[str, str, str, str]]
    node_count: int
    edge_count: int
    inferred: bool

    @property
    def is_empty(self) -> bool:
        return not self.node_count and not self.edge_count


def graph_difference(before: Graph, after: Graph) -> GraphDifference:
    """Nodes are the same by id, else by kind and title where that is unique."""
    names = _names(before, after)
    olds = {node.id: node for node in before.nodes}
    news = {names.get(node.id, node.id): node for node in after.nodes}
    nodes = [GraphNodeChange("removed", node) for key, node in olds.items() if key not in news]
    for key, node in news.items():
        old = olds.get(key)
        if old is None:
            nodes.append(GraphNodeChange("added", node))
        elif change := _changed(old, node):
            nodes.append(change)
    titles = {key: node.title for key, node in {**olds, **news}.items()}
    ways = [
        {(edge.source, edge.target, edge.handle) for edge in before.edges},
        {
            (names.get(edge.source, edge.source), names.get(edge.target, edge.target), edge.handle)
            for edge in after.edges
        },
    ]
    edges = [
        (form, titles.get(source, source), titles.get(target, target), handle)
        for form, found in (("removed", ways[0] - ways[1]), ("added", ways[1] - ways[0]))
        for source, target, handle in sorted(found)
    ]
    inferred = before.inferred or after.inferred
    return GraphDifference(nodes[:MAX_NODES], edges[:MAX_EDGES], len(nodes), len(edges), inferred)


def _names(before: Graph, after: Graph) -> dict[str, str]:
    """Ids of `after` → ids of `before`, of nodes whose id is new and whose name is not."""
    known = {node.id for node in before.nodes}
    kept = {node.id for node in after.nodes} & known
    olds = by_name(node for node in before.nodes if node.id not in kept)
    news = by_name(node for node in after.nodes if node.id not in kept)
    return {news[name].id: olds[name].id for name in news if name in olds}


def _changed(old: GraphNode, new: GraphNode) -> GraphNodeChange | None:
    settings = None
    if old.config is not None and new.config is not None:
        settings = value_difference(dict(old.config), dict(new.config))
    if settings and not settings.total:
        settings = None
    renamed = old.title if old.title != new.title else ""
    retyped = old.kind if old.kind != new.kind else ""
    if not (settings or renamed or retyped):
        return None
    return GraphNodeChange("changed", new, renamed, retyped, settings)
