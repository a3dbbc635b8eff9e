"""The graph of a version, as it was sent or as its runs show it. Pure.

Most producers send no graph. It is then inferred: nodes from the steps that ran; edges from what
the producer reports (which steps a step waited for, which branch was taken), else from time: a step
follows those that ended last before it started. The union over runs grows as they take new edges
and does not depend on their order.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nodes.choices import NodeStatus
from nodes.graph.steps import GraphStep
from nodes.graph.taken_edges import END, EdgeKey, taken_edges

# Kinds that mark where the inside of a container begins; producers do not report that they ran.
MARKERS = frozenset({"iteration-start", "loop-start"})
# What may go wrong with a step, the worst last.
_MISHAPS = (NodeStatus.RETRY, NodeStatus.EXCEPTION, NodeStatus.FAILED)


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A step of the workflow. `parent` is the id of its container; `runs` counts runs that came
    through it, `failed` those in which it failed, `handled` those in which its failure was handled
    and `retried` those in which another attempt went well, each run once, by the worst; `last_*`
    describe its newest execution. `x`, `y` and `config` are known for a stored graph only."""

    id: str
    kind: str
    title: str
    parent: str | None = None
    runs: int = 0
    failed: int = 0
    handled: int = 0
    retried: int = 0
    last_id: str = ""
    last_status: str = ""
    x: float | None = None
    y: float | None = None
    config: Mapping[str, Any] | None = None

    @property
    def is_marker(self) -> bool:
        return self.kind in MARKERS and self.parent is not None


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """An edge between two nodes, taken in `runs` runs. `handle` names the case of a branch; `via`
    is the inner step that chose (a router inside its node), "" where the source itself chose."""

    source: str
    target: str
    handle: str = ""
    runs: int = 0
    via: str = ""

    @property
    def key(self) -> EdgeKey:
        return (self.source, self.target, self.handle)


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes in the order in which runs come to them. `runs`: how many runs were looked at."""

    nodes: tuple[GraphNode, ...] = ()
    edges: tuple[GraphEdge, ...] = ()
    inferred: bool = True
    runs: int = 0

    def node(self, node_id: str) -> GraphNode | None:
        return next((node for node in self.nodes if node.id == node_id), None)


@dataclass(slots=True)
class _NodeCounts:
    """What the runs showed of one node. `place` is where a run comes to it by latest."""

    place: int
    newest: GraphStep
    runs: int = 0
    # How many runs had which of _MISHAPS.
    mishaps: Counter[str] = field(default_factory=Counter)
    parents: Counter[str] = field(default_factory=Counter)


def infer_graph(runs: Iterable[Sequence[GraphStep]]) -> Graph:
    """Return the union of the given runs. The same runs in any order give the same graph."""
    runs = list(runs)
    counts: dict[str, _NodeCounts] = {}
    for steps in runs:
        _count_nodes(steps, counts)
    parents = _most_frequent_parents(counts)
    edge_counts: Counter[EdgeKey] = Counter()
    via: dict[EdgeKey, str] = {}
    ended = 0
    for steps in runs:
        edges = taken_edges(steps, counts)
        edge_counts.update(edge.key for edge in edges)
        ended += any(edge.key[1] == END for edge in edges)
        for edge in edges:
            via[edge.key] = min(filter(None, (edge.via, via.get(edge.key))), default="")
    nodes = [
        GraphNode(
            key,
            count.newest.kind,
            count.newest.title,
            parents[key],
            count.runs,
            count.mishaps[NodeStatus.FAILED],
            count.mishaps[NodeStatus.EXCEPTION],
            count.mishaps[NodeStatus.RETRY],
            count.newest.id,
            count.newest.status,
        )
        for key, count in sorted(counts.items(), key=lambda item: (item[1].place, item[0]))
    ]
    if ended and END not in counts:
        nodes.append(GraphNode(END, "end", "End", runs=ended))
    graph_edges = [GraphEdge(*key, edge_counts[key], via[key]) for key in sorted(edge_counts)]
    return Graph(tuple(nodes), tuple(graph_edges), True, len(runs))


def _count_nodes(steps: Sequence[GraphStep], counts: dict[str, _NodeCounts]) -> None:
    """Count one run's steps into `counts`, which is by node id."""
    by_id = {step.id: step for step in steps}
    first: dict[str, int] = {}
    for place, step in enumerate(sorted(steps, key=lambda s: (s.index, s.id))):
        first.setdefault(step.key, place)
        count = counts.setdefault(step.key, _NodeCounts(0, step))
        count.newest = max(count.newest, step, key=lambda s: (s.started_us or 0, s.id))
        parent = by_id.get(step.parent_id)
        count.parents[parent.key if parent and parent.key != step.key else ""] += 1
    worst: dict[str, str] = {}
    for status in _MISHAPS:
        worst |= {step.key: status for step in steps if step.status == status}
    for key, place in first.items():
        # The latest place: a short cut to the end must not move the end forward.
        counts[key].place = max(counts[key].place, place)
        counts[key].runs += 1
        if key in worst:
            counts[key].mishaps[worst[key]] += 1


def _most_frequent_parents(counts: Mapping[str, _NodeCounts]) -> dict[str, str | None]:
    """Return the container of each node: the one it ran in most often. A container inside itself is
    cut."""
    parents: dict[str, str | None] = {}
    for key in sorted(counts):
        candidates = counts[key].parents.items()
        parent = min(candidates, key=lambda item: (-item[1], item[0]))[0] or None
        above = parent
        while above is not None and above != key:
            above = parents.get(above)
        parents[key] = None if above == key else parent
    return parents


