"""The branches that a run did not take although other runs of its version did: grey lines of
TRACING."""

from urllib.parse import urlencode

from django.core.cache import cache
from django.urls import reverse

from nodes.clock import to_us
from nodes.graph.graph import branches_not_taken
from nodes.graph.taken_edges import END
from runs.models import Run
from runs.pages.graph.version_graph import VersionGraph, count_steps_to_read, version_graph
from runs.pages.tracing.rows import BranchesNotTaken

MAX_STEPS = 2000  # of the run: in a longer one the grey lines would help no reader
QUICK_STEPS = 500  # of all runs looked at: up to here the page itself waits for the answer
KEPT_SECONDS = 60  # other runs may take new branches; opening and closing groups asks again
SHOWN = 8


def load_branches_not_taken(run: Run, wait: bool = False) -> dict[str, BranchesNotTaken] | None:
    """Return the branches not taken by the id of the node after which they begin; {} while the run
    is not at its end. None: not known yet and slow to find out; with `wait` it is found out all the
    same. Three queries at most, none soon after."""
    if run.is_unfinished or run.steps > MAX_STEPS:
        return {}
    key = f"branches-not-taken-{run.pk}-{to_us(run.last_seen_at)}"
    branches: dict[str, BranchesNotTaken] | None = cache.get(key)
    if branches is None:
        if not wait and count_steps_to_read(run.app, run.version) > QUICK_STEPS:
            return None
        branches = _linked_branches(run, version_graph(run.app, run.version, run.pk))
        cache.set(key, branches, KEPT_SECONDS)
    return branches


def _linked_branches(run: Run, version: VersionGraph) -> dict[str, BranchesNotTaken]:
    titles = {node.id: node.title for node in version.graph.nodes if node.id != END}
    taken = {step.key for step in version.runs.get(str(run.pk), [])}
    graph_url = reverse("app-graph", args=[run.app.slug])
    query = {"version": run.version.number} if run.version else {}
    branches = {}
    for node_id, missed in branches_not_taken(version.graph, taken).items():
        links = [
            (titles[target], f"{graph_url}?{urlencode({**query, 'run': run.pk, 'node': target})}")
            for target in missed
            if target in titles
        ]
        if links:
            branches[node_id] = BranchesNotTaken(links[:SHOWN], len(links[SHOWN:]))
    return branches
