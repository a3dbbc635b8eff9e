"""What changed between two graphs of an app: nodes, their settings and the edges. Pure."""

from dataclasses import dataclass

from nodes.diff.difference import ValueDifference, value_difference
from nodes.graph.alignment import nodes_by_name
from nodes.graph.graph import Graph, GraphNode

MAX_NODES = 100
MAX_EDGES = 100


@dataclass(frozen=True, slots=True)
class GraphNodeChange:
    """A node that differs. `form`: added, removed, changed. `renamed` is the former title and
    `retyped` the former kind, where it is another now; `settings` is None where they are the same
    or were not sent."""

    form: str
    node: GraphNode
    renamed: str = ""
    retyped: str = ""
    settings: ValueDifference | None = None


@dataclass(frozen=True, slots=True)
class GraphDifference:
    """What differs between two graphs.

    `nodes` and `edges` (form, title of the source, title of the target, case) are the first of
    `node_count` and `edge_count`. `inferred`: one of the graphs is derived from runs, and what ran
    of it may be less than there is.
    """

    nodes: list[GraphNodeChange]
    edges: list[tuple[str, str, str, str]]
    node_count: int
    edge_count: int
    inferred: bool

    @property
    def is_empty(self) -> bool:
        return not self.node_count and not self.edge_count


def graph_difference(before: Graph, after: Graph) -> GraphDifference:
    """Compare two graphs. Nodes are the same by id, else by kind and title where that is unique."""
    old_ids = _old_ids(before, after)
    olds = {node.id: node for node in before.nodes}
    news = {old_ids.get(node.id, node.id): node for node in after.nodes}
    nodes = [GraphNodeChange("removed", node) for key, node in olds.items() if key not in news]
    for key, node in news.items():
        old = olds.get(key)
        if old is None:
            nodes.append(GraphNodeChange("added", node))
        elif change := _node_change(old, node):
            nodes.append(change)
    titles = {key: node.title for key, node in {**olds, **news}.items()}
    edge_keys = [
        {(edge.source, edge.target, edge.handle) for edge in before.edges},
        {
            (
                old_ids.get(edge.source, edge.source),
                old_ids.get(edge.target, edge.target),
                edge.handle,
            )
            for edge in after.edges
        },
    ]
    edges = [
        (form, titles.get(source, source), titles.get(target, target), handle)
        for form, keys in (
            ("removed", edge_keys[0] - edge_keys[1]),
            ("added", edge_keys[1] - edge_keys[0]),
        )
        for source, target, handle in sorted(keys)
    ]
    inferred = before.inferred or after.inferred
    return GraphDifference(nodes[:MAX_NODES], edges[:MAX_EDGES], len(nodes), len(edges), inferred)


def _old_ids(before: Graph, after: Graph) -> dict[str, str]:
    """Return {id in `after`: id in `before`} of the nodes whose id is new and whose name is not."""
    known = {node.id for node in before.nodes}
    kept = {node.id for node in after.nodes} & known
    olds = nodes_by_name(node for node in before.nodes if node.id not in kept)
    news = nodes_by_name(node for node in after.nodes if node.id not in kept)
    return {news[name].id: olds[name].id for name in news if name in olds}


def _node_change(old: GraphNode, new: GraphNode) -> GraphNodeChange | None:
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
