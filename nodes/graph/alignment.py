"""Matches the steps of runs with the nodes of a sent graph. Pure.

They are matched by node id; where the producer sends none (Dify's telemetry), by title and kind, if
just one node of the graph has both. The first is certain, the second is as good as the titles are.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from enum import Enum

from nodes.graph.graph import Graph, GraphNode
from nodes.graph.steps import GraphStep
from nodes.kinds import kind_of

Name = tuple[str, str]  # kind and title
# Every graph has a start: a single node distinguishes none.
FEWEST = 2
# What Dify reports of a chat turn beside the nodes of its graph (its TraceTaskName).
NOT_IN_GRAPH = frozenset(
    {"moderation", "suggested_question", "dataset_retrieval", "generate_conversation_name"}
)


class GraphMatch(Enum):
    """The criterion by which steps were matched with nodes; the value is for a person to read."""

    NONE = ""
    IDS = "the ids of their nodes"
    TITLES = "the titles and types of their nodes"


def nodes_by_name(nodes: Iterable[GraphNode]) -> dict[Name, GraphNode]:
    """Return nodes by kind and title, where no other has the same."""
    by_name: dict[Name, list[GraphNode]] = defaultdict(list)
    for node in nodes:
        by_name[node.kind, node.title].append(node)
    return {name: nodes[0] for name, nodes in by_name.items() if len(nodes) == 1}


def align_ids(sent: Graph, runs: Collection[Sequence[GraphStep]]) -> Graph:
    """Return `sent` with the ids that its nodes have in the runs, so that they are looked up by
    them. Where runs name a node by its id and by its title, the steps named by title get the id."""
    known = {node.id for node in sent.nodes}
    keys = {step.key for steps in runs for step in steps}
    named = nodes_by_name(sent.nodes)
    aliases: dict[str, set[str]] = defaultdict(set)  # node id → other keys of its steps
    for steps in runs:
        for step in steps:
            if step.key not in known and (node := named.get((step.kind, step.title))):
                aliases[node.id].add(step.key)
    if not aliases:
        return sent
    new_ids = {id_: id_ if id_ in keys else min(others) for id_, others in aliases.items()}
    for steps in runs:
        for step in steps:
            if step.key not in known and (node := named.get((step.kind, step.title))):
                step.node_id = new_ids[node.id]
    return _with_new_ids(sent, new_ids)


def _with_new_ids(graph: Graph, new_ids: dict[str, str]) -> Graph:
    return replace(
        graph,
        nodes=tuple(
            replace(
                node,
                id=new_ids.get(node.id, node.id),
                parent=new_ids.get(node.parent, node.parent) if node.parent else None,
            )
            for node in graph.nodes
        ),
        edges=tuple(
            replace(
                edge,
                source=new_ids.get(edge.source, edge.source),
                target=new_ids.get(edge.target, edge.target),
            )
            for edge in graph.edges
        ),
    )


def match_steps(graph: Graph, runs: Iterable[Sequence[GraphStep]]) -> GraphMatch:
    """Return the criterion by which the steps of all runs match nodes of the graph; NONE if a step
    matches none, or if there are too few steps to say. What a node did inside (an agent's calls) is
    no node of the graph; what ran in an iteration or a loop is."""
    known = {node.id for node in graph.nodes}
    named = nodes_by_name(graph.nodes)
    by_id, by_title = set(), set()
    for steps in runs:
        own = {step.id: step for step in steps}
        for step in steps:
            parent = own.get(step.parent_id)
            if parent is not None and kind_of(parent.kind).group != "loop":
                continue
            if step.title in NOT_IN_GRAPH and (step.kind, step.title) not in named:
                continue
            if step.key in known:
                by_id.add(step.key)
            elif (step.kind, step.title) in named:
                by_title.add(step.key)
            else:
                return GraphMatch.NONE
    if len(by_id | by_title) < min(len(graph.nodes), FEWEST):
        return GraphMatch.NONE
    return GraphMatch.TITLES if by_title else GraphMatch.IDS
