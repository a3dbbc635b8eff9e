"""The graph of a version, from what was sent and from its newest runs."""

from dataclasses import dataclass, field
from uuid import UUID

from nodes.graph.alignment import align_ids
from nodes.graph.graph import Graph, complete_graph, infer_graph, sent_graph
from nodes.graph.loading import load_graph_steps
from nodes.graph.steps import GraphStep
from runs.models import App, Run, Version

# Runs of a version that are looked at, and steps in all of them: a page must stay quick.
MAX_RUNS = 200
MAX_STEPS = 10_000


@dataclass(slots=True)
class VersionGraph:
    """`runs` holds the steps of each run looked at, by run id."""

    version: Version | None
    graph: Graph
    runs: dict[str, list[GraphStep]] = field(default_factory=dict)


def version_graph(app: App, version: Version | None, run_id: UUID | None = None) -> VersionGraph:
    """Return what was sent for the version, completed by its newest runs; inferred from them where
    nothing was sent. The run `run_id` is looked at in any case. Two queries."""
    run_ids = _newest_runs(app, version)
    if run_id is not None and run_id not in run_ids:
        run_ids.append(run_id)
    runs = load_graph_steps(run_ids)
    if version is None or not version.graph:
        return VersionGraph(version, infer_graph(runs.values()), runs)
    sent = align_ids(sent_graph(version.graph), runs.values())
    return VersionGraph(version, complete_graph(sent, infer_graph(runs.values())), runs)


def nodes_leading_to(version_id: int | None) -> dict[str, set[str]]:
    """Return the ids of the nodes that lead to each node, in the graph that was sent; {} if none
    was sent. One query."""
    if version_id is None:
        return {}
    graph = Version.objects.filter(pk=version_id).values_list("graph", flat=True).first()
    sources: dict[str, set[str]] = {}
    for edge in sent_graph(graph).edges:
        sources.setdefault(edge.target, set()).add(edge.source)
    return sources


def count_steps_to_read(app: App, version: Version | None) -> int:
    """Return how many steps `version_graph` reads: what it costs. One query."""
    counts = Run.objects.newest_of_version(app, version)[:MAX_RUNS]
    return min(sum(count for _, count in counts), MAX_STEPS)


def _newest_runs(app: App, version: Version | None) -> list[UUID]:
    """Return ids of the newest runs that have MAX_STEPS steps together, one at least."""
    chosen: list[UUID] = []
    steps = 0
    for run_id, count in Run.objects.newest_of_version(app, version)[:MAX_RUNS]:
        steps += count
        if chosen and steps > MAX_STEPS:
            break
        chosen.append(run_id)
    return chosen
