"""Where a run did not go, though other runs of its version did: grey lines of TRACING."""

from urllib.parse import urlencode

from django.core.cache import cache
from django.urls import reverse

from nodes.clock import to_us
from nodes.graph.graph import not_taken
from nodes.graph.ways import END
from nodes.trace.rows import OtherWays
from runs.models import Run
from runs.pages.graph.version_graph import VersionGraph, steps_looked_at, version_graph

MAX_STEPS = 2000  # of the run: nobody looks for what is missing in a longer one
QUICK_STEPS = 500  # of all runs looked at: up to here the page itself waits for the answer
KEPT_SECONDS = 60  # other runs may bring new ways; opening and closing groups asks again
SHOWN = 8


def other_ways(run: Run, wait: bool = False) -> dict[str, OtherWays] | None:
    """The ways not taken by the id of the node after which they begin; {} while the run is not at
    its end. None: not known yet and dear to find out; `wait` finds out all the same. Three queries
    at most, none soon after."""
    if run.is_unfinished or run.steps > MAX_STEPS:
        return {}
    key = f"other-ways-{run.pk}-{to_us(run.last_seen_at)}"
    found: dict[str, OtherWays] | None = cache.get(key)
    if found is None:
        if not wait and steps_looked_at(run.app, run.version) > QUICK_STEPS:
            return None
        found = _find(run, version_graph(run.app, run.version, run.pk))
        cache.set(key, found, KEPT_SECONDS)
    return found


def _find(run: Run, version: VersionGraph) -> dict[str, OtherWays]:
    titles = {node.id: node.title for node in version.graph.nodes if node.id != END}
    taken = {step.key for step in version.runs.get(str(run.pk), [])}
    page = reverse("app-graph", args=[run.app.slug])
    number = {"version": run.version.number} if run.version else {}
    ways = {}
    for node_id, missed in not_taken(version.graph, taken).items():
        links = [
            (titles[one], f"{page}?{urlencode({**number, 'run': run.pk, 'node': one})}")
            for one in missed
            if one in titles
        ]
        if links:
            ways[node_id] = OtherWays(links[:SHOWN], len(links[SHOWN:]))
    return ways