def sent_graph(data: object) -> Graph:
    """Return a graph from its sent form, {"nodes": […], "edges": […]}, without unreadable parts."""
    data = data if isinstance(data, dict) else {}
    nodes: dict[str, GraphNode] = {}
    for item in _dicts_in(data.get("nodes")):
        if key := str(item.get("id") or ""):
            config = item.get("config") if isinstance(item.get("config"), dict) else None
            nodes.setdefault(
                key,
                GraphNode(
                    key,
                    str(item.get("kind") or "span"),
                    str(item.get("title") or key),
                    str(item["parent"]) if item.get("parent") else None,
                    x=_coordinate(item.get("x")),
                    y=_coordinate(item.get("y")),
                    config=config,
                ),
            )
    edges = {
        (str(item.get("source")), str(item.get("target")), str(item.get("handle") or ""))
        for item in _dicts_in(data.get("edges"))
    }
    known = sorted(key for key in edges if key[0] in nodes and key[1] in nodes)
    return Graph(tuple(nodes.values()), tuple(GraphEdge(*key) for key in known), inferred=False)


def _dicts_in(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _coordinate(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def complete_graph(sent: Graph, observed: Graph) -> Graph:
    """Return a sent graph with what its runs showed: counts, and the steps that it does not name
    (those inside its nodes, mostly) with their edges."""
    known = {node.id for node in sent.nodes}
    observed_nodes = {node.id: node for node in observed.nodes}
    nodes = [
        replace(
            node,
            runs=o.runs,
            failed=o.failed,
            handled=o.handled,
            retried=o.retried,
            last_id=o.last_id,
            last_status=o.last_status,
        )
        if (o := observed_nodes.get(node.id))
        else node
        for node in sent.nodes
    ]
    nodes += [node for node in observed.nodes if node.id not in known]
    by_id = {node.id: node for node in nodes}
    nodes = [_counted_marker(node, by_id) for node in nodes]
    edges = _counted_edges(sent, observed, by_id)
    edges += [e for e in observed.edges if not {e.source, e.target} <= known]
    return Graph(tuple(nodes), tuple(edges), False, observed.runs)


def _counted_marker(node: GraphNode, by_id: Mapping[str, GraphNode]) -> GraphNode:
    """Return a marker with the count of its container, where no run named it; else the node."""
    container = by_id.get(node.parent or "")
    if not node.is_marker or node.runs or container is None:
        return node
    return replace(node, runs=container.runs)


def _counted_edges(sent: Graph, observed: Graph, by_id: Mapping[str, GraphNode]) -> list[GraphEdge]:
    """Return the sent edges with their counts. Where a single sent edge joins two nodes, the handle
    need not agree: producers name a case by its id in the graph and by its label in a run. `by_id`:
    the nodes with their counts."""
    pairs = Counter((edge.source, edge.target) for edge in sent.edges)
    observed_edges: dict[tuple[str, str], list[GraphEdge]] = defaultdict(list)
    for edge in observed.edges:
        observed_edges[edge.source, edge.target].append(edge)
    counted = []
    for edge in sent.edges:
        pair = (edge.source, edge.target)
        same = [
            e for e in observed_edges[pair] if pairs[pair] == 1 or e.handle in ("", edge.handle)
        ]
        runs, via = max((e.runs for e in same), default=0), max((e.via for e in same), default="")
        source = by_id[edge.source]
        if source.is_marker and not source.runs:
            runs = by_id[edge.target].runs
        counted.append(replace(edge, runs=runs, via=via))
    return counted


def edges_taken(graph: Graph, steps: Sequence[GraphStep]) -> set[EdgeKey]:
    """Return the edges of `graph` that one run took; from a marker that no step names, those to
    steps that ran."""
    ran = {step.key for step in steps}
    markers = {node.id for node in graph.nodes if node.is_marker} - ran
    handles: dict[tuple[str, str], set[str]] = defaultdict(set)
    for taken in taken_edges(steps, {node.id for node in graph.nodes}):
        source, target, handle = taken.key
        handles[source, target].add(handle)
    pairs = Counter((edge.source, edge.target) for edge in graph.edges)
    return {
        edge.key
        for edge in graph.edges
        if (edge.source in markers and edge.target in ran)
        or (
            (taken_handles := handles.get(pair := (edge.source, edge.target)))
            and (pairs[pair] == 1 or taken_handles & {"", edge.handle})
        )
    }


def branches_not_taken(graph: Graph, taken_node_ids: Collection[str]) -> dict[str, list[str]]:
    """Return where a run chose between edges: {id of the step that chose: [ids of the nodes it did
    not go to]}, in the order of the graph. Nothing for a step after which the run did not go on."""
    taken = set(taken_node_ids)
    targets: dict[str, set[str]] = defaultdict(set)
    for edge in graph.edges:
        if edge.source in taken and edge.source != edge.target:
            targets[edge.via if edge.via in taken else edge.source].add(edge.target)
    order = [node.id for node in graph.nodes]
    return {
        key: [node_id for node_id in order if node_id in missed]
        for key in order
        if (missed := targets.get(key, set()) - taken) and targets[key] & taken
    }
