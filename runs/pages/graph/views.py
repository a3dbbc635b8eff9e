"""The graph of an app's version, and the side panel of a node: Settings, Last run, History."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from nodes.graph.drawing.picture import Picture, picture
from nodes.graph.graph import stored
from nodes.http import HtmxHttpRequest, render_region, wants_fragment
from nodes.models import NodeExecution
from runs.access import ReadRequest, session_or_read_key
from runs.json.execution import execution_json, json_response
from runs.json.records import version_head
from runs.lookup import app_or_404, app_run_or_404, version_or_404
from runs.models import App, Run, Version
from runs.pages.graph.node_panel import NodePanel, node_panel
from runs.pages.graph.version_graph import VersionGraph, version_graph

MAX_VERSIONS = 100


def version_of_graph(app: App, number: str, run: Run | None = None) -> Version | None:
    """Return the version of this number, or Http404; where `number` is "", the version of `run`,
    else that of the newest run, which is the one in use. None: the app's runs name no version."""
    if number:
        return version_or_404(app, number)
    run = run or Run.objects.for_app(app).for_list().first()
    return run.version if run else app.versions.first()


def panel_or_404(
    app: App, node_id: str, tab: str, version: Version | None, found: VersionGraph | None = None
) -> NodePanel:
    """The panel of a node of the graph; without `found`, of the graph as it was sent."""
    graph = found.graph if found else stored(version.graph) if version else None
    panel = "\0" not in node_id and node_panel(app, node_id, tab, graph)
    if not panel:
        raise Http404(f"{app.name} has no node “{node_id[:80]}”.")
    return panel


@require_safe
def graph_page(request: HtmxHttpRequest, slug: str) -> HttpResponse:
    app = app_or_404(slug)
    run_id = request.GET.get("run", "")
    run = app_run_or_404(app, run_id) if run_id else None
    version = version_of_graph(app, request.GET.get("version", ""), run)
    node_id, tab = request.GET.get("node", ""), request.GET.get("tab", "")
    page_url = reverse("app-graph", args=[app.slug])
    context: dict[str, Any] = {"app": app, "tab": "graph", "graph_url": page_url, "run": run}
    if node_id and wants_fragment(request):
        context["node_panel"] = panel_or_404(app, node_id, tab, version)
        return render_region(request, "graph/graph.html", "graph/_node_panel.html", context)
    found = version_graph(app, version, run.pk if run else None)
    if node_id:
        context["node_panel"] = panel_or_404(app, node_id, tab, version, found)
    steps = found.runs.get(str(run.pk), []) if run else None
    context |= {
        "version": version,
        "versions": app.versions.defer("graph", "configuration")[:MAX_VERSIONS],
        "picture": picture(found.graph, node_id, steps),
    }
    return render_region(request, "graph/graph.html", "graph/_graph.html", context)


@require_safe
def last_run(request: HtmxHttpRequest, slug: str, node_id: str) -> HttpResponse:
    """The newest execution of a node: its panel, or the graph with that panel open."""
    app = app_or_404(slug)
    page_url = reverse("app-graph", args=[app.slug])
    panel = panel_or_404(app, node_id, "last-run", version_of_graph(app, ""))
    if not wants_fragment(request):
        return redirect(f"{page_url}?{urlencode({'node': node_id, 'tab': 'last-run'})}")
    context = {"app": app, "node_panel": panel, "graph_url": page_url}
    return render_region(request, "graph/graph.html", "graph/_node_panel.html", context)


@session_or_read_key
@require_safe
def last_run_json(request: ReadRequest, slug: str, node_id: str) -> HttpResponse:
    app = app_or_404(slug, request.only_app)
    executions = NodeExecution.objects.of_node(app.pk, node_id)
    found = None if "\0" in node_id else executions.first()
    if found is None:
        raise Http404(f"Node “{node_id[:80]}” of {app.name} has not run.")
    return json_response(execution_json(found))


@session_or_read_key
@require_safe
def graph_json(request: ReadRequest, slug: str) -> HttpResponse:
    app = app_or_404(slug, request.only_app)
    version = version_of_graph(app, request.GET.get("version", ""))
    found = version_graph(app, version)
    return json_response({
        "version": version_head(version),
        "inferred": found.graph.inferred,
        "runs": found.graph.runs,
        "nodes": nodes_json(picture(found.graph)),
        "edges": [
            {"source": e.source, "target": e.target, "handle": e.handle or None, "runs": e.runs}
            for e in found.graph.edges
        ],
    })  # fmt: skip


def nodes_json(shown: Picture) -> list[dict[str, Any]]:
    """Nodes with where they stand: as sent, else as drawn; null for those that are not drawn."""
    ids = [UUID(node.last_id) for node in shown.graph.nodes if node.last_id]
    last = NodeExecution.objects.in_bulk(ids)
    drawn = {card.node.id: (card.x, card.y) for card in shown.cards()}
    found = []
    for node in shown.graph.nodes:
        x, y = drawn.get(node.id, (None, None))
        execution = last.get(UUID(node.last_id)) if node.last_id else None
        found.append({
            "id": node.id,
            "kind": node.kind,
            "title": node.title,
            "x": x if node.x is None else node.x,
            "y": y if node.y is None else node.y,
            "parent": node.parent,
            "config": node.config,
            "runs": node.runs,
            "failed": node.failed,
            "last_run": execution_json(execution) if execution else None,
        })  # fmt: skip
    return found
